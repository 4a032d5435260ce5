/** Output of a container without a terminal: both streams in one, each piece with Docker's header (Engine API, "Stream format"). */
import type { Readable } from 'node:stream'

/** Stream number, three zero bytes, length (big-endian). */
const HEADER = 8
const STDERR = 2
/** What the engine says about the streams themselves, such as that one cannot be read. */
const SYSTEM_ERROR = 3

export interface Sinks {
  /** Resolves when more can be taken. */
  stdout(bytes: Uint8Array): Promise<void> | void
  stderr(bytes: Uint8Array): Promise<void> | void
}

/** Pass everything on, as fast as it is taken. Resolves at the end of the stream; rejects when it breaks. A piece is passed on as it comes, also in parts. */
export async function unframe(stream: Readable, { stdout, stderr }: Sinks): Promise<void> {
  let header = Buffer.alloc(0)
  let left = 0
  let kind = 1
  const complaints: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (let rest = chunk; rest.length > 0; ) {
      if (left === 0) {
        const part = rest.subarray(0, HEADER - header.length)
        header = Buffer.concat([header, part])
        rest = rest.subarray(part.length)
        if (header.length < HEADER) break
        kind = header[0] as number
        left = header.readUInt32BE(4)
        header = Buffer.alloc(0)
        continue
      }
      const piece = rest.subarray(0, left)
      rest = rest.subarray(piece.length)
      left -= piece.length
      if (kind === SYSTEM_ERROR) complaints.push(piece)
      else await (kind === STDERR ? stderr : stdout)(piece)
    }
  }
  if (complaints.length > 0) throw new Error(`error from daemon in stream: ${Buffer.concat(complaints)}`)
}

/** The same for the output of a terminal, which is one stream as it is. */
export async function passOn(stream: Readable, stdout: Sinks['stdout']): Promise<void> {
  for await (const chunk of stream as AsyncIterable<Buffer>) await stdout(chunk)
}
