/**
 * A registry in this process, on loopback, that serves images given as bytes, takes pushes, remembers what it was asked, and misbehaves as told:
 *
 *     const server = await RegistryServer.start()
 *     const image = server.image('fleet/tug', 'latest', { layers: [tar] })
 *     server.misbehave(image.layers[0].digest, faults.breakAfter(1000), { times: 1 })
 *     … pull `${server.host}/fleet/tug` …
 *     server.asked('GET', '/blobs/')
 *     await server.stop()
 */
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type Descriptor, type Digest, type ImageConfig, type Index, type Manifest, MEDIA, type Platform } from '../../lib/image/types.js'
import { type Answer, type Fault, send } from './registry-faults.js'
import { type Auth, Gate } from './registry-gate.js'

export { faults } from './registry-faults.js'
export { basicAuth, bearerAuth } from './registry-gate.js'

export interface Asked {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Bytes of its body, when it was read. */
  readonly body: Buffer
  /** What was answered. */
  status: number
}

export interface ServedImage {
  /** Of the manifest. */
  readonly descriptor: Descriptor
  readonly manifest: Manifest
  readonly bytes: Buffer
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

export interface StartOptions {
  readonly auth?: Auth
  /** PEM; plain HTTP without. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Blobs that one upload takes at most, in bytes of one request: 413 beyond. */
  readonly largestBody?: number
}

interface Misbehaviour {
  readonly where: string | RegExp
  readonly method: string | undefined
  readonly fault: Fault
  left: number
}

export const digestOf = (bytes: Uint8Array): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

export class RegistryServer {
  readonly requests: Asked[] = []
  /** By repository: digests of blobs; tags and digests of manifests. */
  readonly blobs = new Map<string, Map<string, Buffer>>()
  readonly manifests = new Map<string, Map<string, { bytes: Buffer; mediaType: string }>>()
  readonly #uploads = new Map<string, Buffer>()
  readonly #misbehaviours: Misbehaviour[] = []
  readonly #gate: Gate
  readonly #options: StartOptions
  readonly #server: ReturnType<typeof createServer>
  readonly #sockets = new Set<Socket>()

