/** Messages that the internet sends itself: echo requests and their replies, and what a router says of a packet that it cannot deliver. RFC 792. */
import { constant, wordOf } from './constants.js'
import { formatIp } from './ip.js'
import type { Word } from './words.js'

/** u8 type, u8 code, u16 checksum, u16 identifier, u16 sequence; all in the network's byte order. */
const HEADER_SIZE = 8

/** An echo request, as ping sends it. Whoever gets it sends everything behind the type back. */
export function echoRequest(identifier: number, sequence: number, payload = 'drydock'): Buffer {
  const message = Buffer.alloc(HEADER_SIZE + Buffer.byteLength(payload))
  message[0] = constant('icmp', 'echo')
  message.writeUInt16BE(identifier & 0xffff, 4)
  message.writeUInt16BE(sequence & 0xffff, 6)
  message.write(payload, HEADER_SIZE)
  message.writeUInt16BE(checksum(message), 2)
  return message
}

/** The internet's checksum, RFC 1071: of a message with its own checksum in place it is 0. */
export function checksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += at + 1 < bytes.length ? bytes.readUInt16BE(at) : (bytes[at] as number) << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** An ICMP message in the packet that carried it, as a raw socket reads both. */
export interface IcmpPacket {
  readonly from: string
  readonly to: string
  /** How many more routers the packet could have passed. */
  readonly ttl: number
  readonly type: Word<'icmp'> | number
  readonly identifier: number
  readonly sequence: number
  readonly payload: Buffer
}

/** Undefined for what is no ICMP message in an IPv4 packet. */
export function decodeIcmp(packet: Buffer): IcmpPacket | undefined {
  const [first = 0] = packet
  const header = (first & 0xf) * 4
  const isIcmp = first >> 4 === 4 && header >= 20 && packet.length >= header + HEADER_SIZE && packet[9] === constant('ip_protocol', 'icmp')
  if (!isIcmp) return undefined
  const message = packet.subarray(header)
  const type = message.readUInt8(0)
  return {
    from: formatIp(packet.subarray(12, 16)),
    to: formatIp(packet.subarray(16, 20)),
    ttl: packet.readUInt8(8),
    type: wordOf('icmp', type) ?? type,
    identifier: message.readUInt16BE(4),
    sequence: message.readUInt16BE(6),
    payload: message.subarray(HEADER_SIZE),
  }
}
