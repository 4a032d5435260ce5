/** What a container gets of the machine: the limits of HostConfig, checked as Docker checks them. */

import { statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { posix } from 'node:path'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { type CgroupLimits, type IoMax, pathComponents } from '../../primitives/cgroups/index.js'
import { parseRlimit, type Rlimit } from '../../primitives/process.js'
import type { DeviceRate, HostBody } from './bodies.js'
import { conflicting, pidsLimit } from './common.js'
import { checkSets } from './ranges.js'

/** Bytes; below it no program starts. */
const LEAST_MEMORY = 6 * 1024 * 1024

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

/** Zero and absent are the same; of `MemorySwappiness` -1 is. */
export function limitsOf(host: HostBody): CgroupLimits {
  check(host)
  checkSets(host)
  const { Memory, MemorySwap, MemoryReservation, MemorySwappiness, NanoCpus, CpuShares, CpuQuota, CpuPeriod, BlkioWeight } = host
  const ioMax = ratesOf(host)
  return {
    ...(Memory && { memory: Memory }),
    ...(MemorySwap && { memorySwap: MemorySwap }),
    ...(MemoryReservation && { memoryReservation: MemoryReservation }),
    ...(MemorySwappiness !== undefined && MemorySwappiness !== -1 && { memorySwappiness: MemorySwappiness }),
    ...(host.OomKillDisable && { oomKillDisable: true }),
    ...(NanoCpus && { cpus: NanoCpus / 1e9 }),
    ...(CpuShares && { cpuShares: CpuShares }),
    ...(CpuQuota && { cpuQuota: CpuQuota }),
    ...(CpuPeriod && { cpuPeriod: CpuPeriod }),
    ...(host.CpusetCpus && { cpusetCpus: host.CpusetCpus }),
    ...(host.CpusetMems && { cpusetMems: host.CpusetMems }),
    ...(BlkioWeight && { ioWeight: BlkioWeight }),
    ...(ioMax.length > 0 && { ioMax }),
    ...(host.PidsLimit ? pidsLimit(host.PidsLimit) : {}),
  }
}

/** Docker's rules and sentences (daemon/daemon_unix.go, verifyPlatformContainerResources). */
function check({ Memory = 0, MemorySwap = 0, MemoryReservation = 0, MemorySwappiness = -1, ...host }: HostBody): void {
  if (Memory < 0) refuse(`invalid value: ${Memory} for memory`)
  if (Memory !== 0 && Memory < LEAST_MEMORY) refuse('Minimum memory limit allowed is 6MB')
  if (MemorySwap > 0 && Memory === 0) refuse('You should always set the Memory limit when using Memoryswap limit, see usage')
  if (MemorySwap > 0 && MemorySwap < Memory) refuse('Minimum memoryswap limit should be larger than memory limit, see usage')
  if (MemorySwappiness < -1 || MemorySwappiness > 100) refuse(`Invalid value: ${MemorySwappiness}, valid memory swappiness range is 0-100`)
  if (MemoryReservation !== 0 && MemoryReservation < LEAST_MEMORY) refuse('Minimum memory reservation allowed is 6MB')
  if (MemoryReservation !== 0 && Memory !== 0 && MemoryReservation > Memory)
    refuse('Minimum memory limit can not be less than memory reservation limit, see usage')
  const { ShmSize = 0, OomScoreAdj = 0 } = host
  if (ShmSize < 0) refuse('SHM size can not be less than 0')
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000) refuse(`Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`)
  const { NanoCpus = 0, CpuQuota = 0, CpuPeriod = 0, BlkioWeight = 0, CpuShares = 0 } = host
  if (NanoCpus !== 0 && CpuPeriod !== 0) throw conflicting('Nano CPUs and CPU Period cannot both be set')
  if (NanoCpus !== 0 && CpuQuota !== 0) throw conflicting('Nano CPUs and CPU Quota cannot both be set')
  const most = availableParallelism()
  if (NanoCpus !== 0 && (NanoCpus < 1e7 || NanoCpus > most * 1e9))
    refuse(`range of CPUs is from 0.01 to ${most.toFixed(2)}, as there are only ${most} CPUs available`)
  if (CpuShares < 0) refuse(`invalid CPU shares (${CpuShares}): value must be a positive integer`)
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000))
    refuse('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)')
  if (CpuQuota > 0 && CpuQuota < 1000) refuse('CPU cfs quota can not be less than 1ms (i.e. 1000)')
  if (BlkioWeight !== 0 && (BlkioWeight < 10 || BlkioWeight > 1000)) refuse('Range of blkio weight is from 10 to 1000')
}

/** How deep a cgroup may be below drydock's own; the kernel has a limit too (cgroup.max.depth). */
const DEEPEST = 8

/** Docker takes it from the top of the tree; here it is below drydock's own, so that nothing of anybody else's is touched. `..` leads nowhere. */
export function cgroupParentOf({ CgroupParent = '' }: HostBody): { readonly cgroupParent?: string } {
  const parent = posix.join('/', CgroupParent).replace(/^\/|\/$/g, '')
  if (parent === '') return {}
  const wrong = (why: string) => refuse(`HostConfig.CgroupParent: ${why}`)
  const parts = parent.split('/')
  if (parts.length > DEEPEST) wrong(`${DEEPEST} directories at most; ${CgroupParent} are ${parts.length}`)
  if (parts.some((part) => /^[0-9a-f]{64}$/.test(part))) wrong('the cgroup of another container is that one’s own')
  try {
    pathComponents(parent)
  } catch (error) {
    wrong(sentenceOf(error))
  }
  return { cgroupParent: parent }
}

const RATES = [
  ['BlkioDeviceReadBps', 'readBps'],
  ['BlkioDeviceWriteBps', 'writeBps'],
  ['BlkioDeviceReadIOps', 'readIops'],
  ['BlkioDeviceWriteIOps', 'writeIops'],
] as const satisfies readonly (readonly [keyof HostBody, keyof IoMax])[]

function ratesOf(host: HostBody): IoMax[] {
  const byPath = new Map<string, IoMax>()
  for (const [member, name] of RATES) {
    for (const { Path = '', Rate = 0 } of (host[member] ?? []) as readonly DeviceRate[]) {
      byPath.set(Path, { ...(byPath.get(Path) ?? { device: deviceNumbers(Path) }), [name]: Rate })
    }
  }
  return [...byPath.values()]
}

function deviceNumbers(path: string): [number, number] {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found?.isBlockDevice()) return refuse(`${path} is no block device of this host`)
  return [(found.rdev >>> 8) & 0xfff, (found.rdev & 0xff) | ((found.rdev >>> 12) & 0xfff00)]
}

/** Of what may go wrong without being forbidden, in Docker's words. */
export const limitWarnings = ({ OomKillDisable = false, Memory = 0 }: HostBody): string[] =>
  OomKillDisable && Memory === 0
    ? ['OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.']
    : []

/** -1 is no limit. */
export const rlimitsOf = ({ Ulimits = [] }: HostBody): Rlimit[] =>
  Ulimits.map(({ Name = '', Soft = 0, Hard = 0 }) => parseRlimit(`${Name}=${Soft}:${Hard}`))
