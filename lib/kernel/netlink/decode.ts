/** What the kernel answers to dumps and gets, as links, addresses, routes and neighbours. rtnetlink(7). */
import { constant, wordOf, wordsOf } from '../constants.js'
import { type Family, formatIp, formatMac } from '../ip.js'
import type { Group, Word } from '../words.js'
import { Attributes, messagesOf, type RawMessage } from './attributes.js'

export interface Link {
  readonly index: number
  readonly name: string
  /** `up`, `broadcast`, `loopback`, `lower_up`, … */
  readonly flags: readonly Word<'iff'>[]
  readonly mtu: number
  readonly mac?: string
  /** Index of the bridge that it is a port of. */
  readonly master?: number
  /** Index of the link that it hangs on; of a veth: the other end. */
  readonly link?: number
  /** `link` is an index in another network namespace, of which this is the number here; negative: one that has no number. */
  readonly linkNetnsid?: number
  /** `veth`, `bridge`, … Absent for real devices and for lo. */
  readonly kind?: string
  readonly operstate: string
  readonly alias?: string
  /** Since the link was made, when the dump was asked for it. */
  readonly received?: Traffic
  readonly sent?: Traffic
  /** Settings of a bridge. */
  readonly bridge?: { readonly stp: boolean; readonly forwardDelay: number; readonly ageingTime: number; readonly vlanFiltering: boolean }
}

export interface Traffic {
  readonly packets: number
  readonly bytes: number
}

export interface Address {
  readonly family: Family
  /** Index of the device. */
  readonly index: number
  readonly address: string
  readonly prefixLength: number
  /** The other end of a point-to-point link. */
  readonly peer?: string
  readonly broadcast?: string
  readonly label?: string
  readonly scope: Word<'rt_scope'> | number
  readonly flags: readonly Word<'ifa_f'>[]
}

export interface Route {
  readonly family: Family
  /** `default`, or a network. */
  readonly to: string
  readonly via?: string
  /** Index of the device. Absent for a route that leads nowhere, and for one with several ways. */
  readonly dev?: number
  readonly src?: string
  readonly metric?: number
  readonly table: Word<'rt_table'> | number
  readonly protocol: Word<'rtprot'> | number
  readonly scope: Word<'rt_scope'> | number
  readonly type: Word<'rtn'> | number
  readonly flags: readonly Word<'rtnh_f'>[]
}

export interface Neighbour {
  readonly family: Family
  readonly index: number
  readonly address: string
  /** Absent while nobody has answered. */
  readonly mac?: string
  readonly state: readonly Word<'nud'>[]
}

/** An entry of a bridge's forwarding table. */
export interface Forwarding {
  readonly mac: string
  /** Index of the port that it is behind. */
  readonly port: number
  /** Index of the bridge. Absent for what a device knows of itself, whether it is a port or not. */
  readonly bridge?: number
  /** An address of the port itself; the others were learnt from the frames that came in. */
  readonly own: boolean
}

export const decodeLinks = (answer: Uint8Array): Link[] => messagesOf(answer, 'newlink', STRUCTURE.ifinfomsg).map(decodeLink)
export const decodeAddresses = (answer: Uint8Array): Address[] => decodeInternet(answer, 'newaddr', STRUCTURE.ifaddrmsg, decodeAddress)
export const decodeRoutes = (answer: Uint8Array): Route[] => decodeInternet(answer, 'newroute', STRUCTURE.rtmsg, decodeRoute)
export const decodeForwarding = (answer: Uint8Array): Forwarding[] =>
  messagesOf(answer, 'newneigh', STRUCTURE.ndmsg)
    .filter(({ body }) => body[0] === constant('socket_family', 'bridge'))
    .map(decodeForwardingEntry)
export const decodeNeighbours = (answer: Uint8Array): Neighbour[] => decodeInternet(answer, 'newneigh', STRUCTURE.ndmsg, decodeNeighbour)

/** Sizes in bytes of the structures before the attributes. */
const STRUCTURE = { ifinfomsg: 16, ifaddrmsg: 8, rtmsg: 12, ndmsg: 12 } as const

/** Answers may be about other families too (forwarding tables of bridges, multicast): those are left out. */
function decodeInternet<T>(answer: Uint8Array, type: Word<'rtm'>, size: number, decode: (message: RawMessage, family: Family) => T): T[] {
  return messagesOf(answer, type, size).flatMap((message) => {
    const family = familyOf(message)
    return family === undefined ? [] : [decode(message, family)]
  })
}

function familyOf({ body }: RawMessage): Family | undefined {
  if (body[0] === constant('socket_family', 'inet')) return 4
  return body[0] === constant('socket_family', 'inet6') ? 6 : undefined
}

