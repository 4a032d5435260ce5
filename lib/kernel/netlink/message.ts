/**
 * Netlink messages as bytes: a header, the fixed structure of the message's type, attributes. netlink(7), rtnetlink(7).
 *
 *     nlmsghdr   u32 length, u16 type, u16 flags, u32 sequence, u32 port (0: the kernel)
 *     attribute  u16 length (itself included), u16 type, payload, zeroes up to a multiple of 4
 *
 * Integers are in the machine's byte order, which is little-endian on all that we run on; addresses are in the network's.
 */
import type { NetlinkMessage } from '../calls/sockets.js'
import { constant, flags } from '../constants.js'
import type { Descriptor, Patch, Ref } from '../step.js'
import type { Word } from '../words.js'

export const HEADER_SIZE = 16
export const ATTRIBUTE_HEADER_SIZE = 4

/** Every message and attribute starts at a multiple of this. */
export const align = (length: number): number => (length + 3) & ~3

/** Bytes as they are, or an attribute. */
export type Piece = Uint8Array | Attribute

/** `value`: bytes, pieces one after the other (a nested attribute), or a number that an earlier step kept (32 bits). */
export interface Attribute {
  readonly type: number
  readonly value: Uint8Array | Ref | readonly Piece[]
}

export function attribute(type: number, value: Attribute['value']): Attribute {
  return { type, value }
}

export function u8(type: number, value: number): Attribute {
  return { type, value: Uint8Array.of(value) }
}

export function u16(type: number, value: number): Attribute {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return { type, value: bytes }
}

export function u32(type: number, value: Descriptor): Attribute {
  if (typeof value === 'object') return { type, value }
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return { type, value: bytes }
}

/** A string with the NUL byte that the kernel wants after it. */
export function string(type: number, value: string): Attribute {
  return { type, value: Buffer.from(`${value}\0`) }
}

/**
 * A whole message. `shown` is what it says as the `ip` command's arguments: `link set lo up`. Numbers of earlier steps become
 * patches, which the shim fills in.
 */
export function message(type: Word<'rtm'>, words: readonly Word<'nlm'>[], pieces: readonly Piece[], shown: string): NetlinkMessage {
  return typedMessage(constant('rtm', type), words, pieces, shown)
}

/** The same for a type of any netlink protocol, by its number; `sequence` when it must be another message's too. */
export function typedMessage(
  type: number,
  words: readonly Word<'nlm'>[],
  pieces: readonly Piece[],
  shown: string,
  sequence?: number,
): NetlinkMessage {
  const patches: Patch[] = []
  const body = assemble(pieces, HEADER_SIZE, patches)
  const header = Buffer.alloc(HEADER_SIZE)
  header.writeUInt32LE(HEADER_SIZE + body.length, 0)
  header.writeUInt16LE(type, 4)
  header.writeUInt16LE(flags('nlm', ['request', ...words]), 6)
  header.writeUInt32LE(sequence ?? sequenceOf(type, body), 8)
  const bytes = Buffer.concat([header, body])
  return patches.length > 0 ? { bytes, shown, patches } : { bytes, shown }
}

/** What stands between the messages of one request when it is shown. */
const BETWEEN = '; '

/**
 * Several messages as one request: the kernel takes them one after the other, and a refusal of any ends it. One call instead of four
 * for a link, its address and its route.
 */
export function together(messages: readonly NetlinkMessage[]): NetlinkMessage {
  const patches: Patch[] = []
  let length = 0
  for (const one of messages) {
    for (const patch of one.patches ?? []) patches.push({ ...patch, offset: patch.offset + length })
    length += one.bytes.length
  }
  const bytes = Buffer.concat(messages.map((one) => one.bytes))
  const shown = messages.map((one) => one.shown).join(BETWEEN)
  return patches.length > 0 ? { bytes, shown, patches } : { bytes, shown }
}

/** What a person would type for a message, or for each of several: as arguments of `ip`, unless it says of itself which program it is for. */
export function ipCommand(message: Pick<NetlinkMessage, 'shown'>): string {
  return message.shown
    .split(BETWEEN)
    .map((one) => (one.startsWith('nft ') ? `nft '${one.slice('nft '.length)}'` : `ip ${one}`))
    .join(' && ')
}

/**
 * The number that answers carry back: from what is asked, so that an answer to an interrupted request cannot be taken for that to another,
 * and a plan that is made twice is the same bytes twice. (The hash is FNV-1a.)
 */
function sequenceOf(type: number, body: Uint8Array): number {
  let hash = 0x811c9dc5 ^ type
  for (const byte of body) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0 || 1
}

/** Pieces one after the other, of which the first stands `at` bytes from the message's start. */
function assemble(pieces: readonly Piece[], at: number, patches: Patch[]): Buffer {
  const parts: Buffer[] = []
  let length = 0
  for (const piece of pieces) {
    const bytes = piece instanceof Uint8Array ? Buffer.from(piece) : assembleAttribute(piece, at + length, patches)
    const padded = Buffer.alloc(align(bytes.length))
    bytes.copy(padded)
    parts.push(padded)
    length += padded.length
  }
  return Buffer.concat(parts)
}

function assembleAttribute({ type, value }: Attribute, at: number, patches: Patch[]): Buffer {
  const start = at + ATTRIBUTE_HEADER_SIZE
  let payload: Uint8Array
  if (value instanceof Uint8Array) payload = value
  else if ('ref' in value) {
    patches.push({ offset: start, width: 4, ref: value.ref })
    payload = Buffer.alloc(4)
  } else payload = assemble(value, start, patches)
  const header = Buffer.alloc(ATTRIBUTE_HEADER_SIZE)
  header.writeUInt16LE(ATTRIBUTE_HEADER_SIZE + payload.length, 0)
  header.writeUInt16LE(type, 2)
  return Buffer.concat([header, payload])
}
