/** Networks as the Engine API tells them. */
import { endpointId, type NetworkConfig } from '../../network/index.js'
import { liveLeases } from '../../network/leases.js'
import type { EngineContext } from '../context.js'
import type { Document } from '../types.js'
import type { BridgeNetwork, Network } from './find.js'

/** `members`: whoever is on it; lists leave them out. */
export function networkDocument(network: Network, members: Members = {}): Document {
  const { config } = { config: undefined, ...network }
  const { internal = false, attachable = false } = config?.more ?? {}
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: 'local',
    Driver: network.driver,
    EnableIPv4: true,
    EnableIPv6: config?.ipv6 !== undefined,
    IPAM: { Driver: 'default', Options: ipamOptions(config), Config: config ? ipamConfigs(config) : [] },
    Internal: internal,
    Attachable: attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: members,
    Options: optionsOf(config),
    Labels: config?.labels ?? {},
  }
}

const isDefault = ({ name }: NetworkConfig): boolean => name === 'bridge'

const ipamOptions = (config: NetworkConfig | undefined) => config?.more?.ipamOptions ?? (config && !isDefault(config) ? {} : null)

const ipamConfigs = ({ subnet, gateway, more, ipv6 }: NetworkConfig): Document[] =>
  [{ subnet, gateway, ...more }, ...(ipv6 ? [ipv6] : [])].map((place) => ({
    Subnet: place.subnet,
    ...(place.range !== undefined && { IPRange: place.range }),
    ...(!place.gatewayUnsaid && { Gateway: place.gateway }),
    ...(place.reserved && { AuxiliaryAddresses: place.reserved }),
  }))

/** Of the default one, Docker tells all that hold. */
function optionsOf(config: NetworkConfig | undefined): Document {
  if (!config || !isDefault(config)) return config?.more?.options ?? {}
  return {
    'com.docker.network.bridge.default_bridge': 'true',
    'com.docker.network.bridge.enable_icc': 'true',
    'com.docker.network.bridge.enable_ip_masquerade': 'true',
    'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
    'com.docker.network.bridge.name': config.bridge,
    'com.docker.network.driver.mtu': String(config.mtu),
  }
}

/** Running containers by their id. */
export type Members = Readonly<Record<string, Document>>

export function membersOf({ containers, dataRoot }: EngineContext, network: Network): Members {
  const handles = new Map(containers.all().map((handle) => [handle.id, handle]))
  if (network.kind === 'bridge') return leasedMembers(dataRoot, network, (id) => handles.get(id)?.name)
  const inMode = [...handles.values()].filter(({ running, record }) => running && record.spec.network.kind === network.name)
  return Object.fromEntries(inMode.map(({ id, name }) => [id, memberDocument({ id, name, network: network.name })]))
}

/** Those of a bridge, as its leases have them. `nameOf`: what one is called now. */
export function leasedMembers(
  dataRoot: string,
  { name: network, config }: BridgeNetwork,
  nameOf: (id: string) => string | undefined = () => undefined,
): Members {
  const [bits, bits6] = [config.subnet, config.ipv6?.subnet].map((subnet) => subnet?.split('/')[1])
  return Object.fromEntries(
    [...liveLeases(dataRoot, network)].map(([address, { id, name, mac, address6 }]) => [
      id,
      memberDocument({
        id,
        name: nameOf(id) ?? name,
        network,
        mac,
        address: `${address}/${bits}`,
        ...(address6 !== undefined && { address6: `${address6}/${bits6}` }),
      }),
    ]),
  )
}

interface Member {
  readonly id: string
  readonly name: string
  readonly network: string
  readonly mac?: string
  /** With the bits of its network. */
  readonly address?: string
  readonly address6?: string
}

const memberDocument = ({ id, name, network, mac = '', address = '', address6 = '' }: Member): Document => ({
  Name: name,
  EndpointID: endpointId(id, network),
  MacAddress: mac,
  IPv4Address: address,
  IPv6Address: address6,
})
