/** Images as the Engine API lists them: ImageSummary and ImageHistoryResponseItem. */
import { type HistoryEntry, historyOf } from '../../image/history.js'
import type { Image, Store } from '../../image/store/index.js'
import type { Document } from '../types.js'

/** Seconds since 1970; of Go's zero time where an image tells none. */
export const unixTime = (time: string): number => Math.floor(Date.parse(time || '0001-01-01T00:00:00Z') / 1000)

export interface SummaryFacts {
  /** Of all images; -1: not counted. */
  readonly containers: number
  /** Bytes in layers that other images have too; -1: not counted. */
  readonly shared: number
}

export function imageSummary(
  { id, config, record, size, created }: Image,
  { tags, digests }: { readonly tags: readonly string[]; readonly digests: readonly string[] },
  { containers, shared }: SummaryFacts,
): Document {
  return {
    Containers: containers,
    Created: unixTime(created),
    Id: id,
    Labels: config.config?.Labels ?? null,
    ParentId: record.parent ?? '',
    RepoDigests: digests,
    RepoTags: tags,
    SharedSize: shared,
    Size: size,
    // What API versions before 1.44 have for the same.
    VirtualSize: size,
  }
}

/** The same before API 1.43, where an image without a name has one that says so. */
export function summaryWithNone(document: Document): Document {
  const { RepoTags, RepoDigests } = document as { RepoTags: readonly string[]; RepoDigests: readonly string[] }
  if (RepoTags.length > 0 || RepoDigests.length > 0) return document
  return { ...document, RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] }
}

/** By image: bytes in layers that another image has too. */
export function sharedSizes(store: Store, images: readonly Image[]): Map<string, number> {
  const users = new Map<string, number>()
  const chains = (image: Image) => new Set(image.record.layers.map(({ chainId }) => chainId))
  for (const image of images) for (const chain of chains(image)) users.set(chain, (users.get(chain) ?? 0) + 1)
  const sizeOf = (image: Image) =>
    [...chains(image)].filter((chain) => (users.get(chain) ?? 0) > 1).reduce((sum, chain) => sum + (store.layers.get(chain)?.size ?? 0), 0)
  return new Map(images.map((image) => [image.id, sizeOf(image)]))
}

export const historyDocuments = (store: Store, image: Image): Document[] => historyOf(store, image).map(historyItem)

const historyItem = ({ id, created, createdBy, comment, size, tags }: HistoryEntry): Document => ({
  Comment: comment,
  Created: unixTime(created),
  CreatedBy: createdBy,
  Id: id,
  Size: size,
  Tags: tags.length > 0 ? tags : null,
})
