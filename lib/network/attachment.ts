/** What plugging one container into one network takes: the fragment of its plan, and what its files are to say. */

import { isIPv6 } from 'node:net'
import { DrydockError } from '../kernel/errors.js'
import { parsePrefix } from '../kernel/ip.js'
import { randomBytes } from '../kernel/random.js'
import { StepError } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import type { Fragment, Step } from '../kernel/step.js'
import { type CableSpec, cable, cableNames, loopback } from '../primitives/network.js'
import { type AddressRequest, chooseAddress, chooseAddress6 } from './addresses.js'
import { DEFAULT_NETWORK, type NetworkConfig, networkOf } from './config.js'
import { type Lease, leaseSteps, macOf, pluggedAt } from './leases.js'
import { busyPorts, choosePorts, onFamilies, type PublishedPort, parsePort, portSteps } from './ports.js'
import { hostNameservers, reachable } from './resolv.js'

export interface AttachmentRequest {
  readonly dataRoot: string
  /** Name of the network: `bridge`, or one that was created. */
  readonly network: string
  readonly container: { readonly id: string; readonly name: string; readonly hostname: string; readonly domainname: string }
  /** The network, when it is not written down yet: see `foreseeNetwork`. */
  readonly config?: NetworkConfig
  /** What it wants there. */
  readonly asked: Wishes
  /** The container's own resolvers, which a network with names asks in place of the host's. */
  readonly dns?: readonly string[]
  /** Addresses whose leases are the container's already: it had left the network, and comes back. The lease is the caller's to rewrite. */
  readonly held?: { readonly address: string; readonly address6?: string }
  /** Texts of `-p`: `8080:80`, `127.0.0.1::53/udp`, `7000-7003:7000-7003`. */
  readonly ports: readonly string[]
  /** Which of the container's networks this is, from 0 on. */
  readonly index: number
  /** Whether the default route is this network's; by default the first one's is. Never an internal network's. */
  readonly route?: boolean
  /** The same for IPv6, where the network has it. */
  readonly route6?: boolean
  readonly maker?: CableSpec['maker']
  /** From 1 on: how many plans of this container were lost to somebody quicker, and one. */
  readonly attempt?: number
  /** In the network namespace with the bridge, where that is not this process's own: in a bottle. */
  readonly shim?: Shim
}

/** What is asked for of one network. */
export interface Wishes {
  readonly ip?: string
  readonly ip6?: string
  readonly mac?: string
  /** Further names in the network's name service. */
  readonly aliases: readonly string[]
  /** `NAME:ALIAS`: names there for this container alone. */
  readonly links?: readonly string[]
}

export interface Attachment {
  readonly fragment: Fragment
  readonly address: string
  /** Bits of the network's prefix. */
  readonly prefix: number
  readonly gateway: string
  /** The same of IPv6, where the network has it. */
  readonly ipv6?: Place
  readonly mac: string
  /** What its lease says. */
  readonly lease: Lease
  /** Its further names in the network's name service. */
  readonly aliases: readonly string[]
  /** `eth0`. */
  readonly interface: string
  /** Lines for /etc/hosts, without line ends. */
  readonly hostsLines: string[]
  readonly nameservers: string[]
  /** False for the default network, which has no name service. */
  readonly userDefined: boolean
  /** Sentences for the person. */
  readonly warnings: string[]
  /** Was the plan's failure that somebody was quicker (the address, an ephemeral port), or has left something? Then plan again. */
  taken(error: unknown): boolean
  /** The plan's failure as a sentence, when it is one of these steps': a port that is in use. */
  explain(error: unknown): DrydockError | undefined
  /** With the host's ports, also those that were chosen. */
  readonly ports: readonly PublishedPort[]
}

export interface Place {
  readonly address: string
  readonly prefix: number
  readonly gateway: string
}

/** Data roots whose next plan has to sweep away elements that a killed shim has left: only the kernel's refusal tells of them. */
const sweeping = new Set<string>()

/** How hosts(5) calls a container: by its name with its domain, and by the part before the first dot alone. */
export function ownNames({ hostname, domainname }: { readonly hostname: string; readonly domainname: string }): string {
  const whole = domainname === '' ? hostname : `${hostname}.${domainname}`
  const [first = whole] = whole.split('.')
  return first === whole ? whole : `${whole} ${first}`
}

