/** `drydock network ls`: the networks of the engine. Docker's table. */
import { joined, labelOf } from '../container-rows.js'
import { type FilterWords, filters, GoCommand } from '../flags.js'
import { type Listing, showRows } from '../format/index.js'
import { goTime } from '../table.js'
import { asQuery, quietly } from './listing.js'
import { verb } from './verb.js'

interface Flags {
  readonly filter: FilterWords
  readonly format?: string
  readonly trunc: boolean
  readonly quiet?: boolean
}

/** Engine API, Network: the members that are shown. */
interface Network {
  readonly Id: string
  readonly Name: string
  readonly Created: string
  readonly Scope: string
  readonly Driver: string
  readonly EnableIPv4?: boolean
  readonly EnableIPv6: boolean
  readonly Internal: boolean
  readonly Labels: Readonly<Record<string, string>> | null
}

export const listNetworks = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('List networks.')
      .usage('[OPTIONS]')
      .addOption(filters('-f, --filter <key=value>', 'driver, id, label, name, scope, type, dangling'))
      .option('--format <format>', 'table, json, or a Go template: {{.Name}}')
      .option('--no-trunc', 'nothing is cut off')
      .option('-q, --quiet', 'ids only'),
  async ({ options: { filter, format, trunc, quiet }, engine: open }) => {
    const engine = await open()
    const found = (await engine.ask(engine.docker.listNetworks(asQuery(filter) as object))) as unknown as Network[]
    const sorted = [...found].sort((a, b) => naturally(a.Name, b.Name))
    process.stdout.write(showRows(listing(trunc), sorted, quietly(format, quiet, '{{.ID}}')))
    return 0
  },
)

const naturally = new Intl.Collator('en', { numeric: true }).compare

const listing = (trunc: boolean): Listing<Network> => ({
  type: 'network.networkContext',
  columns: {
    CreatedAt: { heading: 'CREATED AT', of: ({ Created }) => goTime(Created) },
    Driver: { heading: 'DRIVER', of: ({ Driver }) => Driver },
    ID: { heading: 'NETWORK ID', of: ({ Id }) => (trunc ? Id.slice(0, 12) : Id) },
    IPv4: { heading: 'IPV4', of: ({ EnableIPv4 }) => String(EnableIPv4 ?? false) },
    IPv6: { heading: 'IPV6', of: ({ EnableIPv6 }) => String(EnableIPv6) },
    Internal: { heading: 'INTERNAL', of: ({ Internal }) => String(Internal) },
    Label: {
      heading: (name: string) => name,
      of: labelOf,
    },
    Labels: { heading: 'LABELS', of: ({ Labels }) => joined(Labels ?? {}) },
    Name: { heading: 'NAME', of: ({ Name }) => Name },
    Scope: { heading: 'SCOPE', of: ({ Scope }) => Scope },
  },
  usual: '{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}',
  hidden: ['Label'],
})
