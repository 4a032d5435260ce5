/**
 * The host image as it is kept on disk, and whether it still is what the machine has. This is on the way of every `drydock run`: it reads one
 * file, asks stat(2) about some dozens, and imports nothing else.
 *
 *     images/host/current.json            which one is current, and the stamps of what it was made from
 *     images/host/<fingerprint>/rootfs    the layer
 *     images/host/.building-<who>/        one that is being made, or was when its maker was killed
 *     images/host/.removing-<random>/     one that is being removed
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Goes up when the same files would make another image. */
export const RECIPE = 1

export interface Manifest {
  readonly recipe: number
  readonly fingerprint: string
  /** Name of its directory beside current.json: the fingerprint, with something added where that was taken by a damaged one. */
  readonly directory: string
  /** Where programs were looked for. */
  readonly searched: readonly string[]
  /** Path and stamp of everything that decides what is in it: each file, and the directories in which a program may have come or gone. */
  readonly watched: readonly (readonly [path: string, stamp: string])[]
}

export const homeOfImages = (dataRoot: string): string => join(dataRoot, 'images', 'host')
export const layerOf = (home: string, { directory }: Manifest): string => join(home, directory, 'rootfs')

/**
 * What changes when a file is replaced, written to, or is not there any more. The modification time is in nanoseconds: a package manager can
 * put in a file of the same size in the same second.
 */
export function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  return found ? `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}` : 'absent'
}

/** The manifest, or undefined when there is none that can be read. */
export function readManifest(home: string): Manifest | undefined {
  try {
    const found = JSON.parse(readFileSync(join(home, 'current.json'), 'utf8')) as Manifest
    return found.recipe === RECIPE && Array.isArray(found.watched) && typeof found.directory === 'string' ? found : undefined
  } catch {
    return undefined
  }
}

/** The image that is kept, when it is still what it would be if it were made now. */
export function currentImage(home: string, searched: readonly string[]): Manifest | undefined {
  const manifest = readManifest(home)
  if (!manifest || manifest.searched.join(':') !== searched.join(':')) return undefined
  if (manifest.watched.some(([path, stamp]) => stampOf(path) !== stamp)) return undefined
  return statSync(layerOf(home, manifest), { throwIfNoEntry: false })?.isDirectory() ? manifest : undefined
}

/** Names of what a builder has left, or has in hand. */
export function unfinished(home: string): string[] {
  try {
    return readdirSync(home).filter((name) => name.startsWith('.building-') || name.startsWith('.removing-'))
  } catch {
    return []
  }
}
