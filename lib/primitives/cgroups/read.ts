/** What a cgroup says of itself: limits, usage, and how often a limit has bitten; the names of both versions in one place. */
import { hierarchyOf, nameOf, treesOf } from './detect.js'
import { type CgroupFiles, hostFiles, keyed, lines, words } from './files.js'
import type { Cgroup, CgroupDirectory } from './fragment.js'

/** A number with the kernel's own name for it, for whoever wants to look for himself. */
export interface Counter {
  readonly value: number
  readonly file: string
  /** The line in the file, when it has several. */
  readonly key?: string
}

/** Infinity: no limit. Absent: this cgroup has no such controller. */
export interface CgroupReading {
  /** Bytes. */
  readonly memory?: Counter
  /** v1: bytes of memory and swap together; v2: of swap alone. */
  readonly swap?: Counter
  readonly pids?: Counter
  /** Microseconds of processor time in each period. */
  readonly cpuQuota?: Counter
  readonly cpuPeriod?: Counter
  /** v1: cpu.shares, v2: cpu.weight. */
  readonly cpuShare?: Counter
}

export interface CgroupUsage {
  /** Bytes, cached files included. */
  readonly memory?: Counter
  /** Bytes of cached files that could be dropped at once; Docker subtracts them from what it shows. */
  readonly memoryInactiveFile?: Counter
  readonly memoryPeak?: Counter
  readonly pids?: Counter
  /** Nanoseconds of processor time. */
  readonly cpu?: Counter
  readonly cpuUser?: Counter
  readonly cpuSystem?: Counter
}

export interface CgroupEvents {
  /** Processes that were killed because the memory limit was reached. */
  readonly oomKills?: Counter
  /** How often the memory limit was reached, whether somebody was killed or not. */
  readonly memoryLimitHits?: Counter
  /** How often fork was refused. */
  readonly pidsRefused?: Counter
  /** Periods in which the quota was in force, periods in which it was used up, and nanoseconds that were waited. */
  readonly periods?: Counter
  readonly throttledPeriods?: Counter
  readonly throttledTime?: Counter
}

/** v1 says "no limit" with the highest number of pages there can be, in bytes. */
const UNLIMITED_V1 = 2 ** 62

/** The cgroups of a living process, or undefined when it is gone. */
export function cgroupOf(pid: number, files: CgroupFiles = hostFiles): Cgroup | undefined {
  if (files.read(`/proc/${pid}/cgroup`) === undefined) return undefined
  return treesOf(pid, files).flatMap(({ tree, directory }): CgroupDirectory[] => {
    if (directory === undefined) return []
    const controllers = tree.version === 1 ? tree.controllers : words(files.read(`${directory}/cgroup.controllers`))
    return [{ version: tree.version, name: nameOf(tree), controllers, path: directory }]
  })
}

export function readLimits(cgroup: Cgroup, files: CgroupFiles = hostFiles): CgroupReading {
  const [memory, pids, cpu] = ['memory', 'pids', 'cpu'].map((name) => reader(cgroup, name, files))
  const bandwidth = cpu?.version === 2 ? cpu.words('cpu.max') : undefined
  return absentDropped({
    memory: memory?.number(memory.version === 1 ? 'memory.limit_in_bytes' : 'memory.max'),
    swap: memory?.number(memory.version === 1 ? 'memory.memsw.limit_in_bytes' : 'memory.swap.max'),
    pids: pids?.number('pids.max'),
    cpuQuota: bandwidth ? { value: limit(bandwidth[0]), file: 'cpu.max' } : cpu?.number('cpu.cfs_quota_us'),
    cpuPeriod: bandwidth ? { value: limit(bandwidth[1]), file: 'cpu.max' } : cpu?.number('cpu.cfs_period_us'),
    cpuShare: cpu?.number(cpu.version === 1 ? 'cpu.shares' : 'cpu.weight'),
  })
}

export function readUsage(cgroup: Cgroup, files: CgroupFiles = hostFiles): CgroupUsage {
  const [memory, pids] = ['memory', 'pids'].map((name) => reader(cgroup, name, files))
  const v1 = memory?.version === 1
  return absentDropped({
    memory: memory?.number(v1 ? 'memory.usage_in_bytes' : 'memory.current'),
    memoryInactiveFile: memory?.line('memory.stat', v1 ? 'total_inactive_file' : 'inactive_file'),
    memoryPeak: memory?.number(v1 ? 'memory.max_usage_in_bytes' : 'memory.peak'),
    pids: pids?.number('pids.current'),
    ...cpuUsage(cgroup, files),
  })
}

