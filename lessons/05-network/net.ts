/**
 * The small world of this lesson, piece by piece, as steps. All of it lies inside of a bottle, which plays the host:
 *
 *     container 10.5.0.2 ── bridge dock0 10.5.0.1 │ host │ wan0 203.0.113.1 ── 203.0.113.80 the internet
 *
 * 203.0.113.0/24 is set aside for documentation (RFC 5737). The internet is a third network namespace, and nothing leads out of it.
 */
import {
  address_add,
  bridge_add,
  clone3,
  close,
  host,
  link_up,
  loopbackUp,
  open,
  ref,
  route_add,
  rtnetlink_socket,
  type Step,
  veth_add,
  write,
} from '../../lib/index.js'
import { child } from '../../lib/kernel/step.js'

/** The containers' side of the host. */
export const LAN = { network: '10.5.0.0/24', gateway: '10.5.0.1' } as const
/** The other side. */
export const WAN = { network: '203.0.113.0/24', host: '203.0.113.1', far: '203.0.113.80', cable: 'wan0' } as const

/** Device numbers are chosen here, so that later requests can name what earlier ones made: the kernel takes numbers for most of them. */
export const BRIDGE = { index: 100, name: 'dock0' } as const
const OUTER = { index: 200, name: WAN.cable } as const
export const ETH0 = { index: 20, name: 'eth0' } as const

/** The n-th container's end of the host's side, and its address. */
export const cableOf = (n: number) => ({ index: 100 + n, name: `veth${n}` })
export const addressOf = (n: number) => `10.5.0.${n + 1}`

/** Where the host's line to the kernel is kept. It is opened before the clone, by the host: a socket belongs to the namespace of its maker. */
export const HOST = ref('host.net')
/** The child's own. */
export const OWN = ref('own.net')

export const hostLine = (): Step => host(rtnetlink_socket({ keep: HOST.ref, why: 'a line to the kernel about the host’s network' }))
export const ownLine = (): Step => rtnetlink_socket({ keep: OWN.ref, why: 'a line to the kernel about the child’s own network' })

/** The host's side: the bridge, up, with the address that the containers' default route will name. */
export const bridge = (): Step[] =>
  host([
    rtnetlink_socket({ keep: 'bridge.net' }),
    bridge_add(ref('bridge.net'), { ...BRIDGE, up: true }),
    address_add(ref('bridge.net'), BRIDGE, `${LAN.gateway}/24`),
    close(ref('bridge.net')),
  ])

/** A child with a network of its own: its loopback on, a cable into the bridge, an address; and a default route if it is asked for. */
export function plugged(n: number, { route = false }: { route?: boolean } = {}): Step[] {
  const cable = cableOf(n)
  return [
    hostLine(),
    clone3(['net']),
    host(veth_add(HOST, { ...cable, up: true, master: BRIDGE, peer: { ...ETH0, netns: { pid: child } } })),
    ...loopbackUp(),
    ownLine(),
    address_add(OWN, ETH0, `${addressOf(n)}/24`),
    link_up(OWN, ETH0),
    ...(route ? [route_add(OWN, { to: 'default', via: LAN.gateway })] : []),
  ]
}

/** The internet: a child whose network hangs on the host's other side. It knows its own network only, unless it is told a route back. */
export function internet({ routeBack = false }: { routeBack?: boolean } = {}): Step[] {
  return [
    hostLine(),
    clone3(['net']),
    host(veth_add(HOST, { ...OUTER, up: true, peer: { ...ETH0, netns: { pid: child } } })),
    host(address_add(HOST, OUTER, `${WAN.host}/24`)),
    ...loopbackUp(),
    ownLine(),
    address_add(OWN, ETH0, `${WAN.far}/24`),
    link_up(OWN, ETH0),
    ...(routeBack ? [route_add(OWN, { to: LAN.network, via: WAN.host })] : []),
  ]
}

/** The host passes packets on that are for others, or does not. */
export const forward = (on: boolean): Step[] =>
  host([
    open('/proc/sys/net/ipv4/ip_forward', ['wronly'], {
      keep: 'forward',
      why: 'the switch of this network namespace, as the file shows it to whoever opens it',
    }),
    write(ref('forward'), on ? '1' : '0', { why: on ? 'from now on the host is a router' : 'and not any more' }),
    close(ref('forward')),
  ])
