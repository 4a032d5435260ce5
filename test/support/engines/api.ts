/** The Engine API by hand, over a unix socket: plain requests, streams that are followed, connections that are taken over. */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { until } from '../waiting.js'
import { parseFrames, parseHead, statusOf, textOf } from './http.js'

/** Nothing that is waited for takes so long, on a busy machine either. Milliseconds. */
const PATIENCE = 60_000

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
  /** The body, parsed. Throws when it is no JSON. */
  json<T = Record<string, unknown>>(): T
}

export interface RequestOptions {
  /** A Buffer goes as it is (a tar archive), all else as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export class EngineApi {
  readonly socket: string
  readonly #version: string

  /** `version` stands before every path: `/v1.41`, or nothing. */
  constructor(socket: string, version = '/v1.41') {
    this.socket = socket
    this.#version = version
  }

  get(path: string, options?: RequestOptions): Promise<Answer> {
    return this.ask('GET', path, options)
  }

  post(path: string, body?: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.ask('POST', path, { ...options, ...(body !== undefined && { body }) })
  }

  delete(path: string): Promise<Answer> {
    return this.ask('DELETE', path)
  }

  async ask(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const response = await this.open(method, path, options)
    const parts: Buffer[] = []
    for await (const part of response) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    return {
      status: response.statusCode as number,
      headers: response.headers,
      body,
      json: <T>() => JSON.parse(body.toString()) as T,
    }
  }

  /** As soon as the head is there; the body is left to be read. Each on a connection of its own. */
  async open(method: string, path: string, { body, headers = {}, signal }: RequestOptions = {}): Promise<IncomingMessage> {
    const raw = Buffer.isBuffer(body)
    const bytes = body === undefined ? undefined : raw ? (body as Buffer) : Buffer.from(JSON.stringify(body))
    const type = raw ? 'application/x-tar' : 'application/json'
    const asked = httpRequest({
      socketPath: this.socket,
      method,
      path: this.#version + path,
      agent: false,
      headers: { host: 'docker', ...(bytes && { 'content-type': type, 'content-length': bytes.length }), ...headers },
      signal: signal ?? AbortSignal.timeout(PATIENCE * 2),
    })
    asked.end(bytes)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    // Whoever reads is told; whoever has let go of it need not be.
    response.on('error', () => undefined)
    asked.on('error', () => undefined)
    return response
  }

  /** It must go well: 2xx or 304; what it answered, parsed, where there is something. */
  async must<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.ask(method, path, { ...(body !== undefined && { body }) })
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status}: ${answer.body}`)
    return (answer.body.length > 0 && answer.headers['content-type'] === 'application/json' ? answer.json() : undefined) as T
  }

  /** The id of a new container of the tests' image. */
  async create(cmd: readonly string[], more: Readonly<Record<string, unknown>> = {}, name?: string): Promise<string> {
    const query = name === undefined ? '' : `?name=${name}`
    const body = { Image: 'busybox', Cmd: cmd, AttachStdout: true, AttachStderr: true, ...more }
    return (await this.must<{ Id: string }>('POST', `/containers/create${query}`, body)).Id
  }

  async start(id: string): Promise<void> {
    await this.must('POST', `/containers/${id}/start`)
  }

  /** The status that it ends with. Resolves when the waiting is registered. */
  async wait(id: string, condition = 'not-running'): Promise<{ readonly status: Promise<number> }> {
    const response = await this.open('POST', `/containers/${id}/wait?condition=${condition}`)
    const status = (async () => {
      let text = ''
      for await (const part of response) text += (part as Buffer).toString()
      if (response.statusCode !== 200) throw new Error(`wait: ${response.statusCode}: ${text}`)
      return (JSON.parse(text) as { StatusCode: number }).StatusCode
    })()
    status.catch(() => undefined)
    return { status }
  }

  /** Waits until it holds: that is looked at once, and at every event that passes the filters. */
  async whenever(filters: Readonly<Record<string, readonly string[]>>, holds: () => Promise<boolean>): Promise<void> {
    const events = await this.open('GET', `/events?filters=${encodeURIComponent(JSON.stringify(filters))}`)
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no event after which it held: ${holds}`)), PATIENCE)
        const look = () =>
          holds().then((found) => {
            if (!found) return
            clearTimeout(timer)
            resolve()
          }, reject)
        events.on('data', look)
        look()
      })
    } finally {
      events.destroy()
    }
  }

  remove(id: string): Promise<Answer> {
    return this.delete(`/containers/${id}?force=1&v=1`)
  }

  /** Take the connection over, with `Upgrade: tcp` as docker does, or without as dockerode does. */
  hijack(path: string, options: HijackOptions = {}): Promise<Hijacked> {
    return Hijacked.open(this.socket, this.#version + path, options)
  }
}

