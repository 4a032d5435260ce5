/** Limits as files of cgroup v2: one tree for all controllers. Kernel: Documentation/admin-guide/cgroup-v2. */
import {
  bandwidthOf,
  type CgroupLimits,
  type FileValue,
  ioWeightOf,
  type Shortcoming,
  swapOf,
  type Translation,
  weightOfShares,
} from './spec.js'
import { whyPids, whyQuota } from './v1.js'

const MAX = 'max'
const orMax = (value: number) => (value < 0 ? MAX : String(value))

/** The files of v2 for these limits, except devices, which are a program there. `has`: whether this kernel has a file. */
export function translateV2(limits: CgroupLimits, has: (file: string) => boolean): Translation {
  const values: FileValue[] = []
  const warnings: Shortcoming[] = []
  memory(limits, has, values, warnings)
  const { pids, cpuShares, cpusetCpus, cpusetMems, ioWeight } = limits
  if (pids !== undefined) values.push({ controller: 'pids', file: 'pids.max', value: orMax(pids), why: whyPids(pids) })
  const bandwidth = bandwidthOf(limits)
  if (bandwidth) {
    const { quota = -1, period } = bandwidth
    values.push({ controller: 'cpu', file: 'cpu.max', value: `${orMax(quota)} ${period}`, why: whyQuota(quota, period) })
  }
  if (cpuShares !== undefined) {
    const why = `When processors are short, time is shared in proportion to these, 100 is usual; ${cpuShares} shares of v1 are as much.`
    values.push({ controller: 'cpu', file: 'cpu.weight', value: String(weightOfShares(cpuShares)), why })
  }
  const why = 'Threads run nowhere else; empty would mean: as the parent has it.'
  if (cpusetCpus !== undefined) values.push({ controller: 'cpuset', file: 'cpuset.cpus', value: cpusetCpus, why })
  if (cpusetMems !== undefined) {
    values.push({ controller: 'cpuset', file: 'cpuset.mems', value: cpusetMems, why: 'Memory comes from no other node.' })
  }
  if (ioWeight !== undefined) {
    const shared = 'When the disk is busy, its time is shared in proportion to these.'
    if (has('io.bfq.weight')) values.push({ controller: 'io', file: 'io.bfq.weight', value: String(ioWeight), why: shared })
    else if (has('io.weight')) values.push({ controller: 'io', file: 'io.weight', value: String(ioWeightOf(ioWeight)), why: shared })
    else warnings.push({ controller: 'io', sentence: 'the io weight is not enforced: this kernel has neither bfq nor the io.cost model' })
  }
  for (const { device, readBps, writeBps, readIops, writeIops } of limits.ioMax ?? []) {
    const rates = { rbps: readBps, wbps: writeBps, riops: readIops, wiops: writeIops }
    const given = Object.entries(rates).flatMap(([key, rate]) => (rate === undefined ? [] : [`${key}=${rate}`]))
    if (given.length === 0) continue
    const value = `${device.join(':')} ${given.join(' ')}`
    values.push({
      controller: 'io',
      file: 'io.max',
      value,
      why: 'At most so many bytes (bps) and operations (iops) in a second, reading (r) and writing (w).',
    })
  }
  return { values, warnings }
}

function memory(limits: CgroupLimits, has: (file: string) => boolean, values: FileValue[], warnings: Shortcoming[]): void {
  const add = (file: string, value: string, why: string) => values.push({ controller: 'memory', file, value, why })
  const lack = (sentence: string) => warnings.push({ controller: 'memory', sentence })
  const { memory: limit, memoryReservation, memorySwappiness, oomKillDisable } = limits
  if (limit !== undefined) {
    add(
      'memory.max',
      orMax(limit),
      'At this many bytes the kernel reclaims, and when it cannot, kills; it is a limit, nothing is set aside.',
    )
  }
  const both = swapOf(limits)
  if (both !== undefined) {
    // Docker's number is memory and swap together, v2 counts swap alone.
    const swap = both < 0 || limit === undefined || limit < 0 ? -1 : both - limit
    if (has('memory.swap.max')) add('memory.swap.max', orMax(swap), 'Swap alone; v1 and Docker count memory and swap together.')
    else if (limits.memorySwap !== undefined) lack('the limit of swap is not enforced: this kernel does not account swap')
    else lack('swap is not limited: this kernel does not account swap')
  }
  if (memoryReservation !== undefined) {
    add(
      'memory.low',
      memoryReservation < 0 ? '0' : String(memoryReservation),
      'Below this it is left alone as long as others have something to give.',
    )
  }
  if (memorySwappiness !== undefined) lack('swappiness is not set: cgroup v2 has none for a cgroup of its own')
  if (oomKillDisable === true) lack('the OOM killer stays on: cgroup v2 cannot switch it off')
}
