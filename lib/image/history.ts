/** `docker history`: how an image came to be, the last step first. */
import type { Image, Store } from './store/index.js'

export interface HistoryEntry {
  /** `<missing>` for all but the image itself, as of images that were not built here. */
  readonly id: string
  /** RFC 3339; '' when it is not told. */
  readonly created: string
  readonly createdBy: string
  /** Bytes in the files of its layer. */
  readonly size: number
  readonly comment: string
  readonly tags: readonly string[]
}

export function historyOf({ layers }: Store, { id, config, record, tags }: Image): HistoryEntry[] {
  let layer = 0
  const entries = (config.history ?? []).map((entry) => {
    const { chainId } = entry.empty_layer ? {} : { ...record.layers[layer++] }
    const size = chainId === undefined ? 0 : (layers.get(chainId)?.size ?? 0)
    return {
      id: '<missing>',
      created: entry.created ?? '',
      createdBy: entry.created_by ?? '',
      size,
      comment: entry.comment ?? '',
      tags: [],
    }
  })
  entries.reverse()
  const [last, ...rest] = entries
  return last ? [{ ...last, id, tags }, ...rest] : []
}
