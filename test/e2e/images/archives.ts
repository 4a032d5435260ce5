/** Images put together from archives, for skopeo to push: a directory of blobs (skopeo's dir:), and an index of platforms (oci:). */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Machine, PLACE } from './machines.js'
import { POSIX_TAR } from './makers.js'

const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64'

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/**
 * The tree as GNU tar has it, what is odd in archives, and sparse files as three more versions of GNU tar had them; the middle one is not
 * compressed. With the manifest of a Docker image.
 */
export async function archiveLayers(machine: Machine): Promise<Buffer[]> {
  const [odd, sparse] = [join(PLACE, 'oddities.tar'), join(PLACE, 'sparse.tar')]
  await machine.python('oddities', odd)
  // Archives follow each other as one file does when the zeros at the end of the first are left out: tar --append does that.
  await machine.shell(
    `cd $1/sparse
     tar --format=posix --sparse --sparse-version=0.0 --transform=s,^,version-0.0/, -cf $2 islands many
     tar --format=posix --sparse --sparse-version=0.1 --transform=s,^,version-0.1/, -rf $2 all-hole ends-in-a-hole many
     tar --format=posix --sparse --sparse-version=1.0 --transform=s,^,version-1.0/, -rf $2 many`,
    join(PLACE, 'tree'),
    sparse,
  )
  return [POSIX_TAR, odd, sparse].map((path) => readFileSync(machine.host.path(path)))
}

export function writeDirectoryImage(machine: Machine, directory: string, layers: readonly Buffer[]): void {
  const place = machine.host.path(directory)
  mkdirSync(place)
  const blob = (bytes: Buffer, mediaType: string) => {
    const digest = digestOf(bytes)
    writeFileSync(join(place, digest.slice('sha256:'.length)), bytes)
    return { mediaType, size: bytes.length, digest }
  }
  const config = {
    architecture: ARCHITECTURE,
    os: 'linux',
    created: '2020-01-02T03:04:05.678901234Z',
    config: { Cmd: ['/bin/true'] },
    rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
    history: layers.map((_, index) => ({ created: '2020-01-02T03:04:05Z', created_by: `archive ${index}` })),
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: blob(Buffer.from(JSON.stringify(config)), 'application/vnd.docker.container.image.v1+json'),
    layers: layers.map((bytes, index) =>
      index === 1
        ? blob(bytes, 'application/vnd.docker.image.rootfs.diff.tar')
        : blob(gzipSync(bytes), 'application/vnd.docker.image.rootfs.diff.tar.gzip'),
    ),
  }
  writeFileSync(join(place, 'manifest.json'), JSON.stringify(manifest))
  writeFileSync(join(place, 'version'), 'Directory Transport Version: 1.1\n')
}

/** An index of the layout's image, said to be of another platform, and the same for this one; it is called `index` there. */
export function addIndex(machine: Machine, layout: string): void {
  const place = machine.host.path(layout)
  const top = JSON.parse(readFileSync(join(place, 'index.json'), 'utf8')) as { manifests: { annotations?: Record<string, string> }[] }
  const { annotations: _, ...image } = top.manifests[0] as { annotations?: unknown; digest: string }
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  const index = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      manifests: [
        { ...image, platform: { architecture: 's390x', os: 'linux' } },
        { ...image, platform: { architecture: ARCHITECTURE, os: 'linux', ...(ARCHITECTURE === 'arm64' && { variant: 'v8' }) } },
      ],
    }),
  )
  const digest = digestOf(index)
  writeFileSync(join(place, 'blobs/sha256', digest.slice('sha256:'.length)), index)
  top.manifests.push({ mediaType, digest, size: index.length, annotations: { 'org.opencontainers.image.ref.name': 'index' } } as never)
  writeFileSync(join(place, 'index.json'), JSON.stringify(top))
}
