/** What is in a container's upper directory only because something was mounted there. */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { type Change, changes } from './changes.js'
import type { ReadOptions } from './reader.js'

/** Made where an image has none, for what is mounted there: Docker makes them in a layer of its own, which it does not show. */
const MOUNT_POINTS: ReadonlySet<string> = new Set([
  '/dev',
  '/dev/console',
  '/dev/pts',
  '/dev/shm',
  '/etc/hosts',
  '/etc/hostname',
  '/etc/resolv.conf',
  '/proc',
  '/sys',
])

/** Neither those nor the directories that are listed because of them alone. */
export function withoutMountPoints(found: readonly Change[]): Change[] {
  const isMountPoint = ({ kind, path }: Change) => kind === 'A' && MOUNT_POINTS.has(path)
  const made = found.filter(isMountPoint).map(({ path }) => path)
  const rest = found.filter((change) => !isMountPoint(change))
  const holds = (path: string, among: readonly string[]) => among.some((one) => one.startsWith(`${path}/`))
  const paths = rest.map(({ path }) => path)
  return rest.filter(({ path, kind }) => kind === 'D' || !holds(path, made) || holds(path, paths))
}

/** Absolute paths of an upper directory that are there because of mount points alone; none are looked for where there is no such name. */
export async function mountPointsOf(upper: string, lowers: readonly string[], options: ReadOptions = {}): Promise<ReadonlySet<string>> {
  if (![...MOUNT_POINTS].some((path) => lstatSync(join(upper, path), { throwIfNoEntry: false }))) return new Set()
  const found = await changes(upper, lowers, options)
  const kept = new Set(withoutMountPoints(found))
  return new Set(found.filter((change) => !kept.has(change)).map(({ path }) => path))
}
