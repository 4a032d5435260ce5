/**
 * What of the host must be the same before and after every lesson, test and crash: its mounts, links, cgroups, rules, processes,
 * and the settings that a namespace keeps its own copy of. Read from /proc and /sys; only the rules need another program.
 */
import { type Dirent, lstatSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DrydockError } from './errors.js'
import { readOwnTables } from './nft.js'
import { OWN_CGROUP, runDirectoryPath, TRACES } from './places.js'
import { type CgroupHierarchy, type CgroupMembership, directoryOf, readCgroup, readHierarchies } from './proc/cgroup.js'
import { propagationOf, readMountinfo } from './proc/mountinfo.js'
import { readNetDev } from './proc/net.js'
import { processIds, readProcess } from './proc/processes.js'
import { linesOf, readProcFile, readProcLink } from './proc/read.js'
import { isShim } from './shims.js'

/** One thing on the host: what it is called, and what else is known of it. */
export interface Seen {
  readonly name: string
  readonly detail: string
}

/** Kinds of things, as the sentences call them. */
const KINDS = {
  mounts: 'a mount',
  links: 'a network link',
  cgroups: 'a cgroup',
  rules: 'an nft table',
  processes: 'a process',
  files: 'a file in the run directory',
} as const

export type SnapshotKind = keyof typeof KINDS

export interface Snapshot {
  readonly things: { readonly [Kind in SnapshotKind]: readonly Seen[] }
  /** What could not be looked at, with the reason; such a kind is empty. */
  readonly unreadable: { readonly [Kind in SnapshotKind]?: string }
  /** Kernel settings by name; a name is absent where this kernel does not have it. */
  readonly settings: Readonly<Record<string, string>>
  /** How many there are of each kind of inter-process communication. */
  readonly ipc: Readonly<Record<string, number>>
}

/** Settings that a container has its own of: were one to change, the step went to the wrong namespace. */
const SETTINGS = ['kernel/hostname', 'kernel/domainname', 'net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding'] as const

/** The host as it is now. `nft: false` leaves the rules out, which are the slow part. */
export async function hostSnapshot(options: { nft?: boolean } = {}): Promise<Snapshot> {
  const rules = options.nft === false ? 'nobody asked' : await readOwnTables()
  const mounts = mountsNow()
  return {
    things: {
      mounts,
      links: linksNow(),
      cgroups: cgroupsNow(),
      rules: typeof rules === 'string' ? [] : sorted(rules),
      processes: processesNow(),
      files: filesNow(),
    },
    unreadable: typeof rules === 'string' ? { rules } : {},
    settings: settingsNow(),
    ipc: ipcNow(),
  }
}

/** A sentence for each difference; none when the host is as it was. */
export function diffSnapshots(before: Snapshot, after: Snapshot): string[] {
  const sentences: string[] = []
  for (const [kind, what] of Object.entries(KINDS) as [SnapshotKind, string][]) {
    const [first, second] = [before.unreadable[kind], after.unreadable[kind]]
    if (first === undefined && second === undefined) sentences.push(...compare(what, before.things[kind], after.things[kind]))
    else if (first !== second) sentences.push(`${what} may have changed, which cannot be said: not readable (${first ?? second})`)
  }
  for (const name of unionOf(before.settings, after.settings)) {
    const [first = 'absent', second = 'absent'] = [before.settings[name], after.settings[name]]
    if (first !== second) sentences.push(`${name.replaceAll('/', '.')} was ${JSON.stringify(first)} and is ${JSON.stringify(second)}`)
  }
  for (const name of unionOf(before.ipc, after.ipc)) {
    const [first = 0, second = 0] = [before.ipc[name], after.ipc[name]]
    if (first !== second) sentences.push(`the number of ${name} was ${first} and is ${second}`)
  }
  return sentences
}

/**
 * The differences that remain. The kernel takes its time to remove some things (the host's end of a cable goes up to 50 ms after its
 * namespace), so a difference is looked at again until it has gone or `milliseconds` have passed.
 */
