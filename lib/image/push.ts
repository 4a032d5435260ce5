/**
 * `docker push`: layers that the registry lacks, the configuration, and last the manifest that names them. An image goes as it came, with the very manifest; one
 * that was made here gets one in Docker's form, and its layers are compressed once.
 *
 * OCI distribution specification, "Push", "Mounting a blob from another repository".
 */

import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { DrydockError } from '../kernel/errors.js'
import { Line, type OnProgress } from './progress.js'
import { canonicalName, familiarName, type Reference, withDefaultTag, withDigest, withoutTag, withTag } from './reference.js'
import { type Registry, readDocument } from './registry/index.js'
import { Arrival, type ImageRecord, isByDigest, type LayerOfImage, type Lease, type Store, sha256 } from './store/index.js'
import { type Descriptor, type Digest, MEDIA } from './types.js'

export interface PushOptions {
  readonly store: Store
  /** Of the repository. */
  readonly registry: Pick<Registry, 'hasBlob' | 'mountBlob' | 'putBlob' | 'putManifest'>
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

export interface Pushed {
  /** Of the manifest. */
  readonly digest: Digest
  readonly size: number
}

/** Docker's max-concurrent-uploads. */
const AT_ONCE = 5

/** The image that this name leads to. */
export async function push(asked: Reference, options: PushOptions): Promise<Pushed> {
  const reference = withDefaultTag(asked)
  const { store, onProgress = () => undefined, signal } = options
  if (reference.digest !== undefined) throw new DrydockError('cannot push a digest reference', { status: 400 })
  onProgress({ status: `The push refers to repository [${canonicalName(reference)}]` })
  const found = store.tags.get(reference)
  const record = found && store.records.get(found.id)
  if (!record) throw new DrydockError(`An image does not exist locally with the tag: ${familiarName(reference)}`, { status: 404 })
  const lease = store.lease()
  try {
    const pushing: Pushing = { ...options, onProgress, reference, lease }
    await lease.add([record.id, ...(record.manifest ? [record.manifest.digest] : []), ...record.layers.map(({ blob }) => blob.digest)])
    const exact = await exactManifest(store, record)
    const layers = await sendLayers(record, exact !== undefined, pushing)
    const config = exact?.config ?? { mediaType: MEDIA.dockerConfig, size: store.blobs.size(record.id) as number, digest: record.id }
    await sendConfig(config, pushing)
    signal?.throwIfAborted()
    const bytes = exact?.bytes ?? dockerManifest(config, layers)
    const { mediaType } = exact ?? { mediaType: MEDIA.dockerManifest }
    await options.registry.putManifest(bytes, mediaType, reference.tag)
    const digest = sha256(bytes)
    await store.changing(() => {
      if (store.tags.get(reference)?.id !== record.id) return
      store.tags.set(reference, record.id, digest)
      store.tags.set(withDigest(withoutTag(reference), digest), record.id, digest)
    })
    onProgress({ status: `${reference.tag}: digest: ${digest} size: ${bytes.length}` })
    return { digest, size: bytes.length }
  } finally {
    lease.release()
  }
}

/** All tags of a repository (`--all-tags`). */
export async function pushAll(reference: Reference, options: PushOptions): Promise<Pushed[]> {
  const name = canonicalName(reference)
  const tags = options.store.tags.list().filter((tag) => !isByDigest(tag) && canonicalName(tag.reference) === name)
  // Once for each of them; and for none, since docker says it before it looks.
  if (tags.length === 0) options.onProgress?.({ status: `The push refers to repository [${name}]` })
  if (tags.length === 0) throw new DrydockError(`An image does not exist locally with the tag: ${familiarName(reference)}`, { status: 404 })
  const pushed: Pushed[] = []
  for (const { reference: one } of tags) pushed.push(await push(withTag(withoutTag(reference), one.tag as string), options))
  return pushed
}

interface Pushing extends PushOptions {
  readonly reference: Reference
  readonly lease: Lease
  readonly onProgress: OnProgress
}

/** The manifest that the image came with, when all that it names is here. */
async function exactManifest(
  { blobs }: Store,
  { manifest, layers }: ImageRecord,
): Promise<{ bytes: Buffer; mediaType: string; config: Descriptor } | undefined> {
  if (!manifest || !blobs.has(manifest.digest)) return undefined
  const bytes = await blobs.document(manifest.digest)
  const document = readDocument(bytes, manifest.mediaType)
  if (document.kind !== 'manifest') return undefined
  const { config, layers: named } = document.manifest
  const same =
    named.length === layers.length && named.every(({ digest }, index) => digest === layers[index]?.blob.digest && blobs.has(digest))
  return same ? { bytes, mediaType: manifest.mediaType, config } : undefined
}

/** All of them; the answer is the blobs as the registry has them, the bottom one first. */
async function sendLayers({ layers }: ImageRecord, exact: boolean, pushing: Pushing): Promise<Descriptor[]> {
  const sent = new Map<Digest, Promise<Descriptor>>()
  const queue = [...new Map(layers.map((layer) => [layer.diffId, layer])).values()].reverse()
  for (const { diffId } of queue) new Line(diffId, pushing.onProgress).say('Preparing')
  for (const { diffId } of queue.slice(AT_ONCE)) new Line(diffId, pushing.onProgress).say('Waiting')
  let failed = false
  const work = async () => {
    for (let layer = queue.shift(); layer && !failed; layer = queue.shift()) {
      const sending = sendLayer(layer, exact, pushing)
      sent.set(layer.diffId, sending)
      await sending.catch((error) => {
        failed = true
        throw error
      })
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: AT_ONCE }, work))
  const rejected = outcomes.find((one) => one.status === 'rejected')
  if (rejected) throw rejected.reason
  return Promise.all(layers.map(({ diffId }) => sent.get(diffId) as Promise<Descriptor>))
}

