/** `drydock system prune`: all that is not used goes. */
import { type FilterWords, filters, GoCommand } from '../flags.js'
import { humanSize } from '../table.js'
import { agreed, PRUNES } from './prune.js'
import { verb } from './verb.js'

interface Flags {
  readonly all?: boolean
  readonly force?: boolean
  readonly volumes?: boolean
  readonly filter: FilterWords
}

export const pruneSystem = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Remove containers, networks and images that are not used.')
      .usage('[OPTIONS]')
      .option('-a, --all', 'all images that no container uses, not only those without a name')
      .addOption(filters('--filter <key=value>', 'until=24h, label=…, label!=…'))
      .option('-f, --force', 'do not ask')
      .option('--volumes', 'volumes without a name too'),
  async ({ options, engine: open }) => {
    const { all, force, volumes, filter } = options
    if (!force && !(await agreed(warning(options)))) return 0
    const engine = await open()
    const kinds = [PRUNES.containers, PRUNES.networks, ...(volumes ? [PRUNES.volumes] : []), PRUNES.images, PRUNES.cache]
    let reclaimed = 0
    for (const prune of kinds) {
      const pruned = await prune(engine, { filter, ...(all && (prune === PRUNES.images || prune === PRUNES.cache) && { all }) })
      if (pruned.told !== '') process.stdout.write(`${pruned.told}\n`)
      reclaimed += pruned.reclaimed
    }
    process.stdout.write(`Total reclaimed space: ${humanSize(reclaimed)}\n`)
    return 0
  },
)

function warning({ all, volumes, filter }: Flags): string {
  const what = [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
    all ? 'all build cache' : 'unused build cache',
  ]
  const words = Object.entries(filter).flatMap(([key, values]) => values.map((value) => `  - ${key}=${value}\n`))
  const only = words.length > 0 ? `\n  Items to be pruned will be filtered with:\n${words.join('')}` : ''
  return `WARNING! This will remove:\n${what.map((line) => `  - ${line}\n`).join('')}${only}`
}
