/** Which containers have a volume, running or not, those included that the command line has made. */
import { basename, dirname } from 'node:path'
import { type ContainerRecord, listContainers } from '../../container/index.js'
import type { EngineContext } from '../context.js'
import { isHeld, type Volume } from './store.js'

export interface MountedVolume {
  readonly name: string
  /** `_data`. */
  readonly source: string
  readonly destination: string
  readonly readOnly: boolean
  readonly propagation: string
  /** Made for this container alone. */
  readonly own: boolean
}

/** The volumes of one container. */
export function volumesIn({ spec }: Pick<ContainerRecord, 'spec'>): MountedVolume[] {
  return spec.mounts.flatMap(({ kind, source = '', target, readOnly = false, propagation = '' }) => {
    const home = dirname(source)
    if (kind !== 'bind' || basename(source) !== '_data' || basename(dirname(home)) !== 'volumes') return []
    return [{ name: basename(home), source, destination: target, readOnly, propagation, own: spec.ownVolumes?.includes(home) ?? false }]
  })
}

/** Ids of those that have it. Looked up once, for any number of volumes. */
export function volumeUsers({ dataRoot, containers }: EngineContext): (volume: Pick<Volume, 'directory'>) => string[] {
  const records = allRecords(containers.all(), dataRoot)
  const users = new Map<string, Set<string>>()
  for (const record of records) {
    for (const { source } of volumesIn(record)) users.set(source, (users.get(source) ?? new Set()).add(record.spec.id))
  }
  return ({ directory }) => [...(users.get(directory) ?? []), ...(isHeld(directory) ? ['a container that is being made'] : [])]
}

/** What the engine knows counts before what is on disk. */
function allRecords(handles: readonly { readonly id: string; readonly record: ContainerRecord }[], dataRoot: string): ContainerRecord[] {
  const known = new Set(handles.map(({ id }) => id))
  const others = listContainers(dataRoot).filter(({ record }) => !known.has(record.spec.id))
  return [...handles, ...others].map(({ record }) => record)
}
