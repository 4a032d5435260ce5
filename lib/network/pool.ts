/** The pool of private networks from which a new network takes the first that collides with nothing that the host knows. */
import { DrydockError } from '../kernel/errors.js'
import { formatIp, formatPrefix, type Prefix, parsePrefix } from '../kernel/ip.js'

/** In Docker's order: 172.17 to 172.31 with 16 bits each, then 192.168 in pieces of 20 bits. RFC 1918. */
export const POOL: readonly string[] = [
  ...Array.from({ length: 15 }, (_, index) => `172.${17 + index}.0.0/16`),
  ...Array.from({ length: 16 }, (_, index) => `192.168.${index * 16}.0/20`),
]

/** An IPv4 address as a number, for counting. */
export function numberOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0)
}

/** The IPv4 address of a number. */
export function addressOf(number: number): string {
  return formatIp(Uint8Array.of((number >>> 24) & 0xff, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff))
}

/** The first and the last address of an IPv4 network, as numbers. */
export function rangeOf({ bytes, length }: Pick<Prefix, 'bytes' | 'length'>): { first: number; last: number } {
  const size = 2 ** (32 - length)
  const first = Math.floor(numberOf(bytes) / size) * size
  return { first, last: first + size - 1 }
}

/** Have two networks an address in common? Those of two families have not. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [parsePrefix(one), parsePrefix(other)]
  const shared = Math.min(a.length, b.length)
  return a.family === b.family && a.bytes.every((byte, index) => ((byte ^ (b.bytes[index] as number)) & maskOf(shared - index * 8)) === 0)
}

/** The first so many bits of a byte. */
const maskOf = (bits: number): number => 0xff & ~(0xff >> Math.min(8, Math.max(0, bits)))

/** Does an address belong to a network? */
export const within = (subnet: string, address: string): boolean => overlap(subnet, address)

/** The first network of the pool that none of `taken` (routes, addresses, our other networks) overlaps. */
export function freeSubnet(taken: readonly string[]): string {
  const found = POOL.find((subnet) => !taken.some((other) => overlap(subnet, other)))
  if (!found) {
    throw new DrydockError(
      'all predefined address pools have been fully subnetted: every private network from 172.17.0.0/16 to 192.168.240.0/20 is in use on this host; name one with --subnet, or remove a network',
    )
  }
  return found
}

/** The bridge's own address: the first one of the network, or of the part of it from which addresses are given. */
export function gatewayOf(subnet: string, part = subnet, reserved: readonly string[] = []): string {
  const first = Math.max(rangeOf(parsePrefix(subnet)).first + 1, rangeOf(parsePrefix(part)).first)
  const { last } = rangeOf(parsePrefix(part))
  for (let number = first; number <= last; number++) if (!reserved.includes(addressOf(number))) return addressOf(number)
  throw new DrydockError(`no address of ${part} is left for the gateway`, { status: 400 })
}

/** A gateway that a person asked for: an address of the subnet, neither its first nor its last. */
export function checkedGateway(subnet: string, text: string): string {
  const { first, last } = rangeOf(parsePrefix(subnet))
  const number = ipv4NumberOf(text)
  if (number !== undefined && number > first && number < last) return addressOf(number)
  throw new DrydockError(`failed to allocate gateway (${text}): Requested address is out of range of ${subnet}`, { status: 400 })
}

/** An address, or a network, that belongs to the subnet whole; an error for what does not. */
export function checkPart(subnet: string, text: string): void {
  const { first, last } = rangeOf(parsePrefix(subnet))
  const part = ipv4RangeOf(text)
  if (part && part.first >= first && part.last <= last) return
  throw new DrydockError(`invalid network config: ${text} does not belong to the subnet ${subnet}`, { status: 400 })
}

function ipv4NumberOf(text: string): number | undefined {
  const range = text.includes('/') ? undefined : ipv4RangeOf(text)
  return range?.first
}

function ipv4RangeOf(text: string): { first: number; last: number } | undefined {
  try {
    const prefix = parsePrefix(text)
    return prefix.family === 4 ? rangeOf(prefix) : undefined
  } catch {
    return undefined
  }
}

function subnetOf(text: string): Prefix {
  try {
    return parsePrefix(text)
  } catch (cause) {
    throw new DrydockError(`invalid subnet ${text}: ${(cause as Error).message}`, { cause, status: 400 })
  }
}

/** A subnet that a person asked for, in its plain form; an error for what cannot be one. */
export function checkedSubnet(text: string, taken: readonly string[]): string {
  const prefix = subnetOf(text)
  if (prefix.family !== 4) throw new DrydockError(`${text} is no IPv4 network: only those can be given to a bridge`, { status: 400 })
  if (prefix.length < 8 || prefix.length > 30) {
    throw new DrydockError(`${text} cannot be a bridge's network: it must have a prefix of 8 to 30 bits`, { status: 400 })
  }
  const { first } = rangeOf(prefix)
  const plain = `${addressOf(first)}/${prefix.length}`
  if (plain !== formatPrefix(prefix))
    throw new DrydockError(`${text} is no network: the first address of that one is ${plain}`, { status: 400 })
  const other = taken.find((one) => overlap(plain, one))
  if (other) {
    throw new DrydockError(`Pool overlaps with other one on this address space: ${plain} and ${other}, which this host has already`, {
      status: 403,
    })
  }
  return plain
}
