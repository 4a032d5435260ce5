/** What this lesson's scenes and checks read of a process: its descriptors, its session and terminal. */
import { closeSync, constants, openSync, readdirSync, readlinkSync } from 'node:fs'
import { WriteStream } from 'node:tty'
import { readProcFile } from '../../lib/kernel/proc/read.js'

/** Open descriptors of a process and what they lead to; empty when it has ended. */
export function descriptors(hostPid: number): [number: number, target: string][] {
  try {
    const directory = `/proc/${hostPid}/fd`
    return readdirSync(directory)
      .map((name): [number, string] => [Number(name), readlinkSync(`${directory}/${name}`)])
      .sort(([one], [other]) => one - other)
  } catch {
    return []
  }
}

export interface Session {
  /** The process that has made the session, as this machine numbers it. */
  readonly leader: number
  /** Device number of the controlling terminal; 0: none. */
  readonly terminal: number
  /** The process group that the terminal's keys go to; -1 without a terminal. */
  readonly inFront: number
}

/** Fields 5 to 8 of /proc/PID/stat, proc_pid_stat(5). */
export function sessionOf(hostPid: number): Session | undefined {
  const text = readProcFile(`/proc/${hostPid}/stat`)
  if (!text) return undefined
  const [, , , session, terminal, inFront] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  return { leader: session ?? 0, terminal: terminal ?? 0, inFront: inFront ?? -1 }
}

/** Lines and columns of the terminal behind a descriptor of a process; undefined when that is no terminal. */
export function terminalSize(hostPid: number, descriptor: number): { rows: number; columns: number } | undefined {
  let opened: number | undefined
  try {
    opened = openSync(`/proc/${hostPid}/fd/${descriptor}`, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK)
    const stream = new WriteStream(opened)
    opened = undefined
    const [columns, rows] = stream.getWindowSize()
    stream.destroy()
    return { rows, columns }
  } catch {
    return undefined
  } finally {
    if (opened !== undefined) closeSync(opened)
  }
}
