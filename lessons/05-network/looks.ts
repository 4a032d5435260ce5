/** What this lesson's scenes and checks read from the kernel: devices, addresses, routes and counters of a network namespace. */
import type { Bottle } from '../../lib/bottle.js'
import { close, open, ref, rtnetlink_socket, setns } from '../../lib/index.js'
import { DrydockError } from '../../lib/kernel/errors.js'
import {
  type Address,
  decodeAddresses,
  decodeForwarding,
  decodeLinks,
  decodeRoutes,
  type Forwarding,
  type Link,
  type Route,
} from '../../lib/kernel/netlink/decode.js'
import { address_dump, answerOf, forwarding_dump, link_dump, route_dump } from '../../lib/kernel/netlink/steps.js'
import { readArp, readSnmp } from '../../lib/kernel/proc/net.js'
import { readProcFile } from '../../lib/kernel/proc/read.js'
import { host } from '../../lib/kernel/step.js'
import type { LookRow } from '../../lib/tutor/lesson.js'

export interface Network {
  readonly links: readonly Link[]
  readonly addresses: readonly Address[]
  readonly routes: readonly Route[]
  readonly forwarding: readonly Forwarding[]
}

/** Devices that the modules of tunnels put into every network namespace. */
const FALLBACK_TUNNELS = /^(tunl|gre|gretap|erspan|ip_vti|ip6_vti|sit|ip6tnl|ip6gre)0$/

/** The network of a process of the bottle (1: the bottle's own), by a shim that goes in and asks. */
export async function networkOf(bottle: Bottle, pid: number): Promise<Network> {
  const shim = await bottle.shim()
  try {
    const [net, door] = [ref('net'), ref('door')]
    const results = await shim.run(
      host([
        open(`/proc/${pid}/ns/net`, ['rdonly'], { keep: 'door' }),
        setns(door, ['net']),
        rtnetlink_socket({ keep: 'net' }),
        link_dump(net),
        address_dump(net, 4),
        route_dump(net, 4),
        forwarding_dump(net),
        close(net),
        close(door),
      ]),
    )
    const [links, addresses, routes, forwarding] = results.slice(3, 7).map(answerOf) as [Buffer, Buffer, Buffer, Buffer]
    return {
      links: decodeLinks(links).filter(({ name }) => !FALLBACK_TUNNELS.test(name)),
      addresses: decodeAddresses(addresses),
      routes: decodeRoutes(routes).filter(({ table }) => table === 'main'),
      forwarding: decodeForwarding(forwarding),
    }
  } finally {
    await shim.rollback()
  }
}

export function linkNamed({ links }: Network, name: string): Link | undefined {
  return links.find((link) => link.name === name)
}

/** `10.5.0.2/24` of a device. */
export const addressesOn = ({ addresses }: Network, index: number): string[] =>
  addresses.filter((one) => one.index === index).map(({ address, prefixLength }) => `${address}/${prefixLength}`)

/** A row for each device: number, kind, state, other end, bridge, addresses. */
export function deviceRows(network: Network, who = '', notice: (link: Link) => boolean = () => false): LookRow[] {
  return network.links.map((link) => ({
    label: `${who && `${who}: `}${link.name}`,
    value: [
      `number ${link.index}`,
      link.name === 'lo' ? 'loopback' : link.kind === 'veth' ? 'one end of a cable' : (link.kind ?? 'device'),
      otherEnd(link, network),
      link.master !== undefined && `port of ${network.links.find(({ index }) => index === link.master)?.name}`,
      stateOf(link),
      addressesOn(network, link.index).join(' '),
    ]
      .filter(Boolean)
      .join(', '),
    notice: notice(link),
  }))
}

/** Is there light at the socket? */
export function stateOf({ flags }: Link): string {
  if (!flags.includes('up')) return 'off'
  return flags.includes('lower_up') ? 'on' : 'on, but the other end is not'
}

function otherEnd(link: Link, { links }: Network): string {
  if (link.kind !== 'veth') return ''
  if (link.linkNetnsid !== undefined) return `the other end is number ${link.link} in another namespace`
  const other = links.find(({ index }) => index === link.link)
  return `the other end is ${other?.name ?? `number ${link.link}`}`
}

export function routeRows({ routes, links }: Network, who = ''): LookRow[] {
  const rows = routes.map(({ to, via, dev }) => ({
    label: `${who && `${who}: `}${to}`,
    value: [via && `via ${via}`, `by ${links.find(({ index }) => index === dev)?.name ?? dev}`].filter(Boolean).join(' '),
  }))
  return rows.length > 0 ? rows : [{ label: who || 'routes', value: 'no route at all', notice: true }]
}

/** What the neighbours' hardware addresses are, as far as somebody has asked. `hostPid` as this machine counts. */
export function neighbourRows(hostPid: number, who = ''): LookRow[] {
  const rows = (readArp(hostPid) ?? []).map(({ address, device, mac }) => ({
    label: `${who && `${who}: `}${address}`,
    value: mac === undefined ? `asked for on ${device}; nobody has answered` : `${mac} on ${device}`,
  }))
  return rows.length > 0 ? rows : [{ label: who || 'neighbours', value: 'none: nobody was asked for yet' }]
}

/** Counters of a network namespace that tell where a packet has got to. */
export interface Counters {
  /** Packets that came in. */
  readonly received: number
  /** Packets for others, thrown away since the switch is off. */
  readonly forOthers: number
  /** Packets for others, passed on. */
  readonly forwarded: number
  /** Echo requests that came in, and replies that went out. */
  readonly echoes: number
  readonly replies: number
}

export function countersOf(hostPid: number): Counters {
  const { Ip: ip, Icmp: icmp } = readSnmp(hostPid) ?? {}
  if (!ip || !icmp) throw new DrydockError(`the counters of process ${hostPid}'s network cannot be read: it has ended`)
  return {
    received: ip.InReceives ?? 0,
    forOthers: ip.InAddrErrors ?? 0,
    forwarded: ip.ForwDatagrams ?? 0,
    echoes: icmp.InEchos ?? 0,
    replies: icmp.OutEchoReps ?? 0,
  }
}

/** What was counted between two readings. */
export function since(before: Counters, after: Counters): Counters {
  const entries = Object.entries(after).map(([name, value]) => [name, value - before[name as keyof Counters]])
  return Object.fromEntries(entries) as unknown as Counters
}

/** The switch of a network namespace, as the process sees it: the files below /proc/sys/net are those of who reads them. */
export const forwardsHere = (): string => readProcFile('/proc/sys/net/ipv4/ip_forward')?.trim() ?? 'not readable'
