/**
 * `docker load`: archives of docker save, old and new, and OCI layouts, from a stream or a directory. What comes is written once, to where it can be renamed
 * from, and hashed by the way; names in an archive are looked up and never become paths.
 *
 *     stream ─▶ gzip? ─▶ tar ─▶ images/.loading-WHO/N, and a table: name → N, size, digest
 *                               manifest.json or index.json ─▶ images ─▶ configuration, layers
 */
import { DrydockError } from '../kernel/errors.js'
import type { ArchivedImage } from './archive.js'
import { FULL_NAME, INDEX, MANIFEST, REF_NAME } from './archive.js'
import { checkLayers, parseConfig } from './documents.js'
import { fetchLayers } from './fetch.js'
import { Intake, type Received } from './intake.js'
import { choosePlatform, ownPlatform } from './platform.js'
import type { OnProgress } from './progress.js'
import { canonical, familiar, parseReference, type Reference, withDefaultTag } from './reference.js'
import { readDocument } from './registry/index.js'
import { type Image, type Lease, recordOf, type Store } from './store/index.js'
import { type Descriptor, type Digest, type Manifest, MEDIA, type Platform } from './types.js'

export interface LoadOptions {
  readonly store: Store
  /** Which images of an index of several; absent: this machine's. */
  readonly platform?: Platform
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

/** An image as an archive has it. */
interface Found {
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly manifest?: Descriptor
  readonly names: readonly Reference[]
}

/** A stream of an archive, or the path of a directory with an OCI layout. All images in it, or an error and none that is half there. */
export async function loadImages(source: AsyncIterable<Uint8Array> | string, options: LoadOptions): Promise<Image[]> {
  const { store, onProgress = () => undefined, signal } = options
  const lease = store.lease()
  const intake = new Intake(store)
  try {
    if (typeof source === 'string') await intake.directory(source)
    else await intake.archive(source, signal)
    const found = await imagesIn(intake, options.platform ?? ownPlatform())
    if (found.length === 0) throw invalid('there is no image in it')
    const images: Image[] = []
    for (const image of found) images.push(await loadOne(image, intake, lease, { ...options, onProgress }))
    return images
  } finally {
    await intake.close()
    lease.release()
  }
}

async function loadOne(
  found: Found,
  intake: Intake,
  lease: Lease,
  { store, onProgress = () => undefined, signal }: LoadOptions,
): Promise<Image> {
  const waiting = { ...(signal && { signal }) }
  const id = found.config.digest
  const bytes = await intake.bytes(found.config.digest)
  const config = parseConfig(bytes)
  checkLayers({ schemaVersion: 2, config: found.config, layers: found.layers }, config)
  const diffIds = config.rootfs.diff_ids
  await lease.add([id, ...(found.manifest ? [found.manifest.digest] : []), ...found.layers.map(({ digest }) => digest)], waiting)
  try {
    const kept = store.records.get(id)
    if (kept)
      await lease.add(
        kept.layers.flatMap(({ chainId, blob }) => [chainId, blob.digest]),
        waiting,
      )
    if (!store.records.get(id)) {
      await fetchLayers(found.layers, diffIds, {
        store,
        lease,
        source: ({ digest }, offset) => intake.read(digest, offset),
        offer: ({ digest }, path) => intake.give(digest, path),
        onProgress: ({ status, ...rest }) => status === 'Extracting' && onProgress({ status: 'Loading layer', ...rest }),
        ...waiting,
      })
    }
    store.blobs.add(bytes)
    if (found.manifest) store.blobs.add(await intake.bytes(found.manifest.digest))
    await store.changing(() => {
      const record =
        store.records.get(id) ?? kept ?? recordOf(store, id, found.layers, diffIds, found.manifest && { manifest: found.manifest })
      store.records.put(record)
      for (const name of found.names) nameIt(store, name, id, onProgress)
    }, waiting)
  } catch (error) {
    const among = new Set(lease.digests)
    lease.release()
    await store.collect({ among })
    throw error
  }
  if (found.names.length === 0) onProgress({ status: `Loaded image ID: ${id}` })
  for (const name of found.names) onProgress({ status: `Loaded image: ${familiar(name)}` })
  return store.find(id)
}

function nameIt({ tags }: Store, name: Reference, id: Digest, onProgress: OnProgress): void {
  const before = tags.get(name)
  if (before && before.id !== id) {
    onProgress({ status: `The image ${familiar(name)} already exists, renaming the old one with ID ${before.id} to empty string` })
  }
  tags.set(name, id)
}

const invalid = (why: string) => new DrydockError(`invalid archive: ${why}`, { status: 400 })

/** Docker's own form first, as Docker itself reads it; the OCI layout beside it then says with which manifest an image came. */
async function imagesIn(intake: Intake, platform: Platform): Promise<Found[]> {
  const layout = intake.has(INDEX) ? await layoutImages(intake, platform) : []
  if (!intake.has(MANIFEST)) {
    if (intake.has(INDEX)) return layout
    throw invalid('it has neither manifest.json nor index.json: it was made by docker before 1.10, or by something else')
  }
  const archived = await intake.json(MANIFEST)
  if (!Array.isArray(archived)) throw invalid('its manifest.json is no list')
  return (archived as Partial<ArchivedImage>[]).map((one) => {
    const image = archivedImage(intake, one)
    const same = layout.find(({ config, layers }) => config.digest === image.config.digest && sameLayers(layers, image.layers))
    return same ? { ...same, names: image.names } : image
  })
}

const sameLayers = (some: readonly Descriptor[], others: readonly Descriptor[]): boolean =>
  some.length === others.length && some.every(({ digest }, index) => digest === others[index]?.digest)

function archivedImage(intake: Intake, { Config, RepoTags, Layers }: Partial<ArchivedImage>): Found {
  if (typeof Config !== 'string' || !Array.isArray(Layers) || !Layers.every((one) => typeof one === 'string')) {
    throw invalid('its manifest.json has an image without configuration or layers')
  }
  const names = (RepoTags ?? []).map((name) => withDefaultTag(parseReference(String(name))))
  const plain = (mediaType: string, { digest, size }: Received): Descriptor => ({ mediaType, digest, size })
  return {
    config: plain(MEDIA.dockerConfig, intake.find(Config)),
    layers: Layers.map((path) => intake.find(path)).map((file) => plain(file.mediaType, file)),
    names,
  }
}

async function layoutImages(intake: Intake, platform: Platform): Promise<Found[]> {
  const index = readDocument(await intake.bytes(intake.find(INDEX).digest), MEDIA.index)
  if (index.kind !== 'index') throw invalid('its index.json is none')
  const images = new Map<Digest, Found>()
  for (const entry of index.index.manifests) {
    const found = await manifestIn(intake, entry, platform)
    if (!found) continue
    const { manifest, descriptor } = found
    const before = images.get(descriptor.digest)
    const names = [...(before?.names ?? []), ...nameOf(entry)]
    const unique = [...new Map(names.map((name) => [canonical(name), name])).values()]
    images.set(descriptor.digest, {
      config: manifest.config,
      layers: manifest.layers,
      ...keptManifest(descriptor, manifest),
      names: unique,
    })
  }
  return [...images.values()]
}

/** One of plain tars was made for the archive alone; a registry gets its image in another form, so there is nothing to be kept. */
function keptManifest({ mediaType, digest, size }: Descriptor, { layers }: Manifest): Pick<Found, 'manifest'> {
  return layers.some((layer) => layer.mediaType === MEDIA.layer) ? {} : { manifest: { mediaType, digest, size } }
}

/** How many indexes may lead to each other. */
const DEEPEST = 4

async function manifestIn(
  intake: Intake,
  entry: Descriptor,
  platform: Platform,
  depth = 0,
): Promise<{ manifest: Manifest; descriptor: Descriptor } | undefined> {
  // An index may name what is not in the archive: images for other machines.
  if (!intake.hasDigest(entry.digest)) return undefined
  if (depth === DEEPEST) throw invalid(`its indexes lead to each other more than ${DEEPEST} deep`)
  const document = readDocument(await intake.bytes(entry.digest), entry.mediaType)
  if (document.kind === 'manifest') return { manifest: document.manifest, descriptor: entry }
  const { manifests } = document.index
  return manifestIn(
    intake,
    choosePlatform(
      manifests.filter(({ digest }) => intake.hasDigest(digest)),
      platform,
    ),
    platform,
    depth + 1,
  )
}

/** `ubuntu:24.04` of containerd or of tools that write the whole name; a tag alone names nothing. */
function nameOf({ annotations }: Descriptor): Reference[] {
  const word = annotations?.[FULL_NAME] ?? annotations?.[REF_NAME]
  if (word === undefined || !/[/:]/.test(word)) return []
  try {
    return [withDefaultTag(parseReference(word))]
  } catch {
    return []
  }
}
