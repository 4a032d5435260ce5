/** Layers come compressed: gzip, zstd or not at all. What it is is told by the first bytes, never by a media type or a name. */
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { DrydockError } from '../kernel/errors.js'
import { WindowGuard } from './zstd-window.js'

type Source = AsyncIterable<Uint8Array>

const GZIP = Buffer.from([0x1f, 0x8b])
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
/** A frame of zstd's that holds nothing of the content; 16 numbers that differ in their first byte. */
const SKIPPABLE = Buffer.from([0x2a, 0x4d, 0x18])

const OTHERS: readonly (readonly [name: string, magic: Buffer])[] = [
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ['bzip2', Buffer.from('BZh')],
  ['lz4', Buffer.from([0x04, 0x22, 0x4d, 0x18])],
]
const LONGEST_MAGIC = 6

/** The uncompressed bytes, as they come. A damaged stream is an error in one sentence; so is a compression that images do not have. `onPlain`: they are the source's own. */
export async function* decompress(source: Source, onPlain?: () => void): AsyncGenerator<Buffer> {
  const { first, all } = await begin(source)
  if (first.subarray(0, 2).equals(GZIP)) yield* gunzip(all)
  else if (first.subarray(0, 4).equals(ZSTD) || isSkippable(first)) yield* unzstd(all)
  else {
    const other = OTHERS.find(([, magic]) => first.subarray(0, magic.length).equals(magic))
    if (other)
      throw new DrydockError(`the data is compressed by ${other[0]}; layers are compressed by gzip or zstd, or not at all`, { status: 400 })
    onPlain?.()
    for await (const chunk of all) yield asBuffer(chunk)
  }
}

const isSkippable = (first: Buffer) => ((first[0] ?? 0) & 0xf0) === 0x50 && first.subarray(1, 4).equals(SKIPPABLE)

const asBuffer = (chunk: Uint8Array) => (Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))

/** The first bytes, and everything from the beginning on. */
async function begin(source: Source): Promise<{ first: Buffer; all: Source }> {
  const iterator = source[Symbol.asyncIterator]()
  let first: Buffer = Buffer.alloc(0)
  while (first.length < LONGEST_MAGIC) {
    const { done, value } = await iterator.next()
    if (done) break
    first = first.length === 0 ? asBuffer(value) : Buffer.concat([first, value])
  }
  async function* all() {
    try {
      if (first.length > 0) yield first
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
    } finally {
      await iterator.return?.()
    }
  }
  return { first, all: all() }
}

/** Each piece costs a turn through the event loop, and waits in memory until it is written. */
const PIECE = 64 * 1024

/** All members, one behind the other, as gzip(1) reads them. The work is done beside this thread. */
async function* gunzip(source: Source): AsyncGenerator<Buffer> {
  const stream = createGunzip({ chunkSize: PIECE })
  let failed: unknown
  pipeline(Readable.from(source, { objectMode: true, highWaterMark: 2 }), stream, (error) => {
    failed ??= error
  })
  try {
    for await (const chunk of stream) yield chunk as Buffer
  } catch (error) {
    throw sentenceFor(failed ?? error, 'gzip')
  }
}

/**
 * All frames, one behind the other. Not by node:zlib, even where it has zstd: its stream ends with the first frame when a second one follows in the
 * same write (Node 26 still does), and pzstd and zstd:chunked make many.
 */
async function* unzstd(source: Source): AsyncGenerator<Buffer> {
  const { Decompress } = await import('fzstd')
  let pieces: Buffer[] = []
  const decoder = new Decompress((piece) => {
    // A copy: the decoder goes on in its memory.
    if (piece.length > 0) pieces.push(Buffer.from(piece))
  })
  const push = (bytes: Uint8Array, last: boolean) => {
    try {
      decoder.push(bytes, last)
    } catch (error) {
      throw sentenceFor(error, 'zstd')
    }
  }
  const guard = new WindowGuard()
  for await (const chunk of source) {
    // A few bytes may become 128 KiB: what one push can bring has to stay small.
    for (let at = 0; at < chunk.length; at += MOST_PUSHED) {
      const some = chunk.subarray(at, at + MOST_PUSHED)
      guard.push(some)
      push(some, false)
      yield* pieces
      pieces = []
    }
  }
  push(new Uint8Array(0), true)
  yield* pieces
}

const MOST_PUSHED = 1024

/** Errors of the source (a registry that is gone) stay what they are. */
function sentenceFor(error: unknown, format: string): unknown {
  const { code, message } = error as { code?: unknown; message?: string }
  const isDecoders = typeof code === 'number' || (typeof code === 'string' && code.startsWith('Z_')) || error instanceof RangeError
  if (!isDecoders) return error
  const isShort = code === 'Z_BUF_ERROR' || message === 'unexpected EOF'
  const what = isShort ? 'ends too early' : `is damaged (${message ?? code})`
  return new DrydockError(`the ${format} data ${what}`, { status: 400, cause: error })
}
