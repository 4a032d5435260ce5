/** Images that go: rmi and prune. */
import { pruneImages } from '../../image/prune.js'
import { type Removed, type RemoveOptions, removeImage } from '../../image/remove.js'
import type { Digest } from '../../image/types.js'
import type { EngineContext } from '../context.js'
import { booleanFilter, checkFilters, type Filters, untilFilter } from '../filters.js'
import type { ImagesNoun } from '../types.js'
import { labelsOf, publishImage } from './events.js'
import { imageUsers } from './usage.js'

type Removals = Pick<ImagesNoun, 'remove' | 'prune'>

export function removalsOf(context: EngineContext): Removals {
  return {
    remove: (name, { force, prune }) => remove(context, name, { force, noPrune: !prune }),
    prune: (filters) => prune(context, filters),
  }
}

async function remove(
  context: EngineContext,
  name: string,
  options: Pick<RemoveOptions, 'force' | 'noPrune'>,
): Promise<readonly Removed[]> {
  const gone = await watch(context)
  const removed = await removeImage(context.store, name, { ...options, ...imageUsers(context), onRemoved: gone.note })
  await gone.publish()
  return removed
}

/** `dangling=false`: all that no container uses. */
async function prune(context: EngineContext, filters: Filters): ReturnType<ImagesNoun['prune']> {
  checkFilters(filters, ['dangling', 'label', 'label!', 'until'])
  untilFilter(filters)
  const all = booleanFilter(filters, 'dangling') === false
  const words = [...filters].filter(([key]) => key !== 'dangling').flatMap(([key, values]) => values.map((value) => `${key}=${value}`))
  const gone = await watch(context)
  const { removed, reclaimed } = await pruneImages(context.store, {
    all,
    filters: words,
    ...imageUsers(context),
    onRemoved: gone.note,
  })
  await gone.publish()
  context.events.publish({ Type: 'image', Action: 'prune', ID: '', Attributes: { reclaimed: String(reclaimed) } })
  return { ImagesDeleted: removed.length > 0 ? removed : null, SpaceReclaimed: reclaimed }
}

/** Events come when the images are gone, and then nobody can say any more how they were labelled. */
async function watch(context: EngineContext) {
  const { store } = context
  const labels = new Map(await Promise.all(store.records.ids().map(async (id) => [id, await labelsOf(store, id)] as const)))
  const noted: { readonly what: 'untag' | 'delete'; readonly id: Digest }[] = []
  return {
    note: (what: 'untag' | 'delete', id: Digest) => void noted.push({ what, id }),
    publish: async () => {
      for (const { what, id } of noted) await publishImage(context, what, id, { labels: what === 'untag' ? (labels.get(id) ?? {}) : {} })
    },
  }
}
