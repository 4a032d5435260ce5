/** What can be asked of a cgroup, in Docker's units, checked by Docker's rules; and what it becomes: values written to files. */
import { DrydockError } from '../../kernel/errors.js'
import { checkDeviceRules, type DeviceRule } from './devices.js'

/** Limits. Absent: as the kernel has it. -1 is "no limit" where a limit can be lifted again. */
export interface CgroupLimits {
  /** Bytes. */
  readonly memory?: number
  /** Bytes of memory and swap together; -1: any swap. Absent with `memory`: twice that, as Docker does. */
  readonly memorySwap?: number
  /** Bytes below which memory is not reclaimed as long as others have more than their share. */
  readonly memoryReservation?: number
  /** 0 … 100, cgroup v1 alone. */
  readonly memorySwappiness?: number
  /** At the limit, wait instead of being killed; cgroup v1 alone. */
  readonly oomKillDisable?: boolean
  /** Processes and threads together. */
  readonly pids?: number
  /** Processors' worth of time, such as 0.5. The same as a quota of that many periods of 100 ms. */
  readonly cpus?: number
  /** Microseconds of processor time in each period; -1: no limit. */
  readonly cpuQuota?: number
  /** Microseconds, 1000 … 1000000. */
  readonly cpuPeriod?: number
  /** Share of time when processors are short, 2 … 262144; 1024 is usual. */
  readonly cpuShares?: number
  /** Processors that may be used: `0-2,4`. */
  readonly cpusetCpus?: string
  /** Memory nodes that may be used. */
  readonly cpusetMems?: string
  /** Share of disk time, 10 … 1000. */
  readonly ioWeight?: number
  readonly ioMax?: readonly IoMax[]
  /** Devices that may be opened or made, all others may not; 'all' (and absent): as the parent cgroup has it. */
  readonly devices?: 'all' | readonly DeviceRule[]
}

export interface CgroupSpec extends CgroupLimits {
  /** Name below drydock's own directory, unique on this host; `bottle/box` stands in another's. Letters, digits, `_ . -`. */
  readonly path: string
  /** Do not remove the directories above when this was the last below them (the engine, which removes them at its own end). */
  readonly keepParents?: boolean
}

/** Limits of one block device: bytes and operations in a second. */
export interface IoMax {
  readonly device: readonly [major: number, minor: number]
  readonly readBps?: number
  readonly writeBps?: number
  readonly readIops?: number
  readonly writeIops?: number
}

/** One value for one file of a controller. Several for the same file are written one after the other. */
export interface FileValue {
  readonly controller: string
  readonly file: string
  readonly value: string
  readonly why: string
}

/** What a version of cgroups makes of limits: files to write, and a sentence for each thing that this kernel cannot do. */
export interface Translation {
  readonly values: readonly FileValue[]
  readonly warnings: readonly Shortcoming[]
}

export interface Shortcoming {
  readonly controller: string
  readonly sentence: string
}

/** Period in which a quota of `cpus` is counted, in microseconds. */
export const CPU_PERIOD = 100_000

const LEAST_QUOTA = 1000

/** Check limits against each other and against this machine. Throws one sentence. */
export function checkLimits(limits: CgroupLimits, machine: { cpus: number }): void {
  const { memory, memorySwap, memoryReservation, memorySwappiness, pids, cpus, cpuQuota, cpuPeriod, cpuShares, ioWeight } = limits
  bytes('memory', memory)
  bytes('memory and swap together', memorySwap)
  bytes('memory reservation', memoryReservation)
  if (memorySwap !== undefined && memorySwap >= 0) {
    if (memory === undefined || memory < 0) throw new DrydockError('a limit of memory and swap together needs a limit of memory too')
    if (memorySwap < memory) {
      throw new DrydockError(`memory and swap together (${memorySwap}) cannot be less than memory alone (${memory})`)
    }
  }
  if (memoryReservation !== undefined && memory !== undefined && memory >= 0 && memoryReservation > memory) {
    throw new DrydockError(`the memory reservation (${memoryReservation}) cannot be more than the memory limit (${memory})`)
  }
  within('memory swappiness', memorySwappiness, 0, 100)
  if (pids !== undefined && pids !== -1) within('limit of processes', pids, 1, 4_194_304)
  if (cpus !== undefined) {
    if (cpuQuota !== undefined || cpuPeriod !== undefined)
      throw new DrydockError('give either a number of cpus or a quota and a period, not both')
    if (!(cpus >= 0.01 && cpus <= machine.cpus)) {
      throw new DrydockError(`cpus can be from 0.01 to ${machine.cpus}, as there are ${machine.cpus} here; ${cpus} is not`)
    }
  }
  within('cpu period (µs)', cpuPeriod, 1000, 1_000_000)
  if (cpuQuota !== undefined && cpuQuota !== -1) within('cpu quota (µs)', cpuQuota, LEAST_QUOTA, Number.MAX_SAFE_INTEGER)
  within('cpu shares', cpuShares, 2, 262_144)
  within('io weight', ioWeight, 10, 1000)
  for (const [name, list] of [
    ['cpuset of cpus', limits.cpusetCpus],
    ['cpuset of memory nodes', limits.cpusetMems],
  ] as const) {
    if (list !== undefined && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(list)) {
      throw new DrydockError(`a ${name} is written like 0-2,4; ${JSON.stringify(list)} is not`)
    }
  }
  const highest = Math.max(-1, ...(limits.cpusetCpus?.split(/[,-]/).map(Number) ?? []))
  if (highest >= machine.cpus) {
    throw new DrydockError(`cpus are numbered 0 to ${machine.cpus - 1} here; the cpuset '${limits.cpusetCpus}' names ${highest}`)
  }
  for (const limit of limits.ioMax ?? []) checkIoMax(limit)
  if (Array.isArray(limits.devices)) checkDeviceRules(limits.devices as readonly DeviceRule[])
}

