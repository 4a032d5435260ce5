/** Small filters for lessons: everything is allowed but a few calls. */
import { errnoNumber } from '../../kernel/constants.js'
import { type Step, type StepOptions, step } from '../../kernel/step.js'
import { seccomp } from './index.js'
import type { Profile } from './profile.js'
import { numberOf } from './simulate.js'

export interface ForbidOptions extends StepOptions {
  /** The error that a forbidden call answers, by its name, EPERM when absent; or 'kill': the process is ended by SIGSYS. */
  readonly answer?: string
}

/** A profile in Docker's form that lets everything pass but these calls. A name that this machine does not know is an error, not skipped. */
export function forbidding(calls: readonly string[], answer = 'EPERM'): Profile {
  for (const call of calls) numberOf(call)
  const verdict =
    answer === 'kill'
      ? ({ action: 'SCMP_ACT_KILL_PROCESS' } as const)
      : ({ action: 'SCMP_ACT_ERRNO', errnoRet: errnoNumber(answer) } as const)
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: calls, ...verdict }] }
}

/**
 * seccomp(2): from here on the caller and its descendants may not make these calls, named as the kernel names them: `mkdirat`, not mkdir(1).
 * An error for `read`, `write` and `execve`: the child waits for its next steps with the first two and becomes a program with the third.
 */
export function forbid(calls: string | readonly string[], { answer, ...options }: ForbidOptions = {}): Step {
  const profile = forbidding(typeof calls === 'string' ? [calls] : calls, answer)
  const [filter] = seccomp({ profile, capabilities: [], noNewPrivileges: false }).steps as [Step]
  return step(filter.call, filter.args, options)
}
