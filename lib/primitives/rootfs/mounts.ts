/** Volumes, and files of the host that stand for some in /etc. */
import { close, open, openat2 } from '../../kernel/calls/files.js'
import { fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount, mount_setattr, open_tree } from '../../kernel/calls/mounts.js'
import { DrydockError } from '../../kernel/errors.js'
import { type Ref, ref, type Step } from '../../kernel/step.js'
import { type Places, TREE } from './attach.js'
import { takeOther } from './others.js'
import { componentsOf, type FileSpec, type MountSpec, type RootfsSpec } from './spec.js'
import { bindAttributes, memoryOptions, tmpfsOptions } from './tmpfs.js'

/** What may be mounted over in /proc: what runc allows, for programs that show a container's own memory and processors there (lxcfs). */
const IN_PROC = ['cpuinfo', 'diskstats', 'meminfo', 'stat', 'swaps', 'uptime', 'loadavg', 'slabinfo', 'net/dev', 'sys/kernel/ns_last_pid']

export interface Volume extends MountSpec {
  readonly parts: readonly string[]
  /** Set when its source was opened before all others. */
  readonly opened?: Ref
  /** And by the host's side, before the clone. */
  readonly byHost?: boolean
}

/** All mounts in the order in which they can be made: what lies deeper later; a volume in place of a file with the same target. */
export function volumesOf({ mounts = [], files = [], closed = false }: Pick<RootfsSpec, 'mounts' | 'files' | 'closed'>): Volume[] {
  const volumes = mounts.map((one): Volume => ({ ...one, parts: check(one) }))
  const taken = new Set(volumes.map(({ parts }) => parts.join('/')))
  const rest = files.map(fileVolume).filter(({ parts }) => !taken.has(parts.join('/')))
  return [...volumes, ...rest]
    .map((one, index) => {
      const byHost = closed && one.kind === 'bind' && !one.of && !one.memory
      return byHost || echoes(one) || one.of ? { ...one, opened: ref(`rootfs.source.${index}`), byHost } : one
    })
    .sort((a, b) => a.parts.length - b.parts.length)
}

function fileVolume({ source, target, readOnly = false }: FileSpec): Volume {
  return { kind: 'bind', source, sourceKind: 'file', target, readOnly, parts: componentsOf(target) }
}

function check(spec: MountSpec): string[] {
  const parts = componentsOf(spec.target)
  if (parts.length === 0)
    throw new DrydockError("a mount's target cannot be '/': that is the root file system's own place", { status: 400 })
  if (parts[0] === 'proc' && !IN_PROC.includes(parts.slice(1).join('/'))) {
    throw new DrydockError(
      `${spec.target} cannot be mounted over: in /proc only ${IN_PROC.join(', ')} can, as the kernel's files say what is enforced`,
      {
        status: 400,
      },
    )
  }
  if (spec.kind === 'bind' && !spec.source?.startsWith('/')) {
    throw new DrydockError(`a bind mount shows an absolute path of the host; '${spec.source ?? ''}' is not one`, { status: 400 })
  }
  if (spec.kind === 'tmpfs' && (spec.propagation !== undefined || spec.source !== undefined)) {
    throw new DrydockError(`the tmpfs at ${spec.target} has no source and no propagation: those are for bind mounts`, { status: 400 })
  }
  return parts
}

const kindOf = (propagation = 'rprivate') => propagation.replace(/^r/, '') as 'private' | 'slave' | 'shared'

const echoes = ({ propagation }: MountSpec): boolean => kindOf(propagation) !== 'private'

/**
 * Sources that stay tied to the host's mounts, and those that are another container's. The tie is the copy's membership in the host's peer group, and making the tree
 * private ends it: so these copies are taken before, and while they hang nowhere nothing of ours can reach the host through them.
 */
export function echoingSources(volumes: readonly Volume[]): Step[] {
  return volumes.flatMap((volume) => (volume.opened && !volume.byHost ? openSource(volume, volume.opened) : []))
}

/** Sources that the host's side opens, before the clone: where its paths are closed to who is root inside. */
export function hostSources(volumes: readonly Volume[]): Step[] {
  return volumes.flatMap((volume) => (volume.opened && volume.byHost ? openSource(volume, volume.opened) : []))
}

export function mountVolumes(volumes: readonly Volume[], places: Places): Step[] {
  return volumes.flatMap((volume) => (volume.kind === 'tmpfs' ? tmpfs(volume, places) : bind(volume, places)))
}

