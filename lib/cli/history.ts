/** `drydock history`: how an image was made, the last step first. */
import { Command } from 'commander'
import { historyOf } from '../image/history.js'
import { Store } from '../image/store/index.js'
import { dataRoot } from '../kernel/places.js'
import { showRows } from './format/index.js'
import { historyListing } from './history-rows.js'
import { parseVerb, switchOf } from './verb.js'

interface Options {
  readonly quiet: boolean
  readonly trunc: boolean
  readonly format?: string
}

export async function history(argv: readonly string[]): Promise<number> {
  const human = switchOf(argv, '-H', '--human')
  const command = new Command('drydock history')
    .description('Show how an image was made.')
    .argument('<image>')
    .usage('[OPTIONS] IMAGE')
    .option('-H, --human', 'sizes and times for people; --human=false: bytes and dates', true)
    .option('--no-trunc', 'nothing is cut off')
    .option('-q, --quiet', 'ids only', false)
    .option('--format <format>', 'table, json, or a Go template: {{.CreatedBy}}')
  const parsed = parseVerb<Options>(command, human.rest)
  if ('status' in parsed) return parsed.status
  const { quiet, trunc, format } = parsed.options
  const store = new Store(dataRoot())
  const image = await store.find(parsed.args[0] as string)
  const rows = historyOf(store, image)
  process.stdout.write(showRows(historyListing(trunc, human.on), rows, quiet && (format ?? 'table') === 'table' ? '{{.ID}}' : format))
  return 0
}
