/** `drydock events`: what happens in the engine, as it happens. */

import { DrydockError } from '../../kernel/errors.js'
import { linesOf } from '../engine/lines.js'
import { type FilterWords, filters, GoCommand } from '../flags.js'
import { mapOf } from '../format/index.js'
import { interruptible } from '../interrupt.js'
import { rfc3339Nano } from '../table.js'
import { timestamp } from '../timestamp.js'
import { asQuery } from './listing.js'
import { endWithReader } from './streams.js'
import { templateOf } from './template.js'
import { verb } from './verb.js'

interface Flags {
  readonly filter: FilterWords
  readonly format?: string
  readonly since?: string
  readonly until?: string
}

/** Engine API, EventMessage. */
interface Event {
  readonly Type: string
  readonly Action: string
  readonly Actor: { readonly ID: string; readonly Attributes?: Readonly<Record<string, string>> | null }
  readonly time: number
  readonly timeNano: number
}

export const events = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Show what happens in the engine, as it happens.')
      .usage('[OPTIONS]')
      .addOption(filters('-f, --filter <key=value>', 'type, event, container, image, network, volume, label, …'))
      .option('--format <format>', 'json, or a Go template: {{.Action}}')
      .option('--since <moment>', 'also what has happened since then')
      .option('--until <moment>', 'end then'),
  async ({ options: { filter, format, since, until }, engine: open }) => {
    const show = shower(format)
    endWithReader()
    const engine = await open()
    await interruptible(async (signal) => {
      const stream = await engine.stream({
        method: 'GET',
        path: '/events',
        query: {
          ...asQuery(filter),
          ...(since !== undefined && { since: timestamp(since) }),
          ...(until !== undefined && { until: timestamp(until) }),
        },
        signal,
      })
      for await (const line of linesOf(stream)) process.stdout.write(`${show(line)}\n`)
    })
    return 0
  },
)

function shower(format: string | undefined): (line: string) => string {
  if (format === undefined) return (line) => shown(JSON.parse(line) as Event, line)
  // As it came: no number of it is rounded on the way.
  if (format === 'json') return (line) => line
  const fill = templateOf(format)
  return (line) => {
    const event = JSON.parse(line) as Event
    return fill({ ...event, Actor: { ID: event.Actor.ID, Attributes: mapOf(event.Actor.Attributes ?? {}) } })
  }
}

/** `2026-11-26T19:43:42.755376796Z container create ID (image=busybox, name=two)` */
function shown({ Type, Action, Actor }: Event, line: string): string {
  // 2^53 nanoseconds are a hundred days: the number is read from its text.
  const nano = /"timeNano":(\d+)/.exec(line)?.[1]
  if (nano === undefined) throw new DrydockError(`the engine told of an event without a time: ${line}`)
  const attributes = Object.entries(Actor.Attributes ?? {})
    .map((pair) => pair.join('='))
    .sort()
    .join(', ')
  return `${rfc3339Nano(BigInt(nano))} ${Type} ${Action} ${Actor.ID}${attributes ? ` (${attributes})` : ''}`
}
