/** `docker import`: a root file system in a tar becomes an image of one layer. */
import { decompress } from './compression.js'
import { applyInstructions } from './instructions.js'
import { makeImage, makeLayer } from './made.js'
import { ownPlatform } from './platform.js'
import { type Reference, withDefaultTag } from './reference.js'
import type { Image, Store } from './store/index.js'
import type { Platform } from './types.js'

export interface ImportOptions {
  readonly store: Store
  /** Its name; `latest` where it has no tag. */
  readonly reference?: Reference
  /** Dockerfile instructions (`--change`). */
  readonly changes?: readonly string[]
  /** Of the history; `Imported from -` by default. */
  readonly message?: string
  readonly platform?: Platform
  readonly signal?: AbortSignal
  /** RFC 3339; now by default. */
  readonly created?: string
}

/** The tar may be compressed. Fails with one sentence, and then keeps nothing. */
export async function importImage(source: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<Image> {
  const { store, reference, changes = [], message = 'Imported from -', platform = ownPlatform(), signal } = options
  const { created = new Date().toISOString() } = options
  // First, so that a wrong word is told before anything is read.
  const config = applyInstructions({}, changes)
  const lease = store.lease()
  try {
    const making = { store, lease, ...(signal && { signal }) }
    const layer = await makeLayer(decompress(source), undefined, making)
    const layers = layer ? [layer] : []
    const { os, architecture, variant } = platform
    const image = {
      architecture,
      config,
      created,
      history: [{ created, comment: message, ...(layer ? {} : { empty_layer: true }) }],
      os,
      rootfs: { type: 'layers' as const, diff_ids: layers.map(({ diffId }) => diffId) },
      ...(variant && architecture !== 'arm64' && { variant }),
    }
    const id = await makeImage(image, layers, making, { ...(reference && { reference: withDefaultTag(reference) }) })
    return await store.find(id)
  } finally {
    lease.release()
  }
}
