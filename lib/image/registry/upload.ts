/**
 * A blob to a registry. OCI distribution specification, "Pushing blobs":
 *
 *     POST  …/blobs/uploads/                   202, Location: where
 *     PUT   where?digest=sha256:…              201, all in one; or, when that is too large for something on the way (413),
 *     PATCH where, Content-Range: 0-8388607    202, Location: where next, for each piece; and a PUT without a body
 */
import type { Descriptor } from '../types.js'
import type { Connection } from './connection.js'
import { errorOf, TransportError } from './errors.js'
import type { HttpResponse } from './http.js'
import { backoff, pause } from './retry.js'

export interface Upload {
  /** `NAME/blobs/uploads/`. */
  readonly path: string
  readonly scopes: readonly string[]
  readonly descriptor: Descriptor
  /** Opened again for each try. */
  readonly source: () => AsyncIterable<Uint8Array>
}

const OCTETS = { 'content-type': 'application/octet-stream' }
/** What passes the proxies that refuse a layer in one: bytes. */
const PIECE = 8 * 1024 * 1024
const LARGEST_PIECE = 64 * 1024 * 1024

/** Upload, from the beginning again when the connection breaks. */
export async function upload(connection: Connection, what: Upload): Promise<void> {
  const { patience, signal, onWait } = connection.options
  let send = whole
  for (let attempt = 1; ; attempt += 1) {
    let why: string
    try {
      const response = await send(connection, what, await begin(connection, what))
      if (response.status === 201 || response.status === 204) return await response.discard()
      const fault = await errorOf(response)
      if (response.status === 413 && send === whole) {
        send = inPieces
        continue
      }
      if ((response.status !== 429 && response.status < 500) || attempt >= patience.attempts) throw fault
      why = fault.message
    } catch (error) {
      if (!(error instanceof TransportError) || !error.transient || attempt >= patience.attempts) throw error
      why = error.message
      // Who finds a body too large may hang up before the 413 is read.
      send = send === whole && what.descriptor.size > PIECE ? inPieces : whole
    }
    const wait = backoff(attempt, patience)
    onWait?.({ milliseconds: wait, why })
    await pause(wait, signal)
  }
}

interface Session {
  readonly at: URL
  /** Bytes that a piece has to have at least. */
  readonly piece: number
}

async function begin(connection: Connection, { path, scopes }: Upload): Promise<Session> {
  const response = await connection.send({ method: 'POST', at: path, scopes, body: Buffer.alloc(0) })
  if (response.status !== 202) throw await errorOf(response)
  await response.discard()
  const least = Number(response.headers['oci-chunk-min-length'] ?? 0)
  return { at: nextOf(response, response.url), piece: Math.min(Math.max(PIECE, least || 0), LARGEST_PIECE) }
}

async function whole(connection: Connection, { scopes, descriptor, source }: Upload, { at }: Session): Promise<HttpResponse> {
  const body = { length: descriptor.size, open: source }
  return connection.send({ method: 'PUT', at: finishing(at, descriptor), scopes, headers: OCTETS, body, retry: false })
}

async function inPieces(connection: Connection, { scopes, descriptor, source }: Upload, { at, piece }: Session): Promise<HttpResponse> {
  let from = 0
  let where = at
  for await (const bytes of pieces(source(), piece)) {
    const headers = { ...OCTETS, 'content-range': `${from}-${from + bytes.length - 1}` }
    const response = await connection.send({ method: 'PATCH', at: where, scopes, headers, body: bytes, retry: false })
    if (response.status !== 202 && response.status !== 201 && response.status !== 204) return response
    await response.discard()
    where = nextOf(response, where)
    from += bytes.length
  }
  return connection.send({ method: 'PUT', at: finishing(where, descriptor), scopes, body: Buffer.alloc(0), retry: false })
}

/** Cut into pieces of the same size; the last may be shorter. */
async function* pieces(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let waiting: Uint8Array[] = []
  let length = 0
  for await (let chunk of source) {
    while (length + chunk.length >= size) {
      const taken = size - length
      yield Buffer.concat([...waiting, chunk.subarray(0, taken)])
      chunk = chunk.subarray(taken)
      waiting = []
      length = 0
    }
    waiting.push(chunk)
    length += chunk.length
  }
  if (length > 0) yield Buffer.concat(waiting)
}

/** Where a session goes on: absolute or relative, with a query of the registry's own that has to be kept. */
function nextOf(response: HttpResponse, before: URL): URL {
  const { location } = response.headers
  return location && URL.canParse(location, before.href) ? new URL(location, before.href) : before
}

function finishing(at: URL, { digest }: Descriptor): URL {
  const url = new URL(at)
  url.searchParams.append('digest', digest)
  return url
}
