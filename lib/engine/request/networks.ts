/** Which networks a container is on, and what it has there: NetworkMode, NetworkingConfig, PortBindings. */
import { isIPv4, isIPv6 } from 'node:net'
import type { ContainerRecord, EndpointRequest, NetworkMode } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { formatIp, formatMac, parseIp, parseMac } from '../../kernel/ip.js'
import { readNetworks } from '../../network/config.js'
import { exposedPort, parsePort } from '../../network/ports.js'
import { own } from '../own.js'
import type { ConfigBody, EndpointBody, HostBody } from './bodies.js'
import { conflicting, withProtocol } from './common.js'
import { parseLink } from './links.js'
import { readMembers } from './members.js'
import { ENDPOINT, IPAM } from './tables.js'

export interface Networking {
  readonly network: NetworkMode
  readonly endpoints: Readonly<Record<string, EndpointRequest>>
  /** Of the network that is its mode, when it was asked for without one. */
  readonly mac?: string
  /** As HostConfig tells it afterwards. */
  readonly mode: string
  readonly warnings: readonly string[]
}

export interface Known {
  readonly dataRoot: string
  /** Nobody but root may plug a cable into the host. */
  readonly rootless: boolean
  /** There is nothing to make a network's rules with: a container of which nothing is said gets none. */
  readonly ruleless: boolean
  /** `80/tcp`, the image's too. */
  readonly exposed: readonly string[]
  recordOf(word: string): ContainerRecord
}

const DEFAULT = 'bridge'

/** Docker's sentences for networks that do not go together. */
export const OF_HOST = 'container cannot be disconnected from host network or connected to host network'
export const OF_NONE = 'container cannot be connected to multiple networks with one of the networks in private (none) mode'
export const OF_OTHER = 'container sharing network namespace with another container or host cannot be connected to any other network'

export function networkingOf(config: ConfigBody, host: HostBody, networking: unknown, known: Known): Networking {
  const endpoints = endpointsOf(networking)
  const asked = config.NetworkDisabled ? 'none' : host.NetworkMode || 'default'
  const simple = simpleMode(asked, config, host, known)
  if (simple) {
    if (!config.NetworkDisabled) checkAlone(asked, endpoints)
    const mode = simple.kind === 'container' ? `container:${simple.of}` : asked
    return { network: simple, endpoints: {}, mode, warnings: simple.kind === 'host' ? portWarnings(host) : [] }
  }
  if (known.rootless) return withoutRoot(asked)
  if (known.ruleless && asked === 'default') return alone(NO_NFT)
  const names = nameOf(known.dataRoot)
  const mode = names(asked)
  const byName: Record<string, EndpointRequest> = {}
  for (const [name, endpoint] of Object.entries(endpoints)) byName[names(name)] = endpoint
  const all = [...new Set([mode, ...Object.keys(byName)])]
  const onDefault = byName[DEFAULT]
  if (onDefault) checkDefault(onDefault)
  const main = own(byName, mode) ?? { aliases: [] }
  const mac = config.MacAddress && checkedMac(config.MacAddress)
  if (mac && main.mac !== undefined && main.mac !== mac) throw new DrydockError(TWO_MACS, { status: 400 })
  if (mac) byName[mode] = { ...main, mac }
  return {
    network: { kind: 'networks', names: all, aliases: [], ports: portsOf(host, known.exposed) },
    endpoints: byName,
    ...(mac && { mac }),
    mode,
    warnings: [],
  }
}

/** Of a container without a cable of its own: it has no other network, and chooses no address. */
function checkAlone(asked: string, { [asked]: own, ...others }: Readonly<Record<string, EndpointRequest>>): void {
  if (Object.keys(others).length > 0) throw new DrydockError(asked === 'none' ? OF_NONE : OF_OTHER, { status: 400 })
  if (own?.mac !== undefined && asked.startsWith('container:')) throw conflicting('mac-address and the network mode')
  if (own) checkDefault(own)
}

const portWarnings = ({ PortBindings = {} }: HostBody): string[] =>
  Object.keys(PortBindings).length > 0 ? ['Published ports are discarded when using host network mode'] : []

const onlyUserDefined = (what: string): DrydockError =>
  new DrydockError(`${what} is supported only for containers in user defined networks`, { status: 400 })

const TWO_MACS = 'the container-wide MAC address must match the endpoint-specific MAC address for the main network, or should be left empty'

/** What one cannot ask for on the network that everybody shares. */
export function checkDefault({ ip, ip6, aliases, links }: EndpointRequest): void {
  if (ip !== undefined || ip6 !== undefined)
    throw new DrydockError('user specified IP address is supported on user defined networks only', { status: 400 })
  if (aliases.length > 0) throw onlyUserDefined('network-scoped alias')
  if (links) throw onlyUserDefined('a link of one network')
}

