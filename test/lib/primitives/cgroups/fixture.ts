/** A host in memory: files by path; directories are what stands before the last slash; a path that ends in a slash is an empty one. */
import type { CgroupFiles } from '../../../../lib/primitives/cgroups/files.js'

export interface FixtureHost {
  readonly files: Readonly<Record<string, string>>
  /** Prefixes of what may be written; everything for root. */
  readonly writable?: readonly string[] | 'all'
}

export function fixture({ files, writable = 'all' }: FixtureHost): CgroupFiles {
  const paths = Object.keys(files)
  const below = (directory: string) =>
    paths.filter((path) => path.startsWith(`${directory}/`)).map((path) => path.slice(directory.length + 1))
  const exists = (path: string) => path in files || below(path).length > 0
  return {
    read: (path) => files[path],
    link: (path) => files[path],
    names: (directory) => below(directory).filter((rest) => rest !== '' && !rest.includes('/')),
    directories: (directory) => [
      ...new Set(
        below(directory)
          .filter((rest) => rest.includes('/'))
          .map((rest) => rest.slice(0, rest.indexOf('/'))),
      ),
    ],
    writable: (path) => exists(path) && (writable === 'all' || writable.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))),
  }
}

const ROOT_CAPABILITIES = 'CapEff:\t000001ffffffffff\n'
const NO_CAPABILITIES = 'CapEff:\t0000000000000000\n'
const FIRST_USER_NAMESPACE = 'user:[4026531837]'

export const asRoot = { '/proc/self/status': ROOT_CAPABILITIES, '/proc/self/ns/user': FIRST_USER_NAMESPACE }
export const asUser = { '/proc/self/status': NO_CAPABILITIES, '/proc/self/ns/user': FIRST_USER_NAMESPACE }

/** A machine with systemd and cgroup v2, as today's distributions are. */
export const UNIFIED = {
  '/proc/self/mountinfo':
    '23 30 0:22 / /proc rw - proc proc rw\n35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n',
  '/proc/cmdline': 'BOOT_IMAGE=/vmlinuz quiet',
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma misc\n',
  '/sys/fs/cgroup/cgroup.subtree_control': 'cpu io memory pids\n',
  '/sys/fs/cgroup/cgroup.procs': '1\n2\n',
  '/sys/fs/cgroup/system.slice/memory.swap.max': 'max\n',
  '/sys/fs/cgroup/system.slice/memory.max': 'max\n',
  '/sys/fs/cgroup/system.slice/io.max': '',
}

const v1Mount = (id: number, name: string, options = name) =>
  `${id} 31 0:${id} / /sys/fs/cgroup/${name} rw,relatime - cgroup cgroup rw,${options}\n`

/** Controllers on v1, v2 beside it without any. */
export const HYBRID = {
  '/proc/self/mountinfo':
    v1Mount(32, 'memory') +
    v1Mount(33, 'cpu,cpuacct') +
    v1Mount(34, 'cpuset') +
    v1Mount(35, 'devices') +
    v1Mount(36, 'systemd', 'xattr,name=systemd') +
    '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n',
  '/proc/self/cgroup': '9:name=systemd:/\n4:memory:/jobs/7\n3:cpuset:/\n2:devices:/\n1:cpu,cpuacct:/\n0::/\n',
  '/sys/fs/cgroup/memory/tasks': '',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
  '/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes': '9223372036854771712\n',
  '/sys/fs/cgroup/memory/jobs/7/tasks': '',
  '/sys/fs/cgroup/cpu,cpuacct/tasks': '',
  '/sys/fs/cgroup/cpuset/tasks': '',
  '/sys/fs/cgroup/cpuset/cpuset.cpus': '0-3\n',
  '/sys/fs/cgroup/cpuset/cpuset.mems': '0\n',
  '/sys/fs/cgroup/devices/tasks': '',
  '/sys/fs/cgroup/systemd/tasks': '',
  '/sys/fs/cgroup/unified/cgroup.controllers': 'hugetlb\n',
  '/sys/fs/cgroup/unified/cgroup.procs': '1\n',
  '/sys/fs/cgroup/unified/cgroup.subtree_control': '\n',
}
