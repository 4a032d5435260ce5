/** Into a registry, by the distribution protocol: what is there already is left. */
import { readFileSync } from 'node:fs'
import { type Descriptor, MEDIA } from '../image/types.js'
import { DrydockError } from '../kernel/errors.js'
import type { PackedImage } from './layer.js'

/** The size of an image by its manifest, layers and config; undefined when the registry does not have it. */
export async function sizeThere(url: string, name: string, tag: string): Promise<number | undefined> {
  const answer = await fetch(`${url}/v2/${name}/manifests/${tag}`, { headers: { Accept: MEDIA.manifest } })
  if (answer.status !== 200) return undefined
  const manifest = (await answer.json()) as { config: Descriptor; layers: Descriptor[] }
  return [manifest.config, ...manifest.layers].reduce((sum, { size }) => sum + size, 0)
}

export async function publish(url: string, name: string, tag: string, { layer, config, manifest }: PackedImage): Promise<void> {
  await putBlob(url, name, layer.descriptor, () => readFileSync(layer.file))
  await putBlob(url, name, config.descriptor, () => config.bytes)
  const headers = { 'Content-Type': manifest.descriptor.mediaType }
  await expect(201, await fetch(`${url}/v2/${name}/manifests/${tag}`, { method: 'PUT', headers, body: manifest.bytes }))
}

async function putBlob(url: string, name: string, { digest }: Descriptor, read: () => Buffer<ArrayBuffer>): Promise<void> {
  if ((await fetch(`${url}/v2/${name}/blobs/${digest}`, { method: 'HEAD' })).status === 200) return
  const opened = await expect(202, await fetch(`${url}/v2/${name}/blobs/uploads/`, { method: 'POST' }))
  // Relative or not, and with a query of its own (OCI distribution-spec, "Pushing a blob monolithically").
  const place = new URL(opened.headers.get('location') ?? '', url)
  place.searchParams.set('digest', digest)
  const headers = { 'Content-Type': 'application/octet-stream' }
  await expect(201, await fetch(place, { method: 'PUT', headers, body: read() }))
}

async function expect(status: number, answer: Response): Promise<Response> {
  if (answer.status === status) return answer
  throw new DrydockError(`the registry answers ${answer.status}, not ${status}: ${(await answer.text()).trim()}`)
}
