/** Internet addresses as bytes and as text. */
import { isIPv4, isIPv6 } from 'node:net'
import { DrydockError } from './errors.js'

export type Family = 4 | 6

/** An address as the network carries it: 4 or 16 bytes. */
export interface Ip {
  readonly family: Family
  readonly bytes: Uint8Array
}

/** An address and how many of its leading bits name the network. */
export interface Prefix extends Ip {
  readonly length: number
}

/** `10.0.0.1` or `fd00::1`. Zones (`fe80::1%eth0`) are no part of an address here. */
export function parseIp(text: string): Ip {
  if (isIPv4(text)) return { family: 4, bytes: Uint8Array.from(text.split('.').map(Number)) }
  if (isIPv6(text) && !text.includes('%')) return { family: 6, bytes: parseIpv6(text) }
  throw new DrydockError(`'${text}' is no internet address`)
}

/** `10.0.0.0/24`, `fd00::/64`, or an address alone, which is its own network. */
export function parsePrefix(text: string): Prefix {
  const [address = '', length, more] = text.split('/')
  const ip = parseIp(address)
  const bits = ip.bytes.length * 8
  const asked = length === undefined ? bits : /^[0-9]{1,3}$/.test(length) ? Number(length) : Number.NaN
  if (more !== undefined || !(asked <= bits)) throw new DrydockError(`'${text}' is no address with a prefix length from 0 to ${bits}`)
  return { ...ip, length: asked }
}

/** Text of 4 or 16 bytes, in the form of RFC 5952. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) throw new DrydockError(`${bytes.length} bytes are no internet address`)
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  if (mapped) return `::ffff:${bytes.subarray(12).join('.')}`
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[index * 2] as number) << 8) | (bytes[index * 2 + 1] as number))
  const { start, length } = longestZeros(groups)
  const hex = (some: readonly number[]) => some.map((group) => group.toString(16)).join(':')
  if (length < 2) return hex(groups)
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`
}

export function formatPrefix({ bytes, length }: Pick<Prefix, 'bytes' | 'length'>): string {
  return `${formatIp(bytes)}/${length}`
}

/** The last address of an IPv4 network, to which everybody on it listens. */
export function broadcastOf({ bytes, length }: Pick<Prefix, 'bytes' | 'length'>): Uint8Array {
  return Uint8Array.from(bytes, (byte, index) => byte | (0xff >> Math.min(8, Math.max(0, length - index * 8))))
}

/** Hardware address of 6 bytes: `02:42:ac:11:00:02`. */
export function parseMac(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) throw new DrydockError(`'${text}' is no hardware address such as 02:42:ac:11:00:02`)
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16))
}

/** Hardware address of any length. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}

function parseIpv6(text: string): Uint8Array {
  // The last 32 bits may be written as an IPv4 address.
  const dotted = /^(.*:)([0-9.]+)$/.exec(text.includes('.') ? text : '')
  const tail = dotted ? (dotted[2] as string).split('.').map(Number) : []
  const plain = dotted ? `${dotted[1]}0:0` : text
  const [head = '', rest] = plain.split('::')
  const groups = (part: string | undefined) => (part ? part.split(':').map((group) => Number.parseInt(group, 16)) : [])
  const [before, after] = [groups(head), groups(rest)]
  const all = rest === undefined ? before : [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
  const bytes = Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]))
  if (tail.length > 0) bytes.set(tail, 12)
  return bytes
}

/** The longest run of zero groups, the first of several. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  return best
}
