/** A blob as a stream, from any byte on, through broken connections. */
import { DrydockError } from '../../kernel/errors.js'
import type { Connection } from './connection.js'
import { errorOf, TransportError } from './errors.js'
import type { HttpResponse } from './http.js'
import { backoff, pause } from './retry.js'

export interface Download {
  /** Below `/v2/`. */
  readonly path: string
  readonly scopes: readonly string[]
  /** Bytes of the whole blob. */
  readonly size: number
}

/** As much has to come for the failures before it to be forgotten: a server that gives a byte a connection does not go on for ever. */
const PROGRESS = 1024 * 1024

/** What is missing from `offset` on: exactly that many bytes, or an error. Nobody looks here at what they hash to. */
export async function* download(
  connection: Connection,
  { path, scopes, size }: Download,
  offset: number,
): AsyncGenerator<Buffer, void, undefined> {
  const { patience, signal, onWait } = connection.options
  let at = offset
  let failures = 0
  let kept = offset
  while (at < size) {
    const headers = { 'accept-encoding': 'identity', ...(at > 0 && { range: `bytes=${at}-` }) }
    try {
      const response = await connection.send({ method: 'GET', at: path, headers, scopes })
      for await (const chunk of body(response, at, size)) {
        at += chunk.length
        yield chunk
      }
      // The server has said that this is all.
      if (at < size) throw new TransportError('unexpected EOF', { transient: true })
    } catch (error) {
      if (at - kept >= PROGRESS) failures = 0
      kept = at
      failures += 1
      if (!(error instanceof TransportError) || !error.transient || failures >= patience.attempts) throw error
      const wait = backoff(failures, patience)
      onWait?.({ milliseconds: wait, why: error.message })
      await pause(wait, signal)
    }
  }
}

/** The bytes of an answer from `at` on; an answer that is too long is an error when its byte too many comes. */
async function* body(response: HttpResponse, at: number, size: number): AsyncGenerator<Buffer, void, undefined> {
  if (response.status !== 200 && response.status !== 206) throw await errorOf(response)
  let skip = await startOf(response, at, size)
  let left = size - at
  for await (let chunk of response.chunks()) {
    // A server that knows no ranges begins at the beginning.
    const skipped = Math.min(skip, chunk.length)
    skip -= skipped
    chunk = chunk.subarray(skipped)
    if (chunk.length > left) throw tooLong(size)
    left -= chunk.length
    if (chunk.length > 0) yield chunk
  }
}

/** How many bytes of the answer are not wanted. Says no where the server itself says that the blob has another size. */
async function startOf(response: HttpResponse, at: number, size: number): Promise<number> {
  const length = Number(response.headers['content-length'] ?? Number.NaN)
  const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '') ?? []
  const wrong = async (error: Error) => {
    await response.discard()
    return error
  }
  if (response.status === 200) {
    if (Number.isFinite(length) && length !== size) throw await wrong(otherSize(length, size))
    return at
  }
  if (from === undefined || Number(from) !== at) {
    throw await wrong(new DrydockError(`the registry sends the blob from byte ${from ?? '?'} on and was asked from ${at} on`))
  }
  if (total !== undefined && total !== '*' && Number(total) !== size) throw await wrong(otherSize(Number(total), size))
  return 0
}

const tooLong = (size: number) => new DrydockError(`the registry sends more than the ${size} bytes that the manifest says`)
const otherSize = (found: number, size: number) =>
  new DrydockError(`the registry has a blob of ${found} bytes where the manifest says ${size}`)
