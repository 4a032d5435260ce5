/** Little-endian bytes, one value after the other, into a buffer that grows. */
export class Writer {
  /** Zero wherever nothing was written. Most of what is written is small numbers, and their zeros are there already. */
  #buffer = Buffer.alloc(16 * 1024)
  #length = 0

  /** Where the next `size` bytes go. Making room may replace the buffer, so ask for the place before naming the buffer. */
  #room(size: number): number {
    const at = this.#length
    const needed = at + size
    if (needed > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
    }
    this.#length = needed
    return at
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length
  }

  /** One byte of those that were written. */
  patch(at: number, value: number): void {
    this.#buffer[at] = value
  }

  u8(value: number): void {
    if (value > 0xff) throw wide(value, 8)
    const at = this.#room(1)
    if (value !== 0) this.#buffer[at] = value
  }

  u16(value: number): void {
    if (value > 0xffff) throw wide(value, 16)
    const at = this.#room(2)
    this.#buffer[at] = value
    if (value > 0xff) this.#buffer[at + 1] = value >>> 8
  }

  u32(value: number): void {
    const at = this.#room(4)
    store(this.#buffer, at, value)
  }

  i32(value: number): void {
    this.u32(value)
  }

  /** Numbers up to 2^64 - 1 and down to -2^63; both are the same 64 bits to the kernel. */
  i64(value: number | bigint): void {
    const at = this.#room(8)
    if (typeof value === 'number' && (value & 0xff) === value) {
      this.#buffer[at] = value
    } else if (typeof value === 'number' && Number.isSafeInteger(value)) {
      store(this.#buffer, at, value)
      if (value < 0 || value > 0xffff_ffff) store(this.#buffer, at + 4, Math.floor(value / 2 ** 32))
    } else {
      this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at)
    }
  }

  ascii(text: string): void {
    const at = this.#room(text.length)
    for (let i = 0; i < text.length; i++) this.#buffer[at + i] = text.charCodeAt(i)
  }

  /** UTF-8, behind its length in as many bits. Returns the length in bytes. */
  text(text: string, width: 16 | 32): number {
    const at = this.#room(width / 8)
    let length = text.length
    let plain = length <= SHORT
    const begin = this.#room(plain ? length : 0)
    for (let i = 0; plain && i < length; i++) {
      const code = text.charCodeAt(i)
      this.#buffer[begin + i] = code
      plain = code < 0x80
    }
    if (!plain) {
      // Long or not ASCII: what Node does itself pays now.
      this.#length = begin
      length = Buffer.byteLength(text)
      this.#room(length)
      this.#buffer.write(text, begin, 'utf8')
    }
    this.#buffer[at] = length
    this.#buffer[at + 1] = length >>> 8
    if (width === 32) {
      this.#buffer[at + 2] = length >>> 16
      this.#buffer[at + 3] = length >>> 24
    }
    return length
  }

  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length)
    if (bytes.length > SHORT) this.#buffer.set(bytes, at)
    else for (let i = 0; i < bytes.length; i++) this.#buffer[at + i] = bytes[i] as number
  }

  /** Into the first four bytes, which are a frame's: how many bytes follow them. */
  setLength(): void {
    store(this.#buffer, 0, this.#length - 4)
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }
}

/** Most of these are counts: written in part, one would let the bytes behind it be read as something else. */
const wide = (value: number, bits: number) => new RangeError(`${value} has more than the ${bits} bits that the shim's wire format gives it`)

/** Up to so many bytes a loop costs less than a call out of JavaScript. */
const SHORT = 64

/** The low 32 bits. */
function store(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value
  buffer[at + 1] = value >>> 8
  buffer[at + 2] = value >>> 16
  buffer[at + 3] = value >>> 24
}
