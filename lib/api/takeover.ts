/**
 * How a connection is taken away from HTTP, for the streams of a container.
 *
 *     client                                    engine
 *     POST …/attach, Upgrade: tcp   ──────▶
 *                                   ◀──────     HTTP/1.1 101 UPGRADED
 *     stdin                         ──────▶
 *     its end (a half-close)        ──────▶
 *                                   ◀──────     output
 *                                   ◀──────     its end
 *
 * Docker's command line asks for the upgrade, and Node's server then hands the connection over as soon as it has read the request's head. Other
 * clients (dockerode) send a plain request, read the output as the body of a 200, and write stdin behind the body of their request: Node's parser would
 * take that for the next request. So its listeners are removed, and what it was given in the same chunk is looked for behind the head.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { endWith, HEADERS, sentenceFor } from './answers.js'
import { type Fault, faultOf, pathIn } from './faults.js'
import { linger } from './linger.js'
import { inTurn, isWaiting } from './turns.js'

/** Bytes; credentials for registries are in it. */
export const LONGEST_HEAD = 128 * 1024

export interface Taken {
  readonly request: IncomingMessage
  /** What follows the request's head is read from it. */
  readonly socket: Socket
  /** The client asked for it and gets a 101. */
  readonly upgraded: boolean
}

export interface Receivers {
  /** Is this one to be taken? */
  readonly wants: (request: IncomingMessage) => boolean
  readonly take: (taken: Taken) => void
  /** All others. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void
}

/** What a connection brought last, and the end of what came before: a head may end between two chunks. */
interface Watch {
  before: Buffer
  chunk: Buffer
  /** How many requests were found in the last chunk. */
  requests: number
  readonly listener: (chunk: Buffer) => void
}

const watches = new WeakMap<object, Watch>()
const seized = new WeakSet<object>()

const NOTHING = Buffer.alloc(0)
const HEAD_END = Buffer.from('\r\n\r\n')

export function handOver(server: Server, { wants, take, answer }: Receivers): void {
  server.on('connection', watch)
  server.on('upgrade', (request, stream, head) => {
    const socket = stream as Socket
    unwatch(socket)
    socket.on('error', () => undefined)
    if (head.length > 0) socket.unshift(head)
    request.url = pathIn(request.url ?? '/')
    const fault = faultOf(request)
    const taken = inTurn(socket, (done) => {
      if (socket.destroyed) return
      if (fault) return refuse(socket, fault)
      if (wants(request)) return take({ request, socket, upgraded: true })
      socket.unshift(declined(request))
      done()
      server.emit('connection', socket)
    })
    if (!taken) socket.destroy()
  })
  server.on('request', (request, response) => {
    const { socket } = request
    // The parser takes what is written to a program for a request, when both came in one chunk.
    if (seized.has(socket)) return
    request.url = pathIn(request.url ?? '/')
    const fault = faultOf(request)
    const seen = watches.get(socket)
    const alone = seen === undefined || seen.requests++ === 0
    if (!fault && wants(request) && alone && !isWaiting(socket)) {
      seize(socket)
      // What the parser has taken for its body is dropped: a body that nobody reads would have the connection stopped below the socket.
      request.resume()
      return take({ request, socket, upgraded: false })
    }
    const no = fault ?? (wants(request) ? BEHIND_ANOTHER : undefined)
    // Whatever follows is no request, or nobody's.
    if (no) seized.add(socket)
    const known = inTurn(socket, (done) => {
      response.once('close', done)
      if (no) tell(response, no)
      else answer(request, response)
    })
    if (known) return
    seized.add(socket)
    socket.destroy()
  })
  server.on('checkExpectation', (_request, response) => tell(response, { status: 417, message: 'no such expectation is met here' }))
  server.on('connect', (_request, stream) => refuse(stream as Socket, { status: 405, message: 'this is no proxy' }))
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    if (seized.has(stream)) return
    if (error.code === 'ECONNRESET' || !stream.writable) return void stream.destroy()
    // What follows is no request either.
    seize(stream as Socket)
    const [status, message] = CLIENT_ERRORS[error.code ?? ''] ?? [400, 'this is no request of HTTP/1.1']
    refuse(stream as Socket, { status, message })
  })
}

/** Where its stdin would begin nobody could say. */
const BEHIND_ANOTHER: Fault = {
  status: 400,
  message: 'a request that takes its connection over is sent alone, after the answers to those before it',
}

function tell(response: ServerResponse, { status, message }: Fault): void {
  const body = `${JSON.stringify({ message: sentenceFor(message) })}\n`
  response.writeHead(status, {
    ...HEADERS,
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  })
  response.end(body)
}

function refuse(socket: Socket, { status, message }: Fault): void {
  socket.on('error', () => undefined)
  endWith(socket, status, { message: sentenceFor(message) })
  linger(socket)
}

/** Node's and its parser's words for what is no request; RFC 9112. */
const CLIENT_ERRORS: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, `the head of the request is longer than ${LONGEST_HEAD} bytes`],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the head of the request did not come in time'],
  HPE_INVALID_METHOD: [400, 'there is no such method'],
  HPE_INVALID_URL: [400, 'the target of the request is no address'],
  HPE_INVALID_VERSION: [505, 'HTTP/1.1 is spoken here'],
  HPE_INVALID_HEADER_TOKEN: [400, 'a header has characters that no header has'],
  HPE_INVALID_CONTENT_LENGTH: [400, 'the Content-Length is no length'],
  HPE_UNEXPECTED_CONTENT_LENGTH: [400, 'a request has either a Content-Length or a Transfer-Encoding'],
  HPE_INVALID_TRANSFER_ENCODING: [400, 'the Transfer-Encoding is not chunked'],
  HPE_INVALID_CHUNK_SIZE: [400, 'the size of a chunk is no number'],
}

function watch(socket: Socket): void {
  const found: Watch = {
    before: NOTHING,
    chunk: NOTHING,
    requests: 0,
    listener: (chunk) => {
      found.requests = 0
      found.before = found.chunk.subarray(1 - HEAD_END.length)
      found.chunk = chunk
    },
  }
  watches.set(socket, found)
  // Before the server's own listener, which makes a request of it.
  socket.prependListener('data', found.listener)
}

function unwatch(socket: Socket): void {
  const found = watches.get(socket)
  if (found) socket.off('data', found.listener)
  watches.delete(socket)
}

/** The connection of a request whose head has just been read. */
function seize(socket: Socket): void {
  const { before = NOTHING, chunk = NOTHING } = watches.get(socket) ?? {}
  seized.add(socket)
  watches.delete(socket)
  for (const event of ['data', 'end', 'drain', 'timeout']) socket.removeAllListeners(event)
  socket.on('error', () => undefined)
  socket.pause()
  const seen = before.length > 0 ? Buffer.concat([before, chunk]) : chunk
  const end = seen.indexOf(HEAD_END)
  if (end >= 0 && end + HEAD_END.length < seen.length) socket.unshift(seen.subarray(end + HEAD_END.length))
}

/** An upgrade that is not for us (curl offers HTTP/2 like this) is declined by answering the request as if it were without: RFC 9110, 7.8. */
function declined({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (!/^(upgrade|connection|http2-settings)$/i.test(name)) lines.push(`${name}: ${rawHeaders[at + 1]}`)
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}
