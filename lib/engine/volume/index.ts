/**
 * Volumes, as the Engine API has them.
 *
 *     store.ts       volumes on disk
 *     options.ts     what can be made of the local driver's options
 *     usage.ts       which containers have a volume; events.ts what is told of them
 */
import { removeTrees } from '../../image/store/tree.js'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import type { EngineContext } from '../context.js'
import { bytesBelow } from '../disk.js'
import { booleanFilter, checkFilters, type Filters, matchesLabelFilters, matchesLabels, matchesName } from '../filters.js'
import { is, type Members, readMembers } from '../request/members.js'
import type { Document, VolumesNoun } from '../types.js'
import { publishVolume } from './events.js'
import { abandonedVolumes, createVolume, deleteVolume, listVolumes, type Volume, volumeOf } from './store.js'
import { volumeUsers } from './usage.js'

export { publishMounts, publishUnmounts, publishVolume } from './events.js'
export {
  createVolume,
  deleteVolume,
  holdVolume,
  isHeld,
  readVolume,
  type Volume,
  volumeDirectory,
  volumeOf,
} from './store.js'
export { type MountedVolume, volumesIn } from './usage.js'

export function volumesOf(context: EngineContext): VolumesNoun {
  const { dataRoot } = context
  return {
    list: async (filters) => ({ Volumes: filtered(context, filters).map(volumeDocument), Warnings: null }),
    inspect: async (name) => volumeDocument(volumeOf(dataRoot, name)),
    create: async (body) => create(context, body),
    remove: (name, options) => remove(context, name, options),
    prune: (filters, options) => prune(context, filters, options),
  }
}

/** What engines and commands that are no more have left half made or half removed. */
export async function sweepVolumes({ dataRoot, log }: EngineContext): Promise<void> {
  try {
    await removeTrees(abandonedVolumes(dataRoot))
  } catch (error) {
    log('warn', `half of a volume is left: ${sentenceOf(error)}`)
  }
}

/** Of one on disk; API's Volume. */
export const volumeDocument = ({ name, directory, created, labels, options }: Volume): Document => ({
  CreatedAt: created.replace(/\.\d+/, ''),
  Driver: 'local',
  Labels: labels,
  Mountpoint: directory,
  Name: name,
  Options: options,
  Scope: 'local',
})

function filtered(context: EngineContext, filters: Filters): Volume[] {
  checkFilters(filters, ['dangling', 'driver', 'label', 'name'])
  const dangling = booleanFilter(filters, 'dangling')
  const users = dangling === undefined ? undefined : volumeUsers(context)
  const drivers = filters.get('driver')
  return listVolumes(context.dataRoot).filter(
    (volume) =>
      (users === undefined || (users(volume).length === 0) === dangling) &&
      (drivers === undefined || drivers.includes('local')) &&
      matchesName(filters, volume.name) &&
      matchesLabels(filters, volume.labels ?? {}),
  )
}

const CREATE: Members = { Name: is('text'), Driver: is('text'), DriverOpts: is('map'), Labels: is('map'), ClusterVolumeSpec: is('object') }

interface CreateBody {
  readonly Name?: string
  readonly Driver?: string
  readonly DriverOpts?: Readonly<Record<string, string>> | null
  readonly Labels?: Readonly<Record<string, string>> | null
  readonly ClusterVolumeSpec?: object | null
}

function create({ dataRoot, events }: EngineContext, body: Document): Document {
  const { Name: name = '', Driver: driver = '', DriverOpts, Labels, ClusterVolumeSpec } = readMembers(body, CREATE) as CreateBody
  if (ClusterVolumeSpec) throw new DrydockError('cluster volumes are not supported: this engine is no member of a swarm', { status: 503 })
  if (driver !== '' && driver !== 'local') {
    throw new DrydockError(`create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`, { status: 404 })
  }
  const { volume, made } = createVolume(dataRoot, {
    ...(name !== '' && { name: checkedName(name) }),
    ...(Labels && { labels: Labels }),
    ...(DriverOpts && { options: DriverOpts }),
  })
  if (made) publishVolume(events, 'create', volume.name)
  return volumeDocument(volume)
}

/** In the words that Docker has for volumes. */
function checkedName(name: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/.test(name)) return name
  const why =
    Buffer.byteLength(name) < 2
      ? 'volume name is too short, names should be at least two alphanumeric characters'
      : name.length > 255
        ? 'volume name is too long, names are at most 255 characters'
        : `"${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`
  throw new DrydockError(`create ${name}: ${why}`, { status: 400 })
}

async function remove(context: EngineContext, name: string, { force }: { readonly force: boolean }): Promise<void> {
  const { dataRoot, events } = context
  let volume: Volume
  try {
    volume = volumeOf(dataRoot, name)
  } catch (error) {
    if (force && error instanceof DrydockError && error.status === 404) return
    throw error
  }
  const users = volumeUsers(context)(volume)
  if (users.length > 0) throw new DrydockError(`remove ${name}: volume is in use - [${users.join(', ')}]`, { status: 409 })
  await deleteVolume(dataRoot, name)
  publishVolume(events, 'destroy', name)
}

async function prune(context: EngineContext, filters: Filters, { all }: { readonly all: boolean }): ReturnType<VolumesNoun['prune']> {
  checkFilters(filters, ['all', 'label', 'label!'])
  const every = booleanFilter(filters, 'all') ?? all
  const deleted: string[] = []
  let reclaimed = 0
  for (const volume of listVolumes(context.dataRoot)) {
    if (!every && !volume.anonymous) continue
    if (!matchesLabelFilters(filters, volume.labels ?? {})) continue
    const bytes = await bytesBelow(volume.directory)
    // Looked at after the counting, which takes its time: nobody comes between this and the removal.
    if (volumeUsers(context)(volume).length > 0) continue
    await deleteVolume(context.dataRoot, volume.name)
    publishVolume(context.events, 'destroy', volume.name)
    deleted.push(volume.name)
    reclaimed += bytes
  }
  context.events.publish({ Type: 'volume', Action: 'prune', ID: '', Attributes: { reclaimed: String(reclaimed) } })
  return { VolumesDeleted: deleted, SpaceReclaimed: reclaimed }
}

/** With how many containers have each, and how much is in it; those that stand for a directory of the host are not ours to count. */
export async function volumeUsage(context: EngineContext): Promise<Document[]> {
  const users = volumeUsers(context)
  const own = listVolumes(context.dataRoot).filter(({ isBind }) => !isBind)
  return Promise.all(
    own.map(async (volume) => ({
      ...volumeDocument(volume),
      UsageData: { RefCount: users(volume).length, Size: await bytesBelow(volume.directory) },
    })),
  )
}
