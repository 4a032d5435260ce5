/** Requests about the addresses of devices. rtnetlink(7), ip-address(8). */
import type { NetlinkMessage } from '../calls/sockets.js'
import { constant } from '../constants.js'
import { DrydockError } from '../errors.js'
import { broadcastOf, type Family, formatIp, formatPrefix, type Prefix, parseIp, parsePrefix } from '../ip.js'
import type { Word } from '../words.js'
import { checkedIndex, type Device, deviceWord, indexOf } from './device.js'
import { type Attribute, attribute, message, string, u32 } from './message.js'

export interface AddressSettings {
  /** IPv4: `auto` (the network's last address) or an address. Without it there is none, which is how Docker and `ip` have it. */
  readonly broadcast?: string
  /** The other end of a point-to-point link. */
  readonly peer?: string
  /** IPv6: use it at once instead of asking the network first whether somebody has it, which takes a second or two. */
  readonly nodad?: boolean
  /** No route to the network is made with the address. */
  readonly noprefixroute?: boolean
  /** How far the address is valid; `host` for 127.0.0.0/8 and `universe` otherwise. */
  readonly scope?: Word<'rt_scope'>
  /** Name of the address, for tools that think that a device has only one; must start with the device's. */
  readonly label?: string
}

/** `ip address add 10.0.0.2/24 dev eth0`. The kernel makes the route to the network with it. */
export function addressAdd(device: Device, address: string, settings: AddressSettings = {}): NetlinkMessage {
  return addressMessage('newaddr', ['ack', 'create', 'excl'], 'address add', device, address, settings)
}

/** `ip address delete`. EADDRNOTAVAIL when it is not there. */
export function addressDelete(device: Device, address: string, settings: Pick<AddressSettings, 'peer' | 'label'> = {}): NetlinkMessage {
  return addressMessage('deladdr', ['ack'], 'address delete', device, address, settings)
}

/** `ip address show`: the addresses of all devices are the answer, of one family or of both. */
export function addressDump(family?: Family): NetlinkMessage {
  const header = Buffer.alloc(8)
  header[0] = family === undefined ? 0 : familyNumber(family)
  return message('getaddr', ['dump'], [header], family === undefined ? 'address show' : `-${family} address show`)
}

/** AF_INET or AF_INET6. */
export const familyNumber = (family: Family): number => constant('socket_family', family === 4 ? 'inet' : 'inet6')

function addressMessage(
  type: 'newaddr' | 'deladdr',
  nlm: readonly Word<'nlm'>[],
  verb: string,
  device: Device,
  address: string,
  { broadcast, peer, nodad, noprefixroute, scope, label }: AddressSettings,
): NetlinkMessage {
  const local = parsePrefix(address)
  const remote = peer === undefined ? local : parseIp(peer)
  if (remote.family !== local.family) throw new DrydockError(`${peer} and ${address} are addresses of different families`)
  const reach = scope ?? (local.family === 4 && local.bytes[0] === 127 ? 'host' : 'universe')
  const broadcastAddress = broadcast === undefined ? undefined : broadcastBytes(local, broadcast)
  const attributes: Attribute[] = [attribute(constant('ifa', 'local'), local.bytes), attribute(constant('ifa', 'address'), remote.bytes)]
  if (broadcastAddress) attributes.push(attribute(constant('ifa', 'broadcast'), broadcastAddress))
  if (label !== undefined) attributes.push(string(constant('ifa', 'label'), label))
  let flags = 0
  if (nodad) flags |= constant('ifa_f', 'nodad')
  if (noprefixroute) flags |= constant('ifa_f', 'noprefixroute')
  // The header has room for the first eight flags only.
  if (flags > 0xff) attributes.push(u32(constant('ifa', 'flags'), flags))
  const shown = [
    verb,
    formatPrefix(local),
    peer && `peer ${formatIp(remote.bytes)}`,
    broadcastAddress && `broadcast ${formatIp(broadcastAddress)}`,
    label && `label ${label}`,
    scope && `scope ${scope === 'universe' ? 'global' : scope}`,
    `dev ${deviceWord(device)}`,
    nodad && 'nodad',
    noprefixroute && 'noprefixroute',
  ]
  return message(type, nlm, [addressHeader(local, flags, reach, device), ...attributes], shown.filter(Boolean).join(' '))
}

/** struct ifaddrmsg: u8 family, u8 prefix length, u8 flags, u8 scope, u32 index. */
function addressHeader({ family, length }: Prefix, flags: number, scope: Word<'rt_scope'>, device: Device): Uint8Array {
  const header = Buffer.alloc(8)
  header[0] = familyNumber(family)
  header[1] = length
  header[2] = flags > 0xff ? 0 : flags
  header[3] = constant('rt_scope', scope)
  header.writeUInt32LE(checkedIndex(indexOf(device)), 4)
  return header
}

function broadcastBytes(local: Prefix, broadcast: string): Uint8Array {
  if (local.family === 6) throw new DrydockError('IPv6 has no broadcast addresses')
  if (broadcast === 'auto') return broadcastOf(local)
  const { family, bytes } = parseIp(broadcast)
  if (family !== 4) throw new DrydockError(`${broadcast} cannot be the broadcast address of an IPv4 network`)
  return bytes
}
