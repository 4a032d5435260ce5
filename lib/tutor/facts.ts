/** What this machine allows, read from the kernel: the reasons behind a refusal, and what a lesson can count on. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'

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
  /** `Seccomp:` of /proc/self/status: 2 when this very process is under a filter, as in most containers. */
  readonly seccomp: number
  /** `CapEff:` of /proc/self/status. */
  readonly capabilities: bigint
  /** Controllers by name: where one can make groups of one's own. */
  readonly controllers: ReadonlyMap<string, Controller>
  /** Has newuidmap, and lines in /etc/subuid and /etc/subgid. */
  readonly newuidmap: boolean
  readonly subordinateIds: boolean
  exists(path: string): boolean
}

export interface Controller {
  readonly version: 1 | 2
  /** The directory in which this process's own groups would be made. */
  readonly directory: string
  readonly writable: boolean
}

export function readFacts(): Facts {
  const status = read('/proc/self/status') ?? ''
  const userName = process.env.SUDO_USER ?? process.env.USER ?? ''
  return {
    effectiveUid: process.geteuid?.() ?? -1,
    userName,
    kernel: release(),
    maxUserNamespaces: readNumber('/proc/sys/user/max_user_namespaces'),
    unprivilegedUsernsClone: readNumber('/proc/sys/kernel/unprivileged_userns_clone'),
    apparmorRestrictsUserns: readNumber('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    seccomp: Number(/^Seccomp:\s*(\d)/m.exec(status)?.[1] ?? 0),
    capabilities: BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`),
    controllers: readControllers(read('/proc/self/mountinfo') ?? '', read('/proc/self/cgroup') ?? ''),
    newuidmap: ['/usr/bin', '/bin', '/usr/local/bin', '/run/wrappers/bin'].some((place) => existsSync(`${place}/newuidmap`)),
    subordinateIds: ['/etc/subuid', '/etc/subgid'].every((path) => hasRange(read(path) ?? '', userName)),
    exists: existsSync,
  }
}

/** Is there a line for this user, by name or by number? subuid(5). */
function hasRange(file: string, userName: string): boolean {
  const names = [userName, String(process.getuid?.())].filter((name) => name !== '')
  return file.split('\n').some((line) => names.some((name) => line.startsWith(`${name}:`)))
}

/** Where each controller's groups can be made: cgroups(7), both versions, also side by side. */
export function readControllers(mountinfo: string, own: string): Map<string, Controller> {
  const controllers = new Map<string, Controller>()
  const membership = own
    .trim()
    .split('\n')
    .map((line) => line.split(':'))
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    const [, , , root = '/', place = ''] = before.split(' ')
    const [type, , options = ''] = after.split(' ')
    if (type === 'cgroup2') {
      const path = membership.find(([, names]) => names === '')?.[2] ?? '/'
      const directory = below(place, root, path)
      for (const name of (read(`${directory}/cgroup.controllers`) ?? '').trim().split(/\s+/)) {
        if (name !== '' && !controllers.has(name)) controllers.set(name, { version: 2, directory, writable: canWrite(directory) })
      }
    } else if (type === 'cgroup') {
      for (const [, names = '', path = '/'] of membership) {
        for (const name of names.split(',')) {
          if (name === '' || !options.split(',').includes(name)) continue
          const directory = below(place, root, path)
          controllers.set(name, { version: 1, directory, writable: canWrite(directory) })
        }
      }
    }
  }
  return controllers
}

function below(place: string, root: string, path: string): string {
  const inside = root !== '/' && path.startsWith(root) ? path.slice(root.length) : path
  return inside === '/' || inside === '' || inside.startsWith('/..') ? place : `${place}${inside}`
}

function canWrite(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function readNumber(path: string): number | undefined {
  const content = read(path)
  return content === undefined ? undefined : Number(content)
}
