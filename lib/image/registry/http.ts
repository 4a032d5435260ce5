/**
 * HTTP as a registry's client needs it, on node:http: connections that are kept, bodies that are streamed with backpressure, redirects by hand,
 * a bound on every wait. Nothing is global: what belongs to one client ends with it.
 */
import { Agent, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Trust } from './certificates.js'
import { readable, TransportError, transportError, verb } from './errors.js'
import { exchange } from './exchange.js'
import { proxyFor, TunnelAgent } from './proxy.js'

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | HttpBody
}

/** A body that can be sent more than once, of a length known before: bytes. */
export interface HttpBody {
  readonly length: number
  open(): AsyncIterable<Uint8Array>
}

/** Milliseconds. */
export interface Timeouts {
  /** Until there is a connection, TLS included. */
  readonly connect: number
  /** In which not a byte comes while one is waited for, or none can be sent. */
  readonly idle: number
}

export const TIMEOUTS: Timeouts = { connect: 30_000, idle: 60_000 }

export interface HttpOptions {
  readonly timeouts?: Timeouts | undefined
  readonly signal?: AbortSignal | undefined
  /** How to believe that a server is who it says: asked once for each host and port. */
  readonly tls?: (host: string) => Trust
  readonly guard?: Guard | undefined
}

/** Whom not to connect to: each fails with the reason. */
export interface Guard {
  /** A host name or an address, as it stands in a URL. */
  address(host: string): Promise<void>
  /** Instead of dns.lookup. */
  readonly lookup: LookupFunction
}

const MOST_REDIRECTS = 10
const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** What is left of an answer nobody reads, when reading it on is cheaper than another connection: bytes. */
const WORTH_READING = 64 * 1024

/**
 * Connections are kept. A server with several addresses is tried at one after the other, and Node gives each a quarter of a second, which is too
 * little for a network that is slow: milliseconds.
 */
const KEEP = { keepAlive: true, autoSelectFamilyAttemptTimeout: 3000 }

export class HttpClient {
  readonly #timeouts: Timeouts
  readonly #signal: AbortSignal | undefined
  readonly #tls: HttpOptions['tls']
  readonly #guard: HttpOptions['guard']
  readonly #kept: typeof KEEP & { readonly lookup?: LookupFunction }
  readonly #plain: Agent
  readonly #secure = new Map<string, TlsAgent>()

  constructor({ timeouts = TIMEOUTS, signal, tls, guard }: HttpOptions = {}) {
    this.#timeouts = timeouts
    this.#signal = signal
    this.#tls = tls
    this.#guard = guard
    this.#kept = { ...KEEP, ...(guard && { lookup: guard.lookup }) }
    this.#plain = new Agent(this.#kept)
  }

  /**
   * Send, and give the answer when its head is there. Redirects of GET and HEAD are followed; `authorization` stays behind when one leads to
   * another scheme, host or port, and does not come back. Fails with a TransportError when there is no answer.
   */
  async request(request: HttpRequest): Promise<HttpResponse> {
    let { url } = request
    let headers = { ...request.headers }
    for (let redirects = 0; ; redirects += 1) {
      const response = new HttpResponse(url, await this.#send({ ...request, url, headers }), this.#timeouts.idle, request.method)
      const { location } = response.headers
      if (!REDIRECTS.has(response.status) || location === undefined || !['GET', 'HEAD'].includes(request.method)) return response
      await response.discard()
      if (redirects === MOST_REDIRECTS) throw failure(request, `stopped after ${MOST_REDIRECTS} redirects`)
      const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined
      if (next?.protocol !== 'https:' && next?.protocol !== 'http:')
        throw failure(request, 'the server redirects to what is no web address')
      // A password in an address would be sent as one of ours.
      next.username = next.password = ''
      if (next.origin !== url.origin) {
        const { authorization: _, ...rest } = headers
        headers = rest
      }
      url = next
    }
  }

  /** Close the connections that are kept. */
  close(): void {
    for (const agent of [this.#plain, ...this.#secure.values()]) agent.destroy()
  }

  #agent({ protocol, host }: URL, proxy: URL | undefined): Agent {
    if (protocol === 'http:') return this.#plain
    const known = this.#secure.get(host)
    if (known) return known
    const options = { ...this.#kept, ...this.#tls?.(host) }
    const agent = proxy ? new TunnelAgent(proxy, options) : new TlsAgent(options)
    this.#secure.set(host, agent)
    return agent
  }

  async #send(request: HttpRequest): Promise<IncomingMessage> {
    const proxy = proxyFor(request.url)
    await this.#guard?.address((proxy ?? request.url).hostname)
    return exchange(request, { agent: this.#agent(request.url, proxy), proxy, timeouts: this.#timeouts, signal: this.#signal })
  }
}

/** An answer; whoever gets it reads its body to the end or discards it. */
export class HttpResponse {
  readonly #incoming: IncomingMessage
  readonly #idle: number
  readonly #method: string

  constructor(
    /** Where it came from in the end. */
    readonly url: URL,
    incoming: IncomingMessage,
    idle: number,
    method: string,
  ) {
    this.#incoming = incoming
    this.#idle = idle
    this.#method = method
    // A connection that breaks while nobody reads is told to who reads next.
    incoming.on('error', () => undefined)
  }

  get status(): number {
    return this.#incoming.statusCode ?? 0
  }

  get statusText(): string {
    return readable(this.#incoming.statusMessage)
  }

  get headers(): IncomingHttpHeaders {
    return this.#incoming.headers
  }

  /** Its body as it comes. Time that the reader takes does not count as the server's. */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    let waiting = true
    const timer = setTimeout(() => {
      if (waiting) this.#incoming.destroy(new TransportError('i/o timeout: the server sends no more', { transient: true }))
      else timer.refresh()
    }, this.#idle)
    try {
      for await (const chunk of this.#incoming as AsyncIterable<Buffer>) {
        waiting = false
        yield chunk
        waiting = true
        timer.refresh()
      }
    } catch (error) {
      throw (error as Error).name === 'AbortError' ? error : transportError(error, this.#method, this.url)
    } finally {
      clearTimeout(timer)
    }
  }

  /** The whole body, of at most so many bytes; undefined when it has more. */
  async bytes(limit: number): Promise<Buffer | undefined> {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of this.chunks()) {
      size += chunk.length
      if (size > limit) return undefined
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }

  async text(limit: number): Promise<string | undefined> {
    return (await this.bytes(limit))?.toString('utf8')
  }

  /** Be done with it. A short rest is read, so that the connection can be used again; a long one is not worth it. */
  async discard(): Promise<void> {
    await this.bytes(WORTH_READING).catch(() => undefined)
  }
}

function failure({ method, url }: HttpRequest, words: string): TransportError {
  return new TransportError(`${verb(method)} "${url.origin}${url.pathname}": ${words}`, { transient: false })
}
