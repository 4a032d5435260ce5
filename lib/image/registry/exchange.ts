/** One request and the head of its answer, on node:http. */
import { once } from 'node:events'
import { type Agent, type ClientRequest, type IncomingMessage, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { DrydockError } from '../../kernel/errors.js'
import { TransportError, transportError } from './errors.js'
import type { HttpBody, HttpRequest, Timeouts } from './http.js'
import { proxyAuthorization } from './proxy.js'

export interface ExchangeOptions {
  readonly agent: Agent
  /** Who passes it on. With TLS, the agent is the one that goes through it. */
  readonly proxy: URL | undefined
  readonly timeouts: Timeouts
  readonly signal: AbortSignal | undefined
}

/** A body that is longer goes out in parts, so that what is sent slowly is seen to be sent: bytes. */
const SLICE = 256 * 1024

/** Send, and wait for an answer. Fails with a TransportError, with the signal's reason, or with what the body's source threw. */
export async function exchange(request: HttpRequest, options: ExchangeOptions): Promise<IncomingMessage> {
  for (;;) {
    try {
      return await attempt(request, options)
    } catch (error) {
      // A connection that was kept and that the server has closed meanwhile: that says nothing about the server. Each such one is used up.
      if (!(error instanceof StaleConnection)) throw error
    }
  }
}

class StaleConnection extends Error {}

function attempt(request: HttpRequest, { agent, proxy, timeouts, signal }: ExchangeOptions): Promise<IncomingMessage> {
  signal?.throwIfAborted()
  const { method, url, body } = request
  const isTls = url.protocol === 'https:'
  return new Promise((resolve, reject) => {
    const outgoing = begin(request, { agent, proxy: isTls ? undefined : proxy, signal })
    // An answer may come before the whole body is sent; then the rest is not sent.
    const answered = new AbortController()
    const expire = (words: string) => () => outgoing.destroy(new TransportError(words, { transient: true }))
    let timer = setTimeout(expire(`dial tcp ${url.host}: i/o timeout`), timeouts.connect)
    // While a body is made, the server waits for us; else we wait for it.
    const stream = Buffer.isBuffer(body) && body.length > SLICE ? inSlices(body) : body
    let waiting = !stream || Buffer.isBuffer(stream)
    let connected = false
    const wind = () => {
      if (!connected || answered.signal.aborted) return
      clearTimeout(timer)
      if (waiting) timer = setTimeout(expire('net/http: timeout awaiting response headers'), timeouts.idle)
    }
    const clock = (runs: boolean) => {
      waiting = runs
      wind()
    }
    const onConnect = () => {
      connected = true
      wind()
    }
    const end = () => {
      clearTimeout(timer)
      answered.abort()
    }
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) onConnect()
      else socket.once(isTls ? 'secureConnect' : 'connect', onConnect)
    })
    outgoing.once('response', (incoming) => {
      end()
      // The connection waits for a rest that will not come: it is of no more use.
      if (!outgoing.writableEnded) incoming.once('end', () => outgoing.destroy())
      resolve(incoming)
    })
    outgoing.once('error', (error: NodeJS.ErrnoException) => {
      end()
      const stale = outgoing.reusedSocket && error.code === 'ECONNRESET' && (method === 'GET' || method === 'HEAD')
      reject(signal?.aborted ? signal.reason : stale ? new StaleConnection() : transportError(error, method, url))
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

function begin({ method, url, headers, body }: HttpRequest, { agent, proxy, signal }: Omit<ExchangeOptions, 'timeouts'>): ClientRequest {
  const options = {
    method,
    headers: { 'user-agent': 'drydock', ...headers, ...(body && { 'content-length': `${body.length}` }) },
    agent,
    ...(signal && { signal }),
  }
  if (url.protocol === 'https:') return overHttps(url, options)
  if (!proxy) return overHttp(url, options)
  // Without TLS a proxy is told the whole address.
  const forProxy = { host: url.host, ...options.headers, ...proxyAuthorization(proxy) }
  return overHttp(new URL(proxy.origin), { ...options, headers: forProxy, path: url.href })
}

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
