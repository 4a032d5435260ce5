/** Reading an image's configuration that somebody else wrote: what the rest relies on is there, or one sentence says what is not. */
import { DrydockError } from '../kernel/errors.js'
import { isDigest } from './reference.js'
import { type ContainerConfig, type ImageConfig, type Manifest, MEDIA } from './types.js'

/** Overlayfs takes 500 lower layers. */
const MOST_LAYERS = 500

/** Errors are Docker's. */
export function parseConfig(bytes: Buffer): ImageConfig {
  const found = parse(bytes)
  const rootfs = found.rootfs as { diff_ids?: unknown } | undefined
  const ids = rootfs?.diff_ids ?? []
  if (typeof rootfs !== 'object' || rootfs === null || !Array.isArray(ids) || !ids.every(isDigest))
    throw refused('invalid rootfs in image configuration')
  const { os = 'linux', architecture = '' } = found
  if (os !== 'linux') throw refused(`image operating system ${JSON.stringify(os)} cannot be used on this platform`)
  checkContainerConfig({ ...(found.config as object) })
  return { ...found, os, architecture, rootfs: { type: 'layers', diff_ids: ids } } as unknown as ImageConfig
}

const LISTS = ['Env', 'Cmd', 'Entrypoint', 'OnBuild', 'Shell']
const MAPS = ['ExposedPorts', 'Volumes', 'Labels']
const WORDS = ['User', 'WorkingDir', 'StopSignal']

/** Members are as types.ts has them, since the rest of the house believes it. */
export function checkContainerConfig(config: object): asserts config is ContainerConfig {
  for (const [name, value] of Object.entries(config)) checkMember(name, value)
}

function checkMember(name: string, value: unknown): void {
  if (value === null || value === undefined) return
  const bad =
    (LISTS.includes(name) && (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))) ||
    (MAPS.includes(name) && (typeof value !== 'object' || Array.isArray(value))) ||
    (WORDS.includes(name) && typeof value !== 'string')
  if (bad) throw refused(`invalid image configuration: its ${name} is ${JSON.stringify(value).slice(0, 60)}`)
}

const LAYERS: readonly string[] = [MEDIA.dockerLayer, MEDIA.dockerForeignLayer, MEDIA.layer, MEDIA.layerGzip, MEDIA.layerZstd]
const OTHER_LAYERS = /^application\/vnd\.(docker\.image\.rootfs|oci\.image\.layer)\./

/** Do manifest and configuration tell of the same layers, and of layers at all (a chart or a signature has others)? */
export function checkLayers({ layers, config }: Manifest, { rootfs }: ImageConfig): void {
  const strange = layers.find(({ mediaType }) => !LAYERS.includes(mediaType) && !OTHER_LAYERS.test(mediaType))
  if (strange) throw refused(`unsupported media type ${strange.mediaType} of a layer (its configuration is ${config.mediaType})`)
  if (layers.length !== rootfs.diff_ids.length) throw refused("layers from manifest don't match image configuration")
  if (layers.length > MOST_LAYERS) throw refused(`the image has ${layers.length} layers; ${MOST_LAYERS} are the most`)
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    const found = JSON.parse(bytes.toString()) as unknown
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found as Record<string, unknown>
  } catch {
    // said below
  }
  throw refused('invalid image configuration: it is no JSON object')
}

const refused = (why: string) => new DrydockError(why, { status: 400 })

/** As Go's maps with nothing for values. */
export const asSet = (names: readonly string[]): Record<string, object> => Object.fromEntries(names.map((name) => [name, {}]))
