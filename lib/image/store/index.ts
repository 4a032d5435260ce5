/**
 * The store of images, below one data root. Any number of programs use it at once, and each may be killed at any moment.
 *
 *     paths.ts     what is where
 *     files.ts     files that are there whole or not at all
 *     claims.ts    one at a time, without anybody who watches
 *     blobs.ts     by digest; arrival.ts one that is coming
 *     chain.ts     the names of layers; layers.ts unpacked ones; tree.ts removing them
 *     records.ts   images; tags.ts their names; origins.ts where their layers are known
 *     find.ts      an image by what somebody typed
 *     leases.ts    what running programs use; collect.ts removes what nobody does
 */
import { join } from 'node:path'
import type { Shim } from '../../kernel/shim.js'
import { parseConfig } from '../documents.js'
import type { Descriptor, Digest, ImageConfig } from '../types.js'
import { Blobs } from './blobs.js'
import { chainIds } from './chain.js'
import { type ClaimOptions, claim } from './claims.js'
import { type Collected, type CollectOptions, collect } from './collect.js'
import { ensureDirectories } from './files.js'
import { find, type Image, imageOf, lookUp } from './find.js'
import { Layers } from './layers.js'
import { Lease, leased } from './leases.js'
import { Origins } from './origins.js'
import { type Paths, pathsOf } from './paths.js'
import { type ImageRecord, Records } from './records.js'
import { Tags } from './tags.js'

export { Arrival, DigestError, Interrupted } from './arrival.js'
export { sha256 } from './blobs.js'
export { chainId, chainIds } from './chain.js'
export type { Collected } from './collect.js'
export type { Image } from './find.js'
export type { Unpacked } from './layers.js'
export type { Lease } from './leases.js'
export { hexOf, shortDigest } from './paths.js'
export type { ImageRecord, LayerOfImage } from './records.js'
export { digestNames, isByDigest, isSingleReference, pointed, type Tag, tagNames } from './tags.js'

export class Store {
  readonly paths: Paths
  readonly blobs: Blobs
  readonly layers: Layers
  readonly records: Records
  readonly tags: Tags
  readonly origins: Origins

  /** Nothing is made on disk before something is put in. `newShim`: as in Layers. */
  constructor(dataRoot: string, newShim?: () => Promise<Shim>) {
    this.paths = pathsOf(dataRoot)
    this.blobs = new Blobs(this.paths)
    this.layers = new Layers(this.paths, newShim)
    this.records = new Records(this.paths)
    this.tags = new Tags(this.paths)
    this.origins = new Origins(this.paths)
  }

  /** All images, the newest first. */
  async images(): Promise<Image[]> {
    const images = await Promise.all(this.records.list().map((record) => imageOf(this, record)))
    return images.sort((a, b) => (a.created < b.created ? 1 : -1))
  }

  /** By name, name@digest, id or the beginning of one. Throws `No such image`. */
  find(word: string): Promise<Image> {
    return find(this, word)
  }

  async config(id: Image['id']): Promise<ImageConfig> {
    return parseConfig(await this.blobs.document(id))
  }

  /** For a program that is going to use or make blobs and layers: what is named in the lease stays. */
  lease(): Lease {
    this.prepare()
    return new Lease(this.paths)
  }

  /**
   * An image for a container that is going to be made. Its layers stay, whoever removes it, until the lease is released: once the container's record names
   * them they are the container's.
   */
  async hold(word: string): Promise<{ readonly image: Image; readonly lease: Lease }> {
    const lease = this.lease()
    try {
      for (;;) {
        const { id, layers } = lookUp(this, word)
        await lease.add([id, ...layers.flatMap(({ chainId, blob }) => [chainId, blob.digest])])
        // Removed, or another one of that name, before the lease held: then what is there now.
        if (lookUp(this, word).id === id) return { image: await this.find(id), lease }
      }
    } catch (error) {
      lease.release()
      throw error
    }
  }

  /** Which names lead where changes by one program at a time. */
  async changing<T>(change: () => Promise<T> | T, options?: ClaimOptions): Promise<T> {
    this.prepare()
    const { release } = await claim(this.paths.claims, 'names', options)
    try {
      return await change()
    } finally {
      release()
    }
  }

  /** Remove what programs left that are no more and that nobody can go on with. What they have fetched stays until garbage is collected. */
  async sweep(): Promise<void> {
    leased(this.paths)
    await this.layers.sweep()
  }

  async collect(options?: CollectOptions): Promise<Collected> {
    this.prepare()
    return collect(this, options)
  }

  prepare(): void {
    const { dataRoot, blobs, incoming, overlay, images, records, tags, origins, leases, claims } = this.paths
    // A container's root, who is somebody else on the host, walks through these, but does not look around.
    ensureDirectories([dataRoot], 0o711)
    ensureDirectories([overlay, join(dataRoot, 'containers')], 0o710)
    ensureDirectories([images], 0o755)
    ensureDirectories([blobs, incoming, records, tags, origins, leases, claims])
  }
}

/** Of an image whose layers are unpacked. */
export function recordOf(
  { layers }: Store,
  id: Digest,
  blobs: readonly Descriptor[],
  diffIds: readonly Digest[],
  more: Pick<ImageRecord, 'manifest' | 'parent'> = {},
): ImageRecord {
  const chain = chainIds(diffIds)
  const all = blobs.map((blob, index) => ({ diffId: diffIds[index] as Digest, chainId: chain[index] as Digest, blob }))
  const size = chain.reduce((sum, one) => sum + (layers.get(one)?.size ?? 0), 0)
  return { version: 1, id, ...more, layers: all, size }
}
