/** The image of the engine's tests: busybox with all its names, put together here, so that every engine gives it the same id and no network is asked. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { layerTar } from '../images.js'

const { findCommand } = createRequire(import.meta.url)('../../../scripts/packages.cjs') as { findCommand(name: string): string | undefined }

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** When it was made, so that its id is the same today and tomorrow. */
const CREATED = '2024-01-02T03:04:05Z'

export interface ArchiveOptions {
  /** `name:tag`s. */
  readonly tags?: readonly string[]
  /** Members of the image's configuration beside Docker's usual ones. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Files of a second layer, as layerTar takes them. */
  readonly files?: Readonly<Record<string, string>>
}

/** As `docker save` writes it. */
export function busyboxArchive({ tags = ['busybox:latest'], config = {}, files }: ArchiveOptions = {}): Buffer {
  const layers = [busyboxLayer(), ...(files ? [layerTar(files)] : [])]
  const image = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      created: CREATED,
      config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'], ...config },
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${digest(layer)}`) },
      history: layers.map((_, index) => ({ created: CREATED, created_by: `/bin/sh -c #(nop) ADD layer${index} in / ` })),
    }),
  )
  const name = `${digest(image)}.json`
  const manifest = [{ Config: name, RepoTags: tags, Layers: layers.map((layer) => `${digest(layer)}/layer.tar`) }]
  return layerTar({
    [name]: image,
    ...Object.fromEntries(layers.flatMap((layer) => [[`${digest(layer)}/`, ''] as const, [`${digest(layer)}/layer.tar`, layer] as const])),
    'manifest.json': JSON.stringify(manifest),
  })
}

let made: Buffer | undefined

/** An executable program, a link to it for each thing it can do, and the few files and directories that programs expect. */
function busyboxLayer(): Buffer {
  if (made) return made
  const program = findCommand('busybox') as string
  const names = execFileSync(program, ['--list'], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name !== '' && name !== 'busybox')
  made = layerTar(
    {
      'bin/': '',
      'bin/busybox': readFileSync(program),
      ...Object.fromEntries(names.map((name) => [`bin/${name} -> busybox`, ''])),
      'etc/': '',
      'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
      'etc/group': 'root:x:0:\nnobody:x:65534:\n',
      'root/': '',
      'tmp/': '',
      'var/': '',
      'var/log/': '',
    },
    ['bin/busybox'],
  )
  return made
}
