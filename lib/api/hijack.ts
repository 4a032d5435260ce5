/** The two requests whose connection becomes a container's streams: attach, and the start of an exec. */
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex, Transform } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Attached } from '../engine/types.js'
import { DrydockError } from '../kernel/errors.js'
import { endWith, failureOf, HEADERS, headText } from './answers.js'
import { isJson, readDocumentOf } from './body.js'
import { refuseBrowser } from './browser.js'
import type { ApiContext, Log } from './context.js'
import { frame, Unframe } from './frames.js'
import { linger } from './linger.js'
import { Query } from './query.js'
import type { Taken } from './takeover.js'
import { type ApiVersion, apiVersion, splitTarget } from './versions.js'
import { acceptWebSocket } from './websocket.js'

interface Hijack extends Taken {
  readonly query: Query
  readonly version: ApiVersion
}

type Handler = (context: ApiContext, word: string, hijack: Hijack) => Promise<void>

/** Their paths, and who answers them. */
const ROUTES: readonly (readonly [method: string, path: RegExp, handler: Handler])[] = [
  ['POST', /^\/+containers\/+([^/]+)\/attach$/, attach],
  ['GET', /^\/+containers\/+([^/]+)\/attach\/ws$/, attachSocket],
  ['POST', /^\/+exec\/+([^/]+)\/start$/, startExec],
]

function find(request: IncomingMessage) {
  const { version, path } = splitTarget(request.url ?? '')
  const [, place = '', search = ''] = /^([^?]*)(?:\?(.*))?$/s.exec(path) ?? []
  for (const [method, pattern, handler] of ROUTES) {
    const word = request.method === method ? pattern.exec(place)?.[1] : undefined
    if (word !== undefined) return { version, word, search, handler }
  }
  return undefined
}

export const isHijack = (request: IncomingMessage): boolean => find(request) !== undefined

/** Answers all by itself, failures too. */
export async function takeHijack(context: ApiContext, taken: Taken): Promise<void> {
  const { request, socket } = taken
  try {
    const found = find(request)
    if (!found) throw new DrydockError('page not found', { status: 404 })
    refuseBrowser(request)
    const hijack = { ...taken, query: new Query(found.search), version: apiVersion(found.version) }
    await found.handler(context, decoded(found.word), hijack)
  } catch (error) {
    const { status, message, stack } = failureOf(error)
    if (stack !== undefined && !socket.destroyed) context.log('error', `${request.method} ${request.url}: ${stack}`)
    endWith(socket, status, { message })
    linger(socket)
  }
}

function decoded(word: string): string {
  try {
    return decodeURIComponent(word)
  } catch (cause) {
    throw new DrydockError(`${word} is no name in a URL`, { cause, status: 400 })
  }
}

async function attach({ engine, log }: ApiContext, word: string, hijack: Hijack): Promise<void> {
  const { query, request, socket } = hijack
  // Dockerode sends its options here too; they are all in the query. Of any other type it is what the program is to read.
  if (isJson(request.headers)) await readDocumentOf(socket, request.headers)
  const options = attachOptions(query)
  const { tty, stream, deliverTo } = await engine.containers.attach(word, options)
  const { alone } = begin(hijack, tty)
  join(socket, stream, { stdin: options.stdin && options.stream, log, after: alone, ...(deliverTo && { deliverTo }) })
}

/** A browser's way. Each message is a piece of stdin; what comes back is output without frames, of both streams. */
async function attachSocket({ engine, log }: ApiContext, word: string, { query, request, socket, upgraded }: Hijack): Promise<void> {
  if (!upgraded) throw new DrydockError('this is for websockets: the request has no Upgrade', { status: 400 })
  const options = attachOptions(query)
  const { tty, stream } = await engine.containers.attach(word, options)
  const client = await acceptWebSocket(request, socket).catch((error: Error) => {
    stream.destroy()
    throw error
  })
  join(client, stream, { stdin: options.stdin && options.stream, log, ...(!tty && { through: new Unframe() }) })
}

const attachOptions = (query: Query) => ({
  stdin: query.flag('stdin'),
  stdout: query.flag('stdout'),
  stderr: query.flag('stderr'),
  stream: query.flag('stream'),
  logs: query.flag('logs'),
  detachKeys: query.text('detachKeys') ?? '',
})

async function startExec(context: ApiContext, id: string, hijack: Hijack): Promise<void> {
  const { socket, request, version } = hijack
  const { execs } = context.engine
  const body = await readDocumentOf(socket, request.headers)
  const options = {
    Detach: body.Detach === true,
    Tty: body.Tty === true,
    // Before 1.42 clients sent what the engine was not to heed.
    ...(version >= 42 && isSize(body.ConsoleSize) && { ConsoleSize: body.ConsoleSize }),
  }
  const { ProcessConfig, OpenStdin, ContainerID } = (await execs.inspect(id)) as unknown as ExecDocument
  if (options.Detach) {
    await execs.start(id, options)
    endWith(socket, 200)
    return linger(socket)
  }
  // What is sure to fail has a status.
  await checkRuns(context, ContainerID)
  // Before the program runs, so that none of its output comes along: docker-py loses what is in one segment with the head.
  const tty = ProcessConfig?.tty === true
  const head = begin(hijack, tty, HEADERS)
  await head.sent
  let attached: Attached | undefined
  try {
    attached = await execs.start(id, options)
  } catch (error) {
    // Where the output would be, as docker has it: the status is sent already, and the client asks for the exit code.
    const { message, stack } = failureOf(error)
    context.log(stack === undefined ? 'warn' : 'error', `exec ${id}: ${stack ?? message}`)
    const line = Buffer.from(`${message}\r\n`)
    socket.end(tty ? line : frame(1, line))
    return linger(socket)
  }
  if (attached) return join(socket, attached.stream, { stdin: OpenStdin === true, log: context.log, after: head.alone })
  socket.end()
  linger(socket)
}

