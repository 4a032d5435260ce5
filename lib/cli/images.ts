/** `drydock images`: the images of the store, a row for each name. Docker's table. */
import { Command } from 'commander'
import { parseFilters } from '../engine/filters.js'
import { filterImages } from '../engine/image-filters.js'
import { Store } from '../image/store/index.js'
import { dataRoot } from '../kernel/places.js'
import { showRows } from './format/index.js'
import { imageListing, rowsOf } from './image-rows.js'
import { FILTER, parseVerb, repeated } from './verb.js'

interface Options {
  readonly all: boolean
  readonly quiet: boolean
  readonly trunc: boolean
  readonly digests: boolean
  readonly filter: readonly string[]
  readonly format?: string
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
  process.stdout.write(showRows(imageListing({ trunc, digests }), rows, quiet && (format ?? 'table') === 'table' ? '{{.ID}}' : format))
  return 0
}

const IMAGE_FILTERS = ['dangling', 'label', 'before', 'since', 'until', 'reference'] as const
