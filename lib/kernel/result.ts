/** What a step answered, and the error that a failed one becomes. */
import { errnoOf } from './constants.js'
import { DrydockError } from './errors.js'
import { showStep } from './show.js'
import type { Actor, Step } from './step.js'

/** Outcome of one step. `ret` is the call's return value, `errno` 0 on success, `nanoseconds` the time in the call. */
export interface Result {
  readonly step: Step & { readonly actor: Actor }
  readonly status: 'ok' | 'failed' | 'allowed' | 'not run'
  readonly ret: bigint
  readonly errno: number
  readonly nanoseconds: number
  /** Contents of the step's out-buffers, in the order in which they stand in it. */
  readonly outs: readonly Buffer[]
}

/** A step that failed: `mount("proc", "/proc", …): EPERM (Operation not permitted)`, and the cause when it is known. */
export class StepError extends DrydockError {
  readonly result: Result

  constructor(result: Result, because?: string) {
    const { name, text } = errnoOf(result.errno)
    super(`${showStep(result.step)}: ${name} (${text})${because ? `: ${because}` : ''}`)
    this.result = result
  }

  get step(): Step {
    return this.result.step
  }

  /** The error's name, such as 'EPERM'. */
  get errno(): string {
    return errnoOf(this.result.errno).name
  }
}

/** The bytes of an out-buffer that a read-like call filled, as text. */
export function textOf(result: Result, out = 0): string {
  const buffer = result.outs[out]
  if (!buffer) return ''
  return buffer.subarray(0, Math.max(0, Number(result.ret))).toString('utf8')
}