export function readEvents(cgroup: Cgroup, files: CgroupFiles = hostFiles): CgroupEvents {
  const [memory, pids, cpu] = ['memory', 'pids', 'cpu'].map((name) => reader(cgroup, name, files))
  const v1 = memory?.version === 1
  const waited = cpu?.version === 1 ? cpu.line('cpu.stat', 'throttled_time') : scaled(cpu?.line('cpu.stat', 'throttled_usec'), 1000)
  return absentDropped({
    oomKills: v1 ? memory?.line('memory.oom_control', 'oom_kill') : memory?.line('memory.events', 'oom_kill'),
    memoryLimitHits: v1 ? limitHitsV1(memory) : memory?.line('memory.events', 'max'),
    pidsRefused: pids?.line('pids.events', 'max'),
    periods: cpu?.line('cpu.stat', 'nr_periods'),
    throttledPeriods: cpu?.line('cpu.stat', 'nr_throttled'),
    throttledTime: waited,
  })
}

/**
 * Memory and swap together are charged first, so where both limits are the same only that counter counts; and Linux 6.18 was seen
 * to count no failures of that one, which leaves oom_kill alone to tell.
 */
function limitHitsV1(memory: ReturnType<typeof readerOf>): Counter | undefined {
  const [alone, both] = [memory.number('memory.failcnt'), memory.number('memory.memsw.failcnt')]
  return alone && both && both.value > alone.value ? both : alone
}

/** Process ids in a cgroup and those below it, as this process's pid namespace counts; those that it cannot see are left out. */
export function readProcesses(cgroup: Cgroup, files: CgroupFiles = hostFiles): number[] {
  const found = new Set<number>()
  const visit = (directory: string) => {
    for (const line of lines(files.read(`${directory}/cgroup.procs`))) if (line !== '0') found.add(Number(line))
    for (const child of files.directories(directory)) visit(`${directory}/${child}`)
  }
  // All hierarchies hold the same processes; one that was made by others may hold more than ours, so the first is not enough.
  for (const { path } of cgroup) visit(path)
  return [...found].sort((a, b) => a - b)
}

/** v1 counts time in cpuacct: nanoseconds, and the parts in ticks of 1/100 s; v2 in microseconds, with or without a cpu controller. */
function cpuUsage(cgroup: Cgroup, files: CgroupFiles): Pick<CgroupUsage, 'cpu' | 'cpuUser' | 'cpuSystem'> {
  const account = reader(cgroup, 'cpuacct', files)
  if (account) {
    return absentDropped({
      cpu: account.number('cpuacct.usage'),
      cpuUser: account.number('cpuacct.usage_user') ?? scaled(account.line('cpuacct.stat', 'user'), 1e7),
      cpuSystem: account.number('cpuacct.usage_sys') ?? scaled(account.line('cpuacct.stat', 'system'), 1e7),
    })
  }
  const v2 = cgroup.find(({ version }) => version === 2)
  if (!v2) return {}
  const { line } = readerOf(v2, files)
  return absentDropped({
    cpu: scaled(line('cpu.stat', 'usage_usec'), 1000),
    cpuUser: scaled(line('cpu.stat', 'user_usec'), 1000),
    cpuSystem: scaled(line('cpu.stat', 'system_usec'), 1000),
  })
}

function reader(cgroup: Cgroup, controller: string, files: CgroupFiles) {
  const directory = hierarchyOf(cgroup, controller)
  return directory && readerOf(directory, files)
}

function readerOf({ version, path }: CgroupDirectory, files: CgroupFiles) {
  const read = (file: string) => files.read(`${path}/${file}`)?.trim()
  return {
    version,
    words: (file: string) => read(file)?.split(' '),
    number: (file: string): Counter | undefined => {
      const content = read(file)
      return content === undefined ? undefined : { value: limit(content), file }
    },
    line: (file: string, key: string): Counter | undefined => {
      const value = keyed(read(file)).get(key)
      return value === undefined ? undefined : { value, file, key }
    },
  }
}

function limit(content: string | undefined): number {
  const value = Number(content)
  return content === 'max' || value === -1 || value >= UNLIMITED_V1 ? Number.POSITIVE_INFINITY : value
}

const scaled = (counter: Counter | undefined, factor: number): Counter | undefined =>
  counter && { ...counter, value: counter.value * factor }

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function absentDropped<T extends object>(record: T): Present<T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Present<T>
}
