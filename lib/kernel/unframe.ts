/** Output of a container without a terminal: both streams in one, each piece with Docker's header (Engine API, "Stream format"). */
import type { Readable } from 'node:stream'

/** Stream number, three zero bytes, length (big-endian). */
const HEADER = 8
const STDERR = 2
/** What the engine says about the streams themselves, such as that one cannot be read. */
const SYSTEM_ERROR = 3

/** Takes headers and pieces apart, however they are cut. A piece is had as it comes, also in parts. */
export class Pieces {
  #header = Buffer.alloc(0)
  #left = 0
  #stream = 1

  of(chunk: Buffer): { readonly stream: number; readonly bytes: Buffer }[] {
    const pieces: { readonly stream: number; readonly bytes: Buffer }[] = []
    for (let rest = chunk; rest.length > 0; ) {
      if (this.#left === 0) {
        const part = rest.subarray(0, HEADER - this.#header.length)
        this.#header = Buffer.concat([this.#header, part])
        rest = rest.subarray(part.length)
        if (this.#header.length < HEADER) break
        this.#stream = this.#header[0] as number
        this.#left = this.#header.readUInt32BE(4)
        this.#header = Buffer.alloc(0)
        continue
      }
      const bytes = rest.subarray(0, this.#left)
      rest = rest.subarray(bytes.length)
      this.#left -= bytes.length
      pieces.push({ stream: this.#stream, bytes })
    }
    return pieces
  }
}

export interface Sinks {
  /** Resolves when more can be taken. */
  stdout(bytes: Uint8Array): Promise<void> | void
  stderr(bytes: Uint8Array): Promise<void> | void
}

/** Pass everything on, as fast as it is taken. Resolves at the end of the stream; rejects when it breaks. */
export async function unframe(stream: Readable, { stdout, stderr }: Sinks): Promise<void> {
  const pieces = new Pieces()
  const complaints: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (const piece of pieces.of(chunk)) {
      if (piece.stream === SYSTEM_ERROR) complaints.push(piece.bytes)
      else await (piece.stream === STDERR ? stderr : stdout)(piece.bytes)
    }
  }
  if (complaints.length > 0) throw new Error(`error from daemon in stream: ${Buffer.concat(complaints)}`)
}

/** The same for the output of a terminal, which is one stream as it is. */
export async function passOn(stream: Readable, stdout: Sinks['stdout']): Promise<void> {
  for await (const chunk of stream as AsyncIterable<Buffer>) await stdout(chunk)
}
