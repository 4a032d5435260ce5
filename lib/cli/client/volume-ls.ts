/** `drydock volume ls`: the volumes of the engine. Docker's table. */
import { type FilterWords, filters, GoCommand } from '../flags.js'
import { showRows } from '../format/index.js'
import { type VolumeDocument, volumeListing } from '../volume-rows.js'
import { asQuery, quietly } from './listing.js'
import { verb } from './verb.js'

interface Flags {
  readonly filter: FilterWords
  readonly format?: string
  readonly quiet?: boolean
}

export const listVolumes = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('List volumes.')
      .usage('[OPTIONS]')
      .addOption(filters('-f, --filter <key=value>', 'dangling, driver, label, name'))
      .option('--format <format>', 'table, json, or a Go template: {{.Name}}')
      .option('-q, --quiet', 'names only'),
  async ({ options: { filter, format, quiet }, engine: open }) => {
    const engine = await open()
    const { Volumes } = (await engine.ask(engine.docker.listVolumes(asQuery(filter) as object))) as unknown as {
      Volumes: VolumeDocument[] | null
    }
    const sorted = [...(Volumes ?? [])].sort((a, b) => naturally(a.Name, b.Name))
    process.stdout.write(showRows(volumeListing(), sorted, quietly(format, quiet, '{{.Name}}')))
    return 0
  },
)

const naturally = new Intl.Collator('en', { numeric: true }).compare
