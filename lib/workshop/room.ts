/** The learners who have joined, as long as this program runs: nothing is written down. */
import { inventName } from '../container/names.js'
import { DrydockError } from '../kernel/errors.js'
import { randomBelow } from '../kernel/random.js'
import type { LearnerReport } from '../trace/report.js'
import { isToken } from './access.js'
import { Allowance } from './allowance.js'
import type { LearnerView } from './protocol.js'

const MOST_LEARNERS = 500
/** And from one address: who knows the word could otherwise fill the room with names of his own making, and keep all others out. */
const MOST_FROM_ONE = 100
/** Milliseconds of silence after which a learner is forgotten. */
const FORGETS = 4 * 3_600_000
/** And after which he makes room for another in a full room; at once when he has left. */
const YIELDS = 15 * 60_000

interface Learner {
  readonly view: LearnerView
  readonly allowance: Allowance
  /** The address from which he was heard last. */
  readonly from: string
}

export class Room {
  /** What learners type to join: `merry-ketch-42`. */
  readonly word = `${inventName().replace('_', '-')}-${10 + randomBelow(90)}`
  /** By their own ids, which nobody else is told. */
  readonly #learners = new Map<string, Learner>()
  /** Guesses at the word, by where they come from: a whole class may come from one address. */
  readonly #guesses = new Map<string, Allowance>()
  readonly #now: () => number
  #joined = 0

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** In the order in which they have joined. */
  get learners(): readonly LearnerView[] {
    this.#forget()
    return [...this.#learners.values()].map(({ view }) => view)
  }

  /** Throws 403 for a wrong word, 429 for too much at once, 503 for a full room. `from`: the address of who reports. */
  hear({ id, room, version: _, ...rest }: LearnerReport, from: string): void {
    const now = this.#now()
    this.#forget()
    const known = this.#learners.get(id)
    if (!known) this.#letIn(room, from, now)
    else if (!this.#isWord(room)) throw WRONG_WORD()
    const allowance = known?.allowance ?? new Allowance(REPORTS)
    if (!allowance.take(now)) throw new DrydockError('these reports come too fast', { status: 429 })
    const key = known?.view.key ?? String(++this.#joined)
    this.#learners.set(id, { view: { ...rest, key, heard: now }, allowance, from })
  }

  #letIn(word: string, from: string, now: number): void {
    const guesses = this.#guesses.get(from) ?? new Allowance(GUESSES)
    if (guesses.isEmpty(now)) throw new DrydockError('too many wrong words came from there: wait for some seconds', { status: 429 })
    if (!this.#isWord(word)) {
      guesses.take(now)
      this.#guesses.set(from, guesses)
      throw WRONG_WORD()
    }
    const neighbours = [...this.#learners].filter(([, learner]) => learner.from === from)
    if (neighbours.length >= MOST_FROM_ONE && !this.#makeRoom(neighbours, now)) {
      throw new DrydockError(`${MOST_FROM_ONE} learners have joined from your address, and no more are let in from there`, { status: 503 })
    }
    if (this.#learners.size >= MOST_LEARNERS && !this.#makeRoom([...this.#learners], now)) {
      throw new DrydockError(`the room is full: ${MOST_LEARNERS} learners have joined`, { status: 503 })
    }
  }

  /** As people type what they have heard or read. */
  #isWord(word: string): boolean {
    return isToken(word.trim().toLowerCase(), this.word)
  }

  /** By one of these, if one of them is not there any more. */
  #makeRoom(learners: readonly (readonly [id: string, Learner])[], now: number): boolean {
    const idle = learners.filter(([, { view }]) => view.left || now - view.heard > YIELDS)
    const [longest] = idle.sort(([, one], [, other]) => one.view.heard - other.view.heard)
    return longest !== undefined && this.#learners.delete(longest[0])
  }

  #forget(): void {
    const now = this.#now()
    for (const [id, { view }] of this.#learners) if (now - view.heard > FORGETS) this.#learners.delete(id)
    // Who may guess as much as one who never has need not be remembered.
    for (const [from, guesses] of this.#guesses) if (guesses.isFull(now)) this.#guesses.delete(from)
  }
}

/** At most so many at once, and a second. */
const REPORTS = { most: 10, perSecond: 2 }
const GUESSES = { most: 30, perSecond: 1 }

const WRONG_WORD = () => new DrydockError('that is not the word of this room: it is on the instructor’s page', { status: 403 })
