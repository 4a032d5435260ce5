/** Layers that are made here: kept as plain tars, unpacked from the same stream. */

import type { Reference } from './reference.js'
import { Arrival, chainId, type ImageRecord, type LayerOfImage, type Lease, recordOf, type Store, type Unpacked } from './store/index.js'
import { type Digest, type ImageConfig, MEDIA } from './types.js'

/** sha256 of an archive of no files: two blocks of zeros. Docker makes no layer of it. */
export const EMPTY_LAYER: Digest = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef'

export interface Making {
  readonly store: Store
  readonly lease: Lease
  readonly signal?: AbortSignal
  /** Told of an image before it is there, and so before anybody can take it away. */
  readonly onImage?: (id: Digest) => void
}

/** A layer out of a tar that is not compressed, on top of `parent`. Undefined when there is nothing in it. */
export async function makeLayer(
  source: AsyncIterable<Uint8Array>,
  parent: Digest | undefined,
  { store, lease, signal }: Making,
): Promise<LayerOfImage | undefined> {
  const arrival = Arrival.begin(store.paths, store.blobs, source)
  let unpacked: Unpacked | undefined
  try {
    unpacked = await store.layers.unpack(arrival, { ...(signal && { signal }) })
    await arrival.drain()
    const { digest, size } = await arrival.verify()
    if (digest === EMPTY_LAYER) {
      await unpacked.discard()
      await arrival.discard()
      return undefined
    }
    const { diffId } = unpacked
    const chain = chainId(parent, diffId)
    // Before it has a name, so that nobody collects it.
    await lease.add([digest, chain], { ...(signal && { signal }) })
    await arrival.finish()
    await unpacked.place(parent)
    return { diffId, chainId: chain, blob: { mediaType: MEDIA.layer, digest, size } }
  } catch (error) {
    await unpacked?.discard()
    await arrival.discard()
    throw arrival.failure ?? error
  }
}

/** An image of layers that are here: its configuration is kept, and a name leads to it. The answer is its id. */
export async function makeImage(
  config: ImageConfig,
  layers: readonly LayerOfImage[],
  { store, lease, signal, onImage }: Making,
  more: Pick<ImageRecord, 'parent'> & { readonly reference?: Reference } = {},
): Promise<Digest> {
  const { reference, ...rest } = more
  const bytes = Buffer.from(JSON.stringify(config))
  const id = store.blobs.add(bytes)
  await lease.add([id], { ...(signal && { signal }) })
  // Again, should it have been collected between the two.
  store.blobs.add(bytes)
  const blobs = layers.map(({ blob }) => blob)
  onImage?.(id)
  await store.changing(() => {
    if (!store.records.get(id)) store.records.put(recordOf(store, id, blobs, config.rootfs.diff_ids, rest))
    if (reference) store.tags.set(reference, id)
  })
  return id
}
