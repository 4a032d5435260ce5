/** One try at an exercise: the learner's steps, run in a bottle of their own, and what was expected of them. */
import type { Bottle } from '../bottle.js'
import { DrydockError } from '../kernel/errors.js'
import type { Exit } from '../kernel/frames.js'
import { patience } from '../kernel/patience.js'
import { readStatus } from '../kernel/proc/status.js'
import { type Result, StepError } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import type { Step } from '../kernel/step.js'
import type { Ground } from './ground.js'
import { hostPidOf } from './host-pid.js'
import type { Trial, TrialBox } from './lesson.js'
import { BoxStdio } from './stdio.js'

/** So long the steps themselves may take; what they execute may take longer. */
const LONGEST_RUN = patience(10_000)

/** A program that has nothing to do has ended, and another one sleeps, before so many looks were taken at it, also on a busy machine. */
const LOOKS = 100
const BETWEEN_LOOKS = 50

export interface Finding {
  readonly holds: boolean
  readonly saw: string
  /** Number of the hint that fits, from 1. */
  readonly hint: number | undefined
}

/** The learner's steps did not run to their end; the try is over. */
export class TrialFailure extends DrydockError {
  /** Up to the step that failed, when one did. */
  readonly results: readonly Result[]

  constructor(message: string, results: readonly Result[] = []) {
    super(message)
    this.results = results
  }
}

export class ExerciseTrial implements Trial {
  readonly ground: Ground
  readonly challenge: Trial['challenge']
  readonly steps: readonly Step[]
  readonly findings: Finding[] = []

  constructor(ground: Ground, challenge: Trial['challenge'], steps: readonly Step[]) {
    this.ground = ground
    this.challenge = challenge
    this.steps = steps
  }

  get bottle(): Bottle {
    return this.ground.bottle
  }

  expect(holds: boolean, saw: string, hint?: number): void {
    this.findings.push({ holds, saw, hint })
  }

  async run(before: readonly Step[] = []): Promise<TrialBox> {
    const shim = await this.bottle.shim()
    const stdio = new BoxStdio(shim)
    const all = await within(stdio.attempt([...before, ...this.steps]), LONGEST_RUN)
    if (all === undefined) {
      // It may be the shim itself that waits in a call: its connection is cut, and the bottle's end ends it.
      await shim.close()
      throw new TrialFailure(`your steps did not come to an end within ${LONGEST_RUN / 1000} s: one of them waits for something`)
    }
    const unprepared = all.slice(0, before.length).find(({ status }) => status === 'failed')
    if (unprepared) throw new StepError(unprepared, 'this was to be there before your steps began')
    const results = all.slice(before.length)
    const at = results.findIndex(({ status }) => status === 'failed')
    const failed = results[at]
    if (failed) {
      throw new TrialFailure(`step ${at + 1} of your ${results.length} failed: ${new StepError(failed).message}`, results.slice(0, at + 1))
    }
    return new RunningTrial(this.bottle, shim, results, stdio)
  }
}

class RunningTrial implements TrialBox {
  readonly shim: Shim
  readonly results: readonly Result[]
  readonly hostPid: number | undefined
  readonly #stdio: BoxStdio

  constructor(bottle: Bottle, shim: Shim, results: readonly Result[], stdio: BoxStdio) {
    this.shim = shim
    this.results = results
    this.#stdio = stdio
    this.hostPid = pidOnHost(bottle, shim.childPid)
  }

  async exitWithin(milliseconds: number): Promise<Exit | undefined> {
    return this.shim.childPid === undefined ? undefined : within(this.shim.exited, milliseconds)
  }

  async settle(): Promise<Exit | undefined> {
    let before: string | undefined
    for (let look = 0; look < LOOKS; look++) {
      const exit = await this.exitWithin(BETWEEN_LOOKS)
      if (exit) return exit
      const now = restOf(this.hostPid)
      if (now !== undefined && now === before) return undefined
      before = now
    }
    return undefined
  }

  output(): string {
    return this.#stdio.text
  }
}

/** How often a process that sleeps has given up the processor until now; undefined while it is busy, or ending. */
function restOf(pid: number | undefined): string | undefined {
  const status = pid === undefined ? undefined : readStatus(pid)
  return status && /^[ST]/.test(status.state) ? status.lines.get('voluntary_ctxt_switches') : undefined
}

/** Undefined also when it has ended already. */
function pidOnHost(bottle: Bottle, pid: number | undefined): number | undefined {
  try {
    return pid === undefined ? undefined : hostPidOf(bottle, pid)
  } catch {
    return undefined
  }
}

/** What a promise resolves to, or undefined when that takes too long. */
export async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds)
  })
  promise.catch(() => undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
