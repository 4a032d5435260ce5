/** The machine as a whole since it was started: /proc/stat. proc_stat(5). */
import { linesOf, readProcFile } from './read.js'

/** A clock tick in nanoseconds: USER_HZ is 100 on every architecture that this runs on. */
export const TICK = 10_000_000

export interface MachineStat {
  /** Of all processors together: what they have worked, idled and waited, in clock ticks; what was stolen or given to guests is not in it. */
  readonly ticks: number
  /** Those that are switched on. */
  readonly processors: number
  /** When the machine was started, in seconds since 1970. */
  readonly bootSeconds: number
}

export function parseMachineStat(text: string): MachineStat {
  let ticks = 0
  let processors = 0
  let bootSeconds = 0
  for (const line of linesOf(text)) {
    const [name = '', ...numbers] = line.split(/ +/)
    // user nice system idle iowait irq softirq
    if (name === 'cpu') ticks = numbers.slice(0, 7).reduce((sum, number) => sum + Number(number), 0)
    else if (/^cpu\d+$/.test(name)) processors++
    else if (name === 'btime') bootSeconds = Number(numbers[0])
  }
  return { ticks, processors, bootSeconds }
}

export function readMachineStat(root = '/proc'): MachineStat {
  return parseMachineStat(readProcFile(`${root}/stat`) ?? '')
}
