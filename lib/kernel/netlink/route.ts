/** Requests about routes. rtnetlink(7), ip-route(8). */
import type { NetlinkMessage } from '../calls/sockets.js'
import { constant } from '../constants.js'
import { DrydockError } from '../errors.js'
import { type Family, formatIp, formatPrefix, type Prefix, parseIp, parsePrefix } from '../ip.js'
import type { Word } from '../words.js'
import { familyNumber } from './address.js'
import { checkedIndex, type Device, deviceWord, indexOf } from './device.js'
import { type Attribute, attribute, message, u32 } from './message.js'

export interface RouteSettings {
  /** `default`, or a network: `10.1.0.0/16`. */
  readonly to: string
  /** The neighbour that forwards what goes there. */
  readonly via?: string
  readonly dev?: Device
  /** The address that connections from here get. */
  readonly src?: string
  /** Of several routes to a network the lowest counts. */
  readonly metric?: number
  /** main (254) unless given; a number up to 2^32-1. */
  readonly table?: Word<'rt_table'> | number
  readonly type?: Word<'rtn'>
  readonly scope?: Word<'rt_scope'>
  /** Who made the route, for people; `boot` is what `ip` says of itself. */
  readonly protocol?: Word<'rtprot'>
  /** The gateway is reached by `dev` though no route says so. */
  readonly onlink?: boolean
  /** For `default` without a gateway or source that would tell; 4 unless given. */
  readonly family?: Family
}

/** `ip route add`. ENETUNREACH: the gateway is on no network that a device here has, or that device is down. */
export function routeAdd(route: RouteSettings): NetlinkMessage {
  return routeMessage('newroute', ['ack', 'create', 'excl'], 'route add', route)
}

/** `ip route replace`: like add, and takes the place of one with the same destination, metric and table. */
export function routeReplace(route: RouteSettings): NetlinkMessage {
  return routeMessage('newroute', ['ack', 'create', 'replace'], 'route replace', route)
}

/** `ip route delete`: the first that has everything that is given. ESRCH when there is none. */
export function routeDelete(route: RouteSettings): NetlinkMessage {
  return routeMessage('delroute', ['ack'], 'route delete', route)
}

/** `ip route get`: the one way that a packet to this address would take now, by all tables and rules, is the answer. ENETUNREACH when there is none. */
export function routeGet(address: string): NetlinkMessage {
  const { family, bytes } = parseIp(address)
  const header = Buffer.alloc(12)
  header[0] = familyNumber(family)
  header[1] = bytes.length * 8
  return message('getroute', [], [header, attribute(constant('rta', 'dst'), bytes)], `route get ${formatIp(bytes)}`)
}

/** All routes of all tables, of one family or of both, are the answer. */
export function routeDump(family?: Family): NetlinkMessage {
  const header = Buffer.alloc(12)
  header[0] = family === undefined ? 0 : familyNumber(family)
  return message('getroute', ['dump'], [header], family === undefined ? 'route show table all' : `-${family} route show table all`)
}

/** Types of route for which a packet goes nowhere, so that there is neither gateway nor device. */
const DEAD_ENDS: readonly Word<'rtn'>[] = ['blackhole', 'unreachable', 'prohibit']

/** The table of a number that does not fit the header's 8 bits stands in an attribute, and this in the header. */
const TABLE_IN_ATTRIBUTE = 0

function routeMessage(type: 'newroute' | 'delroute', nlm: readonly Word<'nlm'>[], verb: string, route: RouteSettings): NetlinkMessage {
  const { via, dev, src, metric, onlink, type: kind = 'unicast' } = route
  const gateway = via === undefined ? undefined : parseIp(via)
  const source = src === undefined ? undefined : parseIp(src)
  const network = destination(route.to, route.family ?? gateway?.family ?? source?.family ?? 4)
  for (const other of [gateway, source]) {
    if (other && other.family !== network.family)
      throw new DrydockError(`the route to ${route.to} cannot use ${formatIp(other.bytes)}: another family`)
  }
  if (kind === 'unicast' && type === 'newroute' && gateway === undefined && dev === undefined) {
    throw new DrydockError(`the route to ${route.to} needs a gateway (via) or a device (dev)`)
  }
  const table = tableNumber(route.table)
  const attributes: Attribute[] = []
  if (network.length > 0) attributes.push(attribute(constant('rta', 'dst'), network.bytes))
  if (gateway) attributes.push(attribute(constant('rta', 'gateway'), gateway.bytes))
  if (dev !== undefined) attributes.push(u32(constant('rta', 'oif'), checkedIndex(indexOf(dev))))
  if (source) attributes.push(attribute(constant('rta', 'prefsrc'), source.bytes))
  if (metric !== undefined) attributes.push(u32(constant('rta', 'priority'), metric))
  if (table > 0xff) attributes.push(u32(constant('rta', 'table'), table))
  // A deletion matches any protocol and type that it does not name, and (IPv4; IPv6 does not look at it) any scope with 'nowhere'.
  const adding = type === 'newroute'
  const scope = route.scope ?? (adding || network.family === 6 ? usualScope(network.family, kind, gateway !== undefined) : 'nowhere')
  // struct rtmsg: u8 family, destination length, source length, tos, table, protocol, scope, type; u32 flags
  const header = Buffer.alloc(12)
  header[0] = familyNumber(network.family)
  header[1] = network.length
  header[4] = table > 0xff ? TABLE_IN_ATTRIBUTE : table
  header[5] = constant('rtprot', route.protocol ?? (adding ? 'boot' : 'unspec'))
  header[6] = constant('rt_scope', scope)
  header[7] = constant('rtn', adding ? kind : (route.type ?? 'unspec'))
  header.writeUInt32LE(onlink ? constant('rtnh_f', 'onlink') : 0, 8)
  return message(type, nlm, [header, ...attributes], shown(verb, route, network))
}

/** An IPv4 route to a neighbour's network is valid on the link only, as `ip` has it too; IPv6 does not look at it. */
function usualScope(family: Family, type: Word<'rtn'>, gateway: boolean): Word<'rt_scope'> {
  if (type === 'local') return 'host'
  return family === 4 && !gateway && !DEAD_ENDS.includes(type) ? 'link' : 'universe'
}

function destination(to: string, family: Family): Prefix {
  if (to === 'default') return { family, bytes: new Uint8Array(family === 4 ? 4 : 16), length: 0 }
  const prefix = parsePrefix(to)
  const spare = prefix.bytes.some((byte, index) => byte & (0xff >> Math.min(8, Math.max(0, prefix.length - index * 8))))
  if (spare) throw new DrydockError(`${to} is no network: bits after the first ${prefix.length} are set`)
  return prefix
}

function tableNumber(table: Word<'rt_table'> | number = 'main'): number {
  return typeof table === 'number' ? table : constant('rt_table', table)
}

function shown(verb: string, route: RouteSettings, network: Prefix): string {
  const { to, via, dev, src, metric, table, type, scope, protocol, onlink } = route
  // `ip` takes the family from the addresses; only where there is none it must be told.
  const untold = network.family === 6 && to === 'default' && via === undefined && src === undefined
  return [
    untold && '-6',
    verb,
    type,
    to === 'default' ? to : formatPrefix(network),
    via && `via ${via}`,
    dev !== undefined && `dev ${deviceWord(dev)}`,
    src && `src ${src}`,
    metric !== undefined && `metric ${metric}`,
    table !== undefined && `table ${table}`,
    scope && `scope ${scope === 'universe' ? 'global' : scope}`,
    protocol && `proto ${protocol}`,
    onlink && 'onlink',
  ]
    .filter(Boolean)
    .join(' ')
}