async function sendLayer(layer: LayerOfImage, exact: boolean, pushing: Pushing): Promise<Descriptor> {
  const { store, registry, reference, onProgress, signal } = pushing
  const { diffId } = layer
  const line = new Line(diffId, onProgress)
  signal?.throwIfAborted()
  const known = exact ? [layer.blob] : knownBlobs(store, layer)
  for (const blob of known) {
    if (!(await registry.hasBlob(blob))) continue
    line.say('Layer already exists')
    store.origins.note(diffId, blob, reference)
    return blob
  }
  for (const blob of known) {
    const from = await mount(blob, diffId, pushing)
    if (from === undefined) continue
    line.say(`Mounted from ${from}`)
    store.origins.note(diffId, blob, reference)
    return blob
  }
  const blob = known.find(({ digest }) => store.blobs.has(digest)) ?? (await compress(layer, pushing))
  await registry.putBlob(blob, () => counted(store.blobs.read(blob.digest), blob.size, line))
  line.say('Pushed')
  store.origins.note(diffId, blob, reference)
  return blob
}

/** In which forms the layer may be in the registry. A plain tar is none that anybody pushes. */
function knownBlobs({ origins }: Store, { diffId, blob }: LayerOfImage): Descriptor[] {
  const own = blob.mediaType === MEDIA.layer ? [] : [blob]
  const others = origins.get(diffId).map((origin) => origin.blob)
  return [...own, ...others.filter(({ digest, mediaType }) => mediaType !== MEDIA.layer && digest !== own[0]?.digest)].map(asDocker)
}

/** Docker's manifests name what is compressed by gzip so. */
const asDocker = (blob: Descriptor): Descriptor =>
  blob.mediaType === MEDIA.layerGzip ? { mediaType: MEDIA.dockerLayer, size: blob.size, digest: blob.digest } : blob

/** Have the registry take it from a repository of its own in which it was seen; the answer is which. */
async function mount(blob: Descriptor, diffId: Digest, { store, registry, reference }: Pushing): Promise<string | undefined> {
  const origin = store.origins.get(diffId).find((one) => one.blob.digest === blob.digest)
  for (const repository of origin?.repositories ?? []) {
    if (!repository.startsWith(`${reference.domain}/`) || repository === canonicalName(reference)) continue
    const path = repository.slice(reference.domain.length + 1)
    if (await registry.mountBlob(blob, path)) return path
  }
  return undefined
}

/** Once: whoever pushes the layer the next time finds it. The same layer becomes the same bytes. */
async function compress({ diffId, blob }: LayerOfImage, { store, lease, signal }: Pushing): Promise<Descriptor> {
  const gzip = createGzip()
  // A failure of either side is told by reading the gzip.
  pipeline(Readable.from(store.blobs.read(blob.digest)), gzip, () => undefined)
  const arrival = Arrival.begin(store.paths, store.blobs, gzip)
  try {
    await arrival.drain()
    signal?.throwIfAborted()
    const { digest, size } = await arrival.verify()
    await lease.add([digest])
    await arrival.finish()
    const made: Descriptor = { mediaType: MEDIA.dockerLayer, size, digest }
    store.origins.note(diffId, made)
    return made
  } catch (error) {
    await arrival.discard()
    throw error
  }
}

async function* counted(source: AsyncIterable<Uint8Array>, size: number, line: Line): AsyncGenerator<Uint8Array> {
  let current = 0
  for await (const chunk of source) {
    current += chunk.length
    line.bar('Pushing', current, size)
    yield chunk
  }
}

async function sendConfig(config: Descriptor, { store, registry }: Pushing): Promise<void> {
  if (await registry.hasBlob(config)) return
  await registry.putBlob(config, () => store.blobs.read(config.digest))
}

/** Byte for byte as Docker writes one (Go's MarshalIndent with three blanks). */
function dockerManifest(config: Descriptor, layers: readonly Descriptor[]): Buffer {
  const plain = ({ mediaType, size, digest }: Descriptor) => ({ mediaType, size, digest })
  const manifest = { schemaVersion: 2, mediaType: MEDIA.dockerManifest, config: plain(config), layers: layers.map(plain) }
  return Buffer.from(JSON.stringify(manifest, null, 3))
}
