/** Requests about links: network devices, real and made up. rtnetlink(7), ip-link(8). */
import type { NetlinkMessage } from '../calls/sockets.js'
import { constant } from '../constants.js'
import { DrydockError } from '../errors.js'
import { parseMac } from '../ip.js'
import {
  checkedIndex,
  type Device,
  deviceWord,
  indexOf,
  type NetworkNamespace,
  nameAttribute,
  namespaceAttribute,
  namespaceWord,
} from './device.js'
import { type Attribute, attribute, message, type Piece, u8, u32 } from './message.js'

/** What can be set on a link, when it is made and later. */
export interface LinkSettings {
  readonly up?: boolean
  /** Hardware address, `02:42:ac:11:00:02`. */
  readonly mac?: string
  /** Largest packet in bytes. */
  readonly mtu?: number
  /** The bridge that it becomes a port of; null takes it out. */
  readonly master?: Device | null
  /** Length of the transmit queue in packets. */
  readonly txqlen?: number
  /** A remark for people, up to 255 bytes. */
  readonly alias?: string
}

export interface LinkChange extends LinkSettings {
  /** A new name. The link must be named by its index then, and (before Linux 6.2) be down. */
  readonly name?: string
  /** Moved there: it is gone here, down, and without addresses. */
  readonly netns?: NetworkNamespace
  /** Of a port of a bridge: what it sent may come back to it. Off unless set. */
  readonly hairpin?: boolean
  /** Of a port of a bridge: it reaches no other port that is isolated too. Linux 4.18. */
  readonly isolated?: boolean
}

export interface NewLink extends LinkSettings {
  readonly name: string
  /** Chosen rather than given by the kernel, so that later requests of the same plan can name it. EBUSY or EEXIST when it is in use. */
  readonly index?: number
  /** Made there rather than in the namespace of the socket. */
  readonly netns?: NetworkNamespace
}

export interface NewBridge extends NewLink {
  /** Spanning tree; the kernel's default is off. */
  readonly stp?: boolean
  /** Seconds that a new port waits before it forwards (while stp is on). */
  readonly forwardDelay?: number
  /** Seconds after which a learnt hardware address is forgotten. */
  readonly ageingTime?: number
  readonly vlanFiltering?: boolean
  readonly multicastSnooping?: boolean
}

/** A cable: two links, of which each receives what the other sends. veth(4). */
export interface NewVeth extends NewLink {
  /** The other end. The kernel takes its index only when the first end's is given too, and neither `up` nor `master` for it. */
  readonly peer: Pick<NewLink, 'name' | 'index' | 'mac' | 'mtu' | 'netns'>
}

/** USER_HZ: times in a bridge's attributes are in hundredths of a second. */
const HUNDREDTHS = 100

/** `ip link set`: by name, or by index where it is known. */
export function linkSet(target: string | Device, change: LinkChange): NetlinkMessage {
  if (typeof target === 'string' && change.name !== undefined) {
    throw new DrydockError(`to rename ${target} to ${change.name}, name it by its index: the kernel has one field for both names`)
  }
  const byName = typeof target === 'string' ? [nameAttribute(target)] : []
  const renamed = change.name === undefined ? [] : [nameAttribute(change.name)]
  const moved = change.netns === undefined ? [] : [namespaceAttribute(change.netns)]
  return message(
    'newlink',
    ['ack'],
    [
      linkHeader(typeof target === 'string' ? 0 : indexOf(target), change.up),
      ...byName,
      ...renamed,
      ...settingAttributes(change),
      ...moved,
      ...portAttributes(change),
    ],
    words([
      'link set',
      deviceWord(target),
      settingWords(change),
      change.name && `name ${change.name}`,
      netnsWords(change.netns),
      portWords(change),
    ]),
  )
}

/** `ip link add NAME type bridge`. */
export function bridgeAdd(bridge: NewBridge): NetlinkMessage {
  const { stp, forwardDelay, ageingTime, vlanFiltering, multicastSnooping } = bridge
  const option = (word: Parameters<typeof constant<'ifla_br'>>[1]) => constant('ifla_br', word)
  const data: Attribute[] = []
  const said: string[] = []
  const add = (shown: string, value: Attribute) => {
    data.push(value)
    said.push(shown)
  }
  if (forwardDelay !== undefined) add(`forward_delay ${forwardDelay * HUNDREDTHS}`, u32(option('forward_delay'), forwardDelay * HUNDREDTHS))
  if (stp !== undefined) add(`stp_state ${Number(stp)}`, u32(option('stp_state'), Number(stp)))
  if (ageingTime !== undefined) add(`ageing_time ${ageingTime * HUNDREDTHS}`, u32(option('ageing_time'), ageingTime * HUNDREDTHS))
  if (vlanFiltering !== undefined) add(`vlan_filtering ${Number(vlanFiltering)}`, u8(option('vlan_filtering'), Number(vlanFiltering)))
  if (multicastSnooping !== undefined)
    add(`mcast_snooping ${Number(multicastSnooping)}`, u8(option('mcast_snooping'), Number(multicastSnooping)))
  return linkAdd('bridge', bridge, data, said.join(' '))
}

/** `ip link add NAME type veth peer …`. The settings are the first end's. */
export function vethAdd(veth: NewVeth): NetlinkMessage {
  const { peer } = veth
  if (peer.index !== undefined && veth.index === undefined) {
    throw new DrydockError(`an index for ${peer.name} is ignored by the kernel unless its other end ${veth.name} gets one too`)
  }
  const pieces = [linkHeader(peer.index, undefined), ...newLinkAttributes(peer)]
  return linkAdd('veth', veth, [attribute(constant('veth', 'info_peer'), pieces)], words(['peer name', newLinkWords(peer)]))
}

