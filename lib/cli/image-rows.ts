/** Docker's table of images, a row a name. */
import { familiarName, parseReference } from '../image/reference.js'
import type { Listing } from './format/index.js'
import { createdAt, createdSince, humanSize, shortDigest } from './table.js'

/** What of an image is shown. */
export interface ShownImage {
  readonly id: string
  /** RFC 3339. */
  readonly created: string
  /** Bytes. */
  readonly size: number
  /** Of these bytes those of layers that others have too, and how many containers use it; where it is known. */
  readonly shared?: number
  readonly containers?: number
}

/** An image under one of its names. */
export interface ImageRow {
  readonly image: ShownImage
  readonly repository: string
  readonly tag: string
  readonly digest: string
}

export function imageListing({ trunc, digests }: { readonly trunc: boolean; readonly digests: boolean }): Listing<ImageRow> {
  return {
    type: 'formatter.imageContext',
    columns: {
      Containers: { heading: 'CONTAINERS', of: ({ image }) => known(image.containers, String) },
      CreatedAt: { heading: 'CREATED AT', of: ({ image }) => createdAt(image.created) },
      CreatedSince: { heading: 'CREATED', of: ({ image }) => createdSince(image.created) },
      Digest: { heading: 'DIGEST', of: ({ digest }) => digest },
      ID: { heading: 'IMAGE ID', of: ({ image }) => (trunc ? shortDigest(image.id) : image.id) },
      Repository: { heading: 'REPOSITORY', of: ({ repository }) => repository },
      SharedSize: { heading: 'SHARED SIZE', of: ({ image }) => known(image.shared, humanSize) },
      Size: { heading: 'SIZE', of: ({ image }) => humanSize(image.size, 3) },
      Tag: { heading: 'TAG', of: ({ tag }) => tag },
      UniqueSize: { heading: 'UNIQUE SIZE', of: ({ image }) => known(image.shared, (shared) => humanSize(image.size - shared)) },
      VirtualSize: { heading: 'SIZE', of: ({ image }) => humanSize(image.size) },
    },
    usual: `{{.Repository}}\t{{.Tag}}\t${digests ? '{{.Digest}}\t' : ''}{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`,
  }
}

const known = (value: number | undefined, show: (value: number) => string): string =>
  value === undefined || value < 0 ? 'N/A' : show(value)

const NONE = '<none>'

/** A row a tag; those of a repository that only a digest leads to have one too (cli/command/formatter/image.go). */
export function rowsOf(
  image: ShownImage,
  names: { tags: readonly string[]; digests: readonly string[] },
  withDigests: boolean,
): ImageRow[] {
  const digestsOf = new Map<string, string[]>()
  for (const name of names.digests) {
    const { digest = NONE, ...repository } = parseReference(name)
    digestsOf.set(familiarName(repository), [...(digestsOf.get(familiarName(repository)) ?? []), digest])
  }
  const tagged = names.tags.flatMap((name) => {
    const reference = parseReference(name)
    const repository = familiarName(reference)
    const digests = digestsOf.get(repository) ?? [NONE]
    return (withDigests ? digests : [NONE]).map((digest) => ({ image, repository, tag: reference.tag ?? NONE, digest }))
  })
  const repositories = new Set(tagged.map(({ repository }) => repository))
  const untagged = [...digestsOf]
    .filter(([repository]) => !repositories.has(repository))
    .flatMap(([repository, digests]) => (withDigests ? digests : [NONE]).map((digest) => ({ image, repository, tag: NONE, digest })))
  const rows = [...tagged, ...untagged]
  return rows.length > 0 ? rows : [{ image, repository: NONE, tag: NONE, digest: NONE }]
}
