/** Which process on the real host is number n in a bottle. */
import type { Bottle } from '../bottle.js'
import { DrydockError } from '../kernel/errors.js'

/** The host's pid of the process that the bottle knows as `pid`. Throws when there is none any more. */
export function hostPidOf(bottle: Bottle, pid: number): number {
  const found = bottle.hostPid(pid)
  if (found === undefined) throw new DrydockError(`there is no process ${pid} in the bottle any more`)
  return found
}
