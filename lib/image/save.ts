/**
 * `docker save`: images in one tar, for every reader that there is (archive.ts). Layers and manifests are copies of what came, so that an image that is saved
 * and loaded elsewhere is the same by every digest. The same images become the same bytes.
 */
import { open } from 'node:fs/promises'
import { type ArchivedImage, blobPath, FULL_NAME, INDEX, LAYOUT, MANIFEST, REF_NAME, REPOSITORIES } from './archive.js'
import { decompress } from './compression.js'
import { canonical, canonicalName, familiar, familiarName, parseAnyReference, type Reference } from './reference.js'
import { readDocument } from './registry/index.js'
import { lookUp } from './store/find.js'
import { hexOf, type ImageRecord, isByDigest, type Lease, type Store, sha256 } from './store/index.js'
import { TAR_END, type TarInput, tarHeader, tarPadding } from './tar/index.js'
import { type Descriptor, type Digest, type Manifest, MEDIA } from './types.js'

export interface SaveOptions {
  readonly signal?: AbortSignal
}

/** A file of the archive. */
interface File {
  readonly size: number
  content(): AsyncIterable<Uint8Array> | readonly Uint8Array[]
}

/** The archive of the images that these words mean: names, names without a tag (then all of the repository), ids. Throws before the first byte when one is not there. */
export async function saveImages(store: Store, words: readonly string[], { signal }: SaveOptions = {}): Promise<AsyncIterable<Buffer>> {
  const lease = store.lease()
  try {
    const files = await filesOf(store, lease, words)
    return archive(files, lease, signal)
  } catch (error) {
    lease.release()
    throw error
  }
}

async function filesOf(store: Store, lease: Lease, words: readonly string[]): Promise<Map<string, File>> {
  const images = imagesOf(store, words)
  const records = [...images.keys()].map((id) => lookUp(store, id))
  await lease.add(records.flatMap(digestsOf))
  const files = new Map<string, File>()
  const archived: ArchivedImage[] = []
  const manifests: Descriptor[] = []
  const repositories: Record<string, Record<string, string>> = {}
  for (const record of records) {
    // Somebody may have removed it before the lease held.
    const { id, layers } = lookUp(store, record.id)
    const references = images.get(id) ?? []
    const blobs = await layersOf(store, record, files)
    files.set(blobPath(id), documentFile(await store.blobs.document(id)))
    const manifest = await manifestOf(store, record, blobs)
    files.set(blobPath(manifest.descriptor.digest), documentFile(manifest.bytes))
    archived.push({
      Config: blobPath(id),
      RepoTags: references.length > 0 ? references.map(familiar) : null,
      Layers: blobs.map(({ digest }) => blobPath(digest)),
    })
    manifests.push(...namedManifests(manifest.descriptor, references))
    for (const reference of references) {
      const top = layers.at(-1)
      if (top)
        repositories[familiarName(reference)] = { ...repositories[familiarName(reference)], [reference.tag as string]: hexOf(top.chainId) }
    }
  }
  files.set(INDEX, jsonFile({ schemaVersion: 2, mediaType: MEDIA.index, manifests }))
  files.set(MANIFEST, jsonFile(archived))
  files.set(LAYOUT, jsonFile({ imageLayoutVersion: '1.0.0' }))
  if (Object.keys(repositories).length > 0) files.set(REPOSITORIES, jsonFile(repositories))
  return files
}

/** In the order in which they are asked for, each with the names that it is to be found by. */
function imagesOf(store: Store, words: readonly string[]): Map<Digest, Reference[]> {
  const images = new Map<Digest, Reference[]>()
  const add = (id: Digest, reference?: Reference) => {
    const names = images.get(id) ?? []
    images.set(id, names)
    if (reference && !names.some((one) => canonical(one) === canonical(reference))) names.push(reference)
  }
  for (const word of words) {
    const asked = parseAnyReference(word)
    const tags = store.tags.list().filter((tag) => !isByDigest(tag))
    const ofRepository = typeof asked === 'string' ? [] : tags.filter(({ reference }) => canonicalName(reference) === canonicalName(asked))
    const isBare = typeof asked !== 'string' && asked.tag === undefined && asked.digest === undefined
    if (isBare && ofRepository.length > 0) {
      for (const { id, reference } of ofRepository) add(id, reference)
      continue
    }
    const { id } = lookUp(store, word)
    const named =
      typeof asked === 'string' || asked.digest !== undefined
        ? undefined
        : ofRepository.find((tag) => tag.id === id && tag.reference.tag === asked.tag)
    add(id, named?.reference)
  }
  return images
}

