/** What a step changed in the kernel: two readings of a process compared, as lines for a person. */
import type { NamespaceFile } from '../kernel/proc/namespaces.js'
import { capabilityNames } from '../kernel/proc/status.js'

/** What /proc says of one process at one moment; names as the kernel's own. */
export interface ProcessState {
  /** As the real host counts. */
  readonly pid: number
  /** In every pid namespace from the host's down to its own. */
  readonly pids: readonly number[]
  /** Inode of each namespace: `uts` → 4026531838; also `pid_for_children` and `time_for_children`. */
  readonly namespaces: { readonly [kind in NamespaceFile]?: number }
  /** nodename of its uts namespace, when it was asked for. */
  readonly hostname?: string | undefined
  readonly mounts: readonly MountState[]
  /** Inheritable, permitted, effective, bounding, ambient. */
  readonly capabilities: Readonly<Record<CapabilitySet, bigint>>
  readonly noNewPrivs: number
  /** `off`, `strict` or `filter`. */
  readonly seccomp: string
  readonly seccompFilters: number
  /** Real, effective, saved and file system id, as the host counts. */
  readonly uids: readonly number[]
  readonly gids: readonly number[]
  readonly groups: readonly number[]
  /** Lines of uid_map and gid_map; `allow` or `deny`. */
  readonly uidMap: readonly string[]
  readonly gidMap: readonly string[]
  readonly setgroups: string
  /** Path in each hierarchy: `memory` → `/drydock/box`; version 2 is ``. */
  readonly cgroups: Readonly<Record<string, string>>
  /** Names of the network devices it sees. */
  readonly links: readonly string[]
  /** Descriptor → what it is open on. */
  readonly descriptors: Readonly<Record<string, string>>
  readonly root: string
  readonly directory: string
  readonly program: string
  readonly session: number
  /** Name → `soft hard unit`. */
  readonly limits: Readonly<Record<string, string>>
}

export type CapabilitySet = 'CapInh' | 'CapPrm' | 'CapEff' | 'CapBnd' | 'CapAmb'

export interface MountState {
  readonly point: string
  readonly type: string
  readonly source: string
  /** Of the mount: `rw,nosuid`. */
  readonly options: string
  /** `private`, `shared`, `slave`, … */
  readonly propagation: string
}

const NAMESPACES = ['user', 'mnt', 'pid', 'uts', 'ipc', 'net', 'cgroup', 'time', 'pid_for_children', 'time_for_children'] as const

/** One line for each thing that differs, in the order in which one would look. */
export function changesBetween(before: ProcessState, after: ProcessState): string[] {
  return [
    ...namespaceChanges(before, after),
    ...changed('host name', quoted(before.hostname), quoted(after.hostname)),
    ...changed('program', before.program, after.program),
    ...changed('session', before.session, after.session),
    ...listChange('uid_map, as the host counts:', before.uidMap, after.uidMap),
    ...listChange('gid_map, as the host counts:', before.gidMap, after.gidMap),
    ...changed('setgroups', before.setgroups, after.setgroups),
    ...changed('user ids as the host sees them', before.uids.join(' '), after.uids.join(' ')),
    ...changed('group ids as the host sees them', before.gids.join(' '), after.gids.join(' ')),
    ...changed('supplementary groups', before.groups.join(' ') || 'none', after.groups.join(' ') || 'none'),
    ...capabilityChanges(before, after),
    ...changed('NoNewPrivs', before.noNewPrivs, after.noNewPrivs),
    ...changed('Seccomp', before.seccomp, after.seccomp),
    ...changed('seccomp filters', before.seccompFilters, after.seccompFilters),
    ...keyed('limit', before.limits, after.limits),
    ...keyed('cgroup', before.cgroups, after.cgroups),
    ...changed('root directory', before.root, after.root),
    ...changed('current directory', before.directory, after.directory),
    ...(movedRoot(before, after) ? shownMounts(before.mounts, after.mounts) : mountChanges(before.mounts, after.mounts)),
    ...members('network device', before.links, after.links),
    ...descriptorChanges(before.descriptors, after.descriptors),
  ]
}

const quoted = (name: string | undefined) => (name === undefined ? undefined : JSON.stringify(name))

function changed(label: string, before: string | number | undefined, after: string | number | undefined): string[] {
  return before === after || before === undefined || after === undefined ? [] : [`${label} ${before} → ${after}`]
}

function namespaceChanges(before: ProcessState, after: ProcessState): string[] {
  return NAMESPACES.flatMap((kind) => {
    // A process's children are born where it is, unless it has said otherwise; only that is news.
    const base = kind.replace('_for_children', '') as (typeof NAMESPACES)[number]
    const follows = (state: ProcessState) => state.namespaces[kind] === state.namespaces[base]
    if (kind !== base && follows(before) && follows(after)) return []
    const label = kind === base ? `${kind} namespace` : `${base} namespace of its children to come`
    return changed(label, before.namespaces[kind], after.namespaces[kind])
  })
}

