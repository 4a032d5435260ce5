/** Which events `--filter` leaves. github.com/docker/docker, daemon/events/filter.go. */
import { DrydockError } from '../kernel/errors.js'
import { type Filters, matchesLabels } from './filters.js'
import type { EngineEvent } from './types.js'

/** Keys that name one thing, and the types of events that are about such a thing. */
const THINGS = ['container', 'daemon', 'image', 'network', 'volume', 'plugin', 'config', 'secret', 'service', 'node'] as const
const KNOWN = new Set<string>([...THINGS, 'event', 'label', 'type', 'scope'])

/** Actions behind whose name more is told: `exec_create: ls`. */
const TOLD = ['health_status', 'exec_create', 'exec_start']

/** Throws Docker's sentence for a key that there is not. */
export function matchesEvent(filters: Filters): (event: EngineEvent) => boolean {
  for (const key of filters.keys()) if (!KNOWN.has(key)) throw new DrydockError(`Invalid filter '${key}'`, { status: 400 })
  if (filters.size === 0) return () => true
  const any = (key: string, test: (value: string) => boolean) => filters.get(key)?.some(test) ?? true
  return (event) =>
    any('type', (value) => value === event.Type) &&
    any('scope', (value) => value === event.scope) &&
    any('event', (value) => event.Action === value || (TOLD.includes(value) && event.Action.startsWith(`${value}:`))) &&
    matchesLabels(filters, event.Actor.Attributes) &&
    THINGS.every((thing) => any(thing, (value) => isAbout(event, thing, value)))
}

function isAbout({ Type, Actor: { ID, Attributes } }: EngineEvent, thing: (typeof THINGS)[number], value: string): boolean {
  const { name, image } = Attributes
  if (thing === 'image') {
    const words = [Type === 'image' ? ID : undefined, Type === 'image' ? name : image].filter((word) => word !== undefined)
    return (Type === 'image' || Type === 'container') && words.some((word) => word === value || withoutTag(word) === value)
  }

  return Type === thing && (ID.startsWith(value) || (name?.startsWith(value) ?? false))
}

const withoutTag = (name: string): string => name.replace(/[:@][^/]*$/, '')
