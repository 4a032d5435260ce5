/** `drydock run --trace`: each call as it was made, with its result and its time, as strace(1) prints them. */
import { errnoOf } from '../kernel/constants.js'
import type { Result } from '../kernel/result.js'
import { showStep } from '../kernel/show.js'

/** One line, on stderr, so that the container's own output stays what it is. */
export function traceLine({ step, status, ret, errno, nanoseconds }: Result): string {
  const actor = step.actor.padEnd(9)
  if (status === 'not run') return `${actor} ${showStep(step)} = not made\n`
  const failed = errno === 0 ? undefined : errnoOf(errno)
  const outcome = failed ? `-1 ${failed.name} (${failed.text})` : String(ret)
  const became = step.call.startsWith('execve') && !failed
  return `${actor} ${showStep(step)} = ${became ? 'runs' : `${outcome} <${(nanoseconds / 1e9).toFixed(6)}>`}${status === 'allowed' ? ' (expected)' : ''}\n`
}
