/** Where a packet goes or comes from: an internet address and a port, as sockets take them. ip(7), ipv6(7). */
import { constant } from './constants.js'
import { DrydockError } from './errors.js'
import { formatIp, parseIp } from './ip.js'

export interface Endpoint {
  readonly address: string
  /** From 0 to 65535; 0 where there are no ports, as with ICMP. */
  readonly port: number
}

/** Size in bytes of struct sockaddr_in6, the longer of the two. */
export const ENDPOINT_SIZE = 28

/** struct sockaddr_in or sockaddr_in6: the family in the machine's byte order, port and address in the network's. */
export function encodeEndpoint({ address, port }: Endpoint): Buffer {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) throw new DrydockError(`${port} cannot be a port: ports go from 0 to 65535`)
  const { family, bytes } = parseIp(address)
  const encoded = Buffer.alloc(family === 4 ? 16 : ENDPOINT_SIZE)
  encoded.writeUInt16LE(constant('socket_family', family === 4 ? 'inet' : 'inet6'), 0)
  encoded.writeUInt16BE(port, 2)
  encoded.set(bytes, family === 4 ? 4 : 8)
  return encoded
}

/** What the kernel wrote into a buffer for an address; undefined when that is none of the internet's. */
export function decodeEndpoint(encoded: Buffer): Endpoint | undefined {
  if (encoded.length < 8) return undefined
  const family = encoded.readUInt16LE(0)
  const port = encoded.readUInt16BE(2)
  if (family === constant('socket_family', 'inet')) return { address: formatIp(encoded.subarray(4, 8)), port }
  if (family === constant('socket_family', 'inet6') && encoded.length >= 24) return { address: formatIp(encoded.subarray(8, 24)), port }
  return undefined
}

/** `10.0.0.1:80`, `[fd00::1]:80`, and the address alone where there is no port. */
export function showEndpoint({ address, port }: Endpoint): string {
  if (port === 0) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
