/** Where a container's time goes: what the kernel took for the calls of each phase, by the shim's own clock. */
import { PHASES } from '../lib/container/phases.js'
import type { Result } from '../lib/kernel/result.js'
import type { Shim } from '../lib/kernel/shim.js'
import type { Step } from '../lib/kernel/step.js'
import type { Stretch } from './page/result.js'
import { medianOf } from './page/statistics.js'

/** One run, in milliseconds by this process's clock. */
export interface Profile {
  /** Until the first call was sent: the plan, and a look at the bridge. */
  readonly planning: number
  readonly results: readonly Result[]
  /** From execve until nothing is left: the program, and what undoes the rest. */
  readonly running: number
  /** Of each undo step, by the shim's clock. */
  readonly undone: readonly number[]
  readonly whole: number
}

/** The clock of one run. */
export class Profiler {
  readonly #began = performance.now()
  readonly #undone: number[] = []
  #planned = 0
  #made = 0

  /** What makes the steps, and takes the time. */
  attempt(shim: Shim): (steps: readonly Step[]) => Promise<Result[]> {
    shim.on('undone', ({ nanoseconds }) => this.#undone.push(nanoseconds / 1e6))
    return async (steps) => {
      this.#planned ||= performance.now()
      const results = await shim.attempt(steps)
      this.#made = performance.now()
      return results
    }
  }

  ended(results: readonly Result[]): Profile {
    const now = performance.now()
    return {
      planning: this.#planned - this.#began,
      results,
      running: now - this.#made,
      undone: this.#undone,
      whole: now - this.#began,
    }
  }
}

/** Of each phase that has calls, and of what is before, between and after them. */
export function stretchesOf(profiles: readonly Profile[]): Stretch[] {
  const row = (name: string, milliseconds: (profile: Profile) => number, calls: (profile: Profile) => number = () => 0): Stretch => ({
    name,
    calls: medianOf(profiles.map(calls)),
    median: 1000 * medianOf(profiles.map(milliseconds)),
  })
  const phases = PHASES.map(({ name }) =>
    row(
      name,
      ({ results }) => inKernel(of(results, name)),
      ({ results }) => of(results, name).length,
    ),
  )
  return [
    row('plan', ({ planning }) => planning),
    ...phases.filter(({ calls }) => calls > 0),
    row('messages', ({ whole, planning, results, running }) => Math.max(0, whole - planning - inKernel(results) - running)),
    row('program', ({ running, undone }) => running - sum(undone)),
    row(
      'clean-up',
      ({ undone }) => sum(undone),
      ({ undone }) => undone.length,
    ),
  ]
}

/** Calls of a phase that were made. */
const of = (results: readonly Result[], phase: string): Result[] =>
  results.filter(({ step, status }) => step.phase === phase && status !== 'not run')

/** Milliseconds, by the shim's clock. */
const inKernel = (results: readonly Result[]): number => sum(results.map(({ nanoseconds }) => nanoseconds)) / 1e6

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)
