/** An instruction's image: what its layer has, the configuration as it is then, and how it came to be. */
import type { Layout } from '../../container/index.js'
import { makeImage, makeLayer } from '../../image/made.js'
import { mountPointsOf, packLayer } from '../../image/pack/index.js'
import { ownPlatform, parsePlatform } from '../../image/platform.js'
import { lookUp } from '../../image/store/find.js'
import type { ContainerConfig, Digest, ImageConfig } from '../../image/types.js'
import { VERSION } from '../../kernel/version.js'
import { ownIdmap } from '../../primitives/own-ids.js'
import type { EngineContext } from '../context.js'

export interface Step {
  /** Undefined: the empty image. */
  readonly parent: Digest | undefined
  /** Of the layer; absent: no file can have changed. */
  readonly layout?: Pick<Layout, 'upper'>
  /** Directories below it, the top one first. */
  readonly lowers: readonly string[]
  /** Of the image. */
  readonly config: ContainerConfig
  /** By which the instruction is found in the cache; its command is the history's. */
  readonly made: ContainerConfig
  readonly container?: string
  readonly author: string
  /** Of an image that begins with nothing. */
  readonly platform?: string
  /** Told of the image before it is there. */
  readonly onImage: (id: Digest) => void
}

export async function commitStep(context: EngineContext, step: Step, signal: AbortSignal): Promise<Digest> {
  const { store } = context
  const { parent: from, layout, lowers, config, made, container, author, platform, onImage } = step
  const lease = store.lease()
  try {
    const making = { store, lease, signal, onImage }
    const parent = from === undefined ? undefined : lookUp(store, from)
    const base = parent && (await store.config(parent.id))
    const below = parent?.layers ?? []
    await lease.add(below.flatMap(({ chainId, blob }) => [chainId, blob.digest]))
    const layer = layout && (await makeLayer(packed(layout.upper, lowers, context, signal), below.at(-1)?.chainId, making))
    const layers = layer ? [...below, layer] : below
    const created = new Date().toISOString()
    const by = author === '' ? {} : { author }
    const { os, architecture, variant } = base ?? (platform ? parsePlatform(platform) : ownPlatform())
    const image: ImageConfig = {
      architecture,
      ...by,
      config,
      ...(container !== undefined && { container }),
      container_config: made,
      created,
      docker_version: VERSION,
      history: [
        ...(base?.history ?? []),
        { created, ...by, created_by: (made.Cmd ?? []).join(' '), ...(layer ? {} : { empty_layer: true }) },
      ],
      os,
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      ...(variant && { variant }),
    }
    return await makeImage(image, layers, making, parent ? { parent: parent.id } : {})
  } finally {
    lease.release()
  }
}

async function* packed(
  upper: string,
  lowers: readonly string[],
  context: Pick<EngineContext, 'log' | 'newShim'>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const map = ownIdmap()
  const onWarning = (sentence: string) => context.log('warn', `build: ${sentence}`)
  const reading = { ...(map && { idmap: map }), newShim: () => context.newShim(), signal, onWarning }
  yield* packLayer(upper, { lowers, ...reading, apart: await mountPointsOf(upper, lowers, reading) })
}
