/**
 * The network of a container: its loopback, and for each network a cable (veth(4)) from a bridge on the host to an interface inside,
 * with address and default route. netlink(7), rtnetlink(7).
 *
 * A netlink socket speaks for ever to the network namespace in which it was made. The host opens one in `prepare`, the container
 * inherits it, and so the container makes the cable itself, one end outside and one in its own namespace, with no meeting:
 *
 *     host        socket ──────────────────────┐ host's namespace
 *     container     ├─ link add vethXXXXXXX ───┤► port of the bridge, up
 *                   │            peer eth0 ────┼► own namespace
 *                 socket ──────────────────────┘ own namespace: lo and eth0 up, address, route
 *
 * Nothing here is undone: when the last process of the container is dead its namespace goes, with it eth0, and with that the other end.
 * (Deleting the link waits for RCU, some 26 ms; the namespace's end happens behind everybody's back.)
 */
import { netlink, rtnetlink_socket } from '../kernel/calls/sockets.js'
import { DrydockError } from '../kernel/errors.js'
import { addressAdd } from '../kernel/netlink/address.js'
import { type Device, LOOPBACK } from '../kernel/netlink/device.js'
import { linkSet, vethAdd } from '../kernel/netlink/link.js'
import { loopbackUp } from '../kernel/netlink/loopback.js'
import { together } from '../kernel/netlink/message.js'
import { routeAdd } from '../kernel/netlink/route.js'
import { child, type Fragment, inPhase, ref, type Step } from '../kernel/step.js'

export interface CableSpec {
  /** 12 to 64 hexadecimal digits, another one for each start; the name and the index of the end on the host come from the first seven. */
  readonly id: string
  /** Which of the container's networks this is: 0 is eth0, and raises the loopback. */
  readonly position: number
  readonly bridge: Device
  /** `172.17.0.2/16`. */
  readonly address: string
  readonly gateway: string
  readonly mac: string
  /** Largest packet in bytes. */
  readonly mtu: number
  /**
   * What the container sends may come back to it. A container that calls its own published port needs that where br_netfilter is
   * loaded: the packet is turned round within the bridge then, and not on its way through the host.
   */
  readonly hairpin?: boolean
  /** The same interface's place in IPv6, `fd00::2/64`; `route`: whether the default route of that goes through here. */
  readonly ipv6?: { readonly address: string; readonly gateway: string; readonly route: boolean }
  /** Nobody else on the bridge is reached through it, but the host. */
  readonly isolated?: boolean
  /** What is for no network that the container knows goes through this cable. Default: the first one's does. */
  readonly route?: boolean
  /**
   * Who makes the cable. `container` (the default): the process itself, as PID 1 of a new pid namespace. `shared-pid`: the same, but
   * with the host's process ids. `host`: the host's side, because the process is in a user namespace of its own and has no right outside, or in another
   * container's pid namespace, where its number is another.
   */
  readonly maker?: 'container' | 'shared-pid' | 'host'
}

/** An interface inside has this index and those that follow: behind all that the kernel puts into a new namespace by itself. */
const FIRST_INSIDE = 100

/** Ends on the host have this index plus the 28 bits of their name. */
const FIRST_OUTSIDE = 0x1000_0000

/** Interface inside, and the end of the cable on the host: `veth` and 7 digits, with an index of the same digits. */
export function cableNames({ id, position }: Pick<CableSpec, 'id' | 'position'>): { inside: Device & object; outside: Device & object } {
  if (!/^[0-9a-f]{12,64}$/.test(id)) throw new DrydockError(`'${id}' is no id of a cable: 12 to 64 hexadecimal digits`)
  if (!Number.isInteger(position) || position < 0) throw new DrydockError(`a container's networks are counted from 0; ${position} is none`)
  const digits = ((Number.parseInt(id.slice(0, 7), 16) + position) % FIRST_OUTSIDE).toString(16).padStart(7, '0')
  return {
    inside: { index: FIRST_INSIDE + position, name: `eth${position}` },
    outside: { index: FIRST_OUTSIDE + Number.parseInt(digits, 16), name: `veth${digits}` },
  }
}

/** A network namespace with a loopback and nothing else: `--network none`. */
export function loopback(): Fragment {
  return { primitive: 'network', title: 'Network: the loopback alone', steps: inPhase('network', 'container', loopbackUp()) }
}

/** One network of a container, whose bridge is there already. */
export function cable(spec: CableSpec): Fragment {
  const { position, bridge, address, gateway, ipv6, mac, mtu, maker = 'container', route = position === 0 } = spec
  const { hairpin = false, isolated = false } = spec
  const port = { ...(hairpin && { hairpin }), ...(isolated && { isolated }) }
  const { inside, outside } = cableNames(spec)
  const [host, own] = [ref(`cable${position}`), ref(`inside${position}`)]
  const netns = { pid: maker === 'container' ? 1 : child }
  const veth = vethAdd({ ...outside, mtu, up: true, master: bridge, peer: { ...inside, mac, mtu, netns } })
  const steps: Step[] = [
    ...inPhase('prepare', 'host', [
      rtnetlink_socket({ keep: host.ref, why: 'It will go on speaking to the host’s network, also when the container has inherited it.' }),
    ]),
    ...inPhase('network', maker === 'host' ? 'host' : 'container', [
      netlink(host, hairpin || isolated ? together([veth, linkSet(outside, port)]) : veth, { why: WHY_VETH[maker] }),
    ]),
    ...inPhase('network', 'container', [
      rtnetlink_socket({ keep: own.ref, why: 'A line to the kernel about the container’s own network.' }),
      netlink(
        own,
        together([
          ...(position === 0 ? [linkSet(LOOPBACK, { up: true })] : []),
          addressAdd(inside, address, { broadcast: 'auto' }),
          linkSet(inside, { up: true }),
          ...(route ? [routeAdd({ to: 'default', via: gateway, dev: inside })] : []),
          // The engine knows that nobody else has it: to ask the network first would take a second.
          ...(ipv6 ? [addressAdd(inside, ipv6.address, { nodad: true })] : []),
          ...(ipv6?.route ? [routeAdd({ to: 'default', via: ipv6.gateway, dev: inside })] : []),
        ]),
        { why: position === 0 && route ? WHY_FIRST : route ? WHY_ROUTE : WHY_FURTHER },
      ),
    ]),
  ]
  return { primitive: 'network', title: `Network: ${inside.name} ${address} on ${nameOf(bridge)}`, steps }
}

const WHY_VETH = {
  container: 'The cable: one end is a port of the bridge on the host, the other in the namespace of process 1, which is the sender itself.',
  'shared-pid': 'The cable: one end is a port of the bridge on the host, the other in the sender’s own namespace.',
  host: 'The cable, made by the host: it has the right to, which root of a user namespace has not, and knows the container’s process by a number of its own.',
} as const

const WHY_FIRST =
  'Loopback and interface go up, and the interface gets its address. Only then does the gateway count as reachable, which the default route asks for.'

const WHY_ROUTE = 'The interface gets its address and is raised; what is for nobody near goes through it.'

const WHY_FURTHER = 'The interface gets its address and is raised; the default route is another one’s, or there is none.'

const nameOf = (device: Device): string => (typeof device === 'number' ? `device ${device}` : device.name)
