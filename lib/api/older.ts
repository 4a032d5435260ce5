/** Documents as clients of older versions of the API expect them, and what those did not mean yet. Members that were dropped come back. */
import { shortId } from '../container/index.js'
import { summaryWithNone } from '../engine/image/documents.js'
import type { Document } from '../engine/types.js'
import { DrydockError } from '../kernel/errors.js'
import type { ApiVersion } from './versions.js'

/** What a version does not know yet means nothing in it. */
export function createBodyOf(body: Document, version: ApiVersion): Document {
  checkNetworks(body, version)
  return withoutStartInterval(withoutConsole(body, version), version)
}

/** Before 1.44 a container was made with one network, and got others later. */
function checkNetworks({ NetworkingConfig }: Document, version: ApiVersion): void {
  const { EndpointsConfig } = { EndpointsConfig: undefined, ...(NetworkingConfig as Document | null | undefined) }
  const networks = typeof EndpointsConfig === 'object' && EndpointsConfig !== null ? Object.keys(EndpointsConfig) : []
  if (version < 44 && networks.length > 1)
    throw new DrydockError(`Container cannot be connected to network endpoints: ${networks.join(', ')}`, { status: 400 })
}

/** Before 1.44 there was no other interval while a container starts. */
function withoutStartInterval(body: Document, version: ApiVersion): Document {
  const { Healthcheck } = body
  if (version >= 44 || typeof Healthcheck !== 'object' || Healthcheck === null || !('StartInterval' in Healthcheck)) return body
  return { ...body, Healthcheck: { ...Healthcheck, StartInterval: 0 } }
}

/** Before 1.42 the command line sent a size that was nothing, and no engine heeded it. */
function withoutConsole(body: Document, version: ApiVersion): Document {
  const { HostConfig } = body
  if (version >= 42 || typeof HostConfig !== 'object' || HostConfig === null || !('ConsoleSize' in HostConfig)) return body
  return { ...body, HostConfig: { ...HostConfig, ConsoleSize: [0, 0] } }
}

/**
 * Before 1.45 the beginning of its id was among a container's aliases in a network with names, from when it was connected. By that compose 1.29 knows whether it has
 * said yet what it wants there.
 */
export function containerOf(container: Document, version: ApiVersion): Document {
  const settings = container.NetworkSettings as { readonly Networks: Readonly<Record<string, Document>> }
  if (version >= 45) return container
  const Networks = Object.fromEntries(
    Object.entries(settings.Networks).map(([name, endpoint]) => {
      const told = endpoint.DNSNames
        ? { Aliases: [...new Set([...((endpoint.Aliases as string[] | null) ?? []), shortId(container.Id as string)])] }
        : {}
      return [name, { ...endpoint, ...told }]
    }),
  )
  return { ...container, NetworkSettings: { ...settings, Networks } }
}

/** VirtualSize went in 1.44: the same as Size. */
const withVirtualSize = (image: Document): Document => ({ ...image, VirtualSize: image.Size })

/** Before 1.43 an image without a name had one that said so. */
export function imagesOf(images: readonly Document[], version: ApiVersion): readonly Document[] {
  if (version >= 44) return images
  return images.map((image) => withVirtualSize(version < 43 ? summaryWithNone(image) : image))
}

/** Container and ContainerConfig went in 1.45; compose 1.29 reads its volumes from there. */
export function imageOf(image: Document, version: ApiVersion): Document {
  const old = version < 45 ? { Container: '', ContainerConfig: image.Config ?? {}, ...image } : image
  return version < 44 ? withVirtualSize(old) : old
}

export function diskUsageOf(usage: Document, version: ApiVersion): Document {
  if (version >= 44) return usage
  const images = Array.isArray(usage.Images) ? { Images: imagesOf(usage.Images as Document[], version) } : {}
  return { ...usage, ...images, ...(version < 42 && { BuilderSize: 0 }) }
}