/** `ip link add NAME type KIND` for kinds that need nothing more (`dummy`, `ifb`), or whose IFLA_INFO_DATA the caller knows. */
export function linkAdd(kind: string, link: NewLink, data: readonly Piece[] = [], dataWords = ''): NetlinkMessage {
  const info = [attribute(constant('ifla_info', 'kind'), Buffer.from(kind))]
  if (data.length > 0) info.push(attribute(constant('ifla_info', 'data'), data))
  return message(
    'newlink',
    ['ack', 'create', 'excl'],
    [linkHeader(link.index, link.up), ...newLinkAttributes(link), attribute(constant('ifla', 'linkinfo'), info)],
    words(['link add', newLinkWords(link), 'type', kind, dataWords]),
  )
}

/** `ip link delete`. Both ends of a veth go. It takes some 26 ms (an RCU grace period): let a namespace die instead where you can. */
export function linkDelete(target: string | Device): NetlinkMessage {
  return message('dellink', ['ack'], identify(target), `link delete ${deviceWord(target)}`)
}

/** `ip link show NAME`: one link is the answer. ENODEV when there is none. */
export function linkGet(target: string | Device): NetlinkMessage {
  return message('getlink', [], [...identify(target), withoutStatistics()], `link show ${deviceWord(target)}`)
}

/** `ip link show`: all links are the answer. `statistics`: with what has come and gone. */
export function linkDump({ statistics = false } = {}): NetlinkMessage {
  const pieces = [linkHeader(0, undefined), ...(statistics ? [] : [withoutStatistics()])]
  return message('getlink', ['dump'], pieces, statistics ? '-s link show' : 'link show')
}

const withoutStatistics = () => u32(constant('ifla', 'ext_mask'), constant('rtext_filter', 'skip_stats'))

const identify = (target: string | Device): Piece[] =>
  typeof target === 'string' ? [linkHeader(0, undefined), nameAttribute(target)] : [linkHeader(indexOf(target), undefined)]

/** struct ifinfomsg: u8 family, u8, u16 type, i32 index, u32 flags, u32 which of them are meant. */
function linkHeader(index = 0, up: boolean | undefined): Uint8Array {
  const header = Buffer.alloc(16)
  const bit = constant('iff', 'up')
  header.writeInt32LE(index === 0 ? 0 : checkedIndex(index), 4)
  if (up !== undefined) {
    header.writeUInt32LE(up ? bit : 0, 8)
    header.writeUInt32LE(bit, 12)
  }
  return header
}

function settingAttributes({ mac, mtu, master, txqlen, alias }: LinkSettings): Attribute[] {
  const type = (word: Parameters<typeof constant<'ifla'>>[1]) => constant('ifla', word)
  const found: Attribute[] = []
  if (mac !== undefined) found.push(attribute(type('address'), parseMac(mac)))
  if (mtu !== undefined) found.push(u32(type('mtu'), mtu))
  if (txqlen !== undefined) found.push(u32(type('txqlen'), txqlen))
  if (alias !== undefined) found.push(attribute(type('ifalias'), Buffer.from(alias)))
  if (master !== undefined) found.push(u32(type('master'), master === null ? 0 : indexOf(master)))
  return found
}

function portAttributes({ hairpin, isolated }: LinkChange): Attribute[] {
  const settings: Attribute[] = []
  if (hairpin !== undefined) settings.push(u8(constant('ifla_brport', 'mode'), Number(hairpin)))
  if (isolated !== undefined) settings.push(u8(constant('ifla_brport', 'isolated'), Number(isolated)))
  if (settings.length === 0) return []
  const kind = attribute(constant('ifla_info', 'slave_kind'), Buffer.from('bridge'))
  return [attribute(constant('ifla', 'linkinfo'), [kind, attribute(constant('ifla_info', 'slave_data'), settings)])]
}

function portWords({ hairpin, isolated }: LinkChange): string {
  const said = Object.entries({ hairpin, isolated }).flatMap(([name, on]) => (on === undefined ? [] : [`${name} ${on ? 'on' : 'off'}`]))
  return said.length > 0 ? `type bridge_slave ${said.join(' ')}` : ''
}

function newLinkAttributes(link: NewLink): Attribute[] {
  return [nameAttribute(link.name), ...settingAttributes(link), ...(link.netns ? [namespaceAttribute(link.netns)] : [])]
}

function settingWords({ up, mac, mtu, master, txqlen, alias }: LinkSettings): string {
  return words([
    up === undefined ? '' : up ? 'up' : 'down',
    mac && `address ${mac}`,
    mtu !== undefined && `mtu ${mtu}`,
    txqlen !== undefined && `txqueuelen ${txqlen}`,
    alias !== undefined && `alias ${JSON.stringify(alias)}`,
    master === null ? 'nomaster' : master !== undefined && `master ${deviceWord(master)}`,
  ])
}

const newLinkWords = (link: NewLink): string =>
  words([link.name, link.index && `index ${link.index}`, settingWords(link), netnsWords(link.netns)])

const netnsWords = (netns: NetworkNamespace | undefined) => netns && `netns ${namespaceWord(netns)}`

const words = (parts: readonly (string | number | false | undefined)[]): string => parts.filter(Boolean).join(' ')