  private constructor(options: StartOptions) {
    this.#options = options
    this.#gate = new Gate(options.auth)
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(request, response).catch((error: Error) => response.destroy(error))
    }
    this.#server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener)
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket))
    })
  }

  /** Listens on a port of 127.0.0.1 that is free. */
  static async start(options: StartOptions = {}): Promise<RegistryServer> {
    const server = new RegistryServer(options)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** `127.0.0.1:PORT`: the domain in a reference. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get url(): string {
    return `${this.#options.tls ? 'https' : 'http'}://${this.host}`
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size
  }

  blob(repository: string, bytes: Buffer, mediaType: string = MEDIA.layerGzip): Descriptor {
    const digest = digestOf(bytes)
    entry(this.blobs, repository).set(digest, bytes)
    return { mediaType, digest, size: bytes.length }
  }

  /** Under its digest, and under a tag. */
  manifest(repository: string, tag: string | undefined, content: Manifest | Index | Buffer, mediaType: string): Descriptor {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
    const digest = digestOf(bytes)
    for (const name of tag === undefined ? [digest] : [digest, tag]) entry(this.manifests, repository).set(name, { bytes, mediaType })
    return { mediaType, digest, size: bytes.length }
  }

  /** An image of layers as they are (a layer's media type is that of its first bytes); its config can be added to. */
  image(
    repository: string,
    tag: string | undefined,
    { layers, diffIds, config = {} }: { layers: readonly Buffer[]; diffIds?: readonly Digest[]; config?: Partial<ImageConfig> },
  ): ServedImage {
    const document: ImageConfig = {
      architecture: 'amd64',
      os: 'linux',
      ...config,
      rootfs: { type: 'layers', diff_ids: diffIds ?? layers.map(digestOf) },
    }
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: MEDIA.manifest,
      config: this.blob(repository, Buffer.from(JSON.stringify(document)), MEDIA.config),
      layers: layers.map((bytes) => this.blob(repository, bytes, layerType(bytes))),
    }
    const bytes = Buffer.from(JSON.stringify(manifest))
    const descriptor = this.manifest(repository, tag, bytes, MEDIA.manifest)
    return { descriptor, manifest, bytes, config: manifest.config, layers: manifest.layers }
  }

  index(repository: string, tag: string | undefined, images: readonly { descriptor: Descriptor; platform: Platform }[]): Descriptor {
    const manifests = images.map(({ descriptor, platform }) => ({ ...descriptor, platform }))
    return this.manifest(repository, tag, { schemaVersion: 2, mediaType: MEDIA.index, manifests }, MEDIA.index)
  }

  /** From now on, requests whose path has `where` in it are answered wrongly: so many times, or always. */
  misbehave(
    where: string | RegExp,
    fault: Fault,
    { times = Number.POSITIVE_INFINITY, method }: { times?: number; method?: string } = {},
  ): void {
    this.#misbehaviours.push({ where, method, fault, left: times })
  }

  behave(): void {
    this.#misbehaviours.length = 0
  }

  /** Requests by method and by what is in their path. */
  asked(method: string, where: string | RegExp = ''): Asked[] {
    return this.requests.filter((one) => one.method === method && has(one.path, where))
  }

  /** The tokens that were given out hold no more. */
  revokeTokens(): void {
    this.#gate.tokens.clear()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request
    const chunks: Buffer[] = []
    const limit = this.#options.largestBody ?? Number.POSITIVE_INFINITY
    const tooLarge = Number(headers['content-length'] ?? 0) > limit
    if (!tooLarge) for await (const chunk of request) chunks.push(chunk as Buffer)
    const asked: Asked = { method, path: url, headers, body: Buffer.concat(chunks), status: 0 }
    this.requests.push(asked)
    response.on('error', () => undefined).on('close', () => Object.assign(asked, { status: response.statusCode }))
    const answer = tooLarge ? refuse(413, 'SIZE_INVALID', 'too large') : this.#answer(asked)
    const found = this.#misbehaviours.find((one) => one.left > 0 && has(url, one.where) && (one.method ?? method) === method)
    if (found) {
      found.left -= 1
      found.fault(response, answer, request)
    } else send(response, answer, method)
  }

  #answer(asked: Asked): Answer {
    const url = new URL(asked.path, this.url)
    const refusal = this.#gate.answer(asked, url)
    if (refusal) return refusal
    if (url.pathname === '/v2/') return say(200, {})
    if (url.pathname === '/v2/_catalog') return page('/v2/_catalog', 'repositories', [...this.manifests.keys()].sort(), url)
    const [, listed] = /^\/v2\/(.+)\/tags\/list$/.exec(url.pathname) ?? []
    if (listed !== undefined) return this.#tagsAnswer(listed, url)
    const [, repository = '', kind, name = ''] = /^\/v2\/(.+)\/(blobs|manifests)\/(.*)$/.exec(url.pathname) ?? []
    if (kind === 'manifests') return this.#manifestAnswer(asked, repository, decodeURIComponent(name))
    if (name.startsWith('uploads/')) return this.#uploadAnswer(asked, repository, url)
    const bytes = this.blobs.get(repository)?.get(name)
    if (!bytes) return refuse(404, 'BLOB_UNKNOWN', 'blob unknown to registry')
    return part(asked, bytes, { 'content-type': 'application/octet-stream', 'docker-content-digest': name })
  }

  #tagsAnswer(repository: string, url: URL): Answer {
    const tags = [...(this.manifests.get(repository)?.keys() ?? [])].filter((name) => !name.startsWith('sha256:')).sort()
    if (tags.length === 0) return refuse(404, 'NAME_UNKNOWN', 'repository name not known to registry')
    return page(`/v2/${repository}/tags/list`, 'tags', tags, url, { name: repository })
  }

  #manifestAnswer({ method, headers, body }: Asked, repository: string, name: string): Answer {
    if (method === 'PUT') {
      const { digest } = this.manifest(repository, name.startsWith('sha256:') ? undefined : name, body, headers['content-type'] ?? '')
      return {
        status: 201,
        headers: { location: `/v2/${repository}/manifests/${digest}`, 'docker-content-digest': digest },
        body: Buffer.alloc(0),
      }
    }
    const found = this.manifests.get(repository)?.get(name)
    if (!found) return refuse(404, 'MANIFEST_UNKNOWN', 'manifest unknown')
    const { bytes, mediaType } = found
    return { status: 200, headers: { 'content-type': mediaType, 'docker-content-digest': digestOf(bytes) }, body: bytes, whole: bytes }
  }

  #uploadAnswer({ method, body, headers }: Asked, repository: string, url: URL): Answer {
    const nothing = Buffer.alloc(0)
    const from = this.blobs.get(url.searchParams.get('from') ?? '')
    const mount = from?.get(url.searchParams.get('mount') ?? '')
    if (method === 'POST' && mount) {
      this.blob(repository, mount)
      return { status: 201, headers: { location: `/v2/${repository}/blobs/${digestOf(mount)}` }, body: nothing }
    }
    const id = method === 'POST' ? randomBytes(8).toString('hex') : (url.pathname.split('/').at(-1) as string)
    const before = method === 'POST' ? nothing : this.#uploads.get(id)
    if (!before) return refuse(404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry')
    this.#uploads.delete(id)
    if (method === 'DELETE') return { status: 204, headers: {}, body: nothing }
    const range = /^(\d+)-/.exec(headers['content-range'] ?? '')?.[1]
    if (range !== undefined && Number(range) !== before.length) return refuse(416, 'BLOB_UPLOAD_INVALID', 'out of order')
    const bytes = Buffer.concat([before, body])
    if (method === 'PUT') {
      if (digestOf(bytes) !== url.searchParams.get('digest'))
        return refuse(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content')
      this.blob(repository, bytes)
      return { status: 201, headers: { location: `/v2/${repository}/blobs/${digestOf(bytes)}` }, body: nothing }
    }
    this.#uploads.set(id, bytes)
    const location = `/v2/${repository}/blobs/uploads/${id}?state=${bytes.length}`
    return { status: 202, headers: { location, range: `0-${Math.max(0, bytes.length - 1)}` }, body: nothing }
  }
}