function decodeLink({ body }: RawMessage): Link {
  const found = new Attributes(body, STRUCTURE.ifinfomsg)
  const type = (word: Word<'ifla'>) => constant('ifla', word)
  const mac = found.bytes(type('address'))
  const info = found.nested(type('linkinfo'))
  const kind = info?.text(constant('ifla_info', 'kind'))
  const settings = kind === 'bridge' ? info?.nested(constant('ifla_info', 'data')) : undefined
  const statistics = found.bytes(type('stats64'))
  return {
    index: body.readInt32LE(4),
    name: found.text(type('ifname')) ?? '',
    flags: wordsOf('iff', body.readUInt32LE(8)).words,
    mtu: found.number(type('mtu')) ?? 0,
    operstate: wordOf('if_oper', found.number(type('operstate')) ?? 0) ?? 'unknown',
    ...present({
      mac: mac && formatMac(mac),
      master: found.number(type('master')),
      link: found.number(type('link')),
      linkNetnsid: found.signed(type('link_netnsid')),
      kind,
      alias: found.text(type('ifalias')),
      received: statistics && trafficOf(statistics, 0),
      sent: statistics && trafficOf(statistics, 1),
      bridge: settings && decodeBridge(settings),
    }),
  }
}

/** struct rtnl_link_stats64 begins with packets received and sent, then bytes received and sent. */
function trafficOf(statistics: Buffer, side: 0 | 1): Traffic | undefined {
  const at = (place: number) => Number(statistics.readBigUInt64LE(8 * (place + side)))
  return statistics.length < 32 ? undefined : { packets: at(0), bytes: at(2) }
}

/** Times are in hundredths of a second there, in seconds here. */
function decodeBridge(settings: Attributes): NonNullable<Link['bridge']> {
  const value = (word: Word<'ifla_br'>) => settings.number(constant('ifla_br', word)) ?? 0
  return {
    stp: value('stp_state') !== 0,
    forwardDelay: value('forward_delay') / 100,
    ageingTime: value('ageing_time') / 100,
    vlanFiltering: value('vlan_filtering') !== 0,
  }
}

function decodeAddress({ body }: RawMessage, family: Family): Address {
  const found = new Attributes(body, STRUCTURE.ifaddrmsg)
  const ip = (word: Word<'ifa'>) => ipOf(found.bytes(constant('ifa', word)))
  // What ADDRESS is depends on LOCAL: the address itself without it, the other end of the link with it.
  const [local, address, broadcast] = [ip('local'), ip('address'), ip('broadcast')]
  const own = local ?? address ?? ''
  return {
    family,
    index: body.readUInt32LE(4),
    address: own,
    prefixLength: body.readUInt8(1),
    scope: worded('rt_scope', body.readUInt8(3)),
    flags: wordsOf('ifa_f', found.number(constant('ifa', 'flags')) ?? body.readUInt8(2)).words,
    ...present({ peer: address === own ? undefined : address, broadcast, label: found.text(constant('ifa', 'label')) }),
  }
}

function decodeRoute({ body }: RawMessage, family: Family): Route {
  const found = new Attributes(body, STRUCTURE.rtmsg)
  const type = (word: Word<'rta'>) => constant('rta', word)
  const network = ipOf(found.bytes(type('dst')))
  const length = body.readUInt8(1)
  return {
    family,
    to: length === 0 && network === undefined ? 'default' : `${network}/${length}`,
    table: worded('rt_table', found.number(type('table')) ?? body.readUInt8(4)),
    protocol: worded('rtprot', body.readUInt8(5)),
    scope: worded('rt_scope', body.readUInt8(6)),
    type: worded('rtn', body.readUInt8(7)),
    flags: wordsOf('rtnh_f', body.readUInt32LE(8)).words,
    ...present({
      via: ipOf(found.bytes(type('gateway'))),
      dev: found.number(type('oif')),
      src: ipOf(found.bytes(type('prefsrc'))),
      metric: found.number(type('priority')),
    }),
  }
}

function decodeNeighbour({ body }: RawMessage, family: Family): Neighbour {
  const found = new Attributes(body, STRUCTURE.ndmsg)
  const mac = found.bytes(constant('nda', 'lladdr'))
  return {
    family,
    index: body.readInt32LE(4),
    address: ipOf(found.bytes(constant('nda', 'dst'))) ?? '',
    state: wordsOf('nud', body.readUInt16LE(8)).words,
    ...present({ mac: mac && formatMac(mac) }),
  }
}

function decodeForwardingEntry({ body }: RawMessage): Forwarding {
  const found = new Attributes(body, STRUCTURE.ndmsg)
  const bridge = found.number(constant('nda', 'master'))
  return {
    mac: formatMac(found.bytes(constant('nda', 'lladdr')) ?? new Uint8Array()),
    port: body.readInt32LE(4),
    own: wordsOf('nud', body.readUInt16LE(8)).words.includes('permanent'),
    ...(bridge !== undefined && { bridge }),
  }
}

const ipOf = (bytes: Uint8Array | undefined): string | undefined => bytes && formatIp(bytes)

/** The word of a number, or the number itself where there is none. */
const worded = <G extends Group>(group: G, number: number): Word<G> | number => wordOf(group, number) ?? number

/** Without the members that are undefined. */
function present<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
