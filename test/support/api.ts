/** The API on real sockets, with a fake engine behind it, and clients that see every byte. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createApi, type Endpoint, type Listener } from '../../lib/api/index.js'
import { type FakeEngine, type FakeNouns, fakeEngine } from './fake-engine.js'

export interface Asked {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Fails when it is none. */
  readonly json: () => unknown
}

export interface AskOptions {
  readonly method?: string
  /** An object is sent as JSON. */
  readonly body?: object | string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

export interface TestApi {
  readonly engine: FakeEngine
  readonly path: string
  readonly listener: Listener
  /** What was logged. */
  readonly said: string[]
  ask(target: string, options?: AskOptions): Promise<Asked>
  listen(endpoint: Endpoint): Promise<Listener>
  dial(): Promise<Wire>
}

/** Taken away with the test. */
export async function testApi(nouns: FakeNouns = {}): Promise<TestApi> {
  const directory = mkdtempSync(join(tmpdir(), 'drydock-api-'))
  const path = join(directory, 'engine.sock')
  const engine = fakeEngine(nouns)
  const said: string[] = []
  const api = await createApi(engine, (level, sentence) => said.push(`${level} ${sentence}`))
  const listeners: Listener[] = []
  const listen = async (endpoint: Endpoint) => {
    const listener = await api.listen(endpoint)
    listeners.push(listener)
    return listener
  }
  onTestFinished(async () => {
    for (const listener of listeners) await listener.close()
    rmSync(directory, { recursive: true, force: true })
  })
  const listener = await listen({ kind: 'unix', path })
  return {
    engine,
    path,
    listener,
    said,
    listen,
    ask: (target, options) => ask({ socketPath: path }, target, options),
    dial: () => dial({ path }),
  }
}

export function ask(
  where: { socketPath: string } | { host: string; port: number },
  target: string,
  options: AskOptions = {},
): Promise<Asked> {
  const { method = 'GET', body, headers = {} } = options
  const plain = typeof body === 'string' || Buffer.isBuffer(body)
  const bytes = body === undefined ? undefined : plain ? body : JSON.stringify(body)
  const type = body === undefined || plain ? {} : { 'Content-Type': 'application/json' }
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ ...where, path: target, method, agent: false, headers: { ...type, ...headers } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode as number, headers: response.headers, text, json: () => JSON.parse(text) as unknown })
      })
    })
    sent.once('error', reject)
    sent.end(bytes)
  })
}

/** A connection whose bytes are kept as they come. */
export interface Wire {
  readonly socket: Socket
  send(text: string | Buffer): void
  /** All so far, once it matches. Fails when the connection ends before. */
  until(pattern: RegExp): Promise<string>
  /** All there was, when the other side has ended. */
  end(): Promise<string>
  readonly chunks: readonly Buffer[]
}

export async function dial(where: { path: string } | { host: string; port: number }): Promise<Wire> {
  const socket = createConnection({ ...where, allowHalfOpen: true })
  const chunks: Buffer[] = []
  const text = () => Buffer.concat(chunks).toString('latin1')
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = new Promise<void>((resolve) => {
    socket.once('end', resolve)
    socket.once('close', () => resolve())
  })
  await once(socket, 'connect')
  onTestFinished(() => void socket.destroy())
  return {
    socket,
    chunks,
    send: (bytes) => void socket.write(bytes),
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!pattern.test(text())) return
          socket.off('data', look)
          resolve(text())
        }
        socket.on('data', look)
        ended.then(() => reject(new Error(`it ended with ${JSON.stringify(text())}, and ${pattern} did not come`)))
        look()
      }),
    end: () => ended.then(text),
  }
}

/** A promise, and what settles it. */
export function deferred<T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
