/** Limits as files of cgroup v1: one directory tree a controller. Kernel: Documentation/admin-guide/cgroup-v1. */
import { DENY_ALL_V1, deviceRuleText } from './devices.js'
import { bandwidthOf, type CgroupLimits, type FileValue, type IoMax, type Shortcoming, swapOf, type Translation } from './spec.js'

const THROTTLES = [
  ['readBps', 'blkio.throttle.read_bps_device', 'bytes read in a second'],
  ['writeBps', 'blkio.throttle.write_bps_device', 'bytes written in a second'],
  ['readIops', 'blkio.throttle.read_iops_device', 'reads in a second'],
  ['writeIops', 'blkio.throttle.write_iops_device', 'writes in a second'],
] as const satisfies readonly (readonly [keyof IoMax, string, string])[]

/** The files of v1 for these limits. `has` tells whether this kernel has a file at all, once its controller is there. */
export function translateV1(limits: CgroupLimits, has: (file: string) => boolean): Translation {
  const values: FileValue[] = []
  const warnings: Shortcoming[] = []
  memory(limits, has, values, warnings)
  const { pids, cpuShares, ioWeight } = limits
  if (pids !== undefined) {
    values.push({ controller: 'pids', file: 'pids.max', value: pids === -1 ? 'max' : String(pids), why: whyPids(pids) })
  }
  const bandwidth = bandwidthOf(limits)
  if (bandwidth) {
    const { quota, period } = bandwidth
    const why = `Processor time is counted in periods of ${period} µs.`
    values.push({ controller: 'cpu', file: 'cpu.cfs_period_us', value: String(period), why })
    if (quota !== undefined) {
      values.push({ controller: 'cpu', file: 'cpu.cfs_quota_us', value: String(quota), why: whyQuota(quota, period) })
    }
  }
  if (cpuShares !== undefined) {
    const why = 'When processors are short, time is shared in proportion to these; a usual cgroup has 1024.'
    values.push({ controller: 'cpu', file: 'cpu.shares', value: String(cpuShares), why })
  }
  if (ioWeight !== undefined) {
    const file = ['blkio.weight', 'blkio.bfq.weight'].find(has)
    const why = 'When the disk is busy, its time is shared in proportion to these.'
    if (file) values.push({ controller: 'blkio', file, value: String(ioWeight), why })
    else
      warnings.push({
        controller: 'blkio',
        sentence: 'the io weight is not enforced: this kernel has no disk scheduler with weights for cgroup v1 (bfq)',
      })
  }
  for (const limit of limits.ioMax ?? []) {
    for (const [rate, file, what] of THROTTLES) {
      const value = limit[rate]
      if (value === undefined) continue
      if (has(file))
        values.push({ controller: 'blkio', file, value: `${limit.device.join(':')} ${value}`, why: `At most so many ${what}.` })
      else warnings.push({ controller: 'blkio', sentence: `the limit of ${what} is not enforced: this kernel has no ${file}` })
    }
  }
  if (limits.devices !== undefined && limits.devices !== 'all') {
    values.push({ controller: 'devices', file: 'devices.deny', value: DENY_ALL_V1, why: 'First no device at all …' })
    for (const rule of limits.devices) {
      values.push({ controller: 'devices', file: 'devices.allow', value: deviceRuleText(rule), why: '… then those that are harmless.' })
    }
  }
  return { values, warnings }
}

/**
 * The two files of cpuset that have no default on v1: a cgroup in which they are empty takes no process (ENOSPC).
 * `parent` is what the cgroup above has.
 */
export function cpusetV1(limits: CgroupLimits, parent: { cpus: string; mems: string }): FileValue[] {
  const why = (what: string) => `On v1 a new cpuset is empty and takes no process: ${what} must be named, if only as the parent has them.`
  return [
    { controller: 'cpuset', file: 'cpuset.cpus', value: limits.cpusetCpus ?? parent.cpus, why: why('processors') },
    { controller: 'cpuset', file: 'cpuset.mems', value: limits.cpusetMems ?? parent.mems, why: why('memory nodes') },
  ]
}

function memory(limits: CgroupLimits, has: (file: string) => boolean, values: FileValue[], warnings: Shortcoming[]): void {
  const add = (file: string, value: number | string, why: string) => values.push({ controller: 'memory', file, value: String(value), why })
  const lack = (sentence: string) => warnings.push({ controller: 'memory', sentence })
  const { memory: limit, memoryReservation, memorySwappiness, oomKillDisable } = limits
  if (limit !== undefined) {
    add(
      'memory.limit_in_bytes',
      limit,
      'At this many bytes the kernel reclaims, and when it cannot, kills; it is a limit, nothing is set aside.',
    )
  }
  const swap = swapOf(limits)
  if (swap !== undefined) {
    // The kernel refuses a sum that is less than the memory limit, so it comes second when both go down from “unlimited”.
    if (has('memory.memsw.limit_in_bytes'))
      add('memory.memsw.limit_in_bytes', swap, 'Memory and swap together, or the limit would only push pages out to disk.')
    else if (limits.memorySwap !== undefined)
      lack('the limit of memory and swap together is not enforced: this kernel does not account swap (swapaccount=1)')
    else lack('swap is not limited: this kernel does not account swap (swapaccount=1)')
  }
  if (memoryReservation !== undefined) {
    add('memory.soft_limit_in_bytes', memoryReservation, 'What is beyond this is reclaimed first when the machine runs short.')
  }
  if (memorySwappiness !== undefined) {
    if (has('memory.swappiness'))
      add('memory.swappiness', memorySwappiness, 'How readily its pages are swapped out, against dropping cached files.')
    else lack('swappiness is not set: this kernel has no memory.swappiness')
  }
  if (oomKillDisable === true) {
    if (has('memory.oom_control'))
      add('memory.oom_control', 1, 'At the limit its processes sleep until there is memory again, instead of being killed.')
    else lack('the OOM killer stays on: this kernel has no memory.oom_control')
  }
}

/** Sentences that both versions use. */
export const whyPids = (pids: number): string =>
  pids === -1
    ? 'No limit of its own; those of the cgroups above still hold.'
    : `fork answers EAGAIN to whoever wants more than ${pids} processes and threads here, so a fork bomb fizzles.`

export const whyQuota = (quota: number, period: number): string =>
  quota < 0
    ? 'No quota: as much processor time as there is.'
    : `When ${quota} µs are used up, all its threads wait for the next period: ${Number((quota / period).toFixed(2))} processors’ worth.`
