/** Networks as a person has them: made, listed, looked at, removed, and brought to life in the kernel when a container needs one. */
import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { DrydockError } from '../kernel/errors.js'
import { parsePrefix } from '../kernel/ip.js'
import { loneShim } from '../kernel/lone.js'
import { parseRoutes, parseRoutes6 } from '../kernel/proc/net.js'
import { newId } from '../kernel/random.js'
import { textIfReadable } from '../kernel/readable.js'
import type { Shim } from '../kernel/shim.js'
import { bridgeAddress, bridgeState, knownNetworks, makeBridge, makeRoom, OtherBridge } from './bridge.js'
import {
  checkedNetworkName,
  DEFAULT_NETWORK,
  deleteNetworkFiles,
  MODES,
  type NetworkConfig,
  type NewNetworkSettings,
  networkOf,
  newNetwork,
  readNetwork,
  readNetworks,
  rewriteNetwork,
  writeNetwork,
} from './config.js'
import { filterReady, missingSettings, obstacles, settle } from './filter.js'
import { endpointId, type Lease, liveLeases, pluggedAt, readLeases, reclaim, staleAddresses } from './leases.js'
import { removeLink } from './links.js'
import { familiesOf, ruleset, rulesetWords, withdrawal } from './nft.js'
import { addressOf, checkedGateway, checkedSubnet, checkPart, freeSubnet, gatewayOf, rangeOf } from './pool.js'
import { checkedAddress6, checkedSubnet6, checkIpv6, checkPart6, gatewayOf6, type Ipv6Place, uniqueLocalSubnet } from './pool6.js'
import { checkSameNetwork, loadRules, type MoreShims } from './run-nft.js'

/**
 * Make what a network needs in the kernel, in the network namespace of this shim, when it is not there: the bridge with its address, our
 * table of the packet filter, forwarding. Sentences of what was done and of what is in the way; none when all was there, which costs a
 * few messages. Safe when two do it at once. `more` gives further shims in the same namespace, for a run of nft; by default those of
 * this process's own.
 */
export async function ensureNetwork(shim: Shim, dataRoot: string, name: string, more: MoreShims = loneShim): Promise<string[]> {
  const said: string[] = []
  const config = name === DEFAULT_NETWORK ? await defaultNetwork(shim, dataRoot) : networkOf(dataRoot, name)
  const state = await bridgeState(shim, config).catch(async (error) => {
    if (!(error instanceof OtherBridge) || !(await makeRoom(shim, config))) throw error
    return bridgeState(shim, config)
  })
  if (state !== 'ready') {
    await makeBridge(shim, config)
    said.push(`${state === 'absent' ? 'made' : 'completed'} the bridge ${config.bridge} with the address ${bridgeAddress(config)}`)
  }
  for (const setting of await missingSettings(shim, config)) {
    await settle(shim, setting)
    said.push(setting.said)
  }
  for (const family of familiesOf(config)) {
    // The table may know the bridge of that name of another data root, and not this subnet.
    if (state === 'ready' && (await filterReady(shim, config, family))) continue
    await checkSameNetwork(shim, more)
    await loadRules(more, ruleset(config, family))
    said.push(`made ${rulesetWords(config, family)}`, ...(await obstacles(shim, more, config.bridge, family)))
    await reclaim(dataRoot, name, pluggedAt(shim))
  }
  return said
}

/** ADDRESS/BITS of the default bridge, and the network that it is in. Throws what is wrong with it. */
export function parseBip(text: string): Pick<NetworkConfig, 'subnet' | 'gateway'> {
  const [gateway = '', bits, more] = text.split('/')
  if (!isIPv4(gateway) || !/^\d{1,2}$/.test(bits ?? '') || more !== undefined)
    throw new DrydockError(`invalid --bip ${text}: it is the bridge's address and the bits of its network, such as 172.17.0.1/16`, {
      status: 400,
    })
  const { first } = rangeOf(parsePrefix(text))
  const subnet = checkedSubnet(`${addressOf(first)}/${bits}`, [])
  return { subnet, gateway: checkedGateway(subnet, gateway) }
}

/**
 * The default network, written down when it is not there yet; by what this process's own namespace knows. With `bip` it is that one: `old` is what it was
 * before, when that was another one.
 */
