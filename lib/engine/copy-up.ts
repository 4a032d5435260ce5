/** A new volume begins with what the image has in its place, as Docker has it: owners, modes, links, attributes and all. */
import { chmodSync, chownSync, lstatSync, readdirSync } from 'node:fs'
import { mkdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { packTree } from '../image/pack/index.js'
import { unpackLayer } from '../image/unpack/index.js'
import { randomBytes } from '../kernel/random.js'
import type { Shim } from '../kernel/shim.js'
import type { MountSpec } from '../primitives/rootfs/index.js'
import { contentAt } from './content.js'

/**
 * Copy what is below `from` (contentAt) of the layers, the top one first, into the empty directory of a volume. Both ends are made by processes that
 * see nothing else, each confined by a new shim. The volume gets all of it or nothing.
 */
export async function copyUp(layers: readonly string[], from: string, volume: string, newShim: () => Promise<Shim>): Promise<void> {
  const directory = join(dirname(volume), `.filling-${basename(volume)}-${randomBytes(6).toString('hex')}`)
  try {
    await mkdir(directory, { mode: 0o755 })
    await unpackLayer(packTree(layers, { within: from, newShim }), { directory, newShim })
    likeImage(directory, layers, from)
    // Somebody else may have filled it meanwhile, or be using it: then it stays as it is.
    await rmdir(volume)
    await rename(directory, volume)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Owner and mode of the directory itself, which an archive of what is in it does not tell. */
function likeImage(directory: string, layers: readonly string[], from: string): void {
  const stats = layers.map((layer) => lstatSync(join(layer, from), { throwIfNoEntry: false })).find((found) => found?.isDirectory())
  if (!stats) return
  if (process.geteuid?.() === 0) chownSync(directory, stats.uid, stats.gid)
  chmodSync(directory, stats.mode & 0o7777)
}

/** Volumes that were mentioned for a new container get what the image has in their place, if they are empty. */
export async function fillVolumes(volumes: readonly MountSpec[], layers: readonly string[], newShim: () => Promise<Shim>): Promise<void> {
  for (const { source, target } of volumes) {
    const from = contentAt(target, layers)
    if (from !== undefined && readdirSync(source as string).length === 0) await copyUp(layers, from, source as string, newShim)
  }
}
