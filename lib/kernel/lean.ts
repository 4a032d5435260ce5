/**
 * Steps straight into the shim's wire format, for those who make hundreds of thousands of them: what a call's steps have
 * in common is encoded once, as its head, and no object is made for a step. Strings are bytes here.
 *
 *     const OPEN = lean('openat', 4, { keep: slot })
 *     batch.begin(OPEN).int(-100).string('etc/passwd').int(0o301).int(0o644).end()
 *
 * The arguments are the caller's to get right: nothing is checked here, and the shim answers EINVAL or EFAULT for what is wrong.
 */
import { errnoNumber } from './constants.js'
import { DrydockError } from './errors.js'
import { TO_SHIM } from './frames.js'
import type { Actor } from './step.js'

const TAG = { int: 0, slot: 1, bytes: 2, out: 5 } as const

/** What all steps of one kind begin with. */
export interface LeanCall {
  readonly name: string
  readonly head: Uint8Array
}

/** Of the container's unless it says otherwise. `keep`: a slot's number, for the returned value. `allow`: names of errors. */
export function lean(name: string, args: number, options: { actor?: Actor; keep?: number; allow?: readonly string[] } = {}): LeanCall {
  const { actor = 'container', keep, allow = [] } = options
  const errnos = Buffer.alloc(4 * allow.length)
  for (const [index, error] of allow.entries()) errnos.writeInt32LE(errnoNumber(error), 4 * index)
  const keeps = keep === undefined ? [0] : [1, 0xff, 0, 0, 8, keep]
  return {
    name,
    head: Buffer.from([actor === 'container' ? 1 : 0, allow.length, ...errnos, ...keeps, name.length, ...Buffer.from(name), args]),
  }
}

/** The frame's own: length, type, batch, count. */
const HEADER = 11
const MOST_STEPS = 0xffff

export class LeanBatch {
  #buffer: Buffer
  #length = HEADER
  #calls: LeanCall[] = []

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(size)
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length
  }

  /** Steps so far; at most 65535. */
  get steps(): number {
    return this.#calls.length
  }

  /** Name of the call that a step makes. */
  callOf(index: number): string {
    return this.#calls[index]?.name ?? 'a call'
  }

  clear(): void {
    this.#length = HEADER
    this.#calls = []
  }

  begin(call: LeanCall): this {
    if (this.#calls.length === MOST_STEPS) throw new DrydockError(`a batch has at most ${MOST_STEPS} steps`)
    this.#calls.push(call)
    const { head } = call
    const at = this.#room(head.length)
    for (let i = 0; i < head.length; i++) this.#buffer[at + i] = head[i] as number
    return this
  }

  int(value: number): this {
    const at = this.#room(9)
    const buffer = this.#buffer
    buffer[at] = TAG.int
    storeLow(buffer, at + 1, value)
    storeLow(buffer, at + 5, value >= 0 && value <= 0xffff_ffff ? 0 : Math.floor(value / 2 ** 32))
    return this
  }

  slot(number: number): this {
    const at = this.#room(2)
    this.#buffer[at] = TAG.slot
    this.#buffer[at + 1] = number
    return this
  }

  /** A character is a byte (latin1). */
  string(text: string): this {
    const at = this.#bytes(text.length)
    this.#buffer.write(text, at, 'latin1')
    return this
  }

  bytes(bytes: Uint8Array): this {
    const at = this.#bytes(bytes.length)
    this.#buffer.set(bytes, at)
    return this
  }

  /** A buffer of so many zeroes (at most 1 MiB), whose content after the call comes with the answer. */
  out(size: number): this {
    const at = this.#room(5)
    this.#buffer[at] = TAG.out
    storeLow(this.#buffer, at + 1, size)
    return this
  }

  /** Two of the kernel's timespecs, for utimensat(2). */
  times(atime: { seconds: number; nanoseconds: number }, mtime: { seconds: number; nanoseconds: number }): this {
    const at = this.#bytes(32)
    storeLong(this.#buffer, at, atime.seconds)
    storeLong(this.#buffer, at + 8, atime.nanoseconds)
    storeLong(this.#buffer, at + 16, mtime.seconds)
    storeLong(this.#buffer, at + 24, mtime.nanoseconds)
    return this
  }

  /** After the last argument. */
  end(): void {
    // Not in one expression: room may be made in another buffer, and which is written to is decided first.
    const at = this.#room(1)
    this.#buffer[at] = 0
  }

  /** The whole frame, a view that is good until the batch is changed. */
  frame(batch: number): Uint8Array {
    const buffer = this.#buffer
    storeLow(buffer, 0, this.#length - 4)
    buffer[4] = TO_SHIM.quiet
    storeLow(buffer, 5, batch)
    buffer[9] = this.#calls.length
    buffer[10] = this.#calls.length >>> 8
    return buffer.subarray(0, this.#length)
  }

  /** BYTES with room for so many, a NUL byte behind them and no patches; where they go. */
  #bytes(length: number): number {
    const at = this.#room(length + 7)
    const buffer = this.#buffer
    buffer[at] = TAG.bytes
    storeLow(buffer, at + 1, length)
    buffer[at + 5 + length] = 0
    buffer[at + 6 + length] = 0
    return at + 5
  }

  #room(size: number): number {
    const at = this.#length
    this.#length = at + size
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
    }
    return at
  }
}

function storeLong(buffer: Buffer, at: number, value: number): void {
  storeLow(buffer, at, value)
  storeLow(buffer, at + 4, Math.floor(value / 2 ** 32))
}

function storeLow(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value
  buffer[at + 1] = value >>> 8
  buffer[at + 2] = value >>> 16
  buffer[at + 3] = value >>> 24
}
