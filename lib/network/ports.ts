/** Published ports: the texts of `-p` read, free ports chosen, and the steps that take a port of the host and lead it to the container. */
import { isIPv4, isIPv6 } from 'node:net'
import { close, dup3 } from '../kernel/calls/files.js'
import { bind_inet, setsockopt_reuseaddr, setsockopt_v6only } from '../kernel/calls/internet.js'
import { listen, netlink, nfnetlink_socket, socket } from '../kernel/calls/sockets.js'
import { DrydockError } from '../kernel/errors.js'
import { formatIp, parseIp } from '../kernel/ip.js'
import { elementsAdd, elementsDelete, field, portField, type SetElements } from '../kernel/netlink/nfnetlink.js'
import { textIfReadable } from '../kernel/readable.js'
import { inPhase, ref, type Step } from '../kernel/step.js'
import { PUBLISHED, PUBLISHED_ANYWHERE, TABLE } from './nft.js'

export type Protocol = 'tcp' | 'udp'

/** One port of `-p`. */
export interface PortRequest {
  /** Address of the host; 0.0.0.0 and :: are all of a family, and '' is the network's choice, or all of both. */
  readonly hostIp: string
  /** Absent: any that is free. A range: the first free one of it. */
  readonly hostPort?: number | { readonly first: number; readonly last: number }
  readonly containerPort: number
  readonly protocol: Protocol
}

/** A port with the host's chosen. */
export interface PublishedPort extends PortRequest {
  readonly hostPort: number
  /** Nobody asked for this one in particular: when it is taken, another will do. */
  readonly chosen: boolean
}

/** Protocol numbers, protocols(5). */
const NUMBER: Record<Protocol, number> = { tcp: 6, udp: 17 }

const ANY = '0.0.0.0'
const ANY6 = '::'

const bad = (text: string, why: string): DrydockError =>
  new DrydockError(`invalid port specification '${text}': ${why} ([IP:][HOST-PORT:]CONTAINER-PORT[/tcp|udp])`, { status: 400 })

/** One that an image or `--expose` names: a port of the container and no more. An image does not choose where on the host it is published. */
export function exposedPort(text: string): string {
  if (!/^\d+(-\d+)?\/[a-z]+$/i.test(text)) throw bad(text, 'what is exposed is a port of the container')
  return text
}

/** One text of `-p`: `80`, `8080:80`, `127.0.0.1:8080:80`, `127.0.0.1::80`, `[::1]:8080:80`, `7000-7003:80-83/udp`, `8000-9000:80`. */
export function parsePort(text: string): PortRequest[] {
  const [, body = '', protocolText = 'tcp'] = /^(.*?)(?:\/([a-z]+))?$/i.exec(text) ?? []
  const protocol = protocolText.toLowerCase()
  if (protocol !== 'tcp' && protocol !== 'udp') throw bad(text, `protocol ${protocolText} is not tcp or udp`)
  const { hostIp, parts } = hostOf(text, body)
  const inside = range(text, parts.at(-1) as string)
  const outsideText = parts.length > 1 ? (parts.at(-2) as string) : ''
  // Of nothing and of 0 the kernel chooses, as bind(2) has it.
  const outside = outsideText === '' || outsideText === '0' ? undefined : range(text, outsideText)
  const count = inside.last - inside.first + 1
  if (outside && count > 1 && outside.last - outside.first + 1 !== count) throw bad(text, 'the two ranges differ in length')
  return Array.from({ length: count }, (_, index) => ({
    hostIp,
    ...(outside && { hostPort: count === 1 && outside.last > outside.first ? outside : outside.first + index }),
    containerPort: inside.first + index,
    protocol,
  }))
}

/** The host's address, and what follows it. An IPv6 address is in brackets; clients of the API send it bare, before the last two colons. */
function hostOf(text: string, body: string): { hostIp: string; parts: string[] } {
  const [, six, rest] = /^\[?([0-9a-f]*:[0-9a-f:.]*:[0-9a-f.]*)\]?:([0-9-]*:[0-9-]+)$/i.exec(body) ?? []
  if (six !== undefined && rest !== undefined && isIPv6(six)) return { hostIp: formatIp(parseIp(six).bytes), parts: rest.split(':') }
  const parts = body.split(':')
  if (parts.length > 3) throw bad(text, `${parts.slice(0, -2).join(':')} is no address`)
  const hostIp = parts.length === 3 ? (parts[0] as string) : ''
  if (hostIp !== '' && !isIPv4(hostIp)) throw bad(text, `${hostIp} is no address`)
  return { hostIp, parts: parts.slice(-2) }
}