/** A list, two at a time, so that there are pages. */
function page(path: string, member: string, all: readonly string[], url: URL, more: object = {}): Answer {
  const last = url.searchParams.get('last')
  const left = all.filter((one) => last === null || one > last)
  const shown = left.slice(0, 2)
  const link = left.length > shown.length ? { link: `<${path}?last=${shown.at(-1)}>; rel="next"` } : {}
  const answer = say(200, { ...more, [member]: shown })
  return { ...answer, headers: { ...answer.headers, ...link } }
}

/** `{"errors":[…]}` as registries have it. */
export const refuse = (status: number, code: string, message: string, headers: Record<string, string> = {}): Answer => ({
  ...say(status, { errors: [{ code, message }] }),
  headers: { 'content-type': 'application/json', ...headers },
})

export const say = (status: number, body: unknown): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(body)),
})

/** RFC 9110 section 14: one range, from a byte to the end or to a byte. */
function part({ headers }: Asked, whole: Buffer, more: Record<string, string>): Answer {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? []
  if (first === undefined) return { status: 200, headers: more, body: whole, whole }
  const [from, to] = [Number(first), last ? Math.min(Number(last), whole.length - 1) : whole.length - 1]
  if (from > to) return { status: 416, headers: { ...more, 'content-range': `bytes */${whole.length}` }, body: Buffer.alloc(0), whole }
  const range = { 'content-range': `bytes ${from}-${to}/${whole.length}` }
  return { status: 206, headers: { ...more, ...range }, body: whole.subarray(from, to + 1), whole }
}

const has = (path: string, where: string | RegExp) => (typeof where === 'string' ? path.includes(where) : where.test(path))

function layerType(bytes: Buffer): string {
  if (bytes.readUInt16BE(0) === 0x1f8b) return MEDIA.layerGzip
  return bytes.length > 4 && bytes.readUInt32LE(0) === 0xfd2fb528 ? MEDIA.layerZstd : MEDIA.layer
}

function entry<V>(map: Map<string, Map<string, V>>, key: string): Map<string, V> {
  const known = map.get(key) ?? new Map<string, V>()
  map.set(key, known)
  return known
}
