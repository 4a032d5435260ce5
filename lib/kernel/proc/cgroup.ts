/** In which cgroups a process is, and where their trees are mounted. cgroups(7). */

import { type Mount, readMountinfo } from './mountinfo.js'
import { linesOf, type Pid, readProcFile } from './read.js'

/** One line of /proc/PID/cgroup: the process's cgroup in one hierarchy. */
export interface CgroupMembership {
  /** 0 is the unified hierarchy of version 2; the others are as /proc/cgroups numbers them. */
  readonly hierarchy: number
  readonly version: 1 | 2
  /** Version 1's controllers of this hierarchy; empty for version 2 and for a hierarchy that has only a name. */
  readonly controllers: readonly string[]
  /** Such as `systemd`: a hierarchy without controllers, for book-keeping. */
  readonly name?: string
  /** Seen from the reader's cgroup namespace; starts with `/..` when it is not below that namespace's root. */
  readonly path: string
  /** The cgroup was removed while the process (a zombie, as a rule) is still counted in it. */
  readonly deleted: boolean
}

/** A tree of cgroups that is mounted somewhere. */
export interface CgroupHierarchy {
  readonly version: 1 | 2
  /** Version 1: the controllers of the tree. Version 2: those that its top has to give. */
  readonly controllers: readonly string[]
  readonly name?: string
  readonly mountPoint: string
  /** The cgroup that is seen at the mount point. */
  readonly root: string
}

/** v1: controllers in trees of version 1 only; hybrid: those, and a tree of version 2 beside them. */
export type CgroupVersion = 'v1' | 'v2' | 'hybrid' | 'none'

const DELETED = ' (deleted)'

/** `4:memory:/a` or `1:name=systemd:/a` or `0::/a`. The path may have colons. */
export function parseCgroup(text: string): CgroupMembership[] {
  return linesOf(text).map((line) => {
    const [number = '', list = '', ...rest] = line.split(':')
    const whole = rest.join(':')
    const deleted = whole.endsWith(DELETED)
    return {
      hierarchy: Number(number),
      version: number === '0' && list === '' ? 2 : 1,
      ...namesIn(list.split(',')),
      path: deleted ? whole.slice(0, -DELETED.length) : whole,
      deleted,
    }
  })
}

export function readCgroup(pid: Pid, root = '/proc'): CgroupMembership[] | undefined {
  const text = readProcFile(`${root}/${pid}/cgroup`)
  return text === undefined ? undefined : parseCgroup(text)
}

/** The hierarchies among some mounts, each once, at its first mount point. Version 2's controllers are left empty: they are in a file. */
export function hierarchiesOf(mounts: readonly Mount[]): CgroupHierarchy[] {
  const found = new Map<string, CgroupHierarchy>()
  for (const { fsType, superOptions, mountPoint, root } of mounts) {
    if (fsType !== 'cgroup' && fsType !== 'cgroup2') continue
    const names = fsType === 'cgroup' ? namesIn(superOptions) : { controllers: [] }
    const key = fsType === 'cgroup2' ? '' : [names.name, ...names.controllers].join()
    if (!found.has(key)) found.set(key, { version: fsType === 'cgroup2' ? 2 : 1, ...names, mountPoint, root })
  }
  return [...found.values()]
}

/** The mounted hierarchies that a process sees, with version 2's controllers as the top of the mounted tree has them. */
export function readHierarchies(pid: Pid = 'self', root = '/proc'): CgroupHierarchy[] {
  return hierarchiesOf(readMountinfo(pid, root) ?? []).map((hierarchy) => {
    if (hierarchy.version === 1) return hierarchy
    const controllers = readProcFile(`${hierarchy.mountPoint}/cgroup.controllers`) ?? ''
    return { ...hierarchy, controllers: controllers.split(/\s+/).filter(Boolean) }
  })
}

export function cgroupVersion(hierarchies: readonly Pick<CgroupHierarchy, 'version'>[]): CgroupVersion {
  const first = hierarchies.some(({ version }) => version === 1)
  const second = hierarchies.some(({ version }) => version === 2)
  if (first) return second ? 'hybrid' : 'v1'
  return second ? 'v2' : 'none'
}

/** The directory of a process's cgroup in a hierarchy; undefined when it is outside the part of the tree that is mounted. */
export function directoryOf(membership: Pick<CgroupMembership, 'path'>, hierarchy: CgroupHierarchy): string | undefined {
  const { path } = membership
  const { root, mountPoint } = hierarchy
  if (path === '/..' || path.startsWith('/../')) return undefined
  const below = root === '/' ? path : path === root ? '/' : path.startsWith(`${root}/`) ? path.slice(root.length) : undefined
  if (below === undefined) return undefined
  return below === '/' ? mountPoint : `${mountPoint}${below}`
}

/** Options of a version 1 mount that are no controllers. */
const OPTIONS = new Set([
  'rw',
  'ro',
  'xattr',
  'noprefix',
  'clone_children',
  'cpuset_v2_mode',
  'favordynmods',
  'none',
  'all',
  'seclabel',
  '',
])

function namesIn(words: readonly string[]): { controllers: string[]; name?: string } {
  const name = words.find((word) => word.startsWith('name='))?.slice('name='.length)
  const controllers = words.filter((word) => !word.includes('=') && !OPTIONS.has(word))
  return { controllers, ...(name !== undefined && { name }) }
}
