/** `drydock history`: how an image was made, the last step first. */

import { GoCommand } from '../flags.js'
import { showRows } from '../format/index.js'
import { historyListing } from '../history-rows.js'
import { verb } from './verb.js'

interface Flags {
  readonly format?: string
  readonly human: boolean
  readonly trunc: boolean
  readonly quiet?: boolean
}

/** Engine API, HistoryResponseItem; Created in seconds since 1970. */
interface Entry {
  readonly Id: string
  readonly Created: number
  readonly CreatedBy: string
  readonly Size: number
  readonly Comment: string
}

export const history = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Show how an image was made.')
      .usage('[OPTIONS] IMAGE')
      .argument('<image>', 'a name or an id')
      .option('--format <format>', 'table, json, or a Go template: {{.CreatedBy}}')
      .option('-H, --human', 'sizes and times for people; --human=false: bytes and dates', true)
      .option('--no-trunc', 'nothing is cut off')
      .option('-q, --quiet', 'ids only'),
  async ({ options: { format, human, trunc, quiet }, args, engine: open }) => {
    const engine = await open()
    const found = (await engine.ask(engine.image(args[0] as string).history())) as Entry[]
    const rows = found.map(({ Id, Created, CreatedBy, Size, Comment }) => ({
      id: Id,
      created: new Date(Created * 1000).toISOString(),
      createdBy: CreatedBy,
      size: Size,
      comment: Comment,
    }))
    const wanted = quiet && (format ?? 'table') === 'table' ? '{{.ID}}' : format
    process.stdout.write(showRows(historyListing(trunc, human), rows, wanted))
    return 0
  },
)
