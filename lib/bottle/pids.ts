/** One process, two numbers: finding on the host the process that a bottle knows by another id. */
import { readdirSync, readFileSync } from 'node:fs'

/**
 * The id on the host of the process that has the id `pid` in the pid namespace whose PID 1 is `init` on the host.
 * /proc/PID/status lists a process's ids from the reader's pid namespace inwards (NSpid, proc(5)); the namespace of its second
 * column is the one below ours, and whether that is the bottle's is told by the chain of parents.
 */
export function hostPidOf(init: number, pid: number): number | undefined {
  if (pid === 1) return init
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const status = readStatus(name)
    const ids = status && /^NSpid:\s+(.+)$/m.exec(status)?.[1]?.split('\t').map(Number)
    if (ids?.[1] === pid && descendsFrom(Number(name), init)) return Number(name)
  }
  return undefined
}

function descendsFrom(pid: number, ancestor: number): boolean {
  for (let at = pid; at > 1; ) {
    if (at === ancestor) return true
    const parent = /^PPid:\s+(\d+)$/m.exec(readStatus(String(at)) ?? '')?.[1]
    if (parent === undefined) return false
    at = Number(parent)
  }
  return false
}

/** Undefined for a process that has ended meanwhile. */
function readStatus(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return undefined
  }
}