function listChange(label: string, before: readonly string[], after: readonly string[]): string[] {
  const show = (lines: readonly string[]) => (lines.length > 0 ? lines.join(', ') : 'empty')
  return changed(label, show(before), show(after))
}

function capabilityChanges(before: ProcessState, after: ProcessState): string[] {
  // Sets that change in the same way share a line.
  const sets = new Map<string, string[]>()
  for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'] as const) {
    const key = `${before.capabilities[name]} ${after.capabilities[name]}`
    sets.set(key, [...(sets.get(key) ?? []), name])
  }
  return [...sets].flatMap(([key, names]) => {
    const [had = 0n, has = 0n] = key.split(' ').map(BigInt)
    return setChange(names.join(', '), had, has)
  })
}

function setChange(names: string, had: bigint, has: bigint): string[] {
  const lost = capabilityNames(had & ~has)
  const gained = capabilityNames(has & ~had)
  const total = (set: bigint) => capabilityNames(set).length
  if (lost.length + gained.length > 8) {
    const [more, list] = gained.length > 0 ? ['gained', gained] : ['lost', lost]
    const named = list.length <= 30 && total(has) > 0 ? `: ${more} ${list.join(', ')}` : ''
    return [`${names} ${total(had)} → ${total(has)} capabilities${named}`]
  }
  return [...(gained.length > 0 ? [`+ ${names} ${gained.join(', ')}`] : []), ...(lost.length > 0 ? [`- ${names} ${lost.join(', ')}`] : [])]
}

function keyed(label: string, before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) => {
    const name = `${label} ${key}`.trim()
    if (before[key] === after[key]) return []
    if (before[key] === undefined) return [`+ ${name} ${after[key]}`]
    if (after[key] === undefined) return [`- ${name} ${before[key]}`]
    return [`${name} ${before[key]} → ${after[key]}`]
  })
}

function members(label: string, before: readonly string[], after: readonly string[]): string[] {
  return [
    ...after.filter((one) => !before.includes(one)).map((one) => `+ ${label} ${one}`),
    ...before.filter((one) => !after.includes(one)).map((one) => `- ${label} ${one}`),
  ]
}

/** By chroot: the table of mounts is the same, and mountinfo shows another part of it. */
const movedRoot = (before: ProcessState, after: ProcessState) =>
  before.root !== after.root && before.namespaces.mnt === after.namespaces.mnt

function shownMounts(before: readonly MountState[], after: readonly MountState[]): string[] {
  return before.length === after.length ? [] : [`mounts that lie below its root, and are shown to it ${before.length} → ${after.length}`]
}

/** More of one kind than this are counted instead of listed. */
const LISTED = 6

function mountChanges(before: readonly MountState[], after: readonly MountState[]): string[] {
  // Mount ids are new in every copy of a mount namespace, so a mount is known by what it is and where, and how many of the same.
  const remaining = [...before]
  const added: MountState[] = []
  const altered: [MountState, MountState][] = []
  for (const mount of after) {
    const same = (one: MountState) => one.point === mount.point && one.type === mount.type && one.source === mount.source
    const exact = remaining.findIndex((one) => same(one) && one.options === mount.options && one.propagation === mount.propagation)
    const at = exact >= 0 ? exact : remaining.findIndex(same)
    if (at < 0) added.push(mount)
    else {
      const [old] = remaining.splice(at, 1)
      if (old && exact < 0) altered.push([old, mount])
    }
  }
  const propagation = altered.filter(([old, now]) => old.propagation !== now.propagation)
  const options = altered.filter(([old, now]) => old.options !== now.options)
  return [
    ...listed('+', added),
    ...listed('-', remaining),
    ...counted('mount', options, ([old, now]) => `mount ${now.point} ${old.options} → ${now.options}`),
    ...propagationChanges(propagation),
  ]
}

function listed(sign: string, mounts: readonly MountState[]): string[] {
  const first = mounts.slice(0, LISTED).map(({ point }) => point)
  if (mounts.length > LISTED) return [`${sign} ${mounts.length} mounts: ${first.join(' ')} …`]
  return mounts.map(({ point, type, options }) => `${sign} mount ${point} (${type}, ${options})`)
}

function counted<T>(what: string, list: readonly T[], show: (one: T) => string): string[] {
  if (list.length <= LISTED) return list.map(show)
  return [...list.slice(0, LISTED).map(show), `… and ${list.length - LISTED} more ${what}s`]
}

function propagationChanges(changes: readonly [MountState, MountState][]): string[] {
  const groups = new Map<string, string[]>()
  for (const [old, now] of changes) {
    const key = `${old.propagation} → ${now.propagation}`
    groups.set(key, [...(groups.get(key) ?? []), now.point])
  }
  return [...groups].map(([change, points]) =>
    points.length === 1 ? `mount ${points[0]} ${change}` : `propagation of ${points.length} mounts ${change}`,
  )
}

function descriptorChanges(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string[] {
  const lines = keyed('descriptor', before, after)
  return counted('descriptor', lines, (line) => line)
}