/** Where one is published that names no address: where the network says, or everywhere; by IPv6 too when the container has that. */
export function onFamilies(request: PortRequest, binding: string | undefined, ipv6: boolean): PortRequest[] {
  if (request.hostIp !== '') {
    if (isIPv6(request.hostIp) && !ipv6) {
      const text = `[${request.hostIp}]:${request.containerPort}/${request.protocol}`
      throw bad(text, 'the container has no IPv6 address there: give its network IPv6')
    }
    return [request]
  }
  if (binding !== undefined && binding !== ANY) return [{ ...request, hostIp: binding }]
  return [{ ...request, hostIp: ANY }, ...(ipv6 ? [{ ...request, hostIp: ANY6 }] : [])]
}

function range(text: string, part: string): { first: number; last: number } {
  const [, first, last = first] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(part) ?? []
  const found = { first: Number(first), last: Number(last) }
  if (!(found.first >= 1 && found.last <= 0xffff)) throw bad(text, `'${part}' is no port from 1 to 65535`)
  if (found.first > found.last) throw bad(text, `the range ${part} runs backwards`)
  return found
}

/** From here to there ports are chosen: what Linux takes by itself too. ip(7), ip_local_port_range. */
const EPHEMERAL = { first: 32768, last: 60999 } as const

/**
 * Choose the ports that were left open. `busy` says which are known to be in use; whether one really is free only its bind shows.
 * `start` is where the search in the ephemeral range begins.
 */
export function choosePorts(
  requests: readonly PortRequest[],
  busy: (protocol: Protocol, port: number) => boolean,
  start = EPHEMERAL.first + Math.floor(Math.random() * (EPHEMERAL.last - EPHEMERAL.first)),
): PublishedPort[] {
  const own = new Set<string>()
  for (const { protocol, hostPort } of requests) if (typeof hostPort === 'number') own.add(`${protocol} ${hostPort}`)
  // One that is asked for by both families is the same port in both.
  const twins = new Map<PortRequest['hostPort'] | string, number>()
  return requests.map((request) => {
    const { protocol, hostPort, hostIp, containerPort } = request
    if (typeof hostPort === 'number') return { ...request, hostPort, chosen: false }
    const { first, last } = hostPort ?? EPHEMERAL
    const kind = `${containerPort}/${protocol} ${first}-${last}`
    const twin = hostIp === ANY6 ? twins.get(kind) : undefined
    if (twin !== undefined) {
      twins.delete(kind)
      return { ...request, hostPort: twin, chosen: true }
    }
    const size = last - first + 1
    const offset = hostPort ? 0 : start - first
    for (let index = 0; index < size; index++) {
      const port = first + ((offset + index) % size)
      if (busy(protocol, port) || own.has(`${protocol} ${port}`)) continue
      own.add(`${protocol} ${port}`)
      if (hostIp === ANY) twins.set(kind, port)
      return { ...request, hostPort: port, chosen: true }
    }
    throw new DrydockError(`all ports are allocated: none from ${first} to ${last} of ${protocol} is free`, { status: 500 })
  })
}

/** Ports that sockets of this process's network namespace have, by /proc/net: a hint, so that a free one is found at once. */
export function busyPorts(): (protocol: Protocol, port: number) => boolean {
  const found = { tcp: new Set<number>(), udp: new Set<number>() }
  for (const protocol of ['tcp', 'udp'] as const) {
    for (const file of [protocol, `${protocol}6`]) {
      // Without IPv6 two of the files are missing.
      for (const [, port] of (textIfReadable(`/proc/self/net/${file}`) ?? '').matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) /gm)) {
        found[protocol].add(Number.parseInt(port as string, 16))
      }
    }
  }
  return (protocol, port) => found[protocol].has(port)
}

/** Where a container is. */
export interface PortAddresses {
  readonly address: string
  readonly address6?: string
}

