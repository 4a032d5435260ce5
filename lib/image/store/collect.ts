/** Garbage: what no image, no container and no running program uses, and what programs left that are no more. */
import { rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { listContainers, type StoredContainer } from '../../container/index.js'
import { isInHand } from '../owner.js'
import type { Digest } from '../types.js'
import { type ClaimOptions, claim, isClaim } from './claims.js'
import { listed, sizeOf, UNFINISHED } from './files.js'
import type { Store } from './index.js'
import { COLLECTING, leased } from './leases.js'
import { digestOf } from './paths.js'
import { removeTrees } from './tree.js'

export interface Collected {
  readonly blobs: readonly Digest[]
  /** Chain ids, each before the one below it. */
  readonly layers: readonly Digest[]
  /** Bytes that were in the files of layers and in blobs. */
  readonly bytes: number
}

export interface CollectOptions extends ClaimOptions {
  /** Look at these blobs and chain ids alone, and leave what was begun. */
  readonly among?: ReadonlySet<Digest>
  /** All that there are; those on disk by default. */
  readonly containers?: () => readonly StoredContainer[]
}

export async function collect(store: Store, options: CollectOptions = {}): Promise<Collected> {
  const { paths, blobs, layers, origins } = store
  const { among, containers = () => listContainers(paths.dataRoot), ...waiting } = options
  const { release } = await claim(paths.claims, COLLECTING, waiting)
  let away: readonly string[]
  let collected: Collected
  try {
    // In this order: leases.ts says why.
    const inUse = leased(paths)
    const diffIds = markRecords(store, inUse)
    markContainers(paths, containers(), inUse)
    const unused = (digest: Digest) => !inUse.has(digest) && (among === undefined || among.has(digest))
    const oldLayers = topFirst(store, layers.list().filter(unused))
    const oldBlobs = blobs.list().filter(unused)
    const sizes = [...oldLayers.map((chain) => layers.get(chain)?.size ?? 0), ...oldBlobs.map((digest) => blobs.size(digest) ?? 0)]
    for (const digest of oldBlobs) blobs.remove(digest)
    away = layers.putAway(oldLayers)
    for (const diffId of origins.list()) if (!diffIds.has(diffId)) origins.remove(diffId)
    collected = { blobs: oldBlobs, layers: oldLayers, bytes: sizes.reduce((sum, size) => sum + size, 0) }
  } finally {
    release()
  }
  // Nobody waits for this, which may take long.
  await removeTrees(away)
  return among === undefined ? { ...collected, bytes: collected.bytes + (await sweep(store)) } : collected
}

/** All that images name; the answer is the diff ids of their layers. */
function markRecords({ records, tags, origins }: Store, inUse: Set<Digest>): Set<Digest> {
  const diffIds = new Set<Digest>()
  for (const { id, manifest, layers } of records.list()) {
    inUse.add(id)
    if (manifest) inUse.add(manifest.digest)
    for (const { diffId, chainId, blob } of layers) {
      diffIds.add(diffId)
      inUse.add(chainId).add(blob.digest)
      for (const origin of origins.get(diffId)) inUse.add(origin.blob.digest)
    }
  }
  for (const { digest } of tags.list()) if (digest) inUse.add(digest)
  return diffIds
}

/** A container keeps its layers, also when its image was removed by force. */
function markContainers({ overlay }: Store['paths'], containers: readonly StoredContainer[], inUse: Set<Digest>): void {
  for (const { record } of containers) {
    for (const layer of record.spec.image.layers) {
      const home = dirname(layer)
      if (dirname(home) === overlay && /^[0-9a-f]{64}$/.test(basename(home))) inUse.add(digestOf(basename(home)))
    }
  }
}

/** Those on top of others first. */
function topFirst({ layers }: Store, chains: readonly Digest[]): Digest[] {
  const depthOf = (chain: Digest): number => {
    const parent = layers.get(chain)?.parent
    return parent === undefined ? 0 : 1 + depthOf(parent)
  }
  return chains
    .map((chain) => ({ chain, depth: depthOf(chain) }))
    .sort((a, b) => b.depth - a.depth)
    .map(({ chain }) => chain)
}

/** What the dead have begun. The answer is the bytes of what they have fetched. */
async function sweep({ paths, layers }: Store): Promise<number> {
  let bytes = 0
  await layers.sweep()
  for (const path of abandonedFiles(paths)) {
    bytes += sizeOf(path) ?? 0
    rmSync(path, { force: true })
  }
  await removeTrees(abandonedArchives(paths.images))
  return bytes
}

/** Names of archives that are being read, in images/. */
export const LOADING = '.loading-'

export const abandonedArchives = (images: string): string[] =>
  listed(images)
    .filter((name) => name.startsWith(LOADING))
    .map((name) => join(images, name))
    .filter((path) => !isInHand(path))

/** Files that were being written or fetched, claims and leases, of programs that are no more. */
export function abandonedFiles({ blobs, incoming, records, tags, origins, leases, claims }: Store['paths']): string[] {
  const within = (directory: string, is: (name: string) => boolean) =>
    listed(directory)
      .filter(is)
      .map((name) => join(directory, name))
  const unfinished = (name: string) => name.startsWith(UNFINISHED)
  const owned = [
    ...[blobs, records, tags, origins].flatMap((directory) => within(directory, unfinished)),
    ...within(incoming, (name) => unfinished(name) || isClaim(name)),
    ...within(leases, () => true),
    ...within(claims, isClaim),
  ].filter((path) => !isInHand(path))
  const fetching = new Set(
    listed(incoming)
      .filter((name) => isClaim(name) && isInHand(join(incoming, name)))
      .map((name) => name.slice(0, 64)),
  )
  return [...owned, ...within(incoming, (name) => /^[0-9a-f]{64}$/.test(name) && !fetching.has(name))]
}