/** Reads what is on disk; makes nothing. The network's bridge is `ensureNetwork`'s. Errors are sentences, as Docker has them where it has one. */
export async function planAttachment(request: AttachmentRequest): Promise<Attachment> {
  const { dataRoot, network, container, asked, index, maker, held } = request
  const { aliases, links = [] } = asked
  const config = request.config ?? networkOf(dataRoot, network)
  const choosing = {
    ...(request.attempt !== undefined && { attempt: request.attempt }),
    ...(request.shim && { plugged: pluggedAt(request.shim) }),
  }
  const address =
    held?.address ?? (await chooseAddress(dataRoot, config, { ...choosing, ...(asked.ip !== undefined && { wanted: asked.ip }) }))
  const prefix = parsePrefix(config.subnet).length
  const ipv6 = await placeIn6(request, config, address, choosing)
  const mac = asked.mac ?? macOf(address)
  const userDefined = network !== DEFAULT_NETWORK
  // Not the container's id: when it is started again, the end of its last cable may be there for a moment still.
  const id = randomBytes(8).toString('hex')
  const names = cableNames({ id, position: index })
  const requests = request.ports.flatMap(parsePort).flatMap((port) => onFamilies(port, config.more?.hostBinding, ipv6 !== undefined))
  const ports = choosePorts(requests, requests.some(({ hostPort }) => typeof hostPort !== 'number') ? busyPorts() : () => false)
  const dns = request.dns?.filter(reachable) ?? []
  const { domainname: _, ...identity } = container
  const lease: Lease = {
    ...identity,
    aliases,
    ...(links.length > 0 && { links: linksByAlias(links) }),
    ...(userDefined && dns.length > 0 && { dns }),
    ...(ipv6 && { address6: ipv6.address }),
    mac,
    device: names.outside.name,
    ...(ports.length > 0 && { ports }),
  }
  const leased = [
    ...(held === undefined ? leaseSteps(dataRoot, network, address, lease, `lease${index}`) : []),
    ...(ipv6 && held?.address6 === undefined ? leaseSteps(dataRoot, network, ipv6.address, lease, `lease6${index}`) : []),
  ]
  const published = portSteps(ports, { address, ...(ipv6 && { address6: ipv6.address }) }, `net${index}`, sweeping.delete(dataRoot))
  const adding = published.steps.at(-1)
  const portOf = (error: unknown): PublishedPort | undefined =>
    error instanceof StepError ? [...published.binds].find(([step]) => same(step, error.step))?.[1] : undefined
  const wire = cable({
    id,
    position: index,
    bridge: { index: config.index, name: config.bridge },
    address: `${address}/${prefix}`,
    gateway: config.gateway,
    mac,
    mtu: config.mtu,
    hairpin: ports.length > 0,
    isolated: config.more?.apart === true,
    ...(ipv6 && {
      ipv6: {
        address: `${ipv6.address}/${ipv6.prefix}`,
        gateway: ipv6.gateway,
        route: request.route6 === true && config.more?.internal !== true,
      },
    }),
    route: (request.route ?? index === 0) && config.more?.internal !== true,
    ...(maker && { maker }),
  })
  const resolvers = userDefined ? { nameservers: [config.gateway], warnings: [] } : hostNameservers()
  const races = leased.filter(({ call }) => call === 'linkat')
  const isRace = (error: StepError): boolean => error.errno === 'EEXIST' && races.some((race) => same(race, error.step))
  return {
    fragment: { ...wire, steps: [...leased, ...published.steps, ...wire.steps] },
    address,
    prefix,
    gateway: config.gateway,
    ...(ipv6 && { ipv6 }),
    mac,
    lease,
    aliases,
    interface: names.inside.name,
    hostsLines: [address, ...(ipv6 ? [ipv6.address] : [])].map((one) => `${one}\t${ownNames(container)}`),
    nameservers: resolvers.nameservers,
    userDefined,
    warnings: resolvers.warnings,
    ports,
    taken: (error) => {
      if (!(error instanceof StepError)) return false
      // EBUSY: its index was taken between the kernel's own look and the making.
      if (['EEXIST', 'EBUSY'].includes(error.errno) && wire.steps.some((step) => same(step, error.step))) return true
      if (error.errno === 'EEXIST' && adding && same(adding, error.step)) return Boolean(sweeping.add(dataRoot))
      if (isRace(error)) return asked.ip === undefined && asked.ip6 === undefined
      return error.errno === 'EADDRINUSE' && portOf(error)?.chosen === true
    },
    explain: (error) => {
      const port = portOf(error)
      if (port) return portError(port, error as StepError)
      if (error instanceof StepError && isRace(error)) {
        const which = asked.ip ?? asked.ip6 ?? address
        return new DrydockError(`Address already in use: ${which} in network ${network}`, { cause: error, status: 403 })
      }
      return undefined
    },
  }
}

/** Where it is in the network's IPv6, if that has any. */
async function placeIn6(
  { dataRoot, asked, held }: AttachmentRequest,
  config: NetworkConfig,
  address: string,
  choosing: AddressRequest,
): Promise<Place | undefined> {
  const { ipv6 } = config
  if (!ipv6) {
    if (asked.ip6 === undefined) return undefined
    throw new DrydockError(`invalid address ${asked.ip6}: network ${config.name} has no IPv6`, { status: 400 })
  }
  const wanted = asked.ip6 === undefined ? {} : { wanted: asked.ip6 }
  const chosen = held?.address6 ?? (await chooseAddress6(dataRoot, config, ipv6, address, { ...choosing, ...wanted }))
  return { address: chosen, prefix: parsePrefix(ipv6.subnet).length, gateway: ipv6.gateway }
}

/** `NAME:ALIAS`, or `NAME` for both. Names are asked for in letters of any size. */
function linksByAlias(links: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    links.map((link) => {
      const [name = '', alias = name] = link.split(':')
      return [alias.toLowerCase(), name.toLowerCase()]
    }),
  )
}

function portError({ hostIp, hostPort }: PublishedPort, error: StepError): DrydockError | undefined {
  const where = `Bind for ${isIPv6(hostIp) ? `[${hostIp}]` : hostIp}:${hostPort} failed`
  if (error.errno === 'EADDRINUSE') return new DrydockError(`${where}: port is already allocated`, { cause: error, status: 500 })
  if (error.errno === 'EADDRNOTAVAIL') {
    return new DrydockError(`${where}: no interface of this host has the address ${hostIp}`, { cause: error, status: 500 })
  }
  return undefined
}

/** The steps that came back have their actor and phase, but their arguments are those that were sent. */
const same = (one: Step, other: Step): boolean => one.call === other.call && one.args === other.args

/** `none`: the loopback alone. */
export function networkFragmentFor(mode: 'none'): Fragment {
  if (mode !== 'none') throw new TypeError(`no fragment is known for network mode ${String(mode)}`)
  return loopback()
}