export function settleDefaultNetwork(dataRoot: string, bip?: string): { readonly config: NetworkConfig; readonly old?: NetworkConfig } {
  const wanted = bip === undefined ? undefined : parseBip(bip)
  const found = readNetwork(dataRoot, DEFAULT_NETWORK)
  if (!found) {
    const subnet = wanted?.subnet ?? freeSubnet([...routedNetworks(), ...subnetsOf(dataRoot)])
    writeNetwork(dataRoot, newNetwork(DEFAULT_NETWORK, { subnet, gateway: wanted?.gateway ?? gatewayOf(subnet) }))
    return { config: networkOf(dataRoot, DEFAULT_NETWORK) }
  }
  if (!wanted || (wanted.subnet === found.subnet && wanted.gateway === found.gateway)) return { config: found }
  return { config: { ...found, ...wanted }, old: found }
}

/** Have the default network be another one from now on. Fails when a container is on it. */
export async function changeDefaultNetwork(dataRoot: string, config: NetworkConfig, shim: Shim, more: MoreShims = loneShim): Promise<void> {
  const before = networkOf(dataRoot, config.name)
  await checkUnused(dataRoot, config.name, shim, 'it cannot be given another address')
  // Addresses of the old one are nobody's in the new one.
  await reclaim(dataRoot, config.name, pluggedAt(shim))
  await takeDown(before, shim, more)
  rewriteNetwork(dataRoot, config)
}

/** The default network, whose file is made the first time. */
async function defaultNetwork(shim: Shim, dataRoot: string): Promise<NetworkConfig> {
  const found = readNetwork(dataRoot, DEFAULT_NETWORK)
  if (found) return found
  const subnet = freeSubnet([...(await knownNetworks(shim)), ...subnetsOf(dataRoot)])
  writeNetwork(dataRoot, newNetwork(DEFAULT_NETWORK, { subnet, gateway: gatewayOf(subnet) }))
  return networkOf(dataRoot, DEFAULT_NETWORK)
}

const subnetsOf = (dataRoot: string): string[] => readNetworks(dataRoot).map(({ subnet }) => subnet)

/** Write a new network down. Its bridge is made when the first container needs it. */
export async function createNetwork(dataRoot: string, name: string, settings: NewNetworkSettings = {}): Promise<NetworkConfig> {
  checkedNetworkName(name)
  if ((MODES as readonly string[]).includes(name) || name === DEFAULT_NETWORK) {
    throw new DrydockError(`operation is not permitted on predefined ${name} network`, { status: 403 })
  }
  if (readNetwork(dataRoot, name)) throw exists(name)
  const taken = [...(settings.known ?? routedNetworks()), ...subnetsOf(dataRoot)]
  const subnet = settings.subnet === undefined ? freeSubnet(taken) : checkedSubnet(settings.subnet, taken)
  const reserved = Object.values(settings.more?.reserved ?? {})
  const range = settings.more?.range
  for (const part of range === undefined ? reserved : [range, ...reserved]) checkPart(subnet, part)
  const gateway = settings.gateway === undefined ? gatewayOf(subnet, range, reserved) : checkedGateway(subnet, settings.gateway)
  checkBridge(dataRoot, settings.bridge)
  const id = newId()
  const ipv6 = settings.ipv6 && placeOf6(dataRoot, id, settings.ipv6)
  const more = settings.subnet === undefined ? { ...settings.more, subnetUnsaid: true } : settings.more
  const config = newNetwork(name, { subnet, gateway, ...(ipv6 && { ipv6 }) }, { ...settings, ...(more && { more }), id })
  if (!writeNetwork(dataRoot, config)) throw exists(name)
  return config
}

function placeOf6(dataRoot: string, id: string, asked: Partial<Ipv6Place>): Ipv6Place {
  checkIpv6()
  const taken = [...routedNetworks6(), ...readNetworks(dataRoot).flatMap(({ ipv6 }) => (ipv6 ? [ipv6.subnet] : []))]
  const subnet = checkedSubnet6(asked.subnet ?? uniqueLocalSubnet(id), taken)
  const reserved =
    asked.reserved && Object.fromEntries(Object.entries(asked.reserved).map(([whose, one]) => [whose, checkedAddress6(subnet, one)]))
  if (asked.range !== undefined) checkPart6(subnet, asked.range)
  const gateway =
    asked.gateway === undefined ? gatewayOf6(subnet, asked.range, Object.values(reserved ?? {})) : checkedAddress6(subnet, asked.gateway)
  return { ...asked, subnet, gateway, ...(reserved && { reserved }), ...(asked.subnet === undefined && { subnetUnsaid: true }) }
}

