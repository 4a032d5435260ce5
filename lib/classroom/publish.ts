/** Into a registry: what is there already is left. */
import { createReadStream } from 'node:fs'
import { parseReference } from '../image/reference.js'
import { Registry, RegistryError } from '../image/registry/index.js'
import type { Manifest } from '../image/types.js'
import type { PackedImage } from './layer.js'

/** One repository of the registry at `url`, as nobody in particular: no mirrors of the user’s, no passwords. */
function repository(url: string, name: string): Registry {
  const { host } = new URL(url)
  return new Registry(parseReference(`${host}/${name}`), {
    config: { mirrors: [], insecure: [host], certificates: [] },
    credentials: async () => undefined,
  })
}

/** The size of an image by its manifest, layers and config; undefined when the registry does not have it. */
export async function sizeThere(url: string, name: string, tag: string): Promise<number | undefined> {
  const registry = repository(url, name)
  try {
    const { bytes } = await registry.manifest(tag)
    const { config, layers } = JSON.parse(bytes.toString()) as Manifest
    return [config, ...layers].reduce((sum, { size }) => sum + size, 0)
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return undefined
    throw error
  } finally {
    registry.close()
  }
}

export async function publish(url: string, name: string, tag: string, { layer, config, manifest }: PackedImage): Promise<void> {
  const registry = repository(url, name)
  try {
    if (!(await registry.hasBlob(layer.descriptor))) await registry.putBlob(layer.descriptor, () => createReadStream(layer.file))
    if (!(await registry.hasBlob(config.descriptor))) {
      await registry.putBlob(config.descriptor, async function* () {
        yield config.bytes
      })
    }
    await registry.putManifest(manifest.bytes, manifest.descriptor.mediaType, tag)
  } finally {
    registry.close()
  }
}
