/** An image by what somebody typed, in Docker's order: an id in full, a name, the beginning of an id. */
import { DrydockError } from '../../kernel/errors.js'
import { familiar, parseAnyReference, type Reference, withDefaultTag } from '../reference.js'
import type { Digest, ImageConfig } from '../types.js'
import type { Store } from './index.js'
import type { ImageRecord } from './records.js'
import { digestNames, tagNames } from './tags.js'

export interface Image {
  /** Digest of its configuration. */
  readonly id: Digest
  readonly config: ImageConfig
  readonly record: ImageRecord
  /** `ubuntu:24.04` */
  readonly tags: readonly string[]
  /** `ubuntu@sha256:…` */
  readonly digests: readonly string[]
  /** Directories, the top one first. */
  readonly layers: readonly string[]
  /** Bytes in the files of its layers. */
  readonly size: number
  /** RFC 3339. */
  readonly created: string
  /** When it got the youngest of its names; absent when it has none. RFC 3339. */
  readonly tagged?: string
}

/** What Docker says of an image that tells no time. */
const NO_TIME = '0001-01-01T00:00:00Z'

export async function imageOf(store: Store, record: ImageRecord): Promise<Image> {
  const config = await store.config(record.id)
  const names = store.tags.of(record.id)
  const tagged = store.tags.lastSet(names)
  return {
    id: record.id,
    config,
    record,
    tags: tagNames(names),
    digests: digestNames(names),
    layers: record.layers.map(({ chainId }) => store.layers.directory(chainId)).reverse(),
    size: record.size,
    created: config.created ?? NO_TIME,
    ...(tagged && { tagged: tagged.toISOString() }),
  }
}

export async function find(store: Store, word: string): Promise<Image> {
  const record = lookUp(store, word)
  return imageOf(store, record)
}

/** Throws `No such image`. */
export function lookUp({ records, tags }: Store, word: string): ImageRecord {
  const asked = parseAnyReference(word)
  if (typeof asked === 'string') return records.get(asked) ?? missing(word)
  const named = tags.get(asked)
  const found = named && records.get(named.id)
  return found ?? byPrefix(records, word) ?? missing(asked)
}

/** Is this what somebody types for that id, and not a name? */
export const isIdPrefix = (id: Digest, word: string): boolean => id.startsWith(word) || id.startsWith(`sha256:${word}`)

function byPrefix(records: Store['records'], word: string): ImageRecord | undefined {
  if (!/^(sha256:)?[0-9a-f]+$/.test(word)) return undefined
  const [first, second] = records.ids().filter((id) => isIdPrefix(id, word))
  return first !== undefined && second === undefined ? records.get(first) : undefined
}

function missing(asked: Reference | string): never {
  const name = typeof asked === 'string' ? asked : familiar(withDefaultTag(asked))
  throw new DrydockError(`No such image: ${name}`, { status: 404 })
}
