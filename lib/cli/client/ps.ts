/** `drydock ps`: the containers of the engine. Docker's table. */
import { type ContainerSummary, containerListing } from '../container-rows.js'
import { type FilterWords, filters, GoCommand, whole } from '../flags.js'
import { showRows } from '../format/index.js'
import { asQuery, quietly } from './listing.js'
import { verb } from './verb.js'

interface Flags {
  readonly all?: boolean
  readonly filter: FilterWords
  readonly format?: string
  readonly last: number
  readonly latest?: boolean
  readonly trunc: boolean
  readonly quiet?: boolean
  readonly size?: boolean
}

export const ps = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('List containers.')
      .usage('[OPTIONS]')
      .option('-a, --all', 'those that do not run too')
      .addOption(filters('-f, --filter <key=value>', 'status, name, label, ancestor, network, …'))
      .option('--format <format>', 'table, json, or a Go template: {{.Names}}')
      .addOption(whole('-n, --last <number>', 'the last so many, in any state', -1))
      .option('-l, --latest', 'the last one, in any state')
      .option('--no-trunc', 'nothing is cut off')
      .option('-q, --quiet', 'ids only')
      .option('-s, --size', 'how large they are'),
  async ({ options, engine: open }) => {
    const { all, filter, format, latest, trunc, quiet, size } = options
    const limit = latest && options.last === -1 ? 1 : options.last
    // Which sizes are asked for is the template's affair too: they cost a walk through the files.
    const sized = size || (!quiet && /\{\{.*\.Size\b.*\}\}/.test(format ?? ''))
    const engine = await open()
    const query = { ...(all && { all: true }), ...(limit > 0 && { limit }), ...(sized && { size: true }), ...asQuery(filter) }
    const found = (await engine.ask(engine.docker.listContainers(query))) as unknown as ContainerSummary[]
    process.stdout.write(showRows(containerListing({ trunc, size: size === true }), found, quietly(format, quiet, '{{.ID}}')))
    return 0
  },
)