interface ExecDocument {
  readonly ProcessConfig?: { readonly tty?: boolean }
  readonly OpenStdin?: boolean
  readonly ContainerID: string
}

async function checkRuns({ engine }: ApiContext, id: string): Promise<void> {
  const { State } = (await engine.containers.inspect(id)) as { State?: { Running?: boolean; Paused?: boolean } }
  if (State?.Running === false) throw new DrydockError(`Container ${id} is not running`, { status: 409 })
  if (State?.Paused) throw new DrydockError(`Container ${id} is paused, unpause the container before exec`, { status: 409 })
}

const isSize = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every((part) => Number.isInteger(part) && part >= 0)

/**
 * The head of the answer, alone: on its way before there is anything else to send, and for a moment longer, since two messages that arrive together
 * are one to the client, and some (docker-py, which reads the head with a buffer and what follows without it) lose what is behind the head.
 */
function begin(
  { request, socket, upgraded, version }: Hijack,
  tty: boolean,
  headers: Readonly<Record<string, string>> = {},
): { readonly sent: Promise<void>; readonly alone: Promise<void> } {
  const raw = tty || version < 42 || !upgraded
  const type = { 'Content-Type': `application/vnd.docker.${raw ? 'raw' : 'multiplexed'}-stream` }
  const head = upgraded
    ? headText(101, 'UPGRADED', { ...type, Connection: 'Upgrade', Upgrade: 'tcp', ...headers })
    : headText(200, 'OK', { ...type, ...headers })
  const sent = new Promise<void>((resolve) => socket.write(head, () => resolve()))
  const careful = KEEPS_WHAT_FOLLOWS.test(request.headers['user-agent'] ?? '')
  return { sent, alone: careful ? sent : sent.then(() => new Promise((resolve) => setTimeout(resolve, MOMENT))) }
}

/** Docker's command line and what else is written with its Go library or Go's own HTTP, and ours: what they have read with the head is where they read on. */
const KEEPS_WHAT_FOLLOWS = /^(Docker-Client|Go-http-client|drydock)\//

/** Milliseconds, for all others; of 40 times that docker-py attaches for the past and the present, dockerd 20.10 had it lose something 33 times, and this none. */
const MOMENT = 10

interface Joint {
  readonly stdin: boolean
  readonly log: Log
  /** Nothing is said before. */
  readonly after?: Promise<void>
  /** Changes the output on its way. */
  readonly through?: Transform
  /** Has it go there by itself (Attached). */
  readonly deliverTo?: (fd: number) => void
}

/** Let both sides speak until the program's output has ended, or the client goes. */
function join(socket: Duplex, stream: Duplex, { stdin, log, after = Promise.resolve(), through, deliverTo }: Joint): void {
  stream.on('error', (error) => {
    log('debug', `a stream broke off: ${error.message}`)
    socket.destroy()
  })
  socket.once('close', () => stream.destroy())
  if (socket.destroyed) return void stream.destroy()
  socket.once('end', () => feelFor(socket))
  void after.then(() => {
    const fd = descriptorOf(socket)
    if (deliverTo && fd !== undefined) deliverTo(fd)
    const output = through ? stream.pipe(through) : stream
    output.once('end', () => {
      socket.end()
      linger(socket)
    })
    output.pipe(socket, { end: false })
    // Read in any case, or nobody notices that the client has gone.
    if (!stdin) return void socket.resume()
    socket.pipe(stream)
    stream.once('close', () => socket.resume())
  })
}

/** Of a connection whose bytes are the client's as they are: with TLS they are not. Node shows the descriptor without promising it. */
function descriptorOf(socket: Duplex): number | undefined {
  if (!(socket instanceof Socket) || socket instanceof TLSSocket || socket.writableLength > 0) return undefined
  const { _handle: handle } = socket as { _handle?: { readonly fd?: unknown } | null }
  return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined
}

/** How often is felt for a client that says no more, in milliseconds. */
const PULSE = 2000

/**
 * Who has ended its side only listens, and when such a client goes nothing more is to be read: the kernel tells whoever writes (EPIPE), nothing at all being
 * enough. A unix socket knows at once, TCP when it has asked (SO_KEEPALIVE).
 */
function feelFor(socket: Duplex): void {
  const timer = setInterval(() => {
    if (socket.writableLength === 0 && socket.writable) socket.write('')
  }, PULSE)
  socket.once('close', () => clearInterval(timer))
}