function checkBridge(dataRoot: string, bridge: string | undefined): void {
  if (bridge === undefined) return
  // dev_valid_name of the kernel, and what no command line has to quote.
  if (!/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,14}$/.test(bridge))
    throw new DrydockError(`'${bridge}' cannot be a network device's name: it must have 1 to 15 letters, digits, _ . or -`, { status: 400 })
  const other = readNetworks(dataRoot).find((one) => one.bridge === bridge)
  if (other) {
    throw new DrydockError(`the bridge ${bridge} is that of network ${other.name} already: networks have same bridge name`, { status: 403 })
  }
}

const exists = (name: string) => new DrydockError(`network with name ${name} already exists`, { status: 409 })

export interface NetworkView extends NetworkConfig {
  /** By address. */
  readonly leases: ReadonlyMap<string, Lease>
}

export const listNetworks = async (dataRoot: string): Promise<NetworkConfig[]> => readNetworks(dataRoot)

export async function inspectNetwork(dataRoot: string, name: string): Promise<NetworkView> {
  return { ...networkOf(dataRoot, name), leases: liveLeases(dataRoot, name) }
}

/** Forget a network that no container is on, and remove its bridge in the network namespace of this shim. */
export async function removeNetwork(dataRoot: string, name: string, shim: Shim, more: MoreShims = loneShim): Promise<void> {
  if (name === DEFAULT_NETWORK || (MODES as readonly string[]).includes(name)) {
    throw new DrydockError(`${name} is a pre-defined network and cannot be removed`, { status: 403 })
  }
  const config = networkOf(dataRoot, name)
  await checkUnused(dataRoot, name, shim, undefined)
  await takeDown(config, shim, more)
  deleteNetworkFiles(dataRoot, name)
}

async function checkUnused(dataRoot: string, name: string, shim: Shim, what: string | undefined): Promise<void> {
  const stale = await staleAddresses(dataRoot, name, pluggedAt(shim))
  const users = [...readLeases(dataRoot, name)].flatMap(([address, lease]) => (stale.includes(address) ? [] : [lease]))
  const endpoints = users.map((user) => `name:"${user.name}" id:"${endpointId(user.id, name).slice(0, 12)}"`)
  const failed = what === undefined ? 'error while removing network: network' : `${what}: network`
  if (users.length > 0) throw new DrydockError(`${failed} ${name} has active endpoints (${endpoints.join(', ')})`, { status: 403 })
}

/** What of a network is in the kernel. */
async function takeDown(config: NetworkConfig, shim: Shim, more: MoreShims): Promise<void> {
  for (const family of familiesOf(config)) {
    if (!(await filterReady(shim, config, family))) continue
    await checkSameNetwork(shim, more)
    await loadRules(more, withdrawal(config, family))
  }
  await removeLink(shim, config.bridge)
}

/** The network as it is written down, or as the first run would write it down: for --explain, which makes nothing. */
export function foreseeNetwork(dataRoot: string, name: string): NetworkConfig {
  const found = readNetwork(dataRoot, name)
  if (found || name !== DEFAULT_NETWORK) return found ?? networkOf(dataRoot, name)
  const subnet = freeSubnet([...routedNetworks(), ...subnetsOf(dataRoot)])
  return newNetwork(name, { subnet, gateway: gatewayOf(subnet) })
}

/** What `ensureNetwork` sees to, in sentences, without looking at the kernel: for --explain. */
export function describeNetwork(dataRoot: string, name: string): string[] {
  const config = readNetwork(dataRoot, name)
  if (!config && name !== DEFAULT_NETWORK) networkOf(dataRoot, name)
  const where = config
    ? `${config.bridge} with the address ${bridgeAddress(config)}`
    : 'drydock0 with the first free network from 172.17.0.0/16 on'
  return [
    `network ${name} is the bridge ${where}; it is made when it is not there`,
    'the nft table ip drydock, with masquerade, published ports and isolation, is made by one `nft -f -` when the bridge is not in it',
    'net.ipv4.ip_forward is switched on when it is off',
  ]
}

/** Networks that this process's own namespace has routes to. /proc/net/route has addresses' networks too. */
function routedNetworks(): string[] {
  return parseRoutes(readFileSync('/proc/self/net/route', 'utf8')).flatMap(({ destination, prefixLength }) =>
    prefixLength === 0 ? [] : [`${destination}/${prefixLength}`],
  )
}

/** The same of IPv6; none in a kernel without. */
function routedNetworks6(): string[] {
  return parseRoutes6(textIfReadable('/proc/self/net/ipv6_route') ?? '').flatMap(({ destination, prefixLength, device }) =>
    prefixLength === 0 || device === 'lo' ? [] : [`${destination}/${prefixLength}`],
  )
}
