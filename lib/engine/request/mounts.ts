/** What is mounted in a container: Binds, Mounts, Volumes, Tmpfs and VolumesFrom. Engine API 1.47, Mount. */
import { dirname, normalize } from 'node:path'
import type { ContainerRecord } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { randomBytes } from '../../kernel/random.js'
import type { MountSpec } from '../../primitives/rootfs/index.js'
import { createVolume } from '../volume/store.js'
import { checkTarget, kindOf, PROPAGATIONS, parseTmpfs, parseVolume, type Volume } from '../volumes.js'
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
}

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

/** `recordOf`: of another container, by its name or id. New volumes are made. */
export function mountsOf(
  config: ConfigBody,
  host: HostBody,
  image: RunnableImage,
  dataRoot: string,
  recordOf: (word: string) => ContainerRecord,
): Mounts {
  if (host.VolumeDriver && host.VolumeDriver !== 'local')
    refuse(`HostConfig.VolumeDriver is not supported: there is no volume driver "${host.VolumeDriver}", only local`)
  const anonymous = () => randomBytes(32).toString('hex')
  const parse = (text: string) => parseVolume(text, dataRoot, anonymous, { makePath: true })
  const asked = [...(host.Binds ?? []).map(parse), ...(host.Mounts ?? []).map((mount, at) => mountOf(mount, at, dataRoot, anonymous))]
  const tmpfs = Object.entries(host.Tmpfs ?? {}).map(([target, options]) => parseTmpfs(options === '' ? target : `${target}:${options}`))
  const explicit = [...asked.map(({ mount }) => mount), ...tmpfs]
  const targets = explicit.map(({ target }) => target)
  const twice = targets.find((target, at) => targets.indexOf(target) !== at)
  if (twice !== undefined) refuse(`Duplicate mount point: ${twice}`)
  const taken = new Set(targets)
  const others = (host.VolumesFrom ?? []).flatMap((text) => mountsFrom(text, recordOf)).filter(({ target }) => !taken.has(target))
  for (const { target } of others) taken.add(target)
  const wanted = [...Object.keys(config.Volumes ?? {}), ...(image.volumes ?? [])]
  const volumes = [...asked, ...wantedVolumes(wanted, taken).map(parse)]
  return {
    mounts: [...volumes.map(({ mount }) => mount), ...uniqueTargets(others), ...tmpfs],
    ownVolumes: volumes.flatMap(({ mount, source }) => (source === 'own' ? [dirname(mount.source as string)] : [])),
    fill: volumes.flatMap(({ mount, copies }) => (copies ? [mount] : [])),
    made: volumes.flatMap(({ made = [] }) => made),
  }
}

/** `NAME[:ro]`: all its volumes and directories of the host, where it has them. */
function mountsFrom(text: string, recordOf: (word: string) => ContainerRecord): MountSpec[] {
  const [, name = '', mode = ''] = /^(.+?)(?::(ro|rw|z|Z|nocopy))?$/.exec(text) ?? []
  return recordOf(name)
    .spec.mounts.filter(({ kind }) => kind === 'bind')
    .map((mount) => (mode === 'ro' ? { ...mount, readOnly: true } : mount))
}

/** Of several containers' the last one counts. */
const uniqueTargets = (mounts: readonly MountSpec[]): MountSpec[] => [...new Map(mounts.map((mount) => [mount.target, mount])).values()]

type Kind = Volume['source']

function mountOf(document: unknown, at: number, dataRoot: string, anonymous: () => string): Volume {
  const mount = readMembers(document, MOUNT, `HostConfig.Mounts[${at}].`) as MountBody
  const { Type = '', Source = '', Target = '', ReadOnly = false } = mount
  const wrong = (why: string) => refuse(`invalid mount config for type "${Type}": ${why}`)
  if (Target === '') wrong('field Target must not be empty')
  checkTarget(Target, Target)
  const target = normalize(Target)
  const asked = { ...(ReadOnly && { readOnly: true }), target }
  switch (Type) {
    case 'bind': {
      if (Source === '') wrong('field Source must not be empty')
      if (!Source.startsWith('/')) wrong(`invalid mount path: '${Source}' mount path must be absolute`)
      return { ...bindOf(mount, asked, wrong), source: 'path' as Kind, copies: false }
    }
    case 'volume': {
      const { NoCopy = false, DriverConfig, Labels, Subpath } = mount.VolumeOptions ?? {}
      if (DriverConfig?.Name && DriverConfig.Name !== 'local') wrong(`there is no volume driver "${DriverConfig.Name}", only local`)
      if (Subpath) wrong('VolumeOptions.Subpath is not supported: the whole volume is mounted')
      const own: Kind = Source === '' ? 'own' : 'named'
      const { volume, made } = createVolume(dataRoot, {
        name: Source || anonymous(),
        anonymous: Source === '',
        ...(Labels && { labels: Labels }),
        ...(DriverConfig?.Options && { options: DriverConfig.Options }),
      })
      const bind = { kind: 'bind', source: volume.directory, sourceKind: kindOf(volume.directory), recursive: true } as const
      return {
        mount: { ...bind, ...asked, ...(volume.readOnly && { readOnly: true }) },
        source: own,
        copies: !NoCopy && !volume.isBind,
        ...(made && { made: volume.name }),
      }
    }
    case 'tmpfs': {
      if (Source !== '') wrong('field Source must not be specified')
      return { mount: { kind: 'tmpfs', ...asked, options: tmpfsOptions(mount) }, source: 'path' as Kind, copies: false }
    }
    default:
      return refuse(`mount type unknown: "${Type}"`)
  }
}

function bindOf(
  { Source = '', BindOptions = {} }: MountBody,
  asked: Pick<MountSpec, 'target' | 'readOnly'>,
  wrong: (why: string) => never,
) {
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

function tmpfsOptions({ TmpfsOptions: { SizeBytes, Mode, Options } = {} }: MountBody): string[] {
  return [
    ...(SizeBytes ? [`size=${SizeBytes}`] : []),
    ...(Mode ? [`mode=${Mode.toString(8)}`] : []),
    ...(Options ?? []).map((words) => words.join('=')),
  ]
}
