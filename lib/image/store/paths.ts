/**
 * Where images are, below one data root. Every file gets its name when it is whole; what is not, has its maker in its name (owner.ts).
 *
 *     blobs/sha256/HEX                  manifests, configurations and layers, byte for byte as they came
 *     blobs/incoming/HEX                one that is being fetched: grows, and whoever comes next goes on with it
 *     blobs/incoming/HEX.owner-WHO      who is at it (claims.ts)
 *     blobs/incoming/.new-WHO           one whose digest is not known yet
 *     overlay/CHAINHEX/diff             an unpacked layer, as overlayfs has it; beside it layer.json (layers.ts)
 *     overlay/.unpacking-WHO/diff       one that is being unpacked; .removing-WHO one that is being removed; .building-WHO what a build has in hand
 *     images/records/HEX.json           an image: what belongs to it (records.ts)
 *     images/tags/NAME                  a name, and which image it leads to (tags.ts)
 *     images/origins/DIFFHEX.json       in which compressed form, and in which repositories, a layer is known (origins.ts)
 *     images/leases/WHO                 what a running program uses, and nobody takes away (leases.ts)
 *     images/claims/                    names.owner-WHO, collect.owner-WHO: one at a time
 *     images/.loading-WHO/              an archive that is being read (load.ts)
 */
import { join } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'
import { isDigest } from '../reference.js'
import type { Digest } from '../types.js'

export interface Paths {
  readonly dataRoot: string
  readonly blobs: string
  readonly incoming: string
  readonly overlay: string
  readonly images: string
  readonly records: string
  readonly tags: string
  readonly origins: string
  readonly leases: string
  readonly claims: string
}

export function pathsOf(dataRoot: string): Paths {
  const images = join(dataRoot, 'images')
  return {
    dataRoot,
    blobs: join(dataRoot, 'blobs', 'sha256'),
    incoming: join(dataRoot, 'blobs', 'incoming'),
    overlay: join(dataRoot, 'overlay'),
    images,
    records: join(images, 'records'),
    tags: join(images, 'tags'),
    origins: join(images, 'origins'),
    leases: join(images, 'leases'),
    claims: join(images, 'claims'),
  }
}

/** The hexadecimal part. What is no digest never becomes part of a path. */
export function hexOf(digest: Digest): string {
  if (!isDigest(digest)) throw new DrydockError(`invalid digest ${JSON.stringify(digest)}`, { status: 400 })
  return digest.slice('sha256:'.length)
}

export const digestOf = (hex: string): Digest => `sha256:${hex}`

/** What a layer or an image is called in a progress line. */
export const shortDigest = (digest: Digest): string => hexOf(digest).slice(0, 12)
