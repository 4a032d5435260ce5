/** Where a running container is in its networks. */

import { readNetwork } from '../../network/config.js'
import { readLeases } from '../../network/leases.js'
import type { Connections } from '../connections.js'
import type { Core } from '../core.js'
import type { Endpoint } from '../documents/index.js'
import type { Container } from './container.js'

type Endpoints = Readonly<Record<string, Endpoint>>

/** Of one that was just plugged in. */
export function endpointsOf({ dataRoot }: Core, { attachments }: Connections): Endpoints {
  return Object.fromEntries(
    [...attachments].map(([network, { address, prefix, gateway, mac, ports, aliases }]) => [
      network,
      { networkId: readNetwork(dataRoot, network)?.id ?? '', address, prefix, gateway, mac, aliases, ports },
    ]),
  )
}

/** Of those that run already, by what their leases say: each network is read once. */
export class LeasedEndpoints {
  readonly #dataRoot: string
  readonly #byNetwork = new Map<string, ReadonlyMap<string, Endpoint>>()

  constructor(dataRoot: string) {
    this.#dataRoot = dataRoot
  }

  of({ record: { spec } }: Container): Endpoints {
    if (spec.network.kind !== 'networks') return {}
    const found = spec.network.names.flatMap((name) => {
      const endpoint = this.#read(name).get(spec.id)
      return endpoint ? [[name, endpoint] as const] : []
    })
    return Object.fromEntries(found)
  }

  #read(name: string): ReadonlyMap<string, Endpoint> {
    const known = this.#byNetwork.get(name)
    if (known) return known
    const network = readNetwork(this.#dataRoot, name)
    const found = new Map<string, Endpoint>()
    if (network) {
      const prefix = Number(network.subnet.split('/')[1])
      for (const [address, { id, mac, aliases, ports = [] }] of readLeases(this.#dataRoot, name)) {
        found.set(id, { networkId: network.id, address, prefix, gateway: network.gateway, mac, aliases, ports })
      }
    }
    this.#byNetwork.set(name, found)
    return found
  }
}
