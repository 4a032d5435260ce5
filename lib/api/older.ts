/** Documents as clients of older versions of the API expect them, and what those did not mean yet. Members that were dropped come back. */
import { summaryWithNone } from '../engine/image/documents.js'
import type { Document } from '../engine/types.js'
import type { ApiVersion } from './versions.js'

/** What a version does not know yet means nothing in it. */
export const createBodyOf = (body: Document, version: ApiVersion): Document => withoutStartInterval(withoutConsole(body, version), version)

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

/** Until 1.45 a container's short id and its host name were among its aliases in networks of users; since then they are in DNSNames. */
export function containerOf(container: Document, version: ApiVersion): Document {
  const { Id, Config, NetworkSettings } = container as {
    Id?: string
    Config?: { Hostname?: string }
    NetworkSettings?: { Networks?: Readonly<Record<string, { Aliases?: readonly string[] | null }>> }
  }
  if (version >= 45 || !NetworkSettings?.Networks || Id === undefined) return container
  const own = [Id.slice(0, 12), Config?.Hostname ?? ''].filter((name) => name !== '')
  const networks = Object.entries(NetworkSettings.Networks).map(([name, endpoint]) => {
    if (PREDEFINED.includes(name)) return [name, endpoint]
    return [name, { ...endpoint, Aliases: [...new Set([...(endpoint.Aliases ?? []), ...own])] }]
  })
  return { ...container, NetworkSettings: { ...NetworkSettings, Networks: Object.fromEntries(networks) } }
}

const PREDEFINED = ['bridge', 'host', 'none']

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
