/**
 * Stands between a client and an engine, and takes down what they say. Bytes go through as they come; what they mean is looked at afterwards, so that
 * nothing is smoothed which a proxy that knows HTTP would smooth.
 *
 *     client ──► its own socket ──► Recorder ──► the engine's socket
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../waiting.js'
import { type Border, parseBody, parseHead, requestBorder, responseBorder, statusOf } from './http.js'

/** Nothing that is waited for takes so long, on a busy machine either. Milliseconds. */
const PATIENCE = 60_000

export interface Exchange {
  readonly method: string
  /** Path and query as they were sent. */
  readonly target: string
  readonly requestHeaders: Readonly<Record<string, string>>
  readonly requestBody: Buffer
  /** 0: the client went before there was an answer. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Did the body come to its end? */
  readonly whole: boolean
  /** What the client sent after the connection was taken over. */
  readonly input: Buffer
  /** Of all that this recorder saw, the how manieth piece it began with, and the one its answer began with. */
  readonly began: number
  readonly answered: number
}

/** One way of a connection: what came, and when each piece of it did. */
class Way {
  readonly #parts: Buffer[] = []
  readonly #marks: { readonly at: number; readonly order: number }[] = []
  #size = 0
  ended = false

  add(part: Buffer, order: number): void {
    this.#marks.push({ at: this.#size, order })
    this.#parts.push(part)
    this.#size += part.length
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }

  orderAt(at: number): number {
    return this.#marks.filter((mark) => mark.at <= at).at(-1)?.order ?? 0
  }
}

interface Connection {
  readonly up: Way
  readonly down: Way
  readonly sockets: readonly Socket[]
  readonly closed: Promise<unknown>
}

export class Recorder {
  readonly socket: string
  readonly #server: Server
  readonly #directory: string
  readonly #connections: Connection[] = []
  readonly #listeners = new Set<() => void>()
  #order = 0
  #over = false

  private constructor(target: string) {
    this.#directory = mkdtempSync(join(tmpdir(), 'drydock-recorder-'))
    this.socket = join(this.#directory, 'docker.sock')
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#connect(client, target))
  }

  static async open(target: string): Promise<Recorder> {
    const recorder = new Recorder(target)
    recorder.#server.listen(recorder.socket)
    await once(recorder.#server, 'listening')
    return recorder
  }

  /** Wait until a request has its whole answer, and the client has been sent it. */
  async answered(holds: (exchange: Exchange) => boolean, what: string): Promise<void> {
    const found = () => this.#connections.flatMap(exchangesOf).some((exchange) => exchange.whole && holds(exchange))
    await until(this.#listeners, found, PATIENCE, () => new Error(`waited in vain for an answer to ${what}`))
  }

  /** To be called when the client has ended: what it left open is closed altogether, as its end would have done. The exchanges, in their order. */
  async close(): Promise<Exchange[]> {
    this.#server.close()
    // Its end may be known before the end of what it said: that is read first.
    this.#over = true
    for (const { up, sockets } of this.#connections) if (up.ended) for (const socket of sockets) socket.destroy()
    await Promise.all(this.#connections.map(({ closed }) => closed))
    rmSync(this.#directory, { recursive: true })
    return this.#connections.flatMap(exchangesOf).sort((a, b) => a.began - b.began)
  }

  #connect(client: Socket, target: string): void {
    const engine = connect({ path: target, allowHalfOpen: true })
    const [up, down] = [new Way(), new Way()]
    const forward = (from: Socket, to: Socket, way: Way) => {
      from.on('data', (part) => {
        way.add(part, this.#order++)
        if (!to.write(part)) from.pause()
        for (const listener of this.#listeners) listener()
      })
      to.on('drain', () => from.resume())
      from.on('end', () => {
        way.ended = true
        if (this.#over && from === client) for (const socket of [client, engine]) socket.destroy()
        else to.end()
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        way.ended = true
        to.destroySoon()
      })
    }
    forward(client, engine, up)
    forward(engine, client, down)
    const closed = Promise.all([client, engine].map((socket) => new Promise((resolve) => socket.once('close', resolve))))
    this.#connections.push({ up, down, sockets: [client, engine], closed })
  }
}

function exchangesOf({ up, down }: Connection): Exchange[] {
  const [asked, answered] = [up.bytes, down.bytes]
  const exchanges: Exchange[] = []
  let [from, to] = [0, 0]
  for (;;) {
    const request = parseHead(asked.subarray(from))
    if (!request) return exchanges
    const [method = '', target = ''] = request.first.split(' ')
    const requestBody = parseBody(asked.subarray(from + request.length), requestBorder(request), true)
    const common = { method, target, requestHeaders: request.headers, requestBody: requestBody.bytes, began: up.orderAt(from) }
    from += request.length + requestBody.length
    const response = parseHead(answered.subarray(to))
    if (!response) {
      const nothing = {
        status: 0,
        headers: {},
        body: Buffer.alloc(0),
        whole: false,
        input: Buffer.alloc(0),
        answered: Number.POSITIVE_INFINITY,
      }
      return [...exchanges, { ...common, ...nothing }]
    }
    const border: Border = responseBorder(response, method)
    const body = parseBody(answered.subarray(to + response.length), border, down.ended)
    const last = border.kind === 'raw' || border.kind === 'close'
    exchanges.push({
      ...common,
      status: statusOf(response),
      headers: response.headers,
      body: body.bytes,
      whole: body.whole,
      input: last ? asked.subarray(from) : Buffer.alloc(0),
      answered: down.orderAt(to),
    })
    if (last) return exchanges
    to += response.length + body.length
  }
}
