/** One process, two numbers: finding on the host the process that a bottle knows by another id. NSpid of /proc/PID/status, proc_pid_status(5). */
import { readNamespace } from '../kernel/proc/namespaces.js'
import { processIds, readChildren } from '../kernel/proc/processes.js'
import { readStatusLine } from '../kernel/proc/status.js'

/**
 * The host's id of the process that has the id `pid` in the pid namespace whose PID 1 is `init` on the host; undefined when there is
 * none any more. `known` keeps what was found, which is looked at first.
 */
export function hostPidOf(init: number, pid: number, known: Map<number, number>): number | undefined {
  const depth = numbersOf(init).length - 1
  const cached = known.get(pid)
  if (cached !== undefined && belongs(cached, init, depth, pid)) return cached
  const found = first(candidates(init), (candidate) => belongs(candidate, init, depth, pid))
  if (found !== undefined) known.set(pid, found)
  return found
}

/** What the bottle's first process has started, and what they have; then, for whoever came in from outside, all there are. */
function* candidates(init: number): Generator<number> {
  const family = [init]
  for (const member of family) {
    yield member
    // The kernel's list of children may be left out of a kernel (CONFIG_PROC_CHILDREN); then only the long way is left.
    family.push(...readChildren(member))
  }
  yield* processIds().reverse()
}

function first<T>(values: Iterable<T>, holds: (value: T) => boolean): T | undefined {
  for (const value of values) if (holds(value)) return value
  return undefined
}

/** The process's number in each pid namespace, from the host's inwards; none when it is gone. */
const numbersOf = (process: number): readonly number[] => (readStatusLine(process, 'NSpid') ?? '').split('\t').filter(Boolean).map(Number)

/** Is `candidate` number `pid` in the pid namespace of the bottle's first process, which is `depth` below the host's? */
function belongs(candidate: number, init: number, depth: number, pid: number): boolean {
  const numbers = numbersOf(candidate)
  if (depth < 0 || numbers[depth] !== pid) return false
  if (candidate === init) return true
  try {
    const bottle = readNamespace(init, 'pid')
    if (bottle === undefined) return false
    // One level further in, the namespace is another: then a parent is in the bottle's own.
    return numbers.length === depth + 1 ? readNamespace(candidate, 'pid') === bottle : descendsFrom(candidate, bottle)
  } catch {
    return false
  }
}

/** Is one of its parents in this pid namespace? Not all are children of its init: a terminal's shim came in by setns. */
function descendsFrom(process: number, namespace: number): boolean {
  const parentOf = (of: number) => Number(readStatusLine(of, 'PPid') ?? 0)
  for (let parent = parentOf(process); parent > 1; parent = parentOf(parent)) {
    if (readNamespace(parent, 'pid') === namespace) return true
  }
  return false
}
