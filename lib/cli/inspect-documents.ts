/** The documents of what inspect can show, with what only the kernel and the other files know put in. */
import type { StoredContainer } from '../container/index.js'
import { bytesBelow } from '../engine/disk.js'
import { containerDocument, type Endpoint } from '../engine/documents/index.js'
import { firstProcess } from '../engine/living.js'
import { volumeDocument, volumeOf } from '../engine/volume/index.js'
import { Store } from '../image/store/index.js'
import { inspectNetwork } from '../network/index.js'

export async function documentOf(container: StoredContainer, root: string, withSize: boolean): Promise<object> {
  const { spec } = container.record
  const pid = firstProcess(container.layout.upper)
  const names = pid !== undefined && spec.network.kind === 'networks' ? spec.network.names : []
  const endpoints = await Promise.all(names.map(async (name) => [name, await endpointOf(name, spec.id, root)] as const))
  const known = endpoints.filter((one): one is [string, Endpoint] => one[1] !== undefined)
  const size = withSize ? await sizeOf(container, root) : undefined
  return containerDocument({ container, ...(pid !== undefined && { pid }), endpoints: Object.fromEntries(known), ...(size && { size }) })
}

async function endpointOf(network: string, id: string, root: string): Promise<Endpoint | undefined> {
  const view = await inspectNetwork(root, network).catch(() => undefined)
  const [address, lease] = [...(view?.leases ?? [])].find(([, one]) => one.id === id) ?? []
  if (!view || address === undefined || !lease) return undefined
  const { id: networkId, gateway, subnet } = view
  return {
    networkId,
    gateway,
    address,
    prefix: Number(subnet.split('/')[1]),
    mac: lease.mac,
    aliases: lease.aliases,
    ports: lease.ports ?? [],
  }
}

async function sizeOf({ record, layout }: StoredContainer, root: string): Promise<{ own: number; all: number }> {
  const own = await bytesBelow(layout.upper)
  const { id, layers } = record.spec.image
  const image = id === undefined ? undefined : await new Store(root).find(id).catch(() => undefined)
  if (image) return { own, all: own + image.size }
  const below = await Promise.all(layers.map((layer) => bytesBelow(layer)))
  return { own, all: own + below.reduce((sum, bytes) => sum + bytes, 0) }
}

export const volumeDocumentOf = (word: string, root: string): object => volumeDocument(volumeOf(root, word))
