/**
 * The cache of builds, which is the images themselves: a child of the image at hand that was made by the same command, with the same configuration before it. After
 * the first instruction for which there is none, there is none for the rest of the stage. moby's image/cache.
 */

import { makeImage } from '../../image/made.js'
import type { Store } from '../../image/store/index.js'
import type { ImageRecord } from '../../image/store/records.js'
import type { ContainerConfig, Digest, History, ImageConfig } from '../../image/types.js'

/** What is compared member by member; a list's order counts, a map's does not. */
const COMPARED = [
  ...['Env', 'Cmd', 'Entrypoint', 'Shell', 'OnBuild', 'ExposedPorts', 'Volumes', 'Labels', 'Healthcheck', 'StopTimeout'],
  ...['AttachStdin', 'AttachStdout', 'AttachStderr', 'NetworkDisabled', 'Tty', 'OpenStdin', 'StdinOnce', 'ArgsEscaped'],
  ...['User', 'WorkingDir', 'StopSignal'],
] as const

/** Do two configurations say the same of what a container is, whatever its name and image? Nothing said is false, '' and empty. */
export const sameConfig = (one: ContainerConfig, other: ContainerConfig): boolean =>
  COMPARED.every((member) => plain(one[member]) === plain(other[member]))

function plain(value: unknown): string {
  if (value === null || value === undefined || value === false || value === '' || value === 0) return ''
  if (Array.isArray(value)) return value.length === 0 ? '' : JSON.stringify(value)
  if (typeof value !== 'object') return JSON.stringify(value)
  const members = Object.entries(value).map(([key, part]) => [key, plain(part)] as const)
  return members.length === 0 ? '' : JSON.stringify(members.sort(([a], [b]) => (a < b ? -1 : 1)))
}

interface Known {
  readonly id: Digest
  readonly config: ImageConfig
}

export class Cache {
  readonly #store: Store
  readonly #off: boolean
  /** Images whose history counts too, of those that were named. */
  #others: Known[]
  #missed = false

  private constructor(store: Store, others: Known[], off: boolean) {
    this.#store = store
    this.#others = others
    this.#off = off
  }

  static async open(store: Store, from: readonly string[], off: boolean): Promise<Cache> {
    const found = await Promise.all(from.map((word) => store.find(word).catch(() => undefined)))
    return new Cache(
      store,
      found.flatMap((image) => (image ? [{ id: image.id, config: image.config }] : [])),
      off,
    )
  }

  /** Each stage begins anew. */
  reset(): void {
    this.#missed = false
  }

  /** An image that is `parent` and this one instruction. Undefined parent: the empty image. */
  async find(parent: Digest | undefined, config: ContainerConfig): Promise<Digest | undefined> {
    if (this.#off || this.#missed) return undefined
    const found = (await this.#child(parent, config)) ?? (await this.#restored(parent, config))
    this.#missed = found === undefined
    return found
  }

  /** The youngest, when there are several. */
  async #child(parent: Digest | undefined, config: ContainerConfig): Promise<Digest | undefined> {
    const records = this.#store.records.list()
    let best: { readonly id: Digest; readonly created: string } | undefined
    for (const record of records.filter((one) => one.parent === parent)) {
      const image = await this.#store.config(record.id).catch(() => undefined)
      const made = image?.container_config as ContainerConfig | undefined
      if (!image || !made || !sameConfig(made, config)) continue
      const created = image.created ?? ''
      if (!best || created > best.created) best = { id: record.id, created }
    }
    // With others to go by, an image of here counts when it is one that leads to them.
    if (!best || this.#others.length === 0) return best?.id
    const { id } = best
    return this.#others.some((other) => leadsTo(records, id, other.id)) ? id : undefined
  }

  /** An image that the history of another one tells of, made again out of its layers. */
  async #restored(parent: Digest | undefined, config: ContainerConfig): Promise<Digest | undefined> {
    const record = parent && this.#store.records.get(parent)
    const before = parent && (await this.#store.config(parent))
    const length = before?.history?.length ?? 0
    for (const other of this.#others) {
      const step = other.config.history?.[length]
      if (!step || !continues(other.config, before) || step.created_by !== (config.Cmd ?? []).join(' ')) continue
      if (other.config.history?.length === length + 1) {
        await this.#adopt(other.id, parent)
        return other.id
      }
      this.#others = [other]
      return this.#remake(other, record || undefined, before || undefined, step, config)
    }
    return undefined
  }

  /** It has come without, and is a child like any other from now on. */
  async #adopt(id: Digest, parent: Digest | undefined): Promise<void> {
    await this.#store.changing(() => {
      const record = this.#store.records.get(id)
      if (record && parent && record.parent === undefined) this.#store.records.put({ ...record, parent })
    })
  }

  async #remake(
    other: Known,
    record: ImageRecord | undefined,
    before: ImageConfig | undefined,
    step: History,
    config: ContainerConfig,
  ): Promise<Digest | undefined> {
    const whole = this.#store.records.get(other.id)
    const below = record?.layers.length ?? 0
    const layers = whole?.layers.slice(0, step.empty_layer ? below : below + 1)
    if (!whole || !layers) return undefined
    const { architecture, os, variant, author } = other.config
    const image: ImageConfig = {
      architecture,
      ...(author && { author }),
      config,
      container_config: config,
      ...(step.created !== undefined && { created: step.created }),
      history: [...(before?.history ?? []), step],
      os,
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      ...(variant && { variant }),
    }
    const { lease } = await this.#store.hold(other.id)
    try {
      return await makeImage(image, layers, { store: this.#store, lease }, record ? { parent: record.id } : {})
    } finally {
      lease.release()
    }
  }
}

function leadsTo(records: readonly ImageRecord[], parent: Digest, from: Digest): boolean {
  const parents = new Map(records.map(({ id, parent: above }) => [id, above]))
  for (let at: Digest | undefined = from; at !== undefined; at = parents.get(at)) if (at === parent && at !== from) return true
  return false
}

/** Has it all that `before` has, in the same order, and more? */
function continues(image: ImageConfig, before: ImageConfig | undefined): boolean {
  const [history, steps] = [image.history ?? [], before?.history ?? []]
  const [ids, below] = [image.rootfs.diff_ids, before?.rootfs.diff_ids ?? []]
  if (history.length === 0) return false
  if (steps.length === 0 && below.length === 0) return true
  return (
    steps.length < history.length &&
    steps.every((step, at) => plain(step) === plain(history[at])) &&
    below.every((id, at) => id === ids[at])
  )
}
