/** Netlink messages taken apart: what message.ts puts together, the other way round. netlink(7). */
import { constant } from '../constants.js'
import { DrydockError } from '../errors.js'
import type { Word } from '../words.js'
import { ATTRIBUTE_HEADER_SIZE, align, HEADER_SIZE } from './message.js'

export interface RawMessage {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  /** After the header: the type's structure and the attributes. */
  readonly body: Buffer
}

/** Bits of an attribute's type that are not its number: nested, and in the network's byte order. */
const TYPE_MASK = 0x3fff

/** The messages in a buffer, in their order. What is left of it after the last one must be zeroes (an answer buffer is longer than its answers). */
export function splitMessages(data: Uint8Array): RawMessage[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const messages: RawMessage[] = []
  for (let at = 0; at + HEADER_SIZE <= bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    if (length === 0) break
    if (length < HEADER_SIZE || at + length > bytes.length)
      throw new DrydockError(`a netlink message says it has ${length} bytes, which it has not`)
    messages.push({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      sequence: bytes.readUInt32LE(at + 8),
      body: bytes.subarray(at + HEADER_SIZE, at + length),
    })
    at += align(length)
  }
  return messages
}

/** The messages of one type, each with its structure whole. */
export function messagesOf(data: Uint8Array, type: Word<'rtm'>, structureSize: number): RawMessage[] {
  const number = constant('rtm', type)
  const messages = splitMessages(data).filter((message) => message.type === number)
  if (messages.some(({ body }) => body.length < structureSize)) throw new DrydockError(`a netlink message '${type}' is too short`)
  return messages
}

/** Attributes by their number. One that is there twice counts the last time, as in the kernel. */
export class Attributes {
  readonly #values = new Map<number, Buffer>()

  /** Those in `data` from `start` on: after the type's structure. */
  constructor(data: Buffer, start = 0) {
    for (let at = align(start); at + ATTRIBUTE_HEADER_SIZE <= data.length; ) {
      const length = data.readUInt16LE(at)
      if (length < ATTRIBUTE_HEADER_SIZE || at + length > data.length) {
        throw new DrydockError(`a netlink attribute says it has ${length} bytes, which it has not`)
      }
      this.#values.set(data.readUInt16LE(at + 2) & TYPE_MASK, data.subarray(at + ATTRIBUTE_HEADER_SIZE, at + length))
      at += align(length)
    }
  }

  get types(): number[] {
    return [...this.#values.keys()]
  }

  bytes(type: number): Buffer | undefined {
    return this.#values.get(type)
  }

  /** An unsigned number of 1, 2 or 4 bytes, as many as the attribute has. */
  number(type: number): number | undefined {
    const value = this.#values.get(type)
    return value === undefined || ![1, 2, 4].includes(value.length) ? undefined : value.readUIntLE(0, value.length)
  }

  signed(type: number): number | undefined {
    const value = this.#values.get(type)
    return value?.length === 4 ? value.readInt32LE(0) : undefined
  }

  /** Text up to its NUL byte. */
  text(type: number): string | undefined {
    const value = this.#values.get(type)
    if (value === undefined) return undefined
    const end = value.indexOf(0)
    return value.subarray(0, end < 0 ? value.length : end).toString()
  }

  /** Attributes within an attribute, after `skip` bytes. */
  nested(type: number, skip = 0): Attributes | undefined {
    const value = this.#values.get(type)
    return value && new Attributes(value, skip)
  }
}
