/**
 * How far back a frame of zstd's may point is memory here, and each frame says itself how far: a few bytes may ask for gigabytes. This looks at the
 * frames' headers as they pass, by jumping from block to block, before the decoder sees them. RFC 8878, 3.1.
 */
import { DrydockError } from '../kernel/errors.js'

/** What zstd(1) decodes without being asked for more, in bytes. */
const LARGEST = 128 * 1024 * 1024

const MAGIC = 0xfd2fb528
const SKIPPABLE = 0x184d2a50

export class WindowGuard {
  readonly #head = Buffer.alloc(18)
  #have = 0
  #want = 5
  #state: 'magic' | 'skippable' | 'frame' | 'block' = 'magic'
  #skip = 0
  #checksum = 0

  /** Throws when a header in these bytes asks for too much. What is no zstd at all is the decoder's to refuse. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#skip > 0) {
        const part = Math.min(this.#skip, bytes.length - at)
        this.#skip -= part
        at += part
        continue
      }
      this.#head[this.#have++] = bytes[at++] as number
      if (this.#have === this.#want) this.#take()
    }
  }

  #take(): void {
    const head = this.#head
    switch (this.#state) {
      case 'magic': {
        const magic = head.readUInt32LE(0)
        if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) return this.#expect('skippable', 8, false)
        if (magic !== MAGIC) this.#skip = Number.POSITIVE_INFINITY
        return this.#expect('frame', 5 + restOf(head[4] as number), false)
      }
      case 'skippable':
        this.#skip = head.readUInt32LE(4)
        return this.#expect('magic', 5)
      case 'frame': {
        const size = windowOf(head)
        if (size > LARGEST) {
          const needed = Math.ceil(size / 2 ** 20)
          throw new DrydockError(`the zstd data needs ${needed} MiB of memory to be read; 128 MiB is the most`, { status: 400 })
        }
        this.#checksum = (head[4] as number) & 4
        return this.#expect('block', 3)
      }
      case 'block': {
        const header = head.readUIntLE(0, 3)
        const isLast = (header & 1) !== 0
        const isRepeated = ((header >> 1) & 3) === 1
        this.#skip = (isRepeated ? 1 : header >> 3) + (isLast ? this.#checksum : 0)
        return isLast ? this.#expect('magic', 5) : this.#expect('block', 3)
      }
    }
  }

  #expect(state: 'magic' | 'skippable' | 'frame' | 'block', want: number, anew = true): void {
    this.#state = state
    this.#want = want
    if (anew) this.#have = 0
  }
}

const isSingle = (descriptor: number) => (descriptor & 0x20) !== 0
const dictionary = (descriptor: number) => [0, 1, 2, 4][descriptor & 3] as number
const contentSize = (descriptor: number) => [isSingle(descriptor) ? 1 : 0, 2, 4, 8][descriptor >> 6] as number

/** Bytes of a frame's header behind its descriptor; at least one. */
function restOf(descriptor: number): number {
  return (isSingle(descriptor) ? 0 : 1) + dictionary(descriptor) + contentSize(descriptor)
}

function windowOf(head: Buffer): number {
  const descriptor = head[4] as number
  if (!isSingle(descriptor)) {
    const byte = head[5] as number
    return 2 ** (10 + (byte >> 3)) * (1 + (byte & 7) / 8)
  }
  const width = contentSize(descriptor)
  const at = 5 + dictionary(descriptor)
  return width === 8 ? Number(head.readBigUInt64LE(at)) : head.readUIntLE(at, width) + (width === 2 ? 256 : 0)
}
