/** One repository of a registry: its manifests and blobs, to fetch and to give. OCI distribution specification 1.1. */
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { isDigest, type Reference } from '../reference.js'
import type { Descriptor, Index } from '../types.js'
import { Certificates } from './certificates.js'
import type { RegistryConfig } from './config.js'
import { type Ask, Connection, type ConnectionOptions, type Source, sourcesOf } from './connection.js'
import { type Credentials, credentialsFor } from './credentials.js'
import { INDEXES, LARGEST_MANIFEST, MANIFESTS } from './documents.js'
import { download } from './download.js'
import { errorOf, pullError, pushError, readable, TransportError } from './errors.js'
import { digestOf, type Fetched, fetchManifest } from './fetch.js'
import { type Guard, HttpClient, type HttpResponse, type Timeouts } from './http.js'
import { NO_PATIENCE, type OnWait, PATIENCE, type Patience } from './retry.js'
import { upload } from './upload.js'
import { type Found, findManifest } from './walk.js'

export interface RegistryOptions {
  readonly config: RegistryConfig
  /** Who one is to a registry; what is in ~/.docker/config.json by default. A mirror is asked for by its own host, never with Docker Hub's. */
  readonly credentials?: (domain: string) => Promise<Credentials | undefined>
  readonly signal?: AbortSignal | undefined
  /** Called before a wait for another try. */
  readonly onWait?: OnWait | undefined
  readonly timeouts?: Timeouts
  readonly patience?: Patience
  /** Whom not to connect to. */
  readonly guard?: Guard
}

const ACCEPT = { accept: [...MANIFESTS, ...INDEXES].join(', ') }

/** Pages of a list of tags that are read. */
const MOST_PAGES = 1000

export class Registry {
  readonly #reference: Reference
  readonly #options: RegistryOptions
  readonly #http: HttpClient
  readonly #connections = new Map<Source, Promise<Connection>>()
  #sources: Promise<readonly Source[]> | undefined
  /** Mirrors that could not help, and why. */
  readonly #passedOver = new Map<string, string>()
  /** Hosts whose certificates nobody checks. */
  readonly #unchecked = new Set<string>()

