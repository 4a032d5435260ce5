/** A part of a volume that is mounted instead of the whole: looked at when the volume has what it begins with. */
import { lstatSync } from 'node:fs'
import { join, posix } from 'node:path'
import type { ContainerRecord } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import type { MountSpec } from '../../primitives/rootfs/index.js'
import { contentAt } from '../content.js'

/** With what each part is. 400 for one that is not there. */
export function withSubpaths(record: ContainerRecord): ContainerRecord {
  const { spec } = record
  if (!spec.mounts.some(({ subpath }) => subpath !== undefined)) return record
  return { ...record, spec: { ...spec, mounts: spec.mounts.map((mount) => (mount.subpath === undefined ? mount : looked(mount))) } }
}

function looked(mount: MountSpec): MountSpec {
  const { source = '', subpath = '' } = mount
  return { ...mount, sourceKind: kindWithin(source, subpath) }
}

/** Links are followed within the volume, as the mount will follow them. */
function kindWithin(source: string, subpath: string): 'file' | 'directory' {
  if (contentAt(subpath, [source]) !== undefined) return 'directory'
  const parent = posix.dirname(posix.normalize(subpath))
  const directory = parent === '.' || parent === '/' ? '/' : contentAt(parent, [source])
  const found = directory && lstatSync(join(source, directory, posix.basename(subpath)), { throwIfNoEntry: false })
  if (found && !found.isDirectory() && !found.isSymbolicLink()) return 'file'
  throw new DrydockError(`cannot access path ${join(source, subpath)}: no such file or directory`, { status: 400 })
}
