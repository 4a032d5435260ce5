/**
 * HTTP as a registry's client needs it, on node:http: connections that are kept, bodies that are streamed with backpressure, redirects by hand,
 * a bound on every wait. Nothing is global: what belongs to one client ends with it.
 */
import { once } from 'node:events'
import { Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as overHttp } from 'node:http'
import { request as overHttps, Agent as TlsAgent } from 'node:https'
import { DrydockError } from '../../kernel/errors.js'
import type { Trust } from './certificates.js'
import { TransportError, transportError, verb } from './errors.js'

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
}

const MOST_REDIRECTS = 10
const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** What is left of an answer nobody reads, when reading it on is cheaper than another connection: bytes. */
const WORTH_READING = 64 * 1024
/** A body that is longer goes out in parts: bytes. */
const SLICE = 256 * 1024

export class HttpClient {
  readonly #timeouts: Timeouts
  readonly #signal: AbortSignal | undefined
  readonly #tls: HttpOptions['tls']
  readonly #plain = new Agent({ keepAlive: true })
  readonly #secure = new Map<string, TlsAgent>()

  constructor({ timeouts = TIMEOUTS, signal, tls }: HttpOptions = {}) {
    this.#timeouts = timeouts
    this.#signal = signal
    this.#tls = tls
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

  #agent({ protocol, host }: URL): Agent {
    if (protocol === 'http:') return this.#plain
    const known = this.#secure.get(host)
    if (known) return known
    const agent = new TlsAgent({ keepAlive: true, ...this.#tls?.(host) })
    this.#secure.set(host, agent)
    return agent
  }

  #send({ method, url, headers, body }: HttpRequest): Promise<IncomingMessage> {
    this.#signal?.throwIfAborted()
    const { connect, idle } = this.#timeouts
    const start = url.protocol === 'https:' ? overHttps : overHttp
    return new Promise((resolve, reject) => {
      const outgoing = start(url, {
        method,
        headers: { 'user-agent': 'drydock', ...headers, ...(body && { 'content-length': `${body.length}` }) },
        agent: this.#agent(url),
        ...(this.#signal && { signal: this.#signal }),
      })
      // An answer may come before the whole body is sent; then the rest is not sent.
      const answered = new AbortController()
      const expire = (words: string) => () => outgoing.destroy(new TransportError(words, { transient: true }))
      let timer = setTimeout(expire(`dial tcp ${url.host}: i/o timeout`), connect)
      // While a body is made, the server waits for us; else we wait for it.
      const stream = Buffer.isBuffer(body) && body.length > SLICE ? inSlices(body) : body
      let waiting = !stream || Buffer.isBuffer(stream)
      let connected = false
      const wind = () => {
        if (!connected || answered.signal.aborted) return
        clearTimeout(timer)
        if (waiting) timer = setTimeout(expire('net/http: timeout awaiting response headers'), idle)
      }
      const clock = (runs: boolean) => {
        waiting = runs
        wind()
      }
      const onConnect = () => {
        connected = true
        wind()
      }
      outgoing.once('socket', (socket) => {
        if (!socket.connecting) onConnect()
        else socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', onConnect)
      })
      outgoing.once('response', (incoming) => {
        clearTimeout(timer)
        answered.abort()
        // The connection waits for a rest that will not come: it is of no more use.
        if (!outgoing.writableEnded) incoming.once('end', () => outgoing.destroy())
        resolve(incoming)
      })
      outgoing.once('error', (error) => {
        clearTimeout(timer)
        answered.abort()
        reject(this.#signal?.aborted ? this.#signal.reason : transportError(error, method, url))
      })
      if (!stream || Buffer.isBuffer(stream)) outgoing.end(stream)
      else {
        sendBody(stream, outgoing, answered.signal, clock).catch((error) => {
          clearTimeout(timer)
          outgoing.destroy()
          reject(error)
        })
      }
    })
  }
}

/** So that what is sent slowly is seen to be sent. */
const inSlices = (bytes: Buffer): HttpBody => ({
  length: bytes.length,
  async *open() {
    for (let at = 0; at < bytes.length; at += SLICE) yield bytes.subarray(at, at + SLICE)
  },
})

/** `clock(true)`: from now on it is the server that takes time. */
async function sendBody(body: HttpBody, outgoing: ClientRequest, answered: AbortSignal, clock: (runs: boolean) => void): Promise<void> {
  let sent = 0
  for await (const chunk of body.open()) {
    if (answered.aborted) return
    sent += chunk.length
    if (sent > body.length) break
    if (outgoing.write(chunk)) continue
    clock(true)
    await once(outgoing, 'drain', { signal: answered }).catch(() => undefined)
    if (answered.aborted) return
    clock(false)
  }
  if (sent !== body.length)
    throw new DrydockError(`what is sent should have ${body.length} bytes and has ${sent > body.length ? 'more' : sent}`)
  outgoing.end()
  clock(true)
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
    return this.#incoming.statusMessage ?? ''
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