export const isInProc = ({ parts }: Volume): boolean => parts[0] === 'proc'

function openSource({ source = '', recursive = true, subpath, memory, of }: Volume, into: Ref): Step[] {
  if (of) return takeOther(of, into)
  if (memory) return makeMemory(memory, into)
  if (subpath !== undefined) return openWithin(source, subpath, recursive, into)
  return [
    open_tree(source, ['clone', 'cloexec'], {
      recursive,
      keep: into.ref,
      why: `${source} of the host, as a mount that hangs nowhere yet: whatever its path means later, this is what was meant …`,
    }),
  ]
}

/** What is in a volume was written by containers: its links are followed as if the volume were all that there is. */
function openWithin(source: string, subpath: string, recursive: boolean, into: Ref): Step[] {
  const [whole, part] = [ref('rootfs.volume'), ref('rootfs.part')]
  return [
    open(source, ['path', 'directory'], { keep: whole.ref, why: 'The whole volume, of which a part is wanted.' }),
    openat2(
      subpath,
      { flags: ['path'], resolve: ['in_root', 'no_magiclinks'] },
      { dirfd: whole, keep: part.ref, why: `${subpath} in it: no link that somebody has put there leads out of the volume.` },
    ),
    open_tree('', ['clone', 'cloexec', 'empty_path'], {
      recursive,
      dirfd: part,
      keep: into.ref,
      why: 'By its descriptor, so it is what was looked up, as a mount that hangs nowhere yet …',
    }),
    close(part),
    close(whole),
  ]
}

/** As a mount of its own and not by mount(2): what is read-only is then the mount, and others can share the file system for writing. */
function makeMemory(options: readonly string[], into: Ref): Step[] {
  const context = ref('rootfs.fs')
  const { attributes, data } = memoryOptions(options)
  return [
    fsopen('tmpfs', { keep: context.ref, why: 'A volume that lives in memory, as long as somebody has it.' }),
    ...data.map(([key, value]) => fsconfig_set_string(context, key, value)),
    fsconfig_create(context),
    fsmount(context, attributes, { keep: into.ref, why: 'It hangs nowhere yet …' }),
    close(context),
  ]
}

function bind(volume: Volume, places: Places): Step[] {
  const { sourceKind = 'directory', parts, opened } = volume
  const tree = opened ?? TREE
  return [
    ...(opened ? [] : openSource(volume, TREE)),
    ...settings(volume, tree),
    ...(sourceKind === 'file' ? places.attachFile(parts, tree) : places.attachDirectory(parts, tree)),
    close(tree, { why: 'It hangs in the tree now.' }),
  ]
}

/** What is set on the mount before anybody can reach it. Settings that it has already stay: some are locked in a user namespace. */
function settings({ readOnly, recursive = true, propagation, options = [], of, byHost = false }: Volume, tree: Ref): Step[] {
  const set = [...new Set([...bindAttributes(options), ...(readOnly ? (['rdonly'] as const) : [])])]
  const steps: Step[] = []
  if (byHost && kindOf(propagation) === 'private') {
    const change = { propagation: ['private'] as const, recursive: true, dirfd: tree }
    steps.push(mount_setattr('', change, { why: 'It was taken where everything echoes: nothing mounted in it reaches the host …' }))
  }
  if (of && !readOnly) {
    steps.push(mount_setattr('', { clear: ['rdonly'], dirfd: tree }, { why: '… writable here, whatever it is in the other container …' }))
  }
  if (set.length > 0) {
    const why =
      recursive && readOnly ? '… read-only with everything below it, which remount,bind would not do …' : '… with settings of its own …'
    steps.push(mount_setattr('', { set, recursive, dirfd: tree }, { why }))
  }
  if (propagation !== undefined && kindOf(propagation) !== 'private') {
    const change = { propagation: [kindOf(propagation)], recursive: propagation.startsWith('r'), dirfd: tree }
    steps.push(mount_setattr('', change, { why: '… tied to the host’s mounts as was asked …' }))
  }
  return steps
}

function tmpfs({ parts, readOnly, options = [] }: Volume, places: Places): Step[] {
  const { flags, data } = tmpfsOptions(options, ['nosuid', 'nodev', 'noexec', ...(readOnly ? (['rdonly'] as const) : [])])
  return [
    ...places.stand(parts),
    mount('tmpfs', '.', 'tmpfs', flags, data, { why: `/${parts.join('/')} in memory, gone with the container.` }),
  ]
}
