/** Bodies of requests that are JSON. Those that are archives go to the engine as they come. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Document } from '../engine/types.js'
import { DrydockError } from '../kernel/errors.js'

/** Bytes; the largest that clients send are configurations with all their labels. */
const LONGEST = 4 * 1024 * 1024

/** How long a body of JSON may be under way, in milliseconds. Archives may take as long as they take. */
const PATIENCE = 60_000

/** The whole body. `{}` when there is none; 413 and 408 for what is too much of it, or too slow. */
export async function readDocument(body: Readable, headers: IncomingHttpHeaders): Promise<Document> {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers
  if (Number(length ?? 0) === 0 && encoding === undefined) return {}
  checkJsonType(headers)
  if (length !== undefined && Number(length) > LONGEST) throw tooLong()
  return parseDocument(await collect(body))
}

/** The same of a connection that was taken from HTTP: so many bytes of it, and what follows is no part of the body. */
export async function readDocumentOf(socket: Readable, headers: IncomingHttpHeaders): Promise<Document> {
  if (headers['transfer-encoding'] !== undefined) throw new DrydockError('the body needs a Content-Length here', { status: 411 })
  const length = Number(headers['content-length'] ?? 0)
  if (length === 0) return {}
  checkJsonType(headers)
  if (!(length <= LONGEST)) throw tooLong()
  return parseDocument(await collect(socket, length))
}

/** So many bytes from the front of a stream, or all that come until its end; what comes behind them stays in the stream, which is paused then. */
function collect(stream: Readable, length?: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const settle = (act: () => void) => {
      clearTimeout(timer)
      stream.pause()
      stream.off('data', data).off('end', end).off('error', fail).off('close', gone)
      act()
    }
    const data = (chunk: Buffer) => {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > LONGEST) return settle(() => reject(tooLong()))
      if (length === undefined || bytes < length) return
      settle(() => {
        const all = Buffer.concat(chunks)
        if (bytes > length) stream.unshift(all.subarray(length))
        resolve(all.subarray(0, length))
      })
    }
    const end = () => settle(() => (length === undefined ? resolve(Buffer.concat(chunks)) : reject(cut())))
    const fail = (cause: Error) => settle(() => reject(cut(cause)))
    const gone = () => settle(() => reject(cut()))
    const timer = setTimeout(() => settle(() => reject(new DrydockError('the body did not come in time', { status: 408 }))), PATIENCE)
    stream.on('data', data).on('end', end).on('error', fail).on('close', gone)
  })
}

export const isJson = ({ 'content-type': type }: IncomingHttpHeaders): boolean =>
  type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json'

/** Docker's rule: a body is JSON and says so. That also keeps away what a web page can send without being asked (text/plain). */
function checkJsonType(headers: IncomingHttpHeaders): void {
  if (isJson(headers)) return
  throw new DrydockError(`unsupported Content-Type header (${headers['content-type'] ?? ''}): must be 'application/json'`, { status: 400 })
}

function parseDocument(bytes: Buffer): Document {
  const text = bytes.toString()
  if (text.trim() === '') return {}
  let value: unknown
  try {
    // Nobody's prototype is to be set by a request.
    value = text.includes('__proto__') ? JSON.parse(text, (key, part) => (key === '__proto__' ? undefined : part)) : JSON.parse(text)
  } catch (cause) {
    throw new DrydockError(`invalid JSON: ${(cause as Error).message}`, { cause, status: 400 })
  }
  if (value === null) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as Document
  throw new DrydockError('invalid JSON: it is no object', { status: 400 })
}

const tooLong = () => new DrydockError(`the body is longer than ${LONGEST} bytes`, { status: 413 })

const cut = (cause?: Error) => new DrydockError('the body ended too early', { cause, status: 400 })
