/** `docker image prune`: images that nobody names, or with `all` that no container uses; and whatever else is garbage. */
import { DrydockError } from '../kernel/errors.js'
import { parseMoment } from '../kernel/moments.js'
import { type Removed, type RemoveOptions, removeImage } from './remove.js'
import type { Image, Store } from './store/index.js'

export interface PruneOptions extends Pick<RemoveOptions, 'running' | 'containers' | 'built' | 'onRemoved'> {
  readonly all?: boolean
  /** `label=KEY[=VALUE]`, `label!=…`, `until=TIME`: all of them hold for what goes. */
  readonly filters?: readonly string[]
}

export interface Pruned {
  readonly removed: readonly Removed[]
  /** Bytes. */
  readonly reclaimed: number
}

export async function pruneImages(store: Store, { all = false, filters = [], ...options }: PruneOptions): Promise<Pruned> {
  const goes = filters.map(filterOf)
  const every = all || filters.some((word) => /^dangling=(false|0)$/.test(word))
  const parents = new Set(store.records.list().map(({ parent }) => parent))
  const images = (await store.images()).filter(({ id, tags, digests }) => {
    if (tags.length > 0) return every
    // What another one was committed from goes with that one.
    return digests.length > 0 || !parents.has(id)
  })
  const before = new Map<string, number>(store.layers.list().map((chain) => [chain, store.layers.get(chain)?.size ?? 0]))
  const removed: Removed[] = []
  for (const image of images.filter((one) => goes.every((filter) => filter(one)))) {
    const names = [...image.tags, ...image.digests]
    for (const word of names.length > 0 ? names : [image.id]) removed.push(...(await removeUnlessUsed(store, word, options)))
  }
  // And what no image has.
  const { layers, bytes } = await store.collect(options.containers && { containers: options.containers })
  const gone = removed.flatMap((one) => ('Deleted' in one ? [one.Deleted] : []))
  const freed = [...gone, ...layers].reduce((sum, chain) => sum + (before.get(chain) ?? 0), 0)
  return { removed, reclaimed: Math.max(freed, bytes) }
}

/** Another one may have taken it into use just now, or away. */
async function removeUnlessUsed(store: Store, word: string, options: RemoveOptions): Promise<Removed[]> {
  try {
    return await removeImage(store, word, options)
  } catch (error) {
    if (error instanceof DrydockError && (error.status === 409 || error.status === 404)) return []
    throw error
  }
}

function filterOf(word: string): (image: Image) => boolean {
  const [, key, not, value] = /^([a-z-]+)(!?)=(.*)$/s.exec(word) ?? []
  if (key === 'label' && value !== undefined) {
    const [name = '', wanted] = value.split(/=(.*)/s)
    return ({ config }) => {
      const found = config.config?.Labels?.[name]
      const has = found !== undefined && (wanted === undefined || found === wanted)
      return has !== (not === '!')
    }
  }
  if (key === 'until' && not === '' && value !== undefined) {
    const until = parseMoment(value)
    return ({ created }) => Date.parse(created) < until
  }
  if (key === 'dangling' && /^(true|false|1|0)$/.test(value ?? '')) return () => true
  throw new DrydockError(`invalid filter '${word}'`, { status: 400 })
}
