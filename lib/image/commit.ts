/** `docker commit`: what a container has changed becomes a layer, and how it was started the configuration of a new image. */

import type { ContainerRecord, ContainerSpec, StoredContainer } from '../container/index.js'
import type { Shim } from '../kernel/shim.js'
import { ownIdmap } from '../primitives/own-ids.js'
import { asSet } from './documents.js'
import { applyInstructions } from './instructions.js'
import { makeImage, makeLayer } from './made.js'
import { mergeConfig } from './merge-config.js'
import { mountPointsOf, packLayer, packTree } from './pack/index.js'
import { ownPlatform } from './platform.js'
import { type Reference, withDefaultTag } from './reference.js'
import { lookUp } from './store/find.js'
import type { Image, Store } from './store/index.js'
import type { ContainerConfig, ImageConfig } from './types.js'

export interface CommitOptions {
  readonly store: Store
  readonly reference?: Reference
  readonly author?: string
  readonly message?: string
  /** Dockerfile instructions (`--change`). */
  readonly changes?: readonly string[]
  /** Counts before what the container has, and is changed by `changes`. */
  readonly config?: ContainerConfig
  /** Where the shims that read the container's files come from. */
  readonly newShim?: () => Promise<Shim>
  readonly signal?: AbortSignal
  readonly onWarning?: (sentence: string) => void
  /** RFC 3339; now by default. */
  readonly created?: string
}

/** Whether the container is to stand still meanwhile is up to the caller (`--pause`). The same changes become the same layer. */
export async function commitContainer({ record, layout }: StoredContainer, options: CommitOptions): Promise<Image> {
  const { store, reference, author, message, changes = [], newShim, signal, onWarning, created = new Date().toISOString() } = options
  const { spec } = record
  const lease = store.lease()
  try {
    const making = { store, lease, ...(signal && { signal }) }
    const parent = spec.image.id === undefined ? undefined : lookUp(store, spec.image.id)
    const base = parent && (await store.config(parent.id))
    const config = applyInstructions(mergeConfig(ownConfig(record, base?.config ?? {}), options.config ?? {}), changes)
    const below = parent?.layers ?? []
    await lease.add(below.flatMap(({ chainId, blob }) => [chainId, blob.digest]))
    const map = ownIdmap()
    const reading = { ...(map && { idmap: map }), ...(newShim && { newShim }), ...(onWarning && { onWarning }), ...(signal && { signal }) }
    const apart = parent && (await mountPointsOf(layout.upper, spec.image.layers, reading))
    // The layers of a directory or of the host's programs are in no image: then all that the container sees becomes the one layer.
    const tar = parent
      ? packLayer(layout.upper, { lowers: spec.image.layers, ...reading, ...(apart && { apart }) })
      : packTree([layout.upper, ...spec.image.layers], reading)
    const layer = await makeLayer(tar, below.at(-1)?.chainId, making)
    const layers = layer ? [...below, layer] : below
    const by = author === undefined ? {} : { author }
    const step = {
      created,
      ...by,
      created_by: spec.argv.join(' '),
      ...(message && { comment: message }),
      ...(layer ? {} : { empty_layer: true }),
    }
    const { os, architecture, variant } = base ?? ownPlatform()
    const image: ImageConfig = {
      architecture,
      ...by,
      config,
      created,
      history: [...(base?.history ?? []), step],
      os,
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      ...(variant && { variant }),
    }
    const named = reference && { reference: withDefaultTag(reference) }
    const id = await makeImage(image, layers, making, { ...(parent && { parent: parent.id }), ...named })
    return await store.find(id)
  } finally {
    lease.release()
  }
}

/** What an engine has told of the container all along, on top of what its image says beside that. Without an engine, what its spec tells. */
function ownConfig({ spec, more }: ContainerRecord, image: ContainerConfig): ContainerConfig {
  if (!more) return configOf(spec, image)
  const { Entrypoint: _, Cmd: __, ...rest } = image
  const told = Object.entries(more.config).filter(([, value]) => value !== null && value !== undefined)
  return { ...rest, ...Object.fromEntries(told) }
}

/**
 * How the container was started, in the members that an image has. What the spec does not tell apart (a container of before there was `declared`) is told
 * by the image: its entrypoint is the beginning of the program's words, unless another one was given.
 */
function configOf({ argv, env, cwd, user, declared }: ContainerSpec, image: ContainerConfig): ContainerConfig {
  const started = { User: user, Env: [...env], WorkingDir: cwd }
  if (declared) {
    const { entrypoint, cmd, labels, exposedPorts, volumes, stopSignal } = declared
    const { Entrypoint: _, Cmd: __, ...rest } = image
    return {
      ...rest,
      ...started,
      ...(entrypoint && { Entrypoint: entrypoint }),
      ...(cmd && { Cmd: cmd }),
      ...(Object.keys(labels).length > 0 && { Labels: labels }),
      ...(exposedPorts.length > 0 && { ExposedPorts: asSet(exposedPorts) }),
      ...(volumes.length > 0 && { Volumes: asSet(volumes) }),
      ...(stopSignal && { StopSignal: stopSignal }),
    }
  }
  const entrypoint = image.Entrypoint ?? []
  const kept = entrypoint.length > 0 && entrypoint.every((word, index) => argv[index] === word)
  const { Entrypoint: _, ...rest } = image
  return { ...rest, ...started, ...(kept && { Entrypoint: entrypoint }), Cmd: kept ? argv.slice(entrypoint.length) : [...argv] }
}