const digestsOf = ({ id, manifest, layers }: ImageRecord): Digest[] => [
  id,
  ...(manifest ? [manifest.digest] : []),
  ...layers.flatMap(({ chainId, blob }) => [chainId, blob.digest]),
]

/** As they are; only what Docker could not unpack before 2022 is unpacked. */
async function layersOf({ blobs }: Store, { layers }: ImageRecord, files: Map<string, File>): Promise<Descriptor[]> {
  const found: Descriptor[] = []
  for (const { blob, diffId } of layers) {
    if (!(await isZstd(blobs.path(blob.digest)))) {
      files.set(blobPath(blob.digest), { size: blobs.size(blob.digest) ?? blob.size, content: () => blobs.read(blob.digest) })
      found.push(blob)
      continue
    }
    const content = () => decompress(blobs.read(blob.digest))
    let { size } = files.get(blobPath(diffId)) ?? { size: 0 }
    if (size === 0) for await (const chunk of content()) size += chunk.length
    files.set(blobPath(diffId), { size, content })
    found.push({ mediaType: MEDIA.layer, digest: diffId, size })
  }
  return found
}

/** RFC 8878, section 3.1.1. */
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

async function isZstd(path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const { buffer } = await file.read(Buffer.alloc(ZSTD.length), 0, ZSTD.length, 0)
    return buffer.equals(ZSTD)
  } finally {
    await file.close()
  }
}

/** The one that it came with, when it is about these layers; one of our own otherwise. */
async function manifestOf(
  { blobs }: Store,
  { id, manifest }: ImageRecord,
  layers: readonly Descriptor[],
): Promise<{ descriptor: Descriptor; bytes: Buffer }> {
  if (manifest && blobs.has(manifest.digest)) {
    const bytes = await blobs.document(manifest.digest)
    const document = readDocument(bytes, manifest.mediaType)
    const same = document.kind === 'manifest' && document.manifest.layers.every(({ digest }, index) => digest === layers[index]?.digest)
    if (same) return { descriptor: manifest, bytes }
  }
  const config: Descriptor = { mediaType: MEDIA.config, digest: id, size: blobs.size(id) ?? 0 }
  const made: Manifest = { schemaVersion: 2, mediaType: MEDIA.manifest, config, layers: layers.map(ociLayer) }
  const bytes = Buffer.from(JSON.stringify(made))
  return { descriptor: { mediaType: MEDIA.manifest, digest: sha256(bytes), size: bytes.length }, bytes }
}

const ociLayer = ({ mediaType, digest, size }: Descriptor): Descriptor => ({
  mediaType: mediaType === MEDIA.dockerLayer ? MEDIA.layerGzip : mediaType,
  digest,
  size,
})

function namedManifests(descriptor: Descriptor, references: readonly Reference[]): Descriptor[] {
  const { mediaType, digest, size } = descriptor
  if (references.length === 0) return [{ mediaType, digest, size }]
  return references.map((reference) => ({
    mediaType,
    digest,
    size,
    annotations: { [FULL_NAME]: canonical(reference), [REF_NAME]: reference.tag as string },
  }))
}

const documentFile = (bytes: Buffer): File => ({ size: bytes.length, content: () => [bytes] })
const jsonFile = (value: unknown): File => documentFile(Buffer.from(JSON.stringify(value)))

/** Nothing in it tells of the time or the place. */
const PLAIN = { uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } }
const directory = (path: string): TarInput => ({ path: Buffer.from(path), type: 'directory', mode: 0o755, ...PLAIN })

async function* archive(files: Map<string, File>, lease: Lease, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  try {
    yield tarHeader(directory('blobs/'))
    yield tarHeader(directory('blobs/sha256/'))
    for (const [path, { size, content }] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
      yield tarHeader({ path: Buffer.from(path), type: 'file', mode: 0o644, size, ...PLAIN })
      for await (const chunk of content()) {
        signal?.throwIfAborted()
        yield chunk as Buffer
      }
      yield tarPadding(size)
    }
    yield TAR_END
  } finally {
    lease.release()
  }
}
