/** A request on a connection of its own, byte by byte, and what must hold for every answer. */
import { connect } from 'node:net'
import { parseBody, parseHead, responseBorder, statusOf } from '../engines/http.js'
import type { Request } from './make.js'

/** Milliseconds; whoever has no answer by then has none. */
const PATIENCE = 60_000

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** All of it, or what came with the head of an answer that goes on. */
  readonly body: string
}

/** Half of a pair of surrogates has no place in an address. */
export const wellFormed = (text: string): string => Buffer.from(text).toString()

export const targetOf = ({ path, query }: Request): string => {
  // Behind a NUL a value is as it is to be sent.
  const words = query.map(([name, value]) => `${name}=${value.startsWith('\0') ? value.slice(1) : encodeURIComponent(wellFormed(value))}`)
  return path + (words.length > 0 ? `?${words.join('&')}` : '')
}

function bytesOf(request: Request): Buffer {
  const { method, headers, document, chunked } = request
  const body = request.bytes ?? (document === undefined ? undefined : Buffer.from(JSON.stringify(document)))
  const type = document === undefined ? 'application/x-tar' : 'application/json'
  const all: Record<string, string> = {
    Host: 'docker',
    Connection: 'close',
    ...(body && { 'Content-Type': type }),
    ...(body && (chunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': String(body.length) })),
    ...headers,
  }
  const head = [`${method} ${targetOf(request)} HTTP/1.1`, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`)]
  const parts: Buffer[] = [Buffer.from(`${head.join('\r\n')}\r\n\r\n`)]
  if (body && chunked) {
    for (let at = 0; at < body.length; at += 8000) {
      const piece = body.subarray(at, at + 8000)
      parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
    }
    parts.push(Buffer.from('0\r\n\r\n'))
  } else if (body) parts.push(body)
  return Buffer.concat(parts)
}

/** Undefined when the connection was closed without an answer; rejects when nothing came in time. */
export function sendRequest(socketPath: string, request: Request): Promise<Answered | undefined> {
  const { route, method } = request
  return new Promise((resolve, reject) => {
    const socket = connect({ path: socketPath })
    const chunks: Buffer[] = []
    const settle = (act: () => void) => {
      clearTimeout(timer)
      socket.destroy()
      act()
    }
    const timer = setTimeout(() => settle(() => reject(new Error(`no answer came: ${Buffer.concat(chunks).subarray(0, 200)}`))), PATIENCE)
    /** Whole, or as far as it goes for who wants no more than the beginning of a stream. */
    const look = (ended: boolean) => {
      const all = Buffer.concat(chunks)
      const head = parseHead(all)
      if (!head) return ended && settle(() => resolve(undefined))
      const status = statusOf(head)
      const border = responseBorder(head, method)
      const { bytes, whole } = parseBody(all.subarray(head.length), border, ended)
      const goesOn = (route.stream || route.hijack) && status < 300
      if (ended || whole || goesOn || border.kind === 'raw')
        settle(() => resolve({ status, headers: head.headers, body: bytes.toString() }))
      return undefined
    }
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      look(false)
    })
    socket.on('end', () => look(true))
    // What was sent and not read makes a reset of the end.
    socket.on('error', () => look(true))
    socket.on('connect', () => socket.write(bytesOf(request)))
  })
}

/** What only a program that has lost its way says. */
const LOST =
  /Cannot (read|set|convert)|is not (a function|iterable|defined|a constructor)|\bundefined\b|\[object |\bERR_|TypeError|RangeError|\bNaN\b|\.(ts|js):\d|Maximum call stack|Invalid string length|null bytes/

/** What is not as it must be, a sentence each. */
export function judge({ route, method }: Request, answered: Answered | undefined): string[] {
  if (!answered) return ['the connection was closed without an answer']
  const { status, headers, body } = answered
  const complaints: string[] = []
  if (!(status >= 100 && status < 600)) complaints.push(`the status ${status}`)
  if (status >= 500 && !route.may?.includes(status) && !route.dockers?.test(messageIn(body))) complaints.push(`the status ${status}`)
  if (headers['x-injected'] !== undefined) complaints.push('a header was put into the answer')
  if (status >= 400 && method !== 'HEAD') complaints.push(...judgeMessage(headers, body))
  if (status < 400 && body.includes('"errorDetail"')) complaints.push(...judgeSentence(errorIn(body)))
  return complaints
}

function messageIn(body: string): string {
  try {
    return String((JSON.parse(body) as { message?: unknown }).message)
  } catch {
    return ''
  }
}

function judgeMessage(headers: Answered['headers'], body: string): string[] {
  if (headers['content-type'] !== 'application/json') return [`a failure of type ${headers['content-type']}`]
  let document: unknown
  try {
    document = JSON.parse(body)
  } catch {
    return ['a failure that is no JSON']
  }
  const { message, ...more } = (document ?? {}) as Record<string, unknown>
  if (Object.keys(more).length > 0) return [`a failure with ${Object.keys(more)}`]
  return judgeSentence(message)
}

function judgeSentence(message: unknown): string[] {
  if (typeof message !== 'string' || message.trim() === '') return ['a failure without a message']
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
  if (/[\u0000-\u001f\u007f]/.test(message)) return [`a message with control characters: ${JSON.stringify(message).slice(0, 200)}`]
  if (LOST.test(message)) return [`a message that is none: ${message.slice(0, 300)}`]
  if (message.length > 2000) return [`a message of ${message.length} characters`]
  return []
}

function errorIn(body: string): unknown {
  for (const line of body.split('\n')) {
    if (!line.includes('"errorDetail"')) continue
    try {
      return (JSON.parse(line) as { error?: unknown }).error
    } catch {
      // Cut where the reading ended.
      return 'cut'
    }
  }
  return undefined
}
