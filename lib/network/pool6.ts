/** Networks and addresses of IPv6: 128 bits, counted as bigint. RFC 4291, RFC 4193. */
import { existsSync } from 'node:fs'
import { DrydockError } from '../kernel/errors.js'
import { formatIp, formatPrefix, type Prefix, parseIp, parsePrefix } from '../kernel/ip.js'
import { overlap, within } from './pool.js'

/** The IPv6 side of a network. */
export interface Ipv6Place {
  /** `fd00:1::/64`. */
  readonly subnet: string
  /** The bridge's own address in it. */
  readonly gateway: string
  /** The part from which addresses are given. */
  readonly range?: string
  /** Addresses that are given to nobody, by whose they are. */
  readonly reserved?: Readonly<Record<string, string>>
  /** Nobody has asked for the subnet: then nobody may ask for an address in it. */
  readonly subnetUnsaid?: boolean
  /** Nobody has asked for the gateway, within a subnet that somebody has asked for. */
  readonly gatewayUnsaid?: boolean
}

/** Throws for a kernel that was built or booted (ipv6.disable=1) without. */
export function checkIpv6(settings = '/proc/sys/net/ipv6'): void {
  if (existsSync(settings)) return
  throw new DrydockError(`this kernel has no IPv6 (there is no ${settings}): make the network without it`, { status: 400 })
}

const numberOf = (bytes: Uint8Array): bigint => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

function addressOf(number: bigint): string {
  return formatIp(Uint8Array.from({ length: 16 }, (_, index) => Number((number >> BigInt(8 * (15 - index))) & 0xffn)))
}

function rangeOf(text: string): { readonly first: bigint; readonly last: bigint } {
  const { bytes, length } = parsePrefix(text)
  const size = 1n << BigInt(128 - length)
  const first = (numberOf(bytes) / size) * size
  return { first, last: first + size - 1n }
}

/** A subnet that a person asked for, in its plain form; an error for what cannot be one. */
export function checkedSubnet6(text: string, taken: readonly string[]): string {
  const prefix = prefixOf(text)
  if (prefix.length < 8 || prefix.length > 126)
    throw new DrydockError(`${text} cannot be a bridge's network: it must have a prefix of 8 to 126 bits`, { status: 400 })
  const first = addressOf(rangeOf(text).first)
  const plain = `${first}/${prefix.length}`
  if (plain !== formatPrefix(prefix))
    throw new DrydockError(`${text} is no network: the first address of that one is ${plain}`, { status: 400 })
  if (overlap(plain, 'fe80::/10') || overlap(plain, 'ff00::/8') || first === '::')
    throw new DrydockError(`${text} cannot be a bridge's network: those addresses have a meaning of their own`, { status: 400 })
  const other = taken.find((one) => overlap(plain, one))
  if (other) {
    throw new DrydockError(`Pool overlaps with other one on this address space: ${plain} and ${other}, which this host has already`, {
      status: 403,
    })
  }
  return plain
}

function prefixOf(text: string): Prefix {
  try {
    return parsePrefix(text)
  } catch (cause) {
    throw new DrydockError(`invalid subnet ${text}: ${(cause as Error).message}`, { cause, status: 400 })
  }
}

/** 64 bits of its own for a network of which none was asked for: a unique local one (RFC 4193), whose 40 random bits are those of the network's id. */
export const uniqueLocalSubnet = (id: string): string =>
  formatPrefix(parsePrefix(`fd${id.slice(0, 2)}:${id.slice(2, 6)}:${id.slice(6, 10)}::/64`))

/** The bridge's own address: the first one of the network, or of the part of it from which addresses are given. */
export function gatewayOf6(subnet: string, range = subnet, reserved: readonly string[] = []): string {
  const first = rangeOf(range).first
  const { last } = rangeOf(range)
  for (let number = first === rangeOf(subnet).first ? first + 1n : first; number <= last; number++) {
    if (!reserved.includes(addressOf(number))) return addressOf(number)
  }
  throw new DrydockError(`no address of ${range} is left for the gateway`, { status: 400 })
}

/** An address of the subnet that a person asked for, in its plain form. */
export function checkedAddress6(subnet: string, text: string): string {
  const plain = plainAddress(text)
  if (plain !== undefined && within(subnet, plain) && numberOf(parseIp(plain).bytes) !== rangeOf(subnet).first) return plain
  throw new DrydockError(`invalid address ${text}: it does not belong to the subnet ${subnet}`, { status: 400 })
}

function plainAddress(text: string): string | undefined {
  try {
    const { family, bytes } = parseIp(text)
    return family === 6 ? formatIp(bytes) : undefined
  } catch {
    return undefined
  }
}

/** A part of the subnet, whole. */
export function checkPart6(subnet: string, text: string): void {
  const { family, length } = prefixOf(text)
  if (family === 6 && length >= parsePrefix(subnet).length && overlap(subnet, text)) return
  throw new DrydockError(`invalid network config: ${text} does not belong to the subnet ${subnet}`, { status: 400 })
}

/** How many are looked at before a network counts as full: a container has one, and nobody has so many. */
const MOST_TRIED = 1n << 20n

/**
 * A free address. Preferred is the one as far into the network as `offset`, which is the container's place in the IPv4 network: then nobody else asks for it, since
 * nobody else has that place.
 */
export function freeAddress6(place: Ipv6Place, offset: number, isTaken: (address: string) => boolean): string | undefined {
  const whole = rangeOf(place.subnet)
  const { first, last } = rangeOf(place.range ?? place.subnet)
  const reserved = Object.values(place.reserved ?? {})
  const isFree = (number: bigint) => {
    const address = addressOf(number)
    return number !== whole.first && address !== place.gateway && !reserved.includes(address) && !isTaken(address)
  }
  const preferred = first + BigInt(offset)
  if (preferred <= last && isFree(preferred)) return addressOf(preferred)
  for (let number = first; number <= last && number - first < MOST_TRIED; number++) if (isFree(number)) return addressOf(number)
  return undefined
}