  /** Nothing is asked before it has to be. Tag and digest of the reference do not matter but in errors. */
  constructor(reference: Reference, options: RegistryOptions) {
    this.#reference = reference
    this.#options = options
    const certificates = new Certificates(options.config.certificates)
    const tls = (host: string) => certificates.for(host, { checked: !this.#unchecked.has(host) })
    this.#http = new HttpClient({ timeouts: options.timeouts, signal: options.signal, tls, guard: options.guard })
  }

  /** Close the connections that are kept for the next request. Nothing hangs when it is not called. */
  close(): void {
    this.#http.close()
  }

  /** A manifest or index by tag or digest, of at most 4 MiB. Its digest is verified: against what was asked for, and against what the server says. */
  async manifest(tagOrDigest: string, expected?: Descriptor): Promise<Fetched> {
    return this.#pulling((connection) => fetchManifest(connection, this.#manifestAsk('GET', tagOrDigest), { tagOrDigest, expected }))
  }

  /** What a tag stands for now, without fetching it (which Docker Hub counts); undefined when the server does not say. */
  async resolve(tagOrDigest: string): Promise<Pick<Descriptor, 'digest' | 'mediaType' | 'size'> | undefined> {
    return this.#pulling(async (connection) => {
      const response = await connection.send(this.#manifestAsk('HEAD', tagOrDigest))
      await response.discard()
      const { 'docker-content-digest': digest, 'content-type': mediaType = '', 'content-length': size } = response.headers
      if (response.status !== 200 || !isDigest(digest)) return undefined
      return { digest, mediaType: mediaType.split(';', 1)[0] as string, size: Number(size ?? 0) }
    })
  }

  /** All tags of the repository, as the registry lists them. OCI distribution specification, "Listing Tags". */
  async tags(): Promise<string[]> {
    return this.#pulling(async (connection) => {
      const tags: string[] = []
      let at: string | URL | undefined = this.#path('tags/list')
      for (let page = 0; at !== undefined && page < MOST_PAGES; page++) {
        const response: HttpResponse = await connection.send({ method: 'GET', at, scopes: this.#scopes('pull') })
        if (response.status !== 200) throw await errorOf(response)
        tags.push(...tagsIn(await response.bytes(LARGEST_MANIFEST)))
        const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec(String(response.headers.link ?? ''))?.[1]
        const following = next !== undefined && URL.canParse(next, response.url.href) ? new URL(next, response.url.href) : undefined
        // A list does not lead to another host.
        at = following?.origin === response.url.origin ? following : undefined
      }
      return tags
    })
  }

  /** The manifest that a tag or digest leads to through any indexes, of each of which `choose` takes one. */
  async find(tagOrDigest: string, choose: (index: Index) => Descriptor): Promise<Found> {
    return findManifest((name, expected) => this.manifest(name, expected), tagOrDigest, choose)
  }

  /**
   * A blob's bytes from `offset` on: exactly size − offset of them, or an error. A connection that breaks is taken up where it broke. What they hash to is for
   * the reader to verify; when it is something else, `mirrors: false` asks the registry itself.
   */
  async *blob(descriptor: Descriptor, offset = 0, { mirrors = true } = {}): AsyncGenerator<Buffer, void, undefined> {
    const { digest, size, urls, mediaType } = descriptor
    if (urls?.length && /foreign|nondistributable/.test(mediaType)) {
      throw new DrydockError(`layer ${digest} is not in the registry but at ${readable(urls[0])}: foreign layers are not supported`)
    }
    if (offset >= size) return
    const what = { path: this.#path(`blobs/${digest}`), scopes: this.#scopes('pull'), size }
    const sources = mirrors ? await this.#all() : (await this.#all()).slice(-1)
    let at = offset
    for (const [index, source] of sources.entries()) {
      try {
        for await (const chunk of download(await this.#connect(source), what, at)) {
          at += chunk.length
          yield chunk
        }
        return
      } catch (error) {
        if (index === sources.length - 1 || this.#options.signal?.aborted) throw this.#failure(error)
        this.#passedOver.set(source.domain, sentenceOf(error))
      }
    }
  }

  /** A small blob as a whole, of at most 4 MiB, verified: an image's config. What a mirror has wrong is asked of the registry itself. */
  async config(descriptor: Descriptor): Promise<Buffer> {
    const { digest, size } = descriptor
    if (size > LARGEST_MANIFEST) throw new DrydockError(`the image config ${digest} has more than ${LARGEST_MANIFEST} bytes`)
    for (const mirrors of [true, false]) {
      const chunks: Buffer[] = []
      for await (const chunk of this.blob(descriptor, 0, { mirrors })) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      if (digestOf(bytes) === digest) return bytes
      if ((await this.#all()).length === 1) break
    }
    throw new DrydockError(`image config verification failed for digest ${digest}`)
  }

  /** Whether the registry itself has a blob: what need not be pushed. */
  async hasBlob({ digest }: Descriptor): Promise<boolean> {
    const response = await this.#push({ method: 'HEAD', at: this.#path(`blobs/${digest}`), scopes: this.#scopes('pull,push') })
    await response.discard()
    if (response.status === 200) return true
    if (response.status === 404) return false
    throw pushError(await errorOf(response))
  }

  /** Have the registry take a blob from another of its repositories (`library/ubuntu`); false when it would rather have it sent. */
  async mountBlob({ digest }: Descriptor, from: string): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from })
    const scopes = [...this.#scopes('pull,push'), `repository:${from}:pull`]
    const response = await this.#push({ method: 'POST', at: this.#path(`blobs/uploads/?${query}`), scopes, body: Buffer.alloc(0) })
    await response.discard()
    if (response.status === 201) return true
    const { location } = response.headers
    // It has begun an upload instead, which nobody will finish.
    if (response.status === 202 && location && URL.canParse(location, response.url.href)) {
      const at = new URL(location, response.url.href)
      await (await this.#push({ method: 'DELETE', at, scopes, retry: false }).catch(() => undefined))?.discard()
    }
    return false
  }

  /** Send a blob: in one, or in pieces where something on the way takes no large bodies. `source` is called again for each try. */
  async putBlob(descriptor: Descriptor, source: () => AsyncIterable<Uint8Array>): Promise<void> {
    const what = { path: this.#path('blobs/uploads/'), scopes: this.#scopes('pull,push'), descriptor, source }
    try {
      await upload(await this.#origin(), what)
    } catch (error) {
      throw pushError(error)
    }
  }

  /** Send a manifest or index under a tag, or under its digest alone. */
  async putManifest(bytes: Buffer, mediaType: string, tag?: string): Promise<Descriptor> {
    const digest = digestOf(bytes)
    const ask = { ...this.#manifestAsk('GET', tag ?? digest), method: 'PUT' as const, scopes: this.#scopes('pull,push') }
    const response = await this.#push({ ...ask, headers: { 'content-type': mediaType }, body: bytes })
    if (response.status !== 201 && response.status !== 200) throw pushError(await errorOf(response))
    await response.discard()
    return { mediaType, digest, size: bytes.length }
  }

  /** See that the registry lets one in. The identity token to keep in place of the password, when it gives one. */
  async login(): Promise<{ identityToken?: string }> {
    const identityToken = await (await this.#origin()).login()
    return identityToken ? { identityToken } : {}
  }

  #manifestAsk(method: 'GET' | 'HEAD', tagOrDigest: string): Ask {
    return { method, at: this.#path(`manifests/${tagOrDigest}`), headers: ACCEPT, scopes: this.#scopes('pull') }
  }

  #path(rest: string): string {
    return `${this.#reference.path}/${rest}`
  }

  #scopes(actions: string): string[] {
    return [`repository:${this.#reference.path}:${actions}`]
  }

  #all(): Promise<readonly Source[]> {
    this.#sources ??= sourcesOf(this.#reference.domain, this.#options.config)
    return this.#sources
  }

  async #origin(): Promise<Connection> {
    return this.#connect((await this.#all()).at(-1) as Source)
  }

  async #push(ask: Ask): Promise<HttpResponse> {
    try {
      return await (await this.#origin()).send(ask)
    } catch (error) {
      throw pushError(error)
    }
  }

  /** Ask one after the other until one does it. What the registry itself says is what counts. */
  async #pulling<T>(fetch: (connection: Connection) => Promise<T>): Promise<T> {
    const sources = await this.#all()
    for (const source of sources.slice(0, -1)) {
      try {
        const found = await fetch(await this.#connect(source))
        if (found !== undefined) return found
      } catch (error) {
        this.#options.signal?.throwIfAborted()
        this.#passedOver.set(source.domain, sentenceOf(error))
      }
    }
    try {
      return await fetch(await this.#origin())
    } catch (error) {
      throw this.#failure(error)
    }
  }

  /** Where Docker Hub cannot be reached, it was the mirror that should have answered: what it said belongs to the sentence. */
  #failure(error: unknown): unknown {
    const mirrors = [...this.#passedOver].map(([domain, why]) => `mirror ${domain}: ${why}`).join('; ')
    if (!(error instanceof TransportError) || mirrors === '') return pullError(error, this.#reference)
    return new TransportError(`${error.message} (${mirrors})`, { transient: error.transient, cause: error })
  }

  /** One connection to each, kept. A mirror that cannot be reached is not tried again; the registry itself is. */
  async #connect(source: Source): Promise<Connection> {
    const isOrigin = (await this.#all()).at(-1) === source
    const known = this.#connections.get(source)
    if (known) return known
    if (source.insecure) for (const { protocol, host } of source.bases) if (protocol === 'https:') this.#unchecked.add(host)
    const { credentials = credentialsFor, signal, onWait, patience = PATIENCE } = this.#options
    const options: ConnectionOptions = { http: this.#http, credentials, signal, onWait, patience: isOrigin ? patience : NO_PATIENCE }
    const opening = Connection.open(source, options)
    this.#connections.set(source, opening)
    opening.catch(() => isOrigin && this.#connections.delete(source))
    return opening
  }
}

function tagsIn(bytes: Buffer | undefined): string[] {
  try {
    const { tags } = JSON.parse(bytes?.toString() ?? '') as { tags?: unknown }
    if (tags === null || (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string'))) return tags ?? []
  } catch {
    // said below
  }
  throw new DrydockError("the registry's list of tags is none")
}