export interface HijackOptions {
  readonly body?: unknown
  readonly upgrade?: boolean
  /** The client's name. */
  readonly agent?: string
}

/** A connection that has been HTTP. */
export class Hijacked {
  readonly socket: Socket
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  #parts: Buffer[] = []
  #size = 0
  #ended = false
  #listeners = new Set<() => void>()

  private constructor(socket: Socket, head: { readonly status: number; readonly headers: Readonly<Record<string, string>> }, rest: Buffer) {
    this.socket = socket
    this.status = head.status
    this.headers = head.headers
    this.#take(rest)
    socket.on('data', (part) => this.#take(part))
    const end = () => {
      this.#ended = true
      for (const listener of this.#listeners) listener()
    }
    socket.on('end', end)
    socket.on('close', end)
    socket.on('error', () => undefined)
  }

  static async open(path: string, target: string, { body, upgrade = true, agent }: HijackOptions): Promise<Hijacked> {
    const socket = connect({ path, allowHalfOpen: true })
    await once(socket, 'connect')
    const json = body === undefined ? '' : JSON.stringify(body)
    const lines = [
      `POST ${target} HTTP/1.1`,
      'Host: docker',
      ...(agent === undefined ? [] : [`User-Agent: ${agent}`]),
      ...(upgrade ? ['Connection: Upgrade', 'Upgrade: tcp'] : []),
      ...(body === undefined ? ['Content-Type: text/plain'] : ['Content-Type: application/json']),
      `Content-Length: ${Buffer.byteLength(json)}`,
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n${json}`)
    let bytes: Buffer = Buffer.alloc(0)
    const deadline = setTimeout(() => socket.destroy(new Error(`no answer to POST ${target}`)), PATIENCE)
    try {
      for (;;) {
        const part = await new Promise<Buffer>((resolve, reject) => {
          const settle = () => socket.off('data', onData).off('end', onEnd).off('error', onError)
          const onData = (data: Buffer) => {
            settle()
            socket.pause()
            resolve(data)
          }
          const onEnd = () => {
            settle()
            reject(new Error(`the connection ended in the head of the answer to POST ${target}`))
          }
          const onError = (error: Error) => {
            settle()
            reject(error)
          }
          socket.on('data', onData).on('end', onEnd).on('error', onError)
          socket.resume()
        })
        bytes = Buffer.concat([bytes, part])
        const head = parseHead(bytes)
        if (!head) continue
        const hijacked = new Hijacked(socket, { status: statusOf(head), headers: head.headers }, bytes.subarray(head.length))
        socket.resume()
        return hijacked
      }
    } finally {
      clearTimeout(deadline)
    }
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }

  get size(): number {
    return this.#size
  }

  write(data: string | Buffer): void {
    this.socket.write(data)
  }

  /** Half a close: nothing more is sent, what comes is read on. */
  closeInput(): void {
    this.socket.end()
  }

  /** The end without a farewell: the other side gets an error when it writes. */
  vanish(): void {
    this.socket.destroy()
  }

  /** Wait until what came holds. */
  async until(holds: (bytes: Buffer) => boolean, what: string): Promise<void> {
    await this.#when(() => holds(this.bytes), what)
  }

  /** Wait until the other side has closed; everything that came. */
  async ended(): Promise<Buffer> {
    await this.#when(() => this.#ended, 'the end of the stream')
    this.socket.destroy()
    return this.bytes
  }

  /** The same, of a stream in frames; throws when the last one is not whole. */
  async output(): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const { frames, rest } = parseFrames(await this.ended())
    if (rest.length > 0) throw new Error(`the stream ends within a frame: ${rest.toString('hex')}`)
    return { stdout: textOf(frames, 1), stderr: textOf(frames, 2) }
  }

  #take(part: Buffer): void {
    if (part.length === 0) return
    this.#parts.push(part)
    this.#size += part.length
    for (const listener of this.#listeners) listener()
  }

  async #when(holds: () => boolean, what: string): Promise<void> {
    await until(this.#listeners, holds, PATIENCE, () => {
      const seen = this.bytes
      return new Error(`waited in vain for ${what}; ${seen.length} bytes came: ${JSON.stringify(seen.subarray(-500).toString('latin1'))}`)
    })
  }
}
