/** Little-endian bytes, one value after the other, into a buffer that grows. */
export class Writer {
  #buffer = Buffer.allocUnsafe(4096)
  #length = 0

  /** Where the next `size` bytes go. Making room may replace the buffer, so ask for the place before naming the buffer. */
  #room(size: number): number {
    const at = this.#length
    const needed = at + size
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
    }
    this.#length = needed
    return at
  }

  u8(value: number): void {
    const at = this.#room(1)
    this.#buffer[at] = value
  }

  u16(value: number): void {
    const at = this.#room(2)
    this.#buffer.writeUInt16LE(value, at)
  }

  u32(value: number): void {
    const at = this.#room(4)
    this.#buffer.writeUInt32LE(value >>> 0, at)
  }

  i32(value: number): void {
    const at = this.#room(4)
    this.#buffer.writeInt32LE(value, at)
  }

  /** Numbers up to 2^64 - 1 and down to -2^63; both are the same 64 bits to the kernel. */
  i64(value: number | bigint): void {
    const at = this.#room(8)
    this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at)
  }

  ascii(text: string): void {
    const at = this.#room(text.length)
    this.#buffer.write(text, at, 'latin1')
  }

  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length)
    this.#buffer.set(bytes, at)
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }
}