/** The components of a cgroup's path. Throws for names that could leave the directory or be taken for a control file. */
export function pathComponents(path: string): string[] {
  const components = path.split('/')
  for (const name of components) {
    if (
      !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(name) ||
      /^(cgroup|memory|cpu|cpuset|cpuacct|pids|io|blkio|devices|freezer|hugetlb|rdma|misc|tasks)\./.test(name)
    ) {
      throw new DrydockError(
        `'${path}' is no name for a cgroup: letters, digits, '_', '.' and '-', and none that a control file could have`,
      )
    }
  }
  return components
}

/** Bytes of memory and swap together that a memory limit means when nothing is said: twice the memory. */
export function swapOf({ memory, memorySwap }: CgroupLimits): number | undefined {
  if (memorySwap !== undefined) return memorySwap
  return memory === undefined ? undefined : memory < 0 ? -1 : memory * 2
}

/** Quota and period in microseconds, if time is limited. */
export function bandwidthOf({ cpus, cpuQuota, cpuPeriod }: CgroupLimits): { quota: number | undefined; period: number } | undefined {
  if (cpus !== undefined) return { quota: Math.max(LEAST_QUOTA, Math.round(cpus * CPU_PERIOD)), period: CPU_PERIOD }
  if (cpuQuota === undefined && cpuPeriod === undefined) return undefined
  return { quota: cpuQuota, period: cpuPeriod ?? CPU_PERIOD }
}

/**
 * cpu.shares of v1 (2 … 262144, usually 1024) as cpu.weight of v2 (1 … 10000, usually 100), with both ends and the middle in
 * their places: the exponent is a parabola in log2 of the shares. runc (through opencontainers/cgroups) and crun have used it
 * since 2025; the straight line before it made 39 of 1024.
 */
export function weightOfShares(shares: number): number {
  if (shares <= 2) return 1
  if (shares >= 262_144) return 10_000
  const log = Math.log2(shares)
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34))
}

/** blkio.weight of v1 (10 … 1000) as io.weight of v2 (1 … 10000), on a straight line. */
export function ioWeightOf(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990)
}

function bytes(name: string, value: number | undefined): void {
  if (value !== undefined && value !== -1 && !(Number.isSafeInteger(value) && value > 0)) {
    throw new DrydockError(`the ${name} limit is a whole number of bytes, or -1 for none; ${value} is neither`)
  }
}

function within(name: string, value: number | undefined, low: number, high: number): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= low && value <= high)) {
    throw new DrydockError(`the ${name} is a whole number from ${low} to ${high}; ${value} is not`)
  }
}

function checkIoMax(limit: IoMax): void {
  const { device, ...rates } = limit
  if (device.length !== 2 || !device.every((number) => Number.isInteger(number) && number >= 0)) {
    throw new DrydockError(`a limit of input and output is for a device's major and minor number; [${device.join(', ')}] is none`)
  }
  for (const [name, rate] of Object.entries(rates)) {
    if (!(Number.isSafeInteger(rate) && rate > 0))
      throw new DrydockError(`${name} of device ${device.join(':')} is a whole number above 0; ${rate} is not`)
  }
}
