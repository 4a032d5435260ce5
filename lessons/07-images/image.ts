/** Images as this lesson makes them: archives, compressed, and the JSON that names each by its sum. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type Descriptor, type Digest, type ImageConfig, type Index, type Manifest, MEDIA } from '../../lib/image/types.js'

/** A document or an archive, and the name that follows from its bytes. */
export interface Blob {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
}

export interface Image {
  readonly manifest: Blob
  readonly config: Blob
  readonly layers: readonly Blob[]
}

export const digestOf = (bytes: Uint8Array): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

export function blob(bytes: Buffer, mediaType: string): Blob {
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } }
}

export const json = (value: unknown, mediaType: string): Blob => blob(Buffer.from(JSON.stringify(value)), mediaType)

/** The machine's own architecture as images have it. */
export const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'

/** An image of these archives, the bottom one first. */
export function imageOf(archives: readonly Buffer[], config: ImageConfig['config'] = {}): Image {
  const layers = archives.map((archive) => blob(gzipSync(archive), MEDIA.layerGzip))
  const document: ImageConfig = {
    architecture,
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: archives.map(digestOf) },
  }
  const described = json(document, MEDIA.config)
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    config: described.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  }
  return { manifest: json(manifest, MEDIA.manifest), config: described, layers }
}

/** A list of images by platform; only one of them is for this machine. */
export function indexOf(images: readonly { readonly image: Image; readonly architecture: string }[]): Blob {
  const manifests = images.map(({ image, architecture }) => ({ ...image.manifest.descriptor, platform: { os: 'linux', architecture } }))
  return json({ schemaVersion: 2, mediaType: MEDIA.index, manifests } satisfies Index, MEDIA.index)
}

/** `sha256:1a2b3c4d5e6f…`: as much of it as one reads. */
export const short = (digest: string) => `${digest.slice(0, 'sha256:'.length + 12)}…`

/** Digests in a longer text, cut. */
export const brief = (text: string) => text.replace(/sha256:[0-9a-f]{64}/g, short)
