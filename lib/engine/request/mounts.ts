/** What is mounted in a container: Binds, Mounts, Volumes, Tmpfs and VolumesFrom. Engine API 1.47, Mount. */
import { dirname, normalize, posix } from 'node:path'
import type { ContainerRecord } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import type { MountSpec } from '../../primitives/rootfs/index.js'
import { createVolume } from '../volume/store.js'
import { checkedTarget, kindOf, kindOfVolume, ownVolume, PROPAGATIONS, parseTmpfs, parseVolume, type Volume } from '../volumes.js'
import type { ConfigBody, HostBody, MountBody } from './bodies.js'
import { wantedVolumes } from './common.js'
import type { RunnableImage } from './image.js'
import { readMembers } from './members.js'
import { MOUNT } from './tables.js'

export interface Mounts {
  readonly mounts: readonly MountSpec[]
  /** Directories of volumes that were made for this container. */
  readonly ownVolumes: readonly string[]
  /** Volumes that get what the image has in their place, when they are empty. */
  readonly fill: readonly MountSpec[]
  /** Names of volumes that were not there before. */
  readonly made: readonly string[]
  /** Of those that were asked for by themselves, by target: how, in Docker's words. */
  readonly modes: Readonly<Record<string, string>>
  /** Options of volumes that live in memory, by their directories. */
  readonly memory: Readonly<Record<string, readonly string[]>>
}

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

export interface MountSurroundings {
  readonly dataRoot: string
  /** Of another container, by its name or id. */
  readonly recordOf: (word: string) => ContainerRecord
  readonly volumeName: () => string
}

/** New volumes are made. */
export function mountsOf(
  config: ConfigBody,
  host: HostBody,
  image: RunnableImage,
  { dataRoot, recordOf, volumeName }: MountSurroundings,
): Mounts {
  if (host.VolumeDriver && host.VolumeDriver !== 'local')
    refuse(`HostConfig.VolumeDriver is not supported: there is no volume driver "${host.VolumeDriver}", only local`)
  const parse = (text: string) => parseVolume(text, dataRoot, volumeName, { makePath: true })
  const asked = [...(host.Binds ?? []).map(parse), ...(host.Mounts ?? []).map((mount, at) => mountOf(mount, at, dataRoot, volumeName))]
  const tmpfs = Object.entries(host.Tmpfs ?? {}).map(([target, options]) => parseTmpfs(options === '' ? target : `${target}:${options}`))
  const explicit = [...asked.map(({ mount }) => mount), ...tmpfs]
  const targets = explicit.map(({ target }) => target)
  const twice = targets.find((target, at) => targets.indexOf(target) !== at)
  if (twice !== undefined) refuse(`Duplicate mount point: ${twice}`)
  const taken = new Set(targets)
  const theirs = (host.VolumesFrom ?? []).flatMap((text) => mountsFrom(text, recordOf))
  const others = lastOfEach(theirs.filter(({ mount }) => !taken.has(mount.target)))
  for (const { mount } of others) taken.add(mount.target)
  const wanted = [...Object.keys(config.Volumes ?? {}), ...(image.volumes ?? [])]
  const volumes = [...asked, ...wantedVolumes(wanted, taken).map((path) => ownVolume(path, dataRoot, volumeName))]
  const sources = [...volumes, ...others].flatMap(({ mount, memory }) => (memory && Object.keys(memory).length > 0 ? [mount.source] : []))
  if (new Set(sources).size !== sources.length) refuse('a volume that lives in memory is mounted once in a container')
  const memory = volumes.flatMap((volume) => (volume.memory ? [[volume.mount.source as string, volume.memory] as const] : []))
  return {
    modes: Object.fromEntries(asked.map(({ mount, mode }) => [mount.target, mode])),
    memory: Object.fromEntries([...memory, ...others.flatMap(({ memory: one }) => Object.entries(one))]),
    mounts: [...volumes.map(({ mount }) => mount), ...others.map(({ mount }) => mount), ...tmpfs],
    ownVolumes: volumes.flatMap(({ mount, source }) => (source === 'own' ? [dirname(mount.source as string)] : [])),
    fill: volumes.flatMap(({ mount, copies }) => (copies ? [mount] : [])),
    made: volumes.flatMap(({ made = [] }) => made),
  }
}

/** Words that may stand behind the name; how a mount is tied to the host's, and that nothing is copied, is the other one's affair. */
const FROM_MODES = /^(?:ro|rw|z|Z|(?:ro|rw),[zZ]|[zZ],(?:ro|rw))$/

/** `NAME[:ro]`: all its volumes and directories of the host, where it has them. */
function mountsFrom(text: string, recordOf: (word: string) => ContainerRecord) {
  if (text === '') refuse('volumes-from specification cannot be an empty string')
  const [, name = '', mode] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? []
  if (mode !== undefined && !FROM_MODES.test(mode)) refuse(`invalid mode: ${mode}`)
  const { mounts, memoryVolumes = {} } = recordOf(name).spec
  return mounts
    .filter(({ kind }) => kind === 'bind')
    .map((mount) => {
      const memory = memoryVolumes[mount.source as string]
      return {
        mount: mode?.split(',').includes('ro') ? { ...mount, readOnly: true } : mount,
        memory: memory ? { [mount.source as string]: memory } : {},
      }
    })
}

