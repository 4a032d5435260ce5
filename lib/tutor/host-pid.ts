/** Which process on the real host is number n in a bottle: NSpid of /proc/PID/status, proc_pid_status(5). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Bottle } from '../bottle.js'
import { DrydockError } from '../kernel/errors.js'

const known = new WeakMap<Bottle, Map<number, number>>()

/** The host's pid of the process that the bottle knows as `pid`. Throws when there is none any more. */
export function hostPidOf(bottle: Bottle, pid: number): number {
  const pids = known.get(bottle) ?? new Map<number, number>()
  known.set(bottle, pids)
  const depth = namespacePids(bottle.pid).length - 1
  const cached = pids.get(pid)
  if (cached !== undefined && belongs(cached, bottle.pid, depth, pid)) return cached
  for (const name of readdirSync('/proc')) {
    const candidate = Number(name)
    if (!Number.isInteger(candidate) || !belongs(candidate, bottle.pid, depth, pid)) continue
    pids.set(pid, candidate)
    return candidate
  }
  throw new DrydockError(`there is no process ${pid} in the bottle any more`)
}

/** Is `candidate` number `pid` in the pid namespace of the bottle's first process, which is `depth` below the host's? */
function belongs(candidate: number, init: number, depth: number, pid: number): boolean {
  const pids = namespacePids(candidate)
  if (pids[depth] !== pid) return false
  if (candidate === init) return true
  // One level further in, the namespace is another: then its parents lead to the bottle.
  if (pids.length === depth + 1) return namespaceOf(candidate) === namespaceOf(init)
  for (let at = parentOf(candidate), steps = 0; at > 1 && steps < 64; at = parentOf(at), steps++) if (at === init) return true
  return false
}

function namespacePids(pid: number): number[] {
  const line = /^NSpid:\s*(.*)$/m.exec(statusOf(pid))?.[1] ?? ''
  return line === '' ? [] : line.split(/\s+/).map(Number)
}

const parentOf = (pid: number) => Number(/^PPid:\s*(\d+)/m.exec(statusOf(pid))?.[1] ?? 0)

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return ''
  }
}
