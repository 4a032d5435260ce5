/** The table of `ps -ef`, out of /proc: ps(1), STANDARD FORMAT SPECIFIERS. */
import { type Process, readProcess } from '../../kernel/proc/processes.js'
import { type MachineStat, readMachineStat, TICK } from '../../kernel/proc/stat.js'
import { readStatus } from '../../kernel/proc/status.js'
import { textIfReadable } from '../../kernel/readable.js'

const TITLES = ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'] as const
const TICKS_A_SECOND = 1e9 / TICK
/** Columns of UID; what is longer is cut, and a + says so. */
const LONGEST_NAME = 8

/** In the order of the ids; processes that have gone meanwhile are left out. */
export function psTable(pids: readonly number[]): {
  readonly Titles: readonly string[]
  readonly Processes: readonly (readonly string[])[]
} {
  const machine = readMachineStat()
  const names = userNames(textIfReadable('/etc/passwd') ?? '')
  const now = new Date()
  const Processes = pids.flatMap((pid) => {
    const process = readProcess(pid)
    const uid = readStatus(pid)?.uid.effective
    return process && uid !== undefined ? [row(process, names.get(uid) ?? String(uid), machine, now)] : []
  })
  return { Titles: TITLES, Processes }
}

function row(process: Process, user: string, machine: MachineStat, now: Date): string[] {
  const { pid, ppid, startTicks, terminal, userTicks, systemTicks } = process
  const started = new Date((machine.bootSeconds + startTicks / TICKS_A_SECOND) * 1000)
  const used = userTicks + systemTicks
  const lived = Math.max(now.getTime() - started.getTime(), 0) / 1000
  const share = lived < 1 ? 0 : Math.min(99, Math.floor((used / TICKS_A_SECOND / lived) * 100))
  const name = user.length > LONGEST_NAME ? `${user.slice(0, LONGEST_NAME - 1)}+` : user
  return [name, String(pid), String(ppid), String(share), startTime(started, now), terminalName(terminal), cpuTime(used), command(process)]
}

const two = (number: number) => String(number).padStart(2, '0')
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The time of day, the day, or the year: as much as it takes. */
export function startTime(started: Date, now: Date): string {
  if (started.getFullYear() !== now.getFullYear()) return String(started.getFullYear())
  if (started.toDateString() !== now.toDateString()) return `${MONTHS[started.getMonth()]}${two(started.getDate())}`
  return `${two(started.getHours())}:${two(started.getMinutes())}`
}

/** [days-]hours:minutes:seconds. */
export function cpuTime(ticks: number): string {
  const seconds = Math.floor(ticks / TICKS_A_SECOND)
  const days = Math.floor(seconds / 86_400)
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':')
  return days > 0 ? `${days}-${clock}` : clock
}

/** Majors of Documentation/admin-guide/devices.txt: pseudo terminals, and the machine's own. */
const FIRST_PTS = 136
const LAST_PTS = 143
const TTY = 4
const FIRST_SERIAL = 64

export function terminalName(device: number): string {
  const major = (device >>> 8) & 0xfff
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00)
  if (major >= FIRST_PTS && major <= LAST_PTS) return `pts/${(major - FIRST_PTS) * 256 + minor}`
  if (major === TTY) return minor < FIRST_SERIAL ? `tty${minor}` : `ttyS${minor - FIRST_SERIAL}`
  return '?'
}

function command({ commandLine, comm, state }: Process): string {
  if (state === 'Z') return `[${comm}] <defunct>`
  // What could move a terminal's cursor is shown as ps shows it.
  return commandLine.length > 0 ? commandLine.join(' ').replace(/\p{Cc}/gu, '?') : `[${comm}]`
}

export function userNames(passwd: string): Map<number, string> {
  const names = new Map<number, string>()
  for (const line of passwd.split('\n')) {
    const [name = '', , uid = ''] = line.split(':')
    if (name !== '' && /^\d+$/.test(uid) && !names.has(Number(uid))) names.set(Number(uid), name)
  }
  return names
}
