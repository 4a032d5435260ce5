/** Which containers and builds an image is used by, those included that only the engine knows of. */
import { listContainers, type StoredContainer } from '../../container/index.js'
import type { Digest } from '../../image/types.js'
import type { EngineContext } from '../context.js'
import { firstProcesses } from '../living.js'

export interface ImageUsers {
  readonly containers: () => readonly StoredContainer[]
  readonly running: (container: StoredContainer) => boolean
  readonly built: (id: Digest) => boolean
}

/** The command line runs containers on the same data root too: those are on disk, and the kernel says whether they run. */
export function imageUsers({ dataRoot, containers, building }: EngineContext): ImageUsers {
  let living: Map<string, number> | undefined
  return {
    containers: () => {
      const handles = containers.all()
      const known = new Set(handles.map(({ id }) => id))
      return [
        ...handles.map(({ record, layout }) => ({ record, layout })),
        ...listContainers(dataRoot).filter(({ record }) => !known.has(record.spec.id)),
      ]
    },
    running: ({ record, layout }) => {
      const handle = containers.all().find(({ id }) => id === record.spec.id)
      if (handle) return handle.running
      living ??= firstProcesses()
      return living.has(layout.upper)
    },
    built: (id) => [...building].some((images) => images.has(id)),
  }
}

/** How many containers there are of each image. */
export function containersByImage(users: ImageUsers): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { record } of users.containers()) {
    const { id } = record.spec.image
    if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}