/** Of several containers' mounts at one place the last one counts. */
const lastOfEach = <T extends { readonly mount: MountSpec }>(all: readonly T[]): T[] => [
  ...new Map(all.map((one) => [one.mount.target, one])).values(),
]

/** Which options go with which type. */
const OPTIONS = { bind: 'BindOptions', volume: 'VolumeOptions', tmpfs: 'TmpfsOptions' } as const

function mountOf(document: unknown, at: number, dataRoot: string, anonymous: () => string): Volume {
  const mount = readMembers(document, MOUNT, `HostConfig.Mounts[${at}].`) as MountBody
  const { Type = '', Source = '', Target = '', ReadOnly = false } = mount
  const wrong = (why: string) => refuse(`invalid mount config for type "${Type}": ${why}`)
  if (!Object.hasOwn(OPTIONS, Type)) wrong('mount type unknown')
  if (Target === '') wrong('field Target must not be empty')
  const target = checkedTarget(Target, wrong)
  for (const [type, member] of Object.entries(OPTIONS)) {
    if (type !== Type && mount[member] !== undefined) wrong(`field ${member} must not be specified`)
  }
  const asked = { ...(ReadOnly && { readOnly: true }), target }
  if (Type === 'bind') {
    if (Source === '') wrong('field Source must not be empty')
    if (!Source.startsWith('/')) wrong(`invalid mount path: '${Source}' mount path must be absolute`)
    return { ...bindOf(mount, asked, wrong), source: 'path', mode: '', copies: false }
  }
  if (Type === 'tmpfs') {
    if (Source !== '') wrong('field Source must not be specified')
    return { mount: { kind: 'tmpfs', ...asked, options: tmpfsOptions(mount, wrong) }, source: 'path', mode: '', copies: false }
  }
  return volumeOf(mount, asked, wrong, dataRoot, anonymous)
}

type Wrong = (why: string) => never
type Asked = Pick<MountSpec, 'target' | 'readOnly'>

function volumeOf(
  { Source = '', VolumeOptions = {} }: MountBody,
  asked: Asked,
  wrong: Wrong,
  dataRoot: string,
  anonymous: () => string,
): Volume {
  const { NoCopy = false, DriverConfig, Labels, Subpath } = VolumeOptions
  if (DriverConfig?.Name && DriverConfig.Name !== 'local') wrong(`there is no volume driver "${DriverConfig.Name}", only local`)
  if (Source.startsWith('/')) wrong(`a volume has a name; ${Source} is a path, for which there is the type bind`)
  if (Subpath && Source === '') wrong('must not set Subpath when using anonymous volumes')
  if (Subpath && (Subpath.startsWith('/') || posix.normalize(Subpath).split('/')[0] === '..'))
    wrong('subpath must be a relative path within the volume')
  const { volume, made } = createVolume(dataRoot, {
    name: Source || anonymous(),
    anonymous: Source === '',
    ...(Labels && { labels: Labels }),
    ...(DriverConfig?.Options && { options: DriverConfig.Options }),
  })
  if (Subpath && volume.memory) wrong('Subpath is not supported of a volume that lives in memory: it is empty when it is mounted')
  const bind = { kind: 'bind', source: volume.directory, sourceKind: kindOfVolume(volume), recursive: true } as const
  return {
    mount: { ...bind, ...asked, ...(volume.readOnly && { readOnly: true }), ...(Subpath && { subpath: posix.normalize(Subpath) }) },
    source: Source === '' ? 'own' : 'named',
    mode: 'z',
    copies: !NoCopy && !volume.isBind && !volume.memory && !Subpath,
    ...(volume.memory && { memory: volume.memory }),
    ...(made && { made: volume.name }),
  }
}

function bindOf({ Source = '', BindOptions = {} }: MountBody, asked: Asked, wrong: Wrong) {
  const { Propagation = '', NonRecursive = false, CreateMountpoint = false, ReadOnlyForceRecursive = false } = BindOptions
  if (ReadOnlyForceRecursive && NonRecursive) wrong('mount options conflict: ReadOnlyForceRecursive and NonRecursive')
  const propagation = PROPAGATIONS.find((one) => one === Propagation)
  if (Propagation !== '' && !propagation) wrong(`invalid propagation mode: ${Propagation}`)
  if (CreateMountpoint) parseVolume(`${Source}:/mnt`, '', () => '', { makePath: true })
  return {
    mount: {
      kind: 'bind' as const,
      source: normalize(Source),
      sourceKind: kindOf(Source),
      recursive: !NonRecursive,
      ...asked,
      ...(propagation && { propagation }),
    },
  }
}

function tmpfsOptions({ TmpfsOptions: { SizeBytes = 0, Mode, Options } = {} }: MountBody, wrong: Wrong): string[] {
  if (SizeBytes < 0) wrong(`size is less than zero: ${SizeBytes}`)
  return [
    ...(SizeBytes ? [`size=${SizeBytes}`] : []),
    ...(Mode ? [`mode=${Mode.toString(8)}`] : []),
    ...(Options ?? []).map((words) => words.join('=')),
  ]
}
