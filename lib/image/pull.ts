/**
 * `docker pull`: a name leads to a manifest, or to a list of them of which one is for this machine; the manifest names a configuration and layers; each is
 * fetched by its digest, and so is what it says it is.
 *
 *     name ─▶ index ─▶ manifest ─▶ configuration, whose digest is the image's id
 *                             └──▶ layers
 *
 * OCI distribution specification, "Pull"; image specification, image-index.md, manifest.md.
 */
import { checkLayers, parseConfig } from './documents.js'
import { type BlobSource, type FetchOptions, fetchDocument, fetchLayers } from './fetch.js'
import { choosePlatform, matches, ownPlatform, showPlatform } from './platform.js'
import type { OnProgress } from './progress.js'
import { DOCKER_HUB, familiar, type Reference, withDefaultTag, withDigest, withoutTag, withTag } from './reference.js'
import { type Registry, RegistryError, TransportError } from './registry/index.js'
import { type Image, type ImageRecord, Interrupted, type Lease, recordOf, type Store } from './store/index.js'
import type { Descriptor, Digest, ImageConfig, Manifest, Platform } from './types.js'

export interface PullOptions {
  readonly store: Store
  /** Of the repository. */
  readonly registry: Pick<Registry, 'find' | 'blob'>
  /** Absent: this machine's. */
  readonly platform?: Platform
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

export interface Pulled {
  readonly image: Image
  readonly status: 'downloaded' | 'up to date'
  /** Of the manifest, or of the list, that the name leads to. */
  readonly digest: Digest
}

/** Fails with one sentence. What is whole by then stays for the next try when the network is to blame, and goes when the image is. */
export async function pull(asked: Reference, options: PullOptions): Promise<Pulled> {
  const reference = withDefaultTag(asked)
  const { store, registry, platform = ownPlatform(), onProgress = () => undefined, signal } = options
  const word = reference.digest ?? (reference.tag as string)
  const lease = store.lease()
  try {
    await store.sweep()
    const { top, chosen, manifest } = await registry.find(word, ({ manifests }) => choosePlatform(manifests, platform))
    onProgress({ status: `Pulling from ${reference.path}`, id: word })
    const id = manifest.config.digest
    await lease.add([chosen.descriptor.digest, id], waiting(signal))
    const mirrored = reference.domain === DOCKER_HUB
    const source: BlobSource = (blob, offset, { mirrors }) => registry.blob(blob, offset, { mirrors })
    const fetching: FetchOptions = { store, lease, source, mirrored, onProgress, ...waiting(signal) }
    const record = (await keptRecord(id, fetching)) ?? (await fetchImage(manifest, chosen.descriptor, fetching))
    const config = await store.config(id)
    if (!matches(config, platform)) onProgress({ status: mismatch(reference, platform, config) })
    store.blobs.add(chosen.bytes)
    for (const [index, diffId] of config.rootfs.diff_ids.entries()) {
      const blob = manifest.layers[index]
      if (blob) store.origins.note(diffId, blob, reference)
    }
    const moved = await store.changing(() => {
      if (!store.records.get(id)) store.records.put(record)
      return nameImage(store, reference, id, top.descriptor.digest)
    }, waiting(signal))
    onProgress({ status: `Digest: ${top.descriptor.digest}` })
    onProgress({ status: `Status: ${moved ? 'Downloaded newer image' : 'Image is up to date'} for ${familiar(reference)}` })
    return { image: await store.find(id), status: moved ? 'downloaded' : 'up to date', digest: top.descriptor.digest }
  } catch (error) {
    await forget(store, lease, error, signal)
    throw error
  } finally {
    lease.release()
  }
}

/** All tags of a repository, one after the other (`--all-tags`). */
export async function pullAll(reference: Reference, options: PullOptions & { registry: Pick<Registry, 'tags'> }): Promise<Pulled[]> {
  const pulled: Pulled[] = []
  for (const tag of await options.registry.tags()) pulled.push(await pull(withTag(withoutTag(reference), tag), options))
  return pulled
}

const waiting = (signal: AbortSignal | undefined) => ({ ...(signal && { signal }) })

/** An image that is here already, and stays while the lease lasts. */
async function keptRecord(id: Digest, { store, lease, signal }: FetchOptions): Promise<ImageRecord | undefined> {
  const record = store.records.get(id)
  if (!record) return undefined
  await lease.add(
    record.layers.flatMap(({ chainId, blob }) => [chainId, blob.digest]),
    waiting(signal),
  )
  return store.records.get(id)
}

async function fetchImage(manifest: Manifest, descriptor: Descriptor, options: FetchOptions): Promise<ImageRecord> {
  const config = parseConfig(await fetchDocument(manifest.config, options))
  checkLayers(manifest, config)
  await fetchLayers(manifest.layers, config.rootfs.diff_ids, options)
  return recordOf(options.store, manifest.config.digest, manifest.layers, config.rootfs.diff_ids, { manifest: descriptor })
}

/** Did the name lead elsewhere before, or nowhere? An image that loses its tag stays, without. */
function nameImage({ tags }: Store, reference: Reference, id: Digest, digest: Digest): boolean {
  const before = tags.get(reference)
  tags.set(withDigest(withoutTag(reference), digest), id, digest)
  if (reference.digest === undefined) tags.set(reference, id, digest)
  return before?.id !== id
}

/** What was fetched of an image that is refused is nobody's; after a network that failed the next try finds it. */
async function forget(store: Store, lease: Lease, error: unknown, signal: AbortSignal | undefined): Promise<void> {
  const lost = error instanceof Interrupted || error instanceof TransportError || error instanceof RegistryError
  if (lost || signal?.aborted) return
  const among = new Set(lease.digests)
  lease.release()
  await store.collect({ among })
}

const mismatch = (reference: Reference, wanted: Platform, actual: ImageConfig): string =>
  `WARNING: image with reference ${familiar(reference)} was found but does not match the specified platform: wanted ${showPlatform(wanted)}, actual: ${showPlatform(actual)}`