/** The elements of the packet filter's maps that lead a port to a container. */
export function portElements({ hostIp, hostPort, containerPort, protocol }: PublishedPort, to: PortAddresses): SetElements {
  const six = isIPv6(hostIp)
  const family = six ? 'ip6' : 'ip'
  const address = six ? (to.address6 ?? ANY6) : to.address
  const target = [field(parseIp(address).bytes), portField(containerPort)]
  const key = [field(Uint8Array.of(NUMBER[protocol])), portField(hostPort)]
  const shown = `${protocol} . ${hostPort} : ${address} . ${containerPort}`
  if (hostIp === ANY || hostIp === ANY6) return { family, table: TABLE, set: PUBLISHED_ANYWHERE, elements: [{ key, data: target, shown }] }
  const full = [field(parseIp(hostIp).bytes), ...key]
  return { family, table: TABLE, set: PUBLISHED, elements: [{ key: full, data: target, shown: `${hostIp} . ${shown}` }] }
}

/** So many ports have a slot each (native/PROTOCOL.md). The sockets of further ones are held at numbers of our choice: above what a plan opens. */
const WITH_SLOTS = 32
const FIRST_NUMBER = 512

/** How many connections would wait at a port's socket: none ever comes there, they are led on before. */
const NOBODY = 1

/**
 * The steps of all ports of one container, and which of them is the one that takes a port. With `sweep` elements that are in the way are
 * taken out first; a refused transaction waits for RCU, some 17 ms, so not without a reason.
 */
export function portSteps(
  ports: readonly PublishedPort[],
  to: PortAddresses,
  slot: string,
  sweep = false,
): { steps: Step[]; binds: Map<Step, PublishedPort> } {
  if (ports.length === 0) return { steps: [], binds: new Map() }
  const binds = new Map<Step, PublishedPort>()
  const steps: Step[] = []
  for (const [index, port] of ports.entries()) {
    const numbered = index >= WITH_SLOTS
    const held = ref(numbered ? `${slot}port` : `${slot}port${index}`)
    // The shim ends a moment after it has said so, and the next container may want the port in that moment.
    const undo = [close(numbered ? FIRST_NUMBER + index : held)]
    const { hostIp, hostPort, protocol } = port
    const [bind] = inPhase('prepare', 'host', [
      bind_inet(held, hostIp, hostPort, {
        why: `Port ${hostPort} is this container’s as long as the socket is open: a second container, or a server of the host, gets EADDRINUSE.`,
      }),
    ]) as [Step]
    binds.set(bind, port)
    const type = protocol === 'tcp' ? 'stream' : 'dgram'
    const six = isIPv6(hostIp)
    steps.push(
      ...inPhase('prepare', 'host', [
        socket(six ? 'inet6' : 'inet', type, 0, {
          keep: held.ref,
          why: 'Nobody reads from it; it holds the port.',
          ...(!numbered && { undo }),
        }),
      ]),
      // Without it the socket would take the port of IPv4 too, which another one has.
      ...(six ? inPhase('prepare', 'host', [setsockopt_v6only(held)]) : []),
      ...(protocol === 'tcp' ? inPhase('prepare', 'host', [setsockopt_reuseaddr(held)]) : []),
      bind,
      ...(protocol === 'tcp' ? inPhase('prepare', 'host', [listen(held, NOBODY)]) : []),
      ...(numbered ? inPhase('prepare', 'host', [dup3(held, FIRST_NUMBER + index, { undo }), close(held)]) : []),
    )
  }
  const filter = ref(`${slot}filter`)
  const changes = ports.map((port) => portElements(port, to))
  const stale = sweep ? changes : []
  const gone = netlink(filter, elementsDelete(changes), { allow: ['ENOENT'] })
  steps.push(
    ...inPhase('prepare', 'host', [
      nfnetlink_socket({ keep: filter.ref, why: 'A line to the packet filter of the host’s network.' }),
      // One by one: a transaction takes place as a whole or not at all.
      ...stale.map((change) =>
        netlink(filter, elementsDelete([change]), {
          allow: ['ENOENT'],
          why: 'The port is ours, so an element for it is a dead one’s, whose shim was killed.',
        }),
      ),
      netlink(filter, elementsAdd(changes), {
        why: 'From here on the kernel sends what comes for these ports to the container.',
        undo: [gone],
      }),
    ]),
  )
  return { steps, binds }
}
