/**
 * A letter for each namespace that is not the host's: the letter of the box that it came up with. A box in which one thing bears another box's letter
 * shares that thing with it. Letters stay while their namespaces live.
 */
import type { Picture } from '../../picture/types.js'
import { KINDS } from './kinds.js'

type Inodes = Readonly<Record<string, number>>

/** Colours that there are; more letters begin again with the first, which is why there are letters. */
export const TONES = 8

export class Labels {
  readonly #host: Inodes
  /** `uts:4026532281` → `A`. */
  readonly #letters: ReadonlyMap<string, string>

  private constructor(host: Inodes, letters: ReadonlyMap<string, string>) {
    this.#host = host
    this.#letters = letters
  }

  static of(picture: Picture, before?: Labels): Labels {
    const host = picture.host.namespaces
    const letters = new Map<string, string>()
    // What is in use by anybody who is drawn, even where the namespaces themselves could not be looked at.
    const drawn = Object.values(picture.tables.processes).sort((one, other) => one.pid - other.pid)
    for (const one of drawn) {
      for (const key of ownKeys(one.namespaces, host)) {
        const letter = before === undefined ? undefined : before.#letters.get(key)
        if (letter) letters.set(key, letter)
      }
    }
    const taken = new Set(letters.values())
    const users = usersOf(drawn, host)
    for (const one of drawn) {
      const fresh = ownKeys(one.namespaces, host).filter((key) => !letters.has(key))
      if (fresh.length === 0) continue
      // A process that goes on unsharing stays the same box: its next namespaces bear the letter that only it has.
      const letter = ownLetter(one.namespaces, host, letters, users) ?? nextLetter(taken)
      taken.add(letter)
      for (const key of fresh) letters.set(key, letter)
    }
    return new Labels(host, letters)
  }

  /** Undefined for the host's own. */
  of(kind: string, inode: number | undefined): string | undefined {
    return inode === undefined || inode === this.#host[kind] ? undefined : this.#letters.get(`${kind}:${inode}`)
  }

  /** The letter of the box: of the namespace that fewest others have. */
  ofBox(namespaces: Inodes): string {
    const letters = ownKeys(namespaces, this.#host).map((key) => this.#letters.get(key) ?? '?')
    return letters.sort((one, other) => place(other) - place(one))[0] ?? 'host'
  }
}

/** The colour of a letter, from 0. */
export const toneOf = (letter: string): number => (letter.replace(/\d+$/, '').length === 1 ? place(letter.charAt(0)) % TONES : 0)

const place = (letter: string): number => [...letter].reduce((sum, one) => sum * 26 + one.charCodeAt(0) - 64, 0) - 1

const ownKeys = (namespaces: Inodes, host: Inodes): string[] =>
  KINDS.filter((kind) => namespaces[kind] !== undefined && namespaces[kind] !== host[kind]).map((kind) => `${kind}:${namespaces[kind]}`)

/** For each namespace the sets of namespaces that it is part of: one where only processes of one box are in it. */
function usersOf(drawn: readonly { readonly namespaces: Inodes }[], host: Inodes): ReadonlyMap<string, ReadonlySet<string>> {
  const users = new Map<string, Set<string>>()
  for (const { namespaces } of drawn) {
    const keys = ownKeys(namespaces, host)
    const box = keys.join()
    for (const key of keys) users.set(key, (users.get(key) ?? new Set()).add(box))
  }
  return users
}

function ownLetter(mine: Inodes, host: Inodes, letters: ReadonlyMap<string, string>, users: ReadonlyMap<string, ReadonlySet<string>>) {
  const key = ownKeys(mine, host).find((one) => letters.has(one) && users.get(one)?.size === 1)
  return key === undefined ? undefined : letters.get(key)
}

/** `A` to `Z`, `AA`, … : the first that nobody has. */
function nextLetter(taken: ReadonlySet<string>): string {
  for (let number = 0; ; number++) {
    const letter = lettersOf(number)
    if (!taken.has(letter)) return letter
  }
}

const lettersOf = (number: number): string =>
  (number >= 26 ? lettersOf(Math.floor(number / 26) - 1) : '') + String.fromCharCode(65 + (number % 26))
