/** From a name to one manifest: an index names others, of which one is chosen. */
import { DrydockError } from '../../kernel/errors.js'
import type { Descriptor, Index, Manifest } from '../types.js'
import { readDocument } from './documents.js'
import type { Fetched } from './fetch.js'

/**
 * One index in another happens; more than this is somebody who wants us to go on for ever. None can name itself: a digest is verified, and nothing
 * has its own digest in it.
 */
const DEEPEST = 4

export interface Found {
  /** What the name itself stands for: an index, or the manifest. Its digest is what Docker prints. */
  readonly top: Fetched
  /** The manifest that was chosen; the same as `top` when there is no index. */
  readonly chosen: Fetched
  readonly manifest: Manifest
  /** How the index describes it, with its platform. */
  readonly entry?: Descriptor
}

/**
 * Fetch what `first` names, and follow what `choose` takes of each index until it is a manifest. `choose` throws when there is nothing for
 * it. Refuses an index that leads too deep, and a document that is not what its descriptor says.
 */
export async function findManifest(
  fetch: (tagOrDigest: string, expected?: Descriptor) => Promise<Fetched>,
  first: string,
  choose: (index: Index) => Descriptor,
): Promise<Found> {
  const top = await fetch(first)
  let chosen = top
  let entry: Descriptor | undefined
  for (let depth = 1; ; depth += 1) {
    const document = readDocument(chosen.bytes, chosen.descriptor.mediaType)
    if (document.kind === 'manifest') return { top, chosen, manifest: document.manifest, ...(entry && { entry }) }
    entry = choose(document.index)
    if (depth === DEEPEST) throw new DrydockError(`the image index is nested more than ${DEEPEST} deep`)
    chosen = await fetch(entry.digest, entry)
  }
}
