/**
 * The numbers behind the words. They come from the C headers of the machine that the shim was built on (`shim --constants`,
 * kept by the build as constants.json), so that no architecture's table is typed by hand here.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DrydockError } from './errors.js'
import type { Group, Word } from './words.js'

interface Constants {
  arch: string
  protocol: number
  groups: Record<string, Record<string, number>>
  syscalls: Record<string, number>
  errnos: Record<string, { number: number; text: string }>
  sizes: Record<string, number>
}

const buildDirectory = process.env.DRYDOCK_NATIVE ?? fileURLToPath(new URL('../../native/build/', import.meta.url))

/** The shim's program file. */
export const SHIM_PATH = process.env.DRYDOCK_SHIM ?? `${buildDirectory.replace(/\/$/, '')}/shim`

function load(): Constants {
  const path = `${buildDirectory.replace(/\/$/, '')}/constants.json`
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Constants
  } catch (cause) {
    throw new DrydockError(`the native part is not built (${path} cannot be read): run \`make -C native\``, { cause })
  }
}

const constants = load()

export const ARCH = constants.arch
/** Names of all system calls of this architecture, with their numbers. */
export const SYSCALLS: Readonly<Record<string, number>> = constants.syscalls
/** Sizes in bytes of the kernel's structures (`clone_args`, `mount_attr`, `open_how`, …). */
export const SIZES: Readonly<Record<string, number>> = constants.sizes

/** The number of one word. */
export function constant<G extends Group>(group: G, word: Word<G>): number {
  const value = constants.groups[group]?.[word as string]
  if (value === undefined) {
    throw new DrydockError(`the kernel headers on this machine have no ${group} constant '${String(word)}'`)
  }
  return value
}

/** The words of one group combined as bits. Beyond 32 bits the result is exact up to 2^53. */
export function flags<G extends Group>(group: G, words: readonly Word<G>[]): number {
  let bits = 0
  for (const word of words) bits = combine(bits, constant(group, word))
  return bits
}

/** Both numbers' bits: JavaScript's own operator has 32 of them, and a sign. */
function combine(a: number, b: number): number {
  return a < 2 ** 31 && b >= 0 && b < 2 ** 31 ? a | b : Number(BigInt(a) | BigInt(b))
}

/** The words whose bits are all in `bits`, and what no word names. For groups in which words are single bits. */
export function wordsOf<G extends Group>(group: G, bits: number): { words: Word<G>[]; rest: number } {
  return bits >= 0 && bits < 2 ** 31 ? shortWordsOf(group, bits) : longWordsOf(group, bits)
}

/** The same of 31 bits, which is what links have by the hundred. */
function shortWordsOf<G extends Group>(group: G, bits: number): { words: Word<G>[]; rest: number } {
  let rest = bits
  const words: Word<G>[] = []
  const known = constants.groups[group] ?? {}
  for (const word in known) {
    const value = known[word] as number
    if (value > 0 && value < 2 ** 31 && (rest & value) === value) {
      words.push(word as Word<G>)
      rest &= ~value
    }
  }
  return { words, rest }
}

function longWordsOf<G extends Group>(group: G, bits: number): { words: Word<G>[]; rest: number } {
  let rest = BigInt(bits)
  const words: Word<G>[] = []
  for (const [word, value] of Object.entries(constants.groups[group] ?? {})) {
    if (value !== 0 && (rest & BigInt(value)) === BigInt(value)) {
      words.push(word as Word<G>)
      rest &= ~BigInt(value)
    }
  }
  return { words, rest: Number(rest) }
}

/** By group, made when a number of it is first asked about. */
const wordsByNumber = new Map<Group, ReadonlyMap<number, string>>()

/** The word of a number in a group in which words are alternatives (a signal, a capability); the first of several. */
export function wordOf<G extends Group>(group: G, value: number): Word<G> | undefined {
  let words = wordsByNumber.get(group)
  if (!words) {
    const rows = Object.entries(constants.groups[group] ?? {}).map(([word, number]) => [number, word] as const)
    words = new Map(rows.reverse())
    wordsByNumber.set(group, words)
  }
  return words.get(value) as Word<G> | undefined
}

let errnosByNumber: ReadonlyMap<number, { name: string; text: string }> | undefined

/** Name and text of an error number: `{ name: 'EPERM', text: 'Operation not permitted' }`. */
export function errnoOf(number: number): { name: string; text: string } {
  errnosByNumber ??= new Map(Object.entries(constants.errnos).map(([name, { number, text }]) => [number, { name, text }]))
  return errnosByNumber.get(number) ?? { name: `errno ${number}`, text: 'unknown error' }
}

/** The number of an error's name. */
export function errnoNumber(name: string): number {
  const entry = constants.errnos[name]
  if (!entry) throw new DrydockError(`'${name}' is no error name of this kernel`)
  return entry.number
}
