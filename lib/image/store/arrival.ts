/**
 * A blob on its way into the store: one stream that is hashed and written to disk, and read by whoever unpacks it, all at once. What somebody fetched of
 * it before is read from disk first, so that hash and unpacking see all of it, and only the rest is asked for.
 *
 *     file: ███████░░░░░░░░░░        ┌─ hash
 *           kept    rest(7) ─────────┼─ file
 *                                    └─ reader
 */
import { createHash } from 'node:crypto'
import { createReadStream, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'
import { ownerName } from '../owner.js'
import type { Descriptor, Digest } from '../types.js'
import type { Blobs } from './blobs.js'
import { sizeOf, UNFINISHED } from './files.js'
import { digestOf, hexOf, type Paths } from './paths.js'

/** The rest of a blob from an offset on. */
export type Rest = (offset: number) => AsyncIterable<Uint8Array>

/** What came is not what was promised. */
export class DigestError extends DrydockError {}

/** What came ended too early: another try may go on there. */
export class Interrupted extends DrydockError {}

/** Bytes of a read from disk: each is a turn through the event loop. */
const CHUNK = 256 * 1024

export class Arrival implements AsyncIterable<Buffer> {
  /** Bytes that were there before. */
  readonly kept: number
  /** The stream itself failed, not what was in it: another try may go on where it stopped. */
  interrupted = false
  /** Why the stream broke off, whatever its reader made of it. */
  failure: unknown
  readonly #path: string
  readonly #expected: Descriptor | undefined
  readonly #blobs: Blobs
  readonly #hash = createHash('sha256')
  readonly #bytes: AsyncGenerator<Buffer>
  #received = 0
  #ended = false

  private constructor(blobs: Blobs, path: string, kept: number, rest: Rest, expected?: Descriptor) {
    this.#blobs = blobs
    this.#path = path
    this.kept = kept
    this.#expected = expected
    this.#bytes = this.#flow(rest)
  }

  /** One whose digest is known. The caller has the claim on it (claims.ts). */
  static resume(paths: Paths, blobs: Blobs, expected: Descriptor, rest: Rest): Arrival {
    const path = join(paths.incoming, hexOf(expected.digest))
    const kept = sizeOf(path) ?? 0
    // More than it ever should have been: nothing to go on with.
    if (kept <= expected.size) return new Arrival(blobs, path, kept, rest, expected)
    rmSync(path, { force: true })
    return new Arrival(blobs, path, 0, rest, expected)
  }

  /** One that gets its digest by being read. */
  static begin(paths: Paths, blobs: Blobs, source: AsyncIterable<Uint8Array>): Arrival {
    return new Arrival(blobs, join(paths.incoming, `${UNFINISHED}${ownerName()}`), 0, () => source)
  }

  get received(): number {
    return this.#received
  }

  /** Of all its bytes, when all of them have been read. */
  get digest(): Digest {
    if (!this.#ended) throw new Error('a blob has a digest when all of it has come')
    return this.#digest()
  }

  /** A reader that stops early does not end it: what it did not want is hashed and kept by `drain`. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return { next: () => this.#bytes.next() }
  }

  async drain(): Promise<void> {
    while (!(await this.#bytes.next()).done);
  }

  /** Check it and give it its name. What does not hash to its digest is removed. */
  async finish(): Promise<{ digest: Digest; size: number }> {
    await this.drain()
    const found = await this.verify()
    await this.#blobs.adopt(this.#path, found)
    return found
  }

  /** Is all of it there, and is it what it should be? */
  async verify(): Promise<{ digest: Digest; size: number }> {
    if (!this.#ended) throw new Error('a blob is verified when all of it has come')
    const found = { digest: this.#digest(), size: this.#received }
    const { digest = found.digest, size = found.size } = this.#expected ?? {}
    if (found.size < size) {
      this.interrupted = true
      throw new Interrupted(`the blob ${digest} ended after ${found.size} of ${size} bytes: unexpected EOF`)
    }
    if (found.digest === digest) return found
    rmSync(this.#path, { force: true })
    throw new DigestError(`filesystem layer verification failed for digest ${digest}: its bytes hash to ${found.digest}`)
  }

  /** Remove what has come. */
  async discard(): Promise<void> {
    await this.stop()
    rmSync(this.#path, { force: true })
  }

  /** Leave what has come for whoever goes on with it. */
  async stop(): Promise<void> {
    await this.#bytes.return(undefined).catch(() => undefined)
  }

  #found: Digest | undefined
  #digest(): Digest {
    this.#found ??= digestOf(this.#hash.digest('hex'))
    return this.#found
  }

  async *#flow(rest: Rest): AsyncGenerator<Buffer> {
    const file = await open(this.#path, 'a', 0o600)
    let written: Promise<void> = Promise.resolve()
    try {
      if (this.kept > 0) {
        for await (const chunk of createReadStream(this.#path, { end: this.kept - 1, highWaterMark: CHUNK }))
          yield this.#count(chunk as Buffer)
      }
      const { size = Number.POSITIVE_INFINITY } = this.#expected ?? {}
      if (this.kept < size || this.#expected === undefined) {
        for await (const chunk of this.#watched(rest(this.kept))) {
          if (this.#received + chunk.length > size) {
            throw new DigestError(`the blob ${this.#expected?.digest} has more than its ${size} bytes`)
          }
          await written
          written = writeAll(file, chunk)
          // Whoever reads first awaits it above, or below.
          written.catch(() => undefined)
          yield this.#count(chunk)
        }
      }
      await written
      this.#ended = true
    } catch (error) {
      this.failure = error
      if (error instanceof DigestError) rmSync(this.#path, { force: true })
      throw error
    } finally {
      await written.catch(() => undefined)
      await file.close()
    }
  }

  async *#watched(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of source) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    } catch (error) {
      this.interrupted = true
      throw error
    }
  }

  #count(chunk: Buffer): Buffer {
    this.#hash.update(chunk)
    this.#received += chunk.length
    return chunk
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}
