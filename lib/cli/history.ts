/** `drydock history`: how an image was made, the last step first. */
import { Command } from 'commander'
import { type HistoryEntry, historyOf } from '../image/history.js'
import { Store } from '../image/store/index.js'
import { dataRoot } from '../kernel/places.js'
import { type Listing, showRows } from './format/index.js'
import { createdSince, humanSize, shortDigest } from './table.js'
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
  process.stdout.write(showRows(listing(trunc, human.on), rows, quiet && (format ?? 'table') === 'table' ? '{{.ID}}' : format))
  return 0
}

function listing(trunc: boolean, human: boolean): Listing<HistoryEntry> {
  return {
    type: 'formatter.historyContext',
    columns: {
      Comment: { heading: 'COMMENT', of: ({ comment }) => comment },
      CreatedAt: { heading: 'CREATED AT', of: ({ created }) => withoutFraction(created) },
      CreatedBy: { heading: 'CREATED BY', of: ({ createdBy }) => instruction(createdBy, trunc) },
      CreatedSince: {
        heading: human ? 'CREATED' : 'CREATED AT',
        of: ({ created }) => (human ? createdSince(created) : withoutFraction(created)),
      },
      ID: { heading: 'IMAGE', of: ({ id }) => (trunc ? shortDigest(id) : id) },
      Size: { heading: 'SIZE', of: ({ size }) => (human ? humanSize(size, 3) : String(size)) },
    },
    usual: '{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}',
  }
}

const withoutFraction = (time: string): string => time.replace(/\.\d+/, '')

const LONGEST_INSTRUCTION = 45

function instruction(text: string, trunc: boolean): string {
  const line = text.replaceAll('\t', ' ')
  const characters = [...line]
  return trunc && characters.length > LONGEST_INSTRUCTION ? `${characters.slice(0, LONGEST_INSTRUCTION - 1).join('')}…` : line
}
