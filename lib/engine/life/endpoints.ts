/** Where a running container is in its networks. */

import type { ContainerSpec } from '../../container/index.js'
import { type NetworkConfig, readNetwork } from '../../network/config.js'
import { readLeases } from '../../network/leases.js'
import type { Connections } from '../connections.js'
import type { Core } from '../core.js'
import type { Endpoint } from '../documents/index.js'
import type { Container } from './container.js'

type Endpoints = Readonly<Record<string, Endpoint>>

/** Of one that was just plugged in. */
export function endpointsOf(core: Core, { network }: ContainerSpec, { attachments }: Connections): Endpoints {
  const { dataRoot } = core
  if (network.kind === 'none' || network.kind === 'host') return modeEndpoint(core, network.kind)
  return Object.fromEntries(
    [...attachments].map(([network, { address, prefix, gateway, ipv6, mac, ports, aliases }]) => [
      network,
      { networkId: readNetwork(dataRoot, network)?.id ?? '', address, prefix, gateway, ...(ipv6 && { ipv6 }), mac, aliases, ports },
    ]),
  )
}

/** The host's network, and none, are networks too, in which nobody has an address. */
function modeEndpoint({ modeIds }: Core, name: 'none' | 'host'): Endpoints {
  return { [name]: { networkId: modeIds[name], address: '', prefix: 0, gateway: '', mac: '', aliases: [], ports: [] } }
}

/** Of one that has run and does not now, or was to be started in vain, Docker still tells which networks they were. Each network is read once. */
export function networksLeft(
  core: Core,
): <T extends { readonly NetworkID: string }>(container: Container, told: Record<string, T>) => Record<string, T> {
  const known = new Map<string, string>()
  const idOf = (name: string) => {
    if (name === 'none' || name === 'host') return core.modeIds[name]
    if (!known.has(name)) known.set(name, readNetwork(core.dataRoot, name)?.id ?? '')
    return known.get(name) as string
  }
  return ({ running, startedAt, notes }, told) => {
    if (running || (startedAt === undefined && !notes.failure)) return told
    return Object.fromEntries(Object.entries(told).map(([name, one]) => [name, { ...one, NetworkID: idOf(name) }]))
  }
}

/** Of those that run already, by what their leases say: each network is read once. */
export class LeasedEndpoints {
  readonly #core: Core
  readonly #byNetwork = new Map<string, ReadonlyMap<string, Endpoint>>()

  constructor(core: Core) {
    this.#core = core
  }

  of({ record: { spec } }: Container): Endpoints {
    const { kind } = spec.network
    if (kind === 'none' || kind === 'host') return modeEndpoint(this.#core, kind)
    if (kind !== 'networks') return {}
    const found = spec.network.names.flatMap((name) => {
      const endpoint = this.#read(name).get(spec.id)
      return endpoint ? [[name, endpoint] as const] : []
    })
    return Object.fromEntries(found)
  }

  #read(name: string): ReadonlyMap<string, Endpoint> {
    const known = this.#byNetwork.get(name)
    if (known) return known
    const network = readNetwork(this.#core.dataRoot, name)
    const found = new Map<string, Endpoint>()
    if (network) {
      const prefix = Number(network.subnet.split('/')[1])
      const { id: networkId, gateway } = network
      for (const [address, { id, mac, aliases, address6, ports = [] }] of readLeases(this.#core.dataRoot, name)) {
        const ipv6 = address6 === undefined ? undefined : placeIn(network, address6)
        found.set(id, { networkId, address, prefix, gateway, ...(ipv6 && { ipv6 }), mac, aliases, ports })
      }
    }
    this.#byNetwork.set(name, found)
    return found
  }
}

/** The IPv6 side. */
function placeIn({ ipv6 }: NetworkConfig, address: string) {
  return ipv6 && { address, prefix: Number(ipv6.subnet.split('/')[1]), gateway: ipv6.gateway }
}
