/**
 * Which containers run. Nothing on disk can say that for certain, as anybody may be killed at any time; the kernel can: a container runs
 * when there is a process 1 of a pid namespace whose root is an overlay with the container's upper directory.
 */
import { processIds } from '../kernel/proc/processes.js'
import { textIfReadable } from '../kernel/readable.js'

/** Upper directory of each running container, and its first process as this pid namespace numbers it. */
export function firstProcesses(): Map<string, number> {
  const found = new Map<string, number>()
  for (const pid of processIds()) {
    if (!isInit(pid)) continue
    const upper = upperOf(pid)
    if (upper !== undefined) found.set(upper, pid)
  }
  return found
}

/** The first process of the container with this upper directory; undefined when it does not run. */
export const firstProcess = (upper: string): number | undefined => firstProcesses().get(upper)

/** Is this process one of the container with this upper directory? Its number may have been given to another one by now. */
export const runsIn = (pid: number, upper: string): boolean => pid > 0 && upperOf(pid) === upper

/** Process 1 of a pid namespace below ours. */
function isInit(pid: number): boolean {
  return /^NSpid:(\s+\d+)+\s+1$/m.test(textIfReadable(`/proc/${pid}/status`) ?? '')
}

/** The upper layer of its root, from mountinfo: the kernel writes a space as \040 and a comma of a path as it stands. */
function upperOf(pid: number): string | undefined {
  const root = textIfReadable(`/proc/${pid}/mountinfo`)
    ?.split('\n')
    .find((line) => / \/ \/ .* - overlay /.test(line))
  const upper = root && /[, ]upperdir=((?:[^,\\]|\\.)*)/.exec(root)?.[1]
  return upper?.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))).replace(/\\(.)/g, '$1')
}
