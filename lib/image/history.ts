/** `docker history`: how an image came to be, the last step first. */
import { type Image, type ImageRecord, type Store, tagNames } from './store/index.js'

export interface HistoryEntry {
  /** Of the image that the step has made; `<missing>` where that is not here, as with images that came from elsewhere. */
  readonly id: string
  /** RFC 3339; '' when it is not told. */
  readonly created: string
  readonly createdBy: string
  /** Bytes in the files of its layer. */
  readonly size: number
  readonly comment: string
  readonly tags: readonly string[]
}

export function historyOf(store: Store, { config, record }: Image): HistoryEntry[] {
  let layer = 0
  const entries = (config.history ?? []).map((entry) => {
    const { chainId } = entry.empty_layer ? {} : { ...record.layers[layer++] }
    const size = chainId === undefined ? 0 : (store.layers.get(chainId)?.size ?? 0)
    return { created: entry.created ?? '', createdBy: entry.created_by ?? '', size, comment: entry.comment ?? '' }
  })
  let made: ImageRecord | undefined = record
  return entries.reverse().map((entry) => {
    const named = made ? { id: made.id, tags: tagNames(store.tags.of(made.id)) } : { id: '<missing>', tags: [] }
    // Whatever is made here is made one step on top of its parent.
    made = made?.parent === undefined ? undefined : store.records.get(made.parent)
    return { ...named, ...entry }
  })
}
