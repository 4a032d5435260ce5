/**
 * What a pull, load or commit leaves that is killed: layers that were being unpacked, blobs of which there is a part, files with half of something, leases.
 * Each has its maker in its name (lib/image/owner.ts). Images, and blobs and layers that are whole, are never one of them: `drydock image prune` is for those.
 */
import { lstatSync } from 'node:fs'
import { relative } from 'node:path'
import { abandonedArchives, abandonedFiles } from '../image/store/collect.js'
import { abandonedLayers } from '../image/store/layers.js'
import { pathsOf } from '../image/store/paths.js'
import { removeTrees } from '../image/store/tree.js'
import { dataRoot } from '../kernel/places.js'
import { readMountinfo } from '../kernel/proc/mountinfo.js'
import type { Leftover } from './leftovers.js'
import { ownRoot } from './makers.js'
import { unlinkUnlessGone } from './unlink.js'

export function inspectImages(root: string = dataRoot()): Leftover[] {
  const top = ownRoot(root)
  if (!top) return []
  const paths = pathsOf(root)
  const mountPoints = readMountinfo('self')?.map(({ mountPoint }) => mountPoint) ?? []
  const leftover = (kind: Leftover['kind'], path: string, says: string): Leftover[] => {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (!stats) return []
    const mounted = mountPoints.find((point) => point === path || point.startsWith(`${path}/`))
    const foreign = stats.uid !== top.uid ? `it belongs to user ${stats.uid}` : undefined
    const kept = foreign ?? (mounted === undefined ? undefined : `something is mounted at ${mounted}`)
    return [{ kind, name: path, says, ...(kept !== undefined && { kept }) }]
  }
  return [
    ...abandonedLayers(paths.overlay).flatMap((path) =>
      leftover('layer', path, `a layer was being ${path.includes('/.removing-') ? 'removed' : 'unpacked'} by a program that is gone`),
    ),
    ...abandonedArchives(paths.images).flatMap((path) => leftover('layer', path, 'an archive was being loaded by a program that is gone')),
    ...abandonedFiles(paths).flatMap((path) =>
      leftover(path.startsWith(`${paths.leases}/`) ? 'lease' : 'file', path, whatIs(relative(paths.incoming, path))),
    ),
  ]
}

/** A name in blobs/incoming, or a path that leads out of it. */
function whatIs(name: string): string {
  return /^[0-9a-f]{64}$/.test(name) ? 'a part of a blob, which the next pull would go on with' : 'the program that made it is gone'
}

/** Looked at again right before. */
export async function removeImageThing({ kind, name: path }: Leftover, root: string = dataRoot()): Promise<string | undefined> {
  const again = inspectImages(root).find((one) => one.kind === kind && one.name === path)
  if (!again) return undefined
  if (again.kept !== undefined) return again.kept
  if (kind !== 'layer') return unlinkUnlessGone(path)
  try {
    await removeTrees([path])
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
