/** Networks as a person has them: made, listed, looked at, removed, and brought to life in the kernel when a container needs one. */
import { readFileSync } from 'node:fs'
import { close } from '../kernel/calls/files.js'
import { rtnetlink_socket } from '../kernel/calls/sockets.js'
import { DrydockError } from '../kernel/errors.js'
import { loneShim } from '../kernel/lone.js'
import { link_delete } from '../kernel/netlink/steps.js'
import { parseRoutes } from '../kernel/proc/net.js'
import type { Shim } from '../kernel/shim.js'
import { host, ref } from '../kernel/step.js'
import { bridgeAddress, bridgeState, knownNetworks, makeBridge } from './bridge.js'
import {
  checkedNetworkName,
  DEFAULT_NETWORK,
  deleteNetworkFiles,
  MODES,
  type NetworkConfig,
  networkOf,
  newNetwork,
  readNetwork,
  readNetworks,
  writeNetwork,
} from './config.js'
import { filterReady, missingSettings, obstacles, switchOn } from './filter.js'
import { type Lease, liveLeases, pluggedAt, readLeases, reclaim, staleAddresses } from './leases.js'
import { ruleset, rulesetWords, withdrawal } from './nft.js'
import { checkedSubnet, freeSubnet, gatewayOf } from './pool.js'
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
  const state = await bridgeState(shim, config)
  if (state !== 'ready') {
    await makeBridge(shim, config)
    said.push(`${state === 'absent' ? 'made' : 'completed'} the bridge ${config.bridge} with the address ${bridgeAddress(config)}`)
  }
  for (const setting of await missingSettings(shim, config)) {
    await switchOn(shim, setting.path)
    said.push(setting.said)
  }
  if (!(await filterReady(shim, config))) {
    await checkSameNetwork(shim, more)
    await loadRules(more, ruleset(config))
    said.push(`made ${rulesetWords(config)}`, ...(await obstacles(shim, more, config.bridge)))
    await reclaim(dataRoot, name, pluggedAt(shim))
  }
  return said
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

export interface NewNetworkSettings {
  /** A free one of the pool by default. */
  readonly subnet?: string
  readonly gateway?: string
  readonly mtu?: number
  readonly labels?: Readonly<Record<string, string>>
  /** Networks that the host knows, of which the new one must keep clear; this process's by default. */
  readonly known?: readonly string[]
}

/** Write a new network down. Its bridge is made when the first container needs it. */
export async function createNetwork(dataRoot: string, name: string, settings: NewNetworkSettings = {}): Promise<NetworkConfig> {
  checkedNetworkName(name)
  if ((MODES as readonly string[]).includes(name) || name === DEFAULT_NETWORK) {
    throw new DrydockError(`operation is not permitted on predefined ${name} network`, { status: 403 })
  }
  if (readNetwork(dataRoot, name)) throw exists(name)
  const taken = [...(settings.known ?? routedNetworks()), ...subnetsOf(dataRoot)]
  const subnet = settings.subnet === undefined ? freeSubnet(taken) : checkedSubnet(settings.subnet, taken)
  const gateway = settings.gateway ?? gatewayOf(subnet)
  const config = newNetwork(name, { subnet, gateway }, settings)
  if (!writeNetwork(dataRoot, config)) throw exists(name)
  return config
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
  const stale = await staleAddresses(dataRoot, name, pluggedAt(shim))
  const [user] = [...readLeases(dataRoot, name)].flatMap(([address, lease]) => (stale.includes(address) ? [] : [lease]))
  if (user) throw new DrydockError(`error while removing network: network ${name} has active endpoints (${user.name})`, { status: 403 })
  if (await filterReady(shim, config)) {
    await checkSameNetwork(shim, more)
    await loadRules(more, withdrawal(config))
  }
  const socket = ref('remove')
  await shim.run(host([rtnetlink_socket({ keep: socket.ref }), link_delete(socket, config.bridge, { allow: ['ENODEV'] }), close(socket)]))
  deleteNetworkFiles(dataRoot, name)
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
