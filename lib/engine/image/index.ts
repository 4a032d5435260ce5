/**
 * Images, as the Engine API has them.
 *
 *     transfer.ts     pull, push, search, distribution; repository.ts: the registry that a name leads to
 *     archives.ts     import, save, load
 *     removal.ts      remove, prune; usage.ts: which containers use an image
 *     commit.ts       an image of a container's changes
 *     documents.ts    images as they are listed; events.ts: what is told of them
 */
import { canonical, familiar, withDefaultTag } from '../../image/reference.js'
import { lookUp } from '../../image/store/find.js'
import type { Image } from '../../image/store/index.js'
import { tagImage } from '../../image/tag.js'
import type { EngineContext } from '../context.js'
import { imageDocument } from '../documents/index.js'
import { checkFilters } from '../filters.js'
import { filterImages } from '../image-filters.js'
import type { Document, ImagesNoun } from '../types.js'
import { archivesOf } from './archives.js'
import { commit } from './commit.js'
import { historyDocuments, imageSummary, sharedSizes } from './documents.js'
import { publishImage } from './events.js'
import { removalsOf } from './removal.js'
import { named } from './repository.js'
import { transfersOf } from './transfer.js'
import { containersByImage, imageUsers } from './usage.js'

export { summaryWithNone } from './documents.js'
export { credentialsOf, registrySettings } from './repository.js'

export function imagesOf(context: EngineContext): ImagesNoun {
  const { store } = context
  return {
    list: (options) => list(context, options),
    inspect: async (name) => imageDocument(await store.find(name)),
    history: async (name) => historyDocuments(store, await store.find(name)),
    tag: (name, repo, tag) => addTag(context, name, repo, tag),
    commit: (request) => commit(context, request),
    ...transfersOf(context),
    ...archivesOf(context),
    ...removalsOf(context),
  }
}

const FILTERS = ['dangling', 'label', 'before', 'since', 'until', 'reference']

async function list({ store }: EngineContext, { all, sharedSize, filters }: Parameters<ImagesNoun['list']>[0]): Promise<Document[]> {
  checkFilters(filters, FILTERS)
  const images = await store.images()
  const shared = sharedSize ? sharedSizes(store, images) : undefined
  return filterImages(images, filters, { all }).map(({ image, names }) =>
    imageSummary(image, names, { containers: -1, shared: shared?.get(image.id) ?? -1 }),
  )
}

/** All that are shown, with how many containers each has, and how much of it others have too: for system df. */
export async function imageUsage(context: EngineContext): Promise<Document[]> {
  const images: Image[] = await context.store.images()
  const shared = sharedSizes(context.store, images)
  const counts = containersByImage(imageUsers(context))
  return filterImages(images, new Map(), { all: false }).map(({ image, names }) =>
    imageSummary(image, names, { containers: counts.get(image.id) ?? 0, shared: shared.get(image.id) ?? 0 }),
  )
}

async function addTag(context: EngineContext, name: string, repo: string, tag: string): Promise<void> {
  const { id } = lookUp(context.store, name)
  const word = withDefaultTag(named(repo, tag))
  await tagImage(context.store, id, canonical(word))
  await publishImage(context, 'tag', id, { name: familiar(word) })
}