function checkedMac(text: string): string {
  try {
    return formatMac(parseMac(text.replaceAll('-', ':')))
  } catch (cause) {
    throw new DrydockError(`invalid MAC address: ${text}`, { cause, status: 400 })
  }
}

/** The host's, none, another container's; undefined: networks with cables. */
function simpleMode(asked: string, config: ConfigBody, host: HostBody, { recordOf }: Known): NetworkMode | undefined {
  if (asked === 'none' || asked === 'host') return { kind: asked }
  const of = /^container:(.*)$/s.exec(asked)?.[1]
  if (of === undefined) return undefined
  if (of === '') throw new DrydockError('Invalid network mode: invalid container format container:<name|id>', { status: 400 })
  if (host.Dns?.length) throw conflicting('dns and the network mode')
  if (host.ExtraHosts?.length) throw conflicting('custom host-to-IP mapping and the network mode')
  if (config.MacAddress) throw conflicting('mac-address and the network mode')
  if (Object.keys(host.PortBindings ?? {}).length > 0 || host.PublishAllPorts)
    throw conflicting('port publishing and the container type network mode')
  if (Object.keys(config.ExposedPorts ?? {}).length > 0) throw conflicting('port exposing and the container type network mode')
  // Whether it runs matters when this one is started, and then its process is looked up.
  return { kind: 'container', of: recordOf(of).spec.id, pid: 0 }
}

function withoutRoot(asked: string): Networking {
  if (asked !== 'default') {
    throw new DrydockError(
      `the network ${asked} needs root: an ordinary user may not plug a cable into the host. Use --network none or host`,
      { status: 403 },
    )
  }
  return alone('plugging in a cable needs root')
}

const NO_NFT = 'nft, which makes the rules for it, is not installed (the package nftables)'

/** With its loopback, and told why there is no more. */
function alone(why: string): Networking {
  return { network: { kind: 'none' }, endpoints: {}, mode: 'none', warnings: [`The container has no network: ${why}.`] }
}

/** A network by its name, its id or the beginning of that. One that is not there is missed when the container starts. */
function nameOf(dataRoot: string): (word: string) => string {
  return (word) => {
    if (word === 'default' || word === DEFAULT) return DEFAULT
    const networks = readNetworks(dataRoot)
    const found =
      networks.find(({ name, id }) => name === word || id === word) ?? networks.find(({ id }) => word.length > 3 && id.startsWith(word))
    return found?.name ?? word
  }
}

function endpointsOf(networking: unknown): Record<string, EndpointRequest> {
  const { EndpointsConfig = {} } = readMembers(networking, { EndpointsConfig: { shape: 'map' } }, 'NetworkingConfig.') as {
    EndpointsConfig?: Readonly<Record<string, unknown>>
  }
  return Object.fromEntries(
    Object.entries(EndpointsConfig).map(([name, document]) => [
      name,
      endpointRequest(document, `NetworkingConfig.EndpointsConfig.${name}.`),
    ]),
  )
}

/** An EndpointSettings as clients send it. */
export function endpointRequest(document: unknown, path: string): EndpointRequest {
  const { IPAMConfig, Links = [], Aliases = [], MacAddress, GwPriority } = readMembers(document, ENDPOINT, path) as EndpointBody
  const { IPv4Address, IPv6Address } = readMembers(IPAMConfig, IPAM, `${path}IPAMConfig.`) as { IPv4Address?: string; IPv6Address?: string }
  if (IPv4Address && !isIPv4(IPv4Address)) throw new DrydockError(`invalid IPv4 address: ${IPv4Address}`, { status: 400 })
  if (IPv6Address && (!isIPv6(IPv6Address) || IPv6Address.includes('%')))
    throw new DrydockError(`invalid IPv6 address: ${IPv6Address}`, { status: 400 })
  for (const text of Links) parseLink(text)
  return {
    aliases: Aliases,
    ...(IPv4Address && { ip: IPv4Address }),
    ...(IPv6Address && { ip6: formatIp(parseIp(IPv6Address).bytes) }),
    ...(MacAddress && { mac: checkedMac(MacAddress) }),
    ...(Links.length > 0 && { links: Links }),
    ...(GwPriority && { priority: GwPriority }),
  }
}

/** As `-p` has them. */
function portsOf({ PortBindings = {}, PublishAllPorts = false }: HostBody, exposed: readonly string[]): string[] {
  const bound = Object.entries(PortBindings).flatMap(([port, bindings]) =>
    (bindings?.length ? bindings : [{}]).map(({ HostIp = '', HostPort = '' }) => `${HostIp}:${HostPort}:${withProtocol(port)}`),
  )
  const led = new Set(Object.keys(PortBindings).map(withProtocol))
  const texts = [...bound, ...(PublishAllPorts ? exposed.filter((port) => !led.has(port)).map(exposedPort) : [])]
  for (const text of texts) parsePort(text)
  return texts
}
