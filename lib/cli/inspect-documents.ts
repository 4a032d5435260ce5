/** The documents of what inspect can show, with what only the kernel and the other files know put in. */
import { lstatSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { StoredContainer } from '../container/index.js'
import { containerDocument, type Endpoint } from '../engine/documents/index.js'
import { firstProcess } from '../engine/living.js'
import { volumeDirectory } from '../engine/volumes.js'
import { Store } from '../image/store/index.js'
import { DrydockError } from '../kernel/errors.js'
import { namesIfReadable } from '../kernel/readable.js'
import { inspectNetwork, type NetworkView } from '../network/index.js'
import { networkDocument } from './network.js'

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
  const own = bytesBelow(layout.upper)
  const { id, layers } = record.spec.image
  const image = id === undefined ? undefined : await new Store(root).find(id).catch(() => undefined)
  return { own, all: own + (image?.size ?? layers.reduce((sum, layer) => sum + bytesBelow(layer), 0)) }
}

/** Bytes in files, those of hard links once. What this user may not look into is not counted. */
function bytesBelow(directory: string, seen = new Set<string>()): number {
  let bytes = 0
  for (const name of namesIfReadable(directory)) {
    const path = join(directory, name)
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found?.isDirectory()) bytes += bytesBelow(path, seen)
    else if (found?.isFile()) {
      const key = `${found.dev}:${found.ino}`
      if (found.nlink === 1 || !seen.has(key)) bytes += found.size
      if (found.nlink > 1) seen.add(key)
    }
  }
  return bytes
}

export const networkOf = async (word: string, root: string): Promise<object> =>
  networkDocument((await inspectNetwork(root, word)) as NetworkView)

export function volumeOf(word: string, root: string): object {
  const directory = /^[\w.-]+$/.test(word) ? volumeDirectory(root, word) : ''
  const found = directory === '' ? undefined : statSync(directory, { throwIfNoEntry: false })
  if (!found) throw new DrydockError(`get ${word}: no such volume`, { status: 404 })
  return {
    CreatedAt: found.birthtime.toISOString().replace(/\.\d+/, ''),
    Driver: 'local',
    Labels: null,
    Mountpoint: directory,
    Name: word,
    Options: null,
    Scope: 'local',
  }
}
