/** What is said of the machine as a whole. */
import { availableParallelism, hostname, loadavg, release } from 'node:os'
import { type CgroupHierarchy, cgroupVersion } from '../kernel/proc/cgroup.js'
import { readMeminfo } from '../kernel/proc/meminfo.js'
import type { Inodes } from './scan.js'
import type { HostView } from './types.js'

export function hostView(namespaces: Inodes, hierarchies: readonly CgroupHierarchy[], missing: readonly string[]): HostView {
  const memory = readMeminfo()
  const bytes = (name: string) => (memory.get(name) ?? 0) * 1024
  const [one = 0, five = 0, fifteen = 0] = loadavg()
  return {
    hostname: hostname(),
    kernel: release(),
    cgroups: cgroupVersion(hierarchies),
    processors: availableParallelism(),
    memory: { total: bytes('MemTotal'), available: bytes('MemAvailable') },
    load: [one, five, fifteen].map((load) => Math.round(load * 100) / 100) as [number, number, number],
    reader: process.geteuid?.() ?? 0,
    namespaces: namespaces as Readonly<Record<string, number>>,
    missing,
  }
}
