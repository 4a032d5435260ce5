/** What `docker info` tells of the machine: its system, its memory, what can be limited on it. */
import { statfsSync, statSync } from 'node:fs'
import { machine, release, totalmem } from 'node:os'
import type { Machine } from '../../container/index.js'
import { SHIM_PATH } from '../../kernel/constants.js'
import { namesIfReadable, textIfReadable } from '../../kernel/readable.js'
import { hierarchyOf } from '../../primitives/cgroups/index.js'
import type { Document } from '../types.js'

/** Magic numbers of file systems (statfs(2), linux/magic.h), in the words that Docker has for them. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'extfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  2035054128: 'overlayfs',
  801189825: 'zfs',
  26985: 'nfs',
  4076150800: 'f2fs',
}

/** Of the file system that layers are on. */
export function driverStatus(dataRoot: string, rootless: boolean): [string, string][] {
  return [
    ['Backing Filesystem', backing(dataRoot)],
    ['Supports d_type', 'true'],
    ['Using metacopy', String(isOn('metacopy'))],
    ['Native Overlay Diff', String(!isOn('redirect_dir') && !isOn('metacopy'))],
    ['userxattr', String(rootless)],
  ]
}

function backing(path: string): string {
  try {
    const { type } = statfsSync(path)
    return FILE_SYSTEMS[type >>> 0] ?? `0x${(type >>> 0).toString(16)}`
  } catch {
    // Nothing was ever put there.
    return '<unknown>'
  }
}

/** Parameters of overlayfs; Documentation/filesystems/overlayfs.rst of the kernel. */
const isOn = (parameter: string): boolean => textIfReadable(`/sys/module/overlay/parameters/${parameter}`)?.trim() === 'Y'

/** What of Docker's limits the controllers here allow. */
export function limitsHere({ cgroups: { hierarchies, layout } }: Machine): Document {
  const has = (controller: string) => hierarchyOf(hierarchies, controller) !== undefined
  const v2 = layout === 'v2'
  const memory = hierarchyOf(hierarchies, 'memory')
  return {
    MemoryLimit: has('memory'),
    SwapLimit: memory !== undefined && (v2 || memory.files.has('memory.memsw.limit_in_bytes')),
    KernelMemoryTCP: memory !== undefined && !v2 && memory.files.has('memory.kmem.tcp.limit_in_bytes'),
    CpuCfsPeriod: has('cpu'),
    CpuCfsQuota: has('cpu'),
    CPUShares: has('cpu'),
    CPUSet: has('cpuset'),
    PidsLimit: has('pids'),
    OomKillDisable: memory !== undefined && !v2,
    CgroupDriver: layout === 'none' ? 'none' : 'cgroupfs',
    CgroupVersion: v2 ? '2' : '1',
  }
}

/** Sentences for what cannot be limited, as Docker's command line shows them. */
export function limitWarnings(limits: Document): string[] {
  const words: Readonly<Record<string, string>> = {
    MemoryLimit: 'No memory limit support',
    SwapLimit: 'No swap limit support',
    CpuCfsQuota: 'No cpu cfs quota support',
    CPUShares: 'No cpu shares support',
    CPUSet: 'No cpuset support',
    PidsLimit: 'No pids limit support',
  }
  return Object.entries(words).flatMap(([member, sentence]) => (limits[member] === false ? [`WARNING: ${sentence}`] : []))
}

export function systemHere(): Document {
  const { PRETTY_NAME = 'Linux', VERSION_ID = '' } = osRelease(
    textIfReadable('/etc/os-release') ?? textIfReadable('/usr/lib/os-release') ?? '',
  )
  return {
    KernelVersion: release(),
    OperatingSystem: PRETTY_NAME,
    OSVersion: VERSION_ID,
    OSType: 'linux',
    Architecture: machine(),
    MemTotal: totalmem(),
    IPv4Forwarding: textIfReadable('/proc/sys/net/ipv4/ip_forward')?.trim() === '1',
    BridgeNfIptables: textIfReadable('/proc/sys/net/bridge/bridge-nf-call-iptables')?.trim() === '1',
    BridgeNfIp6tables: textIfReadable('/proc/sys/net/bridge/bridge-nf-call-ip6tables')?.trim() === '1',
    NFd: namesIfReadable('/proc/self/fd').length,
  }
}

/** NAME=VALUE, where a value may be quoted as a shell has it. os-release(5). */
export function osRelease(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [, name, value = ''] = /^([A-Z0-9_]+)=(.*)$/.exec(line.trim()) ?? []
      return name === undefined ? [] : [[name, value.replace(/^(["'])(.*)\1$/, '$2').replace(/\\(["'$`\\])/g, '$1')]]
    }),
  )
}

/** When what makes containers was built on this machine. RFC 3339. */
export const buildTime = (): string => (statSync(SHIM_PATH, { throwIfNoEntry: false })?.mtime ?? new Date(0)).toISOString()
