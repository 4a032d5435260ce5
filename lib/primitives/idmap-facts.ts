/** What there is to know of a host before ids are mapped on it: who this process is, what it may do, and what /etc/subuid and /etc/subgid give to whom. */
import { accessSync, constants } from 'node:fs'
import { release, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { type IdRange, parseIdMap } from '../kernel/proc/idmap.js'
import { textIfReadable } from '../kernel/readable.js'

/** Facts about the host, as far as user namespaces go. `undefined`: the kernel has no such file. */
export interface IdmapHost {
  readonly uid: number
  readonly gid: number
  readonly user: string
  /** CAP_SETUID, CAP_SETGID and CAP_SYS_ADMIN are effective. */
  readonly privileged: boolean
  /** Contents of the files in /etc. */
  readonly subuid: string
  readonly subgid: string
  /** Paths of the programs. */
  readonly newuidmap: string | undefined
  readonly newgidmap: string | undefined
  readonly ownUidMap: readonly IdRange[]
  readonly ownGidMap: readonly IdRange[]
  /** /proc/sys/user/max_user_namespaces. */
  readonly maxUserNamespaces: number | undefined
  /** /proc/sys/kernel/unprivileged_userns_clone (Debian, Ubuntu, Arch). */
  readonly unprivilegedClone: number | undefined
  /** /proc/sys/kernel/apparmor_restrict_unprivileged_userns (Ubuntu 23.10 and later). */
  readonly apparmorRestricts: number | undefined
  readonly kernel: string
}

/** Names under which root's containers look for a range in /etc/subuid: our own, then Docker's for userns-remap. */
export const ROOTS_NAMES = ['drydock', 'dockremap']

/** Ranges of /etc/subuid or /etc/subgid: lines `name:start:count`, with a name or a number as subuid(5) allows. */
export function rangesOf(file: string, names: readonly string[]): { start: number; count: number }[] {
  const found: { start: number; count: number }[] = []
  for (const line of file.split('\n')) {
    const [name = '', first = '', many = ''] = line.trim().split(':')
    const range = { start: Number(first), count: Number(many) }
    const valid = /^\d+$/.test(first) && /^\d+$/.test(many) && range.count > 0
    if (valid && names.includes(name) && !found.some(({ start }) => start === range.start)) found.push(range)
  }
  return found
}

/** The first id after all that the file gives to anybody. */
export const firstFree = (file: string): number =>
  file
    .split('\n')
    .flatMap((line) => rangesOf(line, [line.trim().split(':')[0] ?? '']))
    .reduce((highest, { start, count }) => Math.max(highest, start + count), 100000)

/** One after the other inside, from an id on. */
export function inARow(ranges: readonly { start: number; count: number }[], from: number): IdRange[] {
  let inside = from
  return ranges.map(({ start, count }) => {
    const range = { inside, outside: start, count }
    inside += count
    return range
  })
}

export function isWithin(start: number, count: number, own: readonly IdRange[]): boolean {
  return own.some((range) => start >= range.inside && start + count <= range.inside + range.count)
}

const SETGID = 6n
const SETUID = 7n
const SYS_ADMIN = 21n

/** The facts about this machine and this process. */
export function readIdmapHost(): IdmapHost {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(textIfReadable('/proc/self/status') ?? '')?.[1] ?? '0'}`)
  return {
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    user: userName(),
    privileged: [SETGID, SETUID, SYS_ADMIN].every((bit) => (effective >> bit) & 1n),
    subuid: textIfReadable('/etc/subuid') ?? '',
    subgid: textIfReadable('/etc/subgid') ?? '',
    newuidmap: programPath('newuidmap'),
    newgidmap: programPath('newgidmap'),
    ownUidMap: parseIdMap(textIfReadable('/proc/self/uid_map') ?? ''),
    ownGidMap: parseIdMap(textIfReadable('/proc/self/gid_map') ?? ''),
    maxUserNamespaces: readNumber('/proc/sys/user/max_user_namespaces'),
    unprivilegedClone: readNumber('/proc/sys/kernel/unprivileged_userns_clone'),
    apparmorRestricts: readNumber('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    kernel: release(),
  }
}

function readNumber(path: string): number | undefined {
  const content = textIfReadable(path)
  return content === undefined ? undefined : Number(content.trim())
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A uid without an entry in /etc/passwd: /etc/subuid may still have it as a number.
    return String(process.geteuid?.() ?? 0)
  }
}

function programPath(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin', '/bin', '/sbin']
  for (const directory of directories.filter((entry) => entry.startsWith('/'))) {
    const path = join(directory, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this directory.
    }
  }
  return undefined
}
