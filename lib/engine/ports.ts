/** Which ports of the host lead to running containers, as docker shows them. */
import type { StoredContainer } from '../container/index.js'
import { inspectNetwork, type Lease } from '../network/index.js'

/** Engine API, Port. */
export interface Port {
  readonly IP?: string
  readonly PrivatePort: number
  readonly PublicPort?: number
  readonly Type: string
}

/** By the container's id: those of the host that lead to it, and those that it only exposes. */
export async function portsOf(containers: readonly StoredContainer[], root: string): Promise<Map<string, Port[]>> {
  const leases = await leasesOf(containers, root)
  return new Map(
    containers.map(({ record: { spec } }) => {
      const published = leases.get(spec.id)?.ports ?? []
      const shown = published.map(({ hostIp, hostPort, containerPort, protocol }) => ({
        IP: hostIp,
        PrivatePort: containerPort,
        PublicPort: hostPort,
        Type: protocol,
      }))
      const led = new Set(published.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`))
      const exposed = (spec.declared?.exposedPorts ?? []).filter((port) => !led.has(port))
      return [spec.id, [...shown, ...(spec.network.kind === 'networks' ? exposed.map(exposedPort) : [])]]
    }),
  )
}

/** `80/tcp` */
function exposedPort(text: string): Port {
  const [port, protocol = 'tcp'] = text.split('/')
  return { PrivatePort: Number(port), Type: protocol }
}

/** Of the first network of each, which has its ports. */
async function leasesOf(containers: readonly StoredContainer[], root: string): Promise<Map<string, Lease>> {
  const networks = new Set(
    containers.flatMap(({ record: { spec } }) => (spec.network.kind === 'networks' ? spec.network.names.slice(0, 1) : [])),
  )
  const found = new Map<string, Lease>()
  for (const name of networks) {
    // A network that is just being removed has nobody in it.
    const view = await inspectNetwork(root, name).catch(() => undefined)
    for (const lease of view?.leases.values() ?? []) found.set(lease.id, lease)
  }
  return found
}
