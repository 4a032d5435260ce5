/** What a box tells a witness: what it is about to do, what came of it, what its program says. */
import { shortened } from '../kernel/printable.js'
import type { Result } from '../kernel/result.js'
import type { Actor, Step } from '../kernel/step.js'
import { unwitnessed, type Witness } from '../trace/witness.js'
import { type ChangeGroup, linesOfGroups } from './difference.js'
import { resultWords, stepWords } from './words.js'

/** Characters of what a program printed at once. */
const MOST = 20_000

export interface TestimonyParts {
  readonly box: string
  /** The host's pids of the box's shim and of its child, where they are. */
  readonly focus: () => readonly number[]
  readonly witness?: Witness | undefined
  /** What belongs to the picture besides this box: processes, by the host's pids. */
  readonly beside?: (() => readonly number[]) | undefined
}

export class Testimony {
  readonly #box: string
  readonly #focus: () => readonly number[]
  readonly #witness: Witness
  readonly #around: () => readonly number[]
  readonly #made: Step[] = []

  constructor({ box, focus, witness = unwitnessed, beside = () => [] }: TestimonyParts) {
    this.#box = box
    this.#focus = focus
    this.#witness = witness
    this.#around = () => [...focus(), ...beside()]
  }

  ahead(title: string | undefined, steps: readonly (Step & { actor: Actor })[]): void {
    const earlier = [...this.#made]
    this.#witness.tell(() => {
      const words = steps.map((step, index) => stepWords(step, [...earlier, ...steps.slice(0, index)]))
      return { kind: 'ahead', box: this.#box, ...(title !== undefined && { title }), steps: words, focus: this.#focus() }
    })
    this.#made.push(...steps)
  }

  done(results: readonly Result[], changes: readonly ChangeGroup[], because: readonly string[]): void {
    this.#witness.tell(() => ({
      kind: 'done',
      box: this.#box,
      results: results.map(resultWords),
      changes: linesOfGroups(changes),
      because,
      focus: this.#focus(),
    }))
  }

  printed(text: string): void {
    if (text !== '') this.#witness.tell(() => ({ kind: 'printed', box: this.#box, text: shortened(text, MOST) }))
  }

  said(sentence: string): void {
    this.#witness.tell(() => ({ kind: 'said', markdown: sentence }))
  }

  /** The state as it is now; `fresh`: or as it was a moment ago. */
  picture(options: { readonly fresh?: boolean } = {}): Promise<void> {
    return this.#witness.picture(this.#around, options)
  }
}
