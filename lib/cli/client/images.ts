/** `drydock images`: the images of the engine, a row for each name. Docker's table. */

import { type FilterWords, filters, GoCommand, readFilter } from '../flags.js'
import { showRows } from '../format/index.js'
import { imageListing, rowsOf, type ShownImage } from '../image-rows.js'
import { asQuery } from './listing.js'
import { verb } from './verb.js'

interface Flags {
  readonly all?: boolean
  readonly digests?: boolean
  readonly filter: FilterWords
  readonly format?: string
  readonly trunc: boolean
  readonly quiet?: boolean
}

/** Engine API, ImageSummary: the members that are shown. */
export interface ImageSummary {
  readonly Id: string
  /** Seconds since 1970. */
  readonly Created: number
  readonly Size: number
  readonly SharedSize?: number
  readonly Containers?: number
  readonly RepoTags: readonly string[] | null
  readonly RepoDigests: readonly string[] | null
}

export const images = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('List images.')
      .usage('[OPTIONS] [REPOSITORY[:TAG]]')
      .argument('[image]', 'REPOSITORY[:TAG]: only those; * stands for any part of a name')
      .option('-a, --all', 'those that are only parts of others too')
      .option('--digests', 'the digest by which a registry knows each')
      .addOption(filters('-f, --filter <key=value>', 'dangling, label, before, since, until, reference'))
      .option('--format <format>', 'table, json, or a Go template: {{.Repository}}:{{.Tag}}')
      .option('--no-trunc', 'nothing is cut off')
      .option('-q, --quiet', 'ids only'),
  async ({ options, args, engine: open }) => {
    const { all, digests = false, format, trunc, quiet } = options
    const filter = args[0] === undefined ? options.filter : readFilter(`reference=${args[0]}`, options.filter)
    const engine = await open()
    const found = (await engine.ask(
      engine.docker.listImages({ ...(all && { all: true }), ...asQuery(filter) } as object),
    )) as unknown as ImageSummary[]
    const withDigests = digests || /\{\{\s*\.Digest\s*\}\}/.test(format ?? '')
    const rows = found.flatMap((one) => rowsOf(shownImage(one), namesOf(one), withDigests))
    const wanted = quiet && (format ?? 'table') === 'table' ? '{{.ID}}' : format
    process.stdout.write(showRows(imageListing({ trunc, digests }), rows, wanted))
    return 0
  },
)

export const shownImage = ({ Id, Created, Size, SharedSize, Containers }: ImageSummary): ShownImage => ({
  id: Id,
  created: new Date(Created * 1000).toISOString(),
  size: Size,
  ...(SharedSize !== undefined && { shared: SharedSize }),
  ...(Containers !== undefined && { containers: Containers }),
})

/** Older engines tell `<none>:<none>` of those that have no name. */
export const namesOf = ({ RepoTags, RepoDigests }: ImageSummary) => ({
  tags: (RepoTags ?? []).filter((name) => !name.startsWith('<none>')),
  digests: (RepoDigests ?? []).filter((name) => !name.startsWith('<none>')),
})
