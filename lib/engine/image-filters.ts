/** Which images `--filter` leaves, and by which of their names. */
import { familiar, familiarName, parseAnyReference, parseReference, withDefaultTag } from '../image/reference.js'
import { isIdPrefix } from '../image/store/find.js'
import type { Image } from '../image/store/index.js'
import { DrydockError } from '../kernel/errors.js'
import { parseMoment } from '../kernel/moments.js'
import { booleanFilter, type Filters, matchesLabels, matchesPattern } from './filters.js'

export interface Filtered {
  readonly image: Image
  readonly names: { readonly tags: readonly string[]; readonly digests: readonly string[] }
}

/** `all`: also those without a name that others were made from. */
export function filterImages(images: readonly Image[], filters: Filters, { all }: { readonly all: boolean }): Filtered[] {
  const dangling = booleanFilter(filters, 'dangling')
  const parents = new Set(images.map(({ record }) => record.parent))
  const within = moments(images, filters)
  return images.flatMap((image): Filtered[] => {
    const nameless = image.tags.length === 0 && image.digests.length === 0
    if (dangling !== undefined && dangling !== nameless) return []
    if (nameless && !all && parents.has(image.id)) return []
    if (!within(Date.parse(image.created))) return []
    if (!matchesLabels(filters, image.config.config?.Labels ?? {})) return []
    const patterns = filters.get('reference')
    if (!patterns) return [{ image, names: image }]
    const matching = (names: readonly string[]) => names.filter((name) => patterns.some((pattern) => matchesName(pattern, name)))
    const names = { tags: matching(image.tags), digests: matching(image.digests) }
    return names.tags.length + names.digests.length > 0 ? [{ image, names }] : []
  })
}

function moments(images: readonly Image[], filters: Filters): (created: number) => boolean {
  const last = (key: string) => filters.get(key)?.at(-1)
  const createdOf = (word: string) => Date.parse(named(images, word).created)
  const [before, since, until] = [last('before'), last('since'), last('until')]
  const latest = before === undefined ? Number.POSITIVE_INFINITY : createdOf(before)
  const earliest = since === undefined ? Number.NEGATIVE_INFINITY : createdOf(since)
  const end = until === undefined ? Number.POSITIVE_INFINITY : parseMoment(until)
  return (created) => created < latest && created > earliest && created < end
}

/** Among those that are listed anyway. */
function named(images: readonly Image[], word: string): Image {
  const asked = parseAnyReference(word)
  const name = typeof asked === 'string' ? asked : familiar(withDefaultTag(asked))
  const found =
    images.find(({ id, tags, digests }) => [id, ...tags, ...digests].includes(name)) ?? images.find(({ id }) => isIdPrefix(id, word))
  if (found) return found
  throw new DrydockError(`No such image: ${name}`, { status: 404 })
}

/** github.com/distribution/reference, FamiliarMatch: with the tag or without. */
function matchesName(pattern: string, name: string): boolean {
  const reference = parseReference(name)
  return matchesPattern(pattern, familiar(reference)) || matchesPattern(pattern, familiarName(reference))
}