export async function lastingDifferences(before: Snapshot, milliseconds = 20_000): Promise<string[]> {
  const nft = before.unreadable.rules !== 'nobody asked'
  for (const end = Date.now() + milliseconds; ; ) {
    const differences = diffSnapshots(before, await hostSnapshot({ nft }))
    if (differences.length === 0 || Date.now() >= end) return differences
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function compare(what: string, before: readonly Seen[], after: readonly Seen[]): string[] {
  const gone = without(before, after)
  const left = without(after, before)
  const sentences: string[] = []
  for (const old of gone) {
    // One of the same name that is new: it was not removed but changed (or removed and made again).
    const at = left.findIndex(({ name }) => name === old.name)
    const [changed] = at < 0 ? [] : left.splice(at, 1)
    sentences.push(changed ? `${what} has changed: ${old.name}: was ${old.detail}; is ${changed.detail}` : `${what} is gone: ${show(old)}`)
  }
  return [...sentences, ...left.map((one) => `${what} is left over: ${show(one)}`)]
}

/** Those of `some` that are not in `others`; each of `others` accounts for one. */
function without(some: readonly Seen[], others: readonly Seen[]): Seen[] {
  const key = ({ name, detail }: Seen) => `${name}\0${detail}`
  const counts = new Map<string, number>()
  for (const one of others) counts.set(key(one), (counts.get(key(one)) ?? 0) + 1)
  return some.filter((one) => {
    const count = counts.get(key(one)) ?? 0
    counts.set(key(one), count - 1)
    return count <= 0
  })
}

const show = ({ name, detail }: Seen): string => (detail === '' ? name : `${name} (${detail})`)

const unionOf = (one: object, other: object): string[] => [...new Set([...Object.keys(one), ...Object.keys(other)])]

const sorted = (seen: Seen[]): Seen[] => seen.sort((a, b) => (show(a) < show(b) ? -1 : 1))

/** Without the ids of mounts and peer groups, which the kernel gives to others again. */
function mountsNow(): Seen[] {
  const mounts = readMountinfo('self')
  if (!mounts) throw new DrydockError('/proc is not mounted here, so nothing can be said about this machine')
  return sorted(
    mounts.map((mount) => {
      const { mountPoint, root, source, fsType, options, superOptions } = mount
      const what = root === '/' ? `${fsType} ${source}` : `${root} of ${fsType} ${source}`
      return { name: mountPoint, detail: [what, options.join(), superOptions.join(), propagationOf(mount)].join('; ') }
    }),
  )
}

/** Names from this network namespace; what else is known of them from /sys, which may be another one's and then says nothing. */
function linksNow(): Seen[] {
  const names = (readNetDev() ?? []).map(({ name }) => name)
  return sorted(
    names.flatMap((name) => {
      const directory = `/sys/class/net/${name}`
      const index = indexOf(directory)
      if (index === 'dying') return []
      if (index === undefined) return { name, detail: '' }
      const master = readProcLink(`${directory}/master`)?.split('/').at(-1)
      return {
        name,
        detail: [`index ${index}`, kindOf(name, directory), ...(master === undefined ? [] : [`port of ${master}`])].join(', '),
      }
    }),
  )
}

/** A device that is being removed has its files for a moment yet, and they answer EINVAL. */
function indexOf(directory: string): string | 'dying' | undefined {
  try {
    return readProcFile(`${directory}/ifindex`)?.trim()
  } catch (error) {
    if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'EINVAL') return 'dying'
    throw error
  }
}

function kindOf(name: string, directory: string): string {
  const type = /^DEVTYPE=(.*)$/m.exec(readProcFile(`${directory}/uevent`) ?? '')?.[1]
  if (type !== undefined) return type
  if (name === 'lo') return 'loopback'
  return readProcLink(directory)?.includes('/virtual/') ? 'virtual' : 'device'
}

const cgroupsNow = (): Seen[] => sorted(ownCgroups(readHierarchies(), readCgroup('self') ?? []).map((name) => ({ name, detail: '' })))

/** Every directory in ours, in every tree: below its top, and below the cgroups that we are in (delegated ones). */
export function ownCgroups(hierarchies: readonly CgroupHierarchy[], memberships: readonly CgroupMembership[]): string[] {
  const found = new Set<string>()
  for (const hierarchy of hierarchies) {
    const own = memberships.find(({ version, name, controllers }) =>
      version === 2 ? hierarchy.version === 2 : name === hierarchy.name && controllers.join() === hierarchy.controllers.join(),
    )
    addDirectories(join(hierarchy.mountPoint, OWN_CGROUP), found)
    for (let at = own && directoryOf(own, hierarchy); at?.startsWith(`${hierarchy.mountPoint}/`); at = dirname(at)) {
      addDirectories(join(at, OWN_CGROUP), found)
    }
  }
  return [...found]
}

function addDirectories(directory: string, found: Set<string>): void {
  const entries = entriesOf(directory)
  if (!entries) return
  found.add(directory)
  for (const entry of entries) if (entry.isDirectory()) addDirectories(join(directory, entry.name), found)
}

/** This user's processes that run our shim, wherever they are; also when the file was built anew under them. */
function processesNow(): Seen[] {
  return sorted(
    processIds().flatMap((pid) => {
      const found = isShim(pid) ? readProcess(pid) : undefined
      return found === undefined ? [] : [{ name: `${pid}`, detail: `${found.commandLine.join(' ')}; started at ${found.startTicks}` }]
    }),
  )
}

/** Without the traces: they record what was done, and nothing on this machine is another way because of them. */
function filesNow(directory = runDirectoryPath(), top = true): Seen[] {
  const entries = (entriesOf(directory) ?? []).filter(({ name }) => !(top && name === TRACES))
  return sorted(
    entries.flatMap((entry) => {
      const name = join(directory, entry.name)
      return [{ name, detail: '' }, ...(entry.isDirectory() ? filesNow(name, false) : [])]
    }),
  )
}

function settingsNow(): Record<string, string> {
  const settings: Record<string, string> = {}
  for (const name of SETTINGS) {
    const value = readProcFile(`/proc/sys/${name}`)
    if (value !== undefined) settings[name] = value.trim()
  }
  return settings
}

function ipcNow(): Record<string, number> {
  const counts: Record<string, number> = {}
  const kinds = { shm: 'shared memory segments', sem: 'semaphore sets', msg: 'message queues' }
  for (const [file, name] of Object.entries(kinds)) {
    const text = readProcFile(`/proc/sysvipc/${file}`)
    if (text !== undefined) counts[name] = linesOf(text).length - 1
  }
  const queues = (readMountinfo('self') ?? []).find(({ fsType }) => fsType === 'mqueue')
  const names = queues && entriesOf(queues.mountPoint)
  if (names) counts['POSIX message queues'] = names.length
  return counts
}

/** What is in a directory; undefined when it is not there or not ours to see. */
function entriesOf(directory: string): Dirent[] | undefined {
  try {
    return lstatSync(directory).isDirectory() ? readdirSync(directory, { withFileTypes: true }) : undefined
  } catch {
    return undefined
  }
}
