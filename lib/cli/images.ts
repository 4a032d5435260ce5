/** `drydock images`: the images of the store, a row for each name. Docker's table. */
import { Command } from 'commander'
import { parseFilters } from '../engine/filters.js'
import { filterImages } from '../engine/image-filters.js'
import { familiarName, parseReference } from '../image/reference.js'
import { type Image, Store } from '../image/store/index.js'
import { dataRoot } from '../kernel/places.js'
import { type Listing, showRows } from './format/index.js'
import { createdAt, createdSince, humanSize, shortDigest } from './table.js'
import { FILTER, parseVerb, repeated } from './verb.js'

interface Options {
  readonly all: boolean
  readonly quiet: boolean
  readonly trunc: boolean
  readonly digests: boolean
  readonly filter: readonly string[]
  readonly format?: string
}

/** An image under one of its names. */
export interface ImageRow {
  readonly image: Image
  readonly repository: string
  readonly tag: string
  readonly digest: string
}

export async function images(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock images')
    .description('List images.')
    .argument('[repository]', 'REPOSITORY[:TAG]: only those; * stands for any part of a name')
    .usage('[OPTIONS] [REPOSITORY[:TAG]]')
    .option('-a, --all', 'those that are only parts of others too', false)
    .option('-q, --quiet', 'ids only', false)
    .option('--no-trunc', 'nothing is cut off')
    .option('--digests', 'the digest by which a registry knows each', false)
    .addOption(repeated('-f, --filter <filter>', `${FILTER}: dangling, label, before, since, until, reference`))
    .option('--format <format>', 'table, json, or a Go template: {{.Repository}}:{{.Tag}}')
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  const { all, quiet, trunc, digests, filter, format } = parsed.options
  const [pattern] = parsed.args
  const filters = parseFilters(pattern === undefined ? filter : [...filter, `reference=${pattern}`], IMAGE_FILTERS)
  const shown = filterImages(await new Store(dataRoot()).images(), filters, { all })
  const withDigests = digests || /\{\{\s*\.Digest\s*\}\}/.test(format ?? '')
  const rows = shown.flatMap(({ image, names }) => rowsOf(image, names, withDigests))
  process.stdout.write(showRows(listing({ trunc, digests }), rows, quiet && (format ?? 'table') === 'table' ? '{{.ID}}' : format))
  return 0
}

const IMAGE_FILTERS = ['dangling', 'label', 'before', 'since', 'until', 'reference'] as const

function listing({ trunc, digests }: { readonly trunc: boolean; readonly digests: boolean }): Listing<ImageRow> {
  return {
    type: 'formatter.imageContext',
    columns: {
      Containers: { heading: 'CONTAINERS', of: () => 'N/A' },
      CreatedAt: { heading: 'CREATED AT', of: ({ image }) => createdAt(image.created) },
      CreatedSince: { heading: 'CREATED', of: ({ image }) => createdSince(image.created) },
      Digest: { heading: 'DIGEST', of: ({ digest }) => digest },
      ID: { heading: 'IMAGE ID', of: ({ image }) => (trunc ? shortDigest(image.id) : image.id) },
      Repository: { heading: 'REPOSITORY', of: ({ repository }) => repository },
      SharedSize: { heading: 'SHARED SIZE', of: () => 'N/A' },
      Size: { heading: 'SIZE', of: ({ image }) => humanSize(image.size, 3) },
      Tag: { heading: 'TAG', of: ({ tag }) => tag },
      UniqueSize: { heading: 'UNIQUE SIZE', of: () => 'N/A' },
    },
    usual: `{{.Repository}}\t{{.Tag}}\t${digests ? '{{.Digest}}\t' : ''}{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`,
  }
}

const NONE = '<none>'

/** A row a tag; those of a repository that only a digest leads to have one too (cli/command/formatter/image.go). */
export function rowsOf(image: Image, names: { tags: readonly string[]; digests: readonly string[] }, withDigests: boolean): ImageRow[] {
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
