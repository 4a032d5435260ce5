/**
 * A container from its plan to its running program:
 *
 *     runner                                   shim                          container
 *       │ ── MONITOR ────────────────────────►  │
 *       │ ── prepare … root, users ──────────►  │ ── clone3 ─────────────────►  │
 *       │ ◄─ /etc/passwd and /etc/group ──────  │ ◄───────────────────────────  │
 *       │ ── name … exec ────────────────────►  │ ───────────────────────────►  │ execve
 *       │ ◄─ EXEC, OUTPUT …, EXIT, ENDED ─────  │
 *
 * The plan is one list; it is cut once, where the user has to be known.
 */
import type { MonitorSettings } from '../kernel/monitor.js'
import type { Result } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import type { Step } from '../kernel/step.js'
import { runHelpers } from '../primitives/idmap-helpers.js'
import type { ContainerUser } from '../primitives/process.js'
import { type Assembled, assemble, checkPossible, type Surroundings } from './assemble.js'
import { startError } from './failures.js'
import { meetBefore, type PlannedStep } from './plan.js'
import type { ContainerSpec } from './spec.js'
import { LARGEST, likelyUser, lookUpUsers, readInPart, sameUser, userFrom } from './users.js'

export interface StartOptions {
  readonly shim: Shim
  readonly spec: ContainerSpec
  readonly surroundings: Surroundings
  /** What the shim does after the execve, besides holding the container's streams. */
  readonly monitor?: Pick<
    MonitorSettings,
    'detach' | 'keepStdin' | 'logPath' | 'logMaxSize' | 'logMaxFiles' | 'logAttrs' | 'exitPath' | 'socketPath'
  >
  /** Called when the monitor's socket can be connected to; the program is not executed before it resolves. */
  readonly monitored?: () => Promise<void>
  /** Instead of `shim.attemptQuietly`: for whoever wants to see each call, or to wait before it. */
  readonly attempt?: (steps: readonly Step[]) => Promise<Result[]>
}

export interface Started {
  /** The first process, as the shim's pid namespace numbers it. */
  readonly pid: number
  readonly user: ContainerUser
  readonly assembled: Assembled
  /** Of those steps that had something to say; of all, if `attempt` says so. */
  readonly results: readonly Result[]
}

/** Make it and let it run. On failure everything is undone before the error is thrown: a StartError, with the exit code. */
export async function start(options: StartOptions): Promise<Started> {
  const { shim, spec, surroundings } = options
  checkPossible(spec, surroundings.machine)
  const results: Result[] = []
  const make = async (steps: readonly Step[]) => {
    const answers = await (options.attempt ?? ((some) => shim.attemptQuietly(some)))(steps)
    results.push(...answers)
    const error = startError(answers, spec)
    if (error) throw error
    return answers
  }
  try {
    let user = likelyUser(spec.user)
    let assembled = assemble(spec, user, surroundings)
    const [before, after] = meetBefore('name', assembled.steps)
    const [monitored, admitted] = shim.together(() => {
      const answer = shim.monitor({ ...assembled.monitor, ...options.monitor }).then(() => options.monitored?.())
      answer.catch(() => undefined)
      return [answer, admit(before, make, shim, surroundings)]
    })
    const answers = await admitted
    await monitored
    const whole = readInPart(answers) ? await make(lookUpUsers(spec, LARGEST).steps) : answers
    const found = userFrom(whole, spec.user, spec.groups)
    let rest = after
    if (!sameUser(found, user)) {
      user = found
      assembled = assemble(spec, user, surroundings)
      rest = meetBefore('name', assembled.steps)[1]
    }
    await make(rest)
    return { pid: shim.childPid as number, user, assembled, results }
  } catch (error) {
    await shim.rollback()
    throw error
  }
}

type Make = (steps: readonly Step[]) => Promise<Result[]>

/** The first part. An ordinary user's ids are mapped by newuidmap, which runs between two of its phases. */
async function admit(steps: readonly PlannedStep[], make: Make, shim: Shim, { machine }: Surroundings): Promise<Result[]> {
  if (machine.idmap?.method !== 'newuidmap') return make(steps)
  const [before, after] = meetBefore('become', steps)
  await make(before)
  await runHelpers(machine.idmap, shim.childPid as number, 'the container')
  return make(after)
}
