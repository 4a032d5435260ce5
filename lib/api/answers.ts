/** What an answer looks like: its headers, JSON, errors; as fastify sends it, and as text on a connection that was taken from HTTP. */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { DrydockError } from '../kernel/errors.js'
import { printable, shortened } from '../kernel/printable.js'
import { VERSION } from '../kernel/version.js'
import { NEWEST, versionText } from './versions.js'

/** On every answer, whatever the version of its request. */
export const HEADERS: Readonly<Record<string, string>> = {
  'Api-Version': versionText(NEWEST),
  'Docker-Experimental': 'false',
  Ostype: 'linux',
  Server: `Drydock/${VERSION} (linux)`,
}

/** A bug has no sentence for people: its stack is in the log. */
export interface Failure {
  readonly status: number
  readonly message: string
  /** For the log. */
  readonly stack?: string
}

/** Characters of a message. What a client has sent is repeated in it, and that may have been much. */
const LONGEST = 2000

/** One printable line, whatever has been repeated in it: people read it on terminals. */
export const sentenceFor = (message: string): string => shortened(printable(message), LONGEST)

export function failureOf(error: unknown): Failure {
  const { message, ...failure } = explained(error)
  return { ...failure, message: sentenceFor(message) }
}

function explained(error: unknown): Failure {
  if (error instanceof DrydockError) return { status: error.status ?? 500, message: error.message }
  const {
    message,
    stack = String(error),
    statusCode,
  } = error instanceof Error ? (error as Error & { statusCode?: number }) : { message: String(error) }
  // Fastify's own: a malformed URL and the like.
  if (statusCode !== undefined && statusCode < 500) return { status: statusCode, message }
  return { status: 500, message, stack }
}

/** What reading from it and writing to it says then. Nobody hears the answer. */
export const isClientGone = (error: unknown): boolean =>
  ['ERR_STREAM_PREMATURE_CLOSE', 'EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED'].includes(
    (error as NodeJS.ErrnoException | null)?.code ?? '',
  )

const json = (document: unknown): Buffer => Buffer.from(`${JSON.stringify(document)}\n`)

export function sendJson(reply: FastifyReply, document: unknown, status = 200): FastifyReply {
  // Bytes, or fastify says charset=utf-8, which docker does not.
  return reply.code(status).header('content-type', 'application/json').send(json(document))
}

export const sendNothing = (reply: FastifyReply, status: 200 | 201 | 204 | 304 = 204): FastifyReply => reply.code(status).send()

export function sendFailure(reply: FastifyReply, { status, message }: Failure): FastifyReply {
  // What came too slowly or was too much is not waited for.
  if (status === 408 || status === 413) reply.header('connection', 'close')
  return sendJson(reply, { message: sentenceFor(message) }, status)
}

/** The head of an answer on a connection that is no longer HTTP's. */
export function headText(status: number, reason: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}\r\n`
}

/** A whole answer there, and the end of what is sent. */
export function endWith(socket: Duplex, status: number, document?: unknown): void {
  const body = document === undefined ? Buffer.alloc(0) : json(document)
  const type: Record<string, string> = document === undefined ? {} : { 'Content-Type': 'application/json' }
  const headers = { ...HEADERS, ...type, 'Content-Length': String(body.length), Connection: 'close' }
  socket.end(Buffer.concat([Buffer.from(headText(status, STATUS_CODES[status] ?? '', headers)), body]))
}

/** The head of an answer that streams, sent at once: clients go on when they have it. */
export function beginStream(reply: FastifyReply, contentType: string, headers: Readonly<Record<string, string>> = {}): ServerResponse {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, { 'Content-Type': contentType, ...headers })
  raw.flushHeaders()
  return raw
}
