/** Docker's framing of stdout and stderr on one stream: number, three zero bytes, length (big-endian), and as many bytes. */
import { Transform } from 'node:stream'

const HEADER = 8

export function frame(stream: 1 | 2, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER)
  header[0] = stream
  header.writeUInt32BE(bytes.length, 4)
  return Buffer.concat([header, bytes])
}

/** What is in the frames, one after the other, whichever stream it is of. A frame need not be whole to be passed on. */
export class Unframe extends Transform {
  #left = 0
  #header = Buffer.alloc(0)

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#left > 0) {
        const part = rest.subarray(0, this.#left)
        this.#left -= part.length
        rest = rest.subarray(part.length)
        this.push(part)
        continue
      }
      const needed = HEADER - this.#header.length
      this.#header = Buffer.concat([this.#header, rest.subarray(0, needed)])
      rest = rest.subarray(needed)
      if (this.#header.length < HEADER) break
      this.#left = this.#header.readUInt32BE(4)
      this.#header = Buffer.alloc(0)
    }
    done()
  }
}
