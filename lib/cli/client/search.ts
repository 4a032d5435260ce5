/** `drydock search`: images at a registry, as the engine finds them. */
import { type FilterWords, filters, GoCommand, whole } from '../flags.js'
import { type Listing, showRows } from '../format/index.js'
import { asQuery } from './listing.js'
import { registryAuth } from './pulling.js'
import { verb } from './verb.js'

interface Flags {
  readonly filter: FilterWords
  readonly format?: string
  readonly limit?: number
  readonly trunc: boolean
}

/** Engine API, ImageSearchResponseItem. */
interface Found {
  readonly name: string
  readonly description: string
  readonly star_count: number
  readonly is_official: boolean
}

export const search = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Look for images at Docker Hub, or at another registry.')
      .usage('[OPTIONS] TERM')
      .argument('<term>', 'a part of the name, HOST/… at another registry')
      .addOption(filters('-f, --filter <key=value>', 'is-official, stars'))
      .option('--format <format>', 'a Go template: {{.Name}}')
      .addOption(whole('--limit <number>', 'at most so many'))
      .option('--no-trunc', 'nothing is cut off'),
  async ({ options: { filter, format, limit, trunc }, args, engine: open }) => {
    const [term = ''] = args
    const engine = await open()
    const domain = /^([^/]*[.:][^/]*|localhost)\//.exec(term)?.[1] ?? 'docker.io'
    const found = await engine.call<Found[] | null>({
      method: 'GET',
      path: '/images/search',
      query: { term, ...(limit !== undefined && { limit }), ...asQuery(filter) },
      headers: { 'X-Registry-Auth': await registryAuth(domain) },
    })
    const sorted = [...(found ?? [])].sort((a, b) => b.star_count - a.star_count)
    process.stdout.write(showRows(listing(trunc), sorted, format))
    return 0
  },
)

const LONGEST_DESCRIPTION = 45

const listing = (trunc: boolean): Listing<Found> => ({
  type: 'formatter.searchContext',
  columns: {
    Description: {
      heading: 'DESCRIPTION',
      of: ({ description }) => {
        const text = [...description.replace(/[\r\n]+/g, ' ')]
        return trunc && text.length > LONGEST_DESCRIPTION ? `${text.slice(0, LONGEST_DESCRIPTION - 1).join('')}…` : text.join('')
      },
    },
    IsOfficial: { heading: 'OFFICIAL', of: ({ is_official }) => (is_official ? '[OK]' : '') },
    Name: { heading: 'NAME', of: ({ name }) => name },
    StarCount: { heading: 'STARS', of: ({ star_count }) => String(star_count) },
  },
  usual: '{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}',
})
