/** What this machine allows, read from the kernel: the reasons behind a refusal, and what a lesson can count on. */
import { accessSync, constants, existsSync } from 'node:fs'
import { release } from 'node:os'
import { type CgroupHierarchy, type CgroupMembership, directoryOf, readCgroup, readHierarchies } from '../kernel/proc/cgroup.js'
import { readProcFile } from '../kernel/proc/read.js'
import { readStatus } from '../kernel/proc/status.js'

export interface Facts {
  readonly effectiveUid: number
  readonly userName: string
  /** As uname(2) says: `6.8.0-45-generic`. */
  readonly kernel: string
  /** /proc/sys/user/max_user_namespaces; undefined when the kernel has no user namespaces. */
  readonly maxUserNamespaces: number | undefined
  /** /proc/sys/kernel/unprivileged_userns_clone, a switch of Debian's and others' kernels. */
  readonly unprivilegedUsernsClone: number | undefined
  /** /proc/sys/kernel/apparmor_restrict_unprivileged_userns, on Ubuntu since 23.10. */
  readonly apparmorRestrictsUserns: number | undefined
  /** This very process is under a filter, as in most containers: `Seccomp:` of /proc/self/status. */
  readonly underSeccomp: boolean
  /** Controllers by name: where one can make groups of one's own. */
  readonly controllers: ReadonlyMap<string, Controller>
  /** Has newuidmap, and lines in /etc/subuid and /etc/subgid. */
  readonly newuidmap: boolean
  readonly subordinateIds: boolean
}

export interface Controller {
  readonly version: 1 | 2
  /** The directory in which this process's own groups would be made. */
  readonly directory: string
  readonly writable: boolean
}

export function readFacts(): Facts {
  const status = readStatus('self')
  const userName = process.env.SUDO_USER ?? process.env.USER ?? ''
  return {
    effectiveUid: process.geteuid?.() ?? -1,
    userName,
    kernel: release(),
    maxUserNamespaces: readNumber('/proc/sys/user/max_user_namespaces'),
    unprivilegedUsernsClone: readNumber('/proc/sys/kernel/unprivileged_userns_clone'),
    apparmorRestrictsUserns: readNumber('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    underSeccomp: status?.seccomp === 'filter',
    controllers: controllersOf(readHierarchies(), readCgroup('self') ?? []),
    newuidmap: ['/usr/bin', '/bin', '/usr/local/bin', '/run/wrappers/bin'].some((place) => existsSync(`${place}/newuidmap`)),
    subordinateIds: ['/etc/subuid', '/etc/subgid'].every((path) => hasRange(readProcFile(path) ?? '', userName)),
  }
}

/** Is there a line for this user, by name or by number? subuid(5). */
function hasRange(file: string, userName: string): boolean {
  const names = [userName, String(process.getuid?.())].filter((name) => name !== '')
  return file.split('\n').some((line) => names.some((name) => line.startsWith(`${name}:`)))
}

/** Where each controller's groups can be made: cgroups(7), both versions, also side by side. */
export function controllersOf(
  hierarchies: readonly CgroupHierarchy[],
  memberships: readonly CgroupMembership[],
  writable: (directory: string) => boolean = canWrite,
): Map<string, Controller> {
  const controllers = new Map<string, Controller>()
  // Version 1 last: a controller that is there in both is in use where it has a tree of its own.
  for (const hierarchy of [...hierarchies].sort((a, b) => b.version - a.version)) {
    const { version, mountPoint } = hierarchy
    for (const name of hierarchy.controllers) {
      const own = memberships.find((one) => one.version === version && (version === 2 || one.controllers.includes(name)))
      const directory = (own && directoryOf(own, hierarchy)) ?? mountPoint
      controllers.set(name, { version, directory, writable: writable(directory) })
    }
  }
  return controllers
}

function canWrite(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function readNumber(path: string): number | undefined {
  const content = readProcFile(path)
  return content === undefined ? undefined : Number(content)
}
