/** The lesson's registry: Debian's docker-registry, a real one, in the bottle and on its loopback; and what is put into it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Bottle } from '../../lib/bottle.js'
import { clone3, close, dup3, execve, open, ref, type Step } from '../../lib/index.js'
import { DrydockError } from '../../lib/kernel/errors.js'
import type { Shim } from '../../lib/kernel/shim.js'
import type { Box, Stage } from '../../lib/tutor/lesson.js'
import { findCommand } from '../../lib/tutor/packages.js'
import { until } from '../01-namespaces/looks.js'
import { type Answer, askQuietly, type Place } from './http.js'
import type { Blob, Image } from './image.js'

/** Where Docker’s manual puts a registry of one’s own. */
export const PLACE = { address: '127.0.0.1', port: 5000 } as const
/** Its files, in the bottle: everything that it knows is here, and not in any database. */
export const STORAGE = '/registry'
const CONFIG = '/registry.yml'
const LOG = '/registry.log'

/** configuration.md of the registry. It keeps nothing in memory, so that it says what is on the disk, even when somebody has changed that. */
const configuration = (place: Place, storage: string, auth = '') => `version: 0.1
log:
  level: info
storage:
  filesystem:
    rootdirectory: ${storage}
http:
  net: ${'address' in place ? 'tcp' : 'unix'}
  addr: ${'address' in place ? `${place.address}:${place.port}` : place.path}
${auth}`

/** Wants a token, and says where there are some. */
const STRICT = `auth:
  silly:
    realm: https://auth.harbour.test/token
    service: registry.harbour.test
`

/** The registry as a child of whoever makes these steps; what it says goes to a file. */
function start(): Step[] {
  const program = findCommand('docker-registry') as string
  return [
    clone3([]),
    open(LOG, ['creat', 'wronly', 'append'], { mode: 0o644, keep: 'log' }),
    dup3(ref('log'), 1),
    dup3(ref('log'), 2),
    close(ref('log')),
    execve(program, ['docker-registry', 'serve', CONFIG], ['PATH=/usr/bin:/bin', 'OTEL_TRACES_EXPORTER=none']),
  ]
}

function prepare(bottle: Bottle, place: Place, storage: string, auth?: string): void {
  mkdirSync(bottle.hostPath(storage), { recursive: true })
  writeFileSync(bottle.hostPath(CONFIG), configuration(place, storage, auth))
}

const listens = (bottle: Bottle) => until('the registry', () => logOf(bottle).includes('msg="listening on '))

const logOf = (bottle: Bottle) => (existsSync(bottle.hostPath(LOG)) ? readFileSync(bottle.hostPath(LOG), 'utf8') : '')

/** Lines such as `GET /v2/hull/blobs/sha256:… 200`: what it was asked, and what it answered. The last may be missing yet: it answers before it writes. */
export function askedFor(bottle: Bottle): string[] {
  const lines = logOf(bottle).matchAll(/"((?:GET|HEAD|PUT|POST|PATCH) \S+) HTTP\/1\.\d" (\d+)/g)
  return [...lines].map(([, what, status]) => `${what} ${status}`)
}

/** On the stage, with these images in it already: `{ 'hull:latest': image }`. */
export async function openRegistry(stage: Stage, images: Readonly<Record<string, Image>> = {}, storage = STORAGE): Promise<Box> {
  prepare(stage.bottle, PLACE, storage)
  const box = await stage.box('registry')
  await box.together('A registry: the program docker-registry, told to listen on the loopback', start())
  await listens(stage.bottle)
  const shim = await stage.bottle.shim()
  for (const [name, image] of Object.entries(images)) await publish(shim, PLACE, name, image)
  return box
}

/** One that wants a token; what is in it was put there before. */
export async function strictRegistry(stage: Stage, images: Readonly<Record<string, Image>>): Promise<Box> {
  prepare(stage.bottle, PLACE, STORAGE, STRICT)
  const box = await stage.box('registry')
  await box.together('A registry that wants to see a token', start())
  await listens(stage.bottle)
  const shim = await stage.bottle.shim()
  for (const [name, image] of Object.entries(images)) await publish(shim, PLACE, name, image, { Authorization: 'Bearer of-the-tutor' })
  return box
}

/** Behind the stage, for an exercise: on a socket file, so that the tutor reaches it from outside. */
export async function quietRegistry(bottle: Bottle, path: string): Promise<void> {
  prepare(bottle, { path }, STORAGE)
  const shim = await bottle.shim()
  await shim.run(start())
  await listens(bottle)
}

/** Push by the protocol: every blob that is not there yet, then the manifest under the tag. */
export async function publish(
  shim: Shim,
  place: Place,
  name: string,
  { manifest, config, layers }: Image,
  headers: Headers = {},
): Promise<void> {
  const [repository, tag] = split(name)
  for (const blob of [config, ...layers]) await putBlob(shim, place, repository, blob, headers)
  await putManifest(shim, place, repository, tag, manifest, headers)
}

type Headers = Readonly<Record<string, string>>

export async function putManifest(
  shim: Shim,
  place: Place,
  repository: string,
  reference: string,
  { bytes, descriptor }: Blob,
  headers: Headers = {},
) {
  const path = `/v2/${repository}/manifests/${reference}`
  const request = { method: 'PUT', path, headers: { ...headers, 'Content-Type': descriptor.mediaType }, body: bytes } as const
  return expect(await askQuietly(shim, place, request), 201)
}

export async function putBlob(
  shim: Shim,
  place: Place,
  repository: string,
  { bytes, descriptor }: Blob,
  headers: Headers = {},
): Promise<void> {
  const blobs = `/v2/${repository}/blobs`
  if ((await askQuietly(shim, place, { method: 'HEAD', path: `${blobs}/${descriptor.digest}`, headers })).status === 200) return
  const upload = expect(await askQuietly(shim, place, { method: 'POST', path: `${blobs}/uploads/`, headers }), 202)
  const path = `${uploadPath(upload)}&digest=${descriptor.digest}`
  const request = { method: 'PUT', path, headers: { ...headers, 'Content-Type': 'application/octet-stream' }, body: bytes } as const
  expect(await askQuietly(shim, place, request), 201)
}

/** Where the registry wants the bytes: the path of its Location, which has a state of its own in its query. */
export function uploadPath({ headers }: Answer): string {
  const { pathname, search } = new URL(headers.location ?? '', 'http://localhost')
  return `${pathname}${search}`
}

export function expect(answer: Answer, status: number): Answer {
  if (answer.status === status) return answer
  throw new DrydockError(`the registry answers ${answer.status}, not ${status}: ${answer.body.toString().trim()}`)
}

/** `hull:latest` into its two parts. */
export function split(name: string): [repository: string, tag: string] {
  const at = name.lastIndexOf(':')
  return [name.slice(0, at), name.slice(at + 1)]
}

/** The file in which the registry keeps a blob: named by its digest, like everything here. */
export const storedAt = (digest: string, storage = STORAGE) => {
  const hex = digest.slice('sha256:'.length)
  return `${storage}/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`
}
