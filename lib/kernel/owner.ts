/** Whose something is: names of what a program makes carry the program's process id, and a process id may come to mean another one. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { executableOf, type Process, readProcess } from './proc/processes.js'

/** Ticks in a second, as the kernel counts them in /proc; the same on every architecture that Node runs on. proc_pid_stat(5). */
const TICKS = 100

/** Does the program still run that had this id at `when` (milliseconds since 1970)? In doubt it does. */
export function isAlive(pid: number, when: number, root = '/proc'): boolean {
  const found = readProcess(pid, root)
  if (!found || found.state === 'Z' || found.state === 'X') return false
  // Who was started after the thing was made cannot have made it. A second for the clocks' rounding.
  return startOf(found, root) <= when + 1000 && isProgram(pid, found, root)
}

/** Milliseconds since 1970 at which a process was started. */
export function startOf({ startTicks }: Pick<Process, 'startTicks'>, root = '/proc'): number {
  const booted = Number(/^btime (\d+)$/m.exec(readFileSync(`${root}/stat`, 'utf8'))?.[1] ?? 0)
  return booted * 1000 + (startTicks / TICKS) * 1000
}

/** Everything that makes things in drydock's name is a program of Node's. What another user runs cannot be seen, so it may be one. */
function isProgram(pid: number, { comm }: Process, root: string): boolean {
  try {
    const executable = executableOf(pid, root)?.replace(/ \(deleted\)$/, '')
    if (executable !== undefined) return [basename(process.execPath), 'node', 'nodejs'].includes(basename(executable))
  } catch {
    return true
  }
  return comm.startsWith('node')
}
