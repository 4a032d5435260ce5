/** The processes that this pid namespace (or that of the /proc given) has. proc_pid_stat(5), proc_pid_cmdline(5). */
import { DrydockError } from '../errors.js'
import { type NamespaceFile, readNamespace } from './namespaces.js'
import { listProcDirectory, type Pid, readProcFile, readProcLink } from './read.js'

/** What /proc/PID/stat says, without most of the counters. */
export interface Stat {
  readonly pid: number
  /** Name of the program, 15 bytes at most, whatever the process has made of it: spaces, parentheses and newlines may be in it. */
  readonly comm: string
  /** One letter: R running, S sleeping, D waiting for a device, Z zombie, T stopped, t traced, X dead, I idle kernel thread. */
  readonly state: string
  /** 0 for the first process of a pid namespace and for what was started from outside of it. */
  readonly ppid: number
  readonly processGroup: number
  readonly session: number
  /** Device number of the controlling terminal; 0: none. */
  readonly terminal: number
  readonly threads: number
  /** Processor time of its own, in clock ticks (1/100 s): in its program, and in the kernel for it. */
  readonly userTicks: number
  readonly systemTicks: number
  /** When it was started, in clock ticks (1/100 s) since the machine was. With the pid it names a process for ever. */
  readonly startTicks: number
}

export interface Process extends Stat {
  /** The arguments as the process has them now; empty for kernel threads and zombies. */
  readonly commandLine: readonly string[]
}

/** Takes /proc/PID/stat apart. The name is between the first and the *last* parenthesis: it may have some itself. */
export function parseStat(text: string): Stat {
  const opening = text.indexOf('(')
  const closing = text.lastIndexOf(')')
  const fields = text
    .slice(closing + 1)
    .trim()
    .split(' ')
  const number = (field: number) => {
    const value = Number(fields[field - 3])
    if (!Number.isFinite(value))
      throw new DrydockError(`field ${field} of this line of /proc/PID/stat is no number: ${JSON.stringify(text)}`)
    return value
  }
  if (opening < 0 || closing < opening) throw new DrydockError(`this is no line of /proc/PID/stat: ${JSON.stringify(text)}`)
  return {
    pid: Number(text.slice(0, opening)),
    comm: text.slice(opening + 1, closing),
    state: fields[0] as string,
    ppid: number(4),
    processGroup: number(5),
    session: number(6),
    terminal: number(7),
    userTicks: number(14),
    systemTicks: number(15),
    threads: number(20),
    startTicks: number(22),
  }
}

/** Takes /proc/PID/cmdline apart: a NUL byte ends each argument, an empty one too. A title set by the process may lack the last. */
export function parseCommandLine(text: string): string[] {
  if (text === '') return []
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0')
}

/** One process, or undefined when it is not there (any more). */
export function readProcess(pid: Pid, root = '/proc'): Process | undefined {
  const stat = readProcFile(`${root}/${pid}/stat`)
  if (stat === undefined) return undefined
  const commandLine = readProcFile(`${root}/${pid}/cmdline`)
  return commandLine === undefined ? undefined : { ...parseStat(stat), commandLine: parseCommandLine(commandLine) }
}

/** Whether this very process goes on: its number may be another's by now, and one that only waits to be reaped has ended. */
export function goesOn({ pid, startTicks }: Pick<Stat, 'pid' | 'startTicks'>): boolean {
  const now = readProcess(pid)
  return now !== undefined && now.startTicks === startTicks && now.state !== 'Z' && now.state !== 'X'
}

/** Every process id, ascending. */
export function processIds(root = '/proc'): number[] {
  const names = listProcDirectory(root) ?? []
  return names
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

/** Every process, by ascending pid. Those that come or go meanwhile may be in it or not. */
export function readProcesses(root = '/proc'): Process[] {
  return processIds(root)
    .map((pid) => readProcess(pid, root))
    .filter((process) => process !== undefined)
}

/** The children of a process with one thread, without a look at all others (/proc/PID/task/TID/children, proc(5)). None when it is gone. */
export function readChildren(pid: number, root = '/proc'): number[] {
  return (readProcFile(`${root}/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number)
}

/** The children of a process. */
export function childrenOf(pid: number, processes: readonly Process[] = readProcesses()): Process[] {
  return processes.filter(({ ppid }) => ppid === pid)
}

/**
 * The processes in one namespace, by its inode number. Those whose namespaces we may not read (another user's) are left out: for a
 * complete answer ask as root.
 */
export function processesIn(kind: NamespaceFile, inode: number, root = '/proc'): Process[] {
  return readProcesses(root).filter(({ pid }) => {
    try {
      return readNamespace(pid, kind, root) === inode
    } catch (error) {
      if (error instanceof DrydockError) return false
      throw error
    }
  })
}

/** The program file that a process runs; ` (deleted)` at its end when the name is gone. Undefined for kernel threads and zombies. */
export function executableOf(pid: Pid, root = '/proc'): string | undefined {
  return readProcLink(`${root}/${pid}/exe`)
}
