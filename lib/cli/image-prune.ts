/** `drydock image prune`: images that nobody has a name for, or with --all those that no container uses. */
import { Command } from 'commander'
import { parseFilters } from '../engine/filters.js'
import { pruneImages } from '../image/prune.js'
import { Store } from '../image/store/index.js'
import { dataRoot } from '../kernel/places.js'
import { whichRun } from './rmi.js'
import { humanSize } from './table.js'
import { FILTER, parseVerb, repeated } from './verb.js'

interface Options {
  readonly all: boolean
  readonly force: boolean
  readonly filter: readonly string[]
}

export async function imagePrune(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock image prune')
    .description('Remove images that are not used.')
    .usage('[OPTIONS]')
    .option('-a, --all', 'all that no container uses, not only those without a name', false)
    .option('-f, --force', 'do not ask', false)
    .addOption(repeated('--filter <filter>', `${FILTER}: until=24h, label=…, label!=…`))
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  const { all, force, filter } = parsed.options
  parseFilters(filter, ['dangling', 'until', 'label', 'label!'])
  if (!force && !(await agreed(all))) return 0
  const { removed, reclaimed } = await pruneImages(new Store(dataRoot()), { all, filters: filter, running: whichRun() })
  const lines = removed.map((one) => ('Untagged' in one ? `untagged: ${one.Untagged}\n` : `deleted: ${one.Deleted}\n`))
  if (lines.length > 0) process.stdout.write(`Deleted Images:\n${lines.join('')}\n`)
  process.stdout.write(`Total reclaimed space: ${humanSize(reclaimed)}\n`)
  return 0
}

const WARNINGS = {
  dangling: 'WARNING! This will remove all dangling images.',
  all: 'WARNING! This will remove all images without at least one container associated to them.',
}

/** Anything but a y is a no, the end of the input too. */
async function agreed(all: boolean): Promise<boolean> {
  const { ask } = await import('./ask.js')
  process.stdout.write(`${all ? WARNINGS.all : WARNINGS.dangling}\n`)
  return (await ask('Are you sure you want to continue? [y/N] ')).trim().toLowerCase() === 'y'
}
