/** Manifests and indexes as they come from strangers: read, checked, told apart. OCI image specification, manifest.md and image-index.md. */
import { DrydockError } from '../../kernel/errors.js'
import { isDigest } from '../reference.js'
import { type Descriptor, type Index, type Manifest, MEDIA } from '../types.js'
import { readable } from './errors.js'

/** As registries and clients agree: bytes. OCI distribution specification, "Pushing Manifests". */
export const LARGEST_MANIFEST = 4 * 1024 * 1024

export const MANIFESTS: readonly string[] = [MEDIA.manifest, MEDIA.dockerManifest]
export const INDEXES: readonly string[] = [MEDIA.index, MEDIA.dockerList]

export type Document = { readonly kind: 'manifest'; readonly manifest: Manifest } | { readonly kind: 'index'; readonly index: Index }

/** Read one. The media type is what the server or the descriptor says; one in the document has to be the same (CVE-2021-41190). */
export function readDocument(bytes: Buffer, mediaType: string): Document {
  const found = parse(bytes)
  const kind = kindOf(mediaType)
  const other = kind === 'manifest' ? found.manifests : (found.layers ?? found.config)
  if (found.mediaType !== undefined && found.mediaType !== mediaType) {
    throw new DrydockError(`mediaType in manifest should be '${readable(mediaType)}' not '${readable(found.mediaType)}'`)
  }
  if (other !== undefined) throw new DrydockError('the manifest is an index too, and so could be either: it is refused')
  if (kind === 'manifest') {
    const layers = list(found.layers, 'layers')
    return { kind, manifest: { ...found, schemaVersion: 2, config: descriptor(found.config, 'config'), layers } as Manifest }
  }
  return { kind, index: { ...found, schemaVersion: 2, manifests: list(found.manifests, 'manifests') } as Index }
}

/** What a document is, where the server does not say it or says what means nothing. */
export function mediaTypeOf(bytes: Buffer, header: string | undefined): string {
  const said = header?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if ([...MANIFESTS, ...INDEXES].includes(said) || /schema1|manifest\.v1/.test(said)) return said
  const found = parse(bytes)
  if (typeof found.mediaType === 'string') return found.mediaType
  if (found.manifests !== undefined) return MEDIA.index
  return found.schemaVersion === 1 ? 'application/vnd.docker.distribution.manifest.v1+json' : MEDIA.manifest
}

/** A descriptor that can be trusted in its form: the digest is one, the size is a size. */
export function checkedDescriptor(value: unknown): Descriptor {
  return descriptor(value, 'descriptor')
}

function kindOf(mediaType: string): 'manifest' | 'index' {
  if (MANIFESTS.includes(mediaType)) return 'manifest'
  if (INDEXES.includes(mediaType)) return 'index'
  if (/docker\.distribution\.manifest\.v1/.test(mediaType)) {
    throw new DrydockError('Docker Image manifest version 2, schema 1 is no longer supported: push the image again with a newer client')
  }
  throw new DrydockError(`unsupported manifest media type: ${readable(mediaType)}`)
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    const found = JSON.parse(bytes.toString('utf8')) as unknown
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found as Record<string, unknown>
  } catch {
    // said below
  }
  throw new DrydockError('the manifest is no JSON object')
}

function list(value: unknown, name: string): Descriptor[] {
  if (!Array.isArray(value)) throw new DrydockError(`the manifest has no ${name}`)
  return value.map((entry) => descriptor(entry, name))
}

function descriptor(value: unknown, where: string): Descriptor {
  const found = (value ?? {}) as Partial<Descriptor>
  const wrong = (what: string) => new DrydockError(`the manifest is wrong: ${where} has no ${what}`)
  if (typeof found !== 'object' || typeof found.mediaType !== 'string') throw wrong('media type')
  if (!isDigest(found.digest)) throw wrong('sha256 digest')
  if (!Number.isSafeInteger(found.size) || (found.size as number) < 0) throw wrong('size')
  if (found.urls !== undefined && (!Array.isArray(found.urls) || !found.urls.every((url) => typeof url === 'string')))
    throw wrong('list of urls')
  return found as Descriptor
}
