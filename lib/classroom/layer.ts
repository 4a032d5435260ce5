/** A directory or an archive as an image of one layer: zipped, added up, and described. The same files give the same digests, whenever it is done. */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, renameSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { execa } from 'execa'
import { type ContainerConfig, type Descriptor, type Digest, type ImageConfig, type Manifest, MEDIA } from '../image/types.js'
import { DrydockError } from '../kernel/errors.js'

export interface PackedImage {
  readonly layer: { readonly descriptor: Descriptor; readonly file: string }
  readonly config: { readonly descriptor: Descriptor; readonly bytes: Buffer<ArrayBuffer> }
  readonly manifest: { readonly descriptor: Descriptor; readonly bytes: Buffer<ArrayBuffer> }
}

/** Names in order, no times and no owners of the one who packs. */
const REPRODUCIBLE = [
  '--sort=name',
  '--mtime=@0',
  '--owner=0',
  '--group=0',
  '--numeric-owner',
  '--format=pax',
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
] as const

/** `tree` as a tar archive. All of it is root's, as it is in the packages that it was made of. */
export async function archiveTree(tree: string, archive: string): Promise<void> {
  const { exitCode, stderr } = await execa('tar', [...REPRODUCIBLE, '-cf', archive, '-C', tree, '.'], {
    reject: false,
    env: { LC_ALL: 'C' },
  })
  if (exitCode !== 0) throw new DrydockError(`tar cannot pack ${tree}: ${stderr.trim()}`)
}

export async function imageOf(archive: string, config: ContainerConfig, created: string): Promise<PackedImage> {
  const [whole, zipped] = [createHash('sha256'), createHash('sha256')]
  let size = 0
  const file = `${archive}.gz`
  await pipeline(
    createReadStream(archive),
    async function* (source) {
      for await (const chunk of source) {
        whole.update(chunk)
        yield chunk
      }
    },
    createGzip(),
    async function* (source) {
      for await (const chunk of source) {
        zipped.update(chunk)
        size += chunk.length
        yield chunk
      }
    },
    createWriteStream(`${file}.part`),
  )
  renameSync(`${file}.part`, file)
  const layer: Descriptor = { mediaType: MEDIA.layerGzip, digest: `sha256:${zipped.digest('hex')}`, size }
  const diffId: Digest = `sha256:${whole.digest('hex')}`
  const document: ImageConfig = {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    created: '1970-01-01T00:00:00Z',
    config,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: created }],
  }
  const described = json(document, MEDIA.config)
  const manifest: Manifest = { schemaVersion: 2, mediaType: MEDIA.manifest, config: described.descriptor, layers: [layer] }
  return { layer: { descriptor: layer, file }, config: described, manifest: json(manifest, MEDIA.manifest) }
}

function json(value: unknown, mediaType: string): { descriptor: Descriptor; bytes: Buffer<ArrayBuffer> } {
  const bytes = Buffer.from(JSON.stringify(value))
  return { bytes, descriptor: { mediaType, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length } }
}
