/** Valid requests of a route. Whether one goes well hangs on what is there; that it is understood does not. */
import { layerTar } from '../images.js'
import type { Kind, Members, Noun, Route } from './kinds.js'
import type { Random } from './random.js'

export interface Request {
  readonly route: Route
  readonly method: string
  /** The path's parts, what is asked, each as it is sent. */
  path: string
  query: [name: string, value: string][]
  headers: Record<string, string>
  /** JSON that is not text yet; of anything else the bytes. */
  document?: unknown
  bytes?: Buffer
  /** Sent in pieces, without a length. */
  chunked: boolean
  /** What is wrong with it, in words; nothing. */
  wrong: string[]
}

/** Names that can be asked for. */
export type World = Readonly<Record<Noun, readonly string[]>>

export function makeRequest(route: Route, random: Random, world: World): Request {
  const path = route.path.replace(/\{(\w+)\}/g, (_, noun: Noun) => encodeURIComponent(random.pick(world[noun])).replaceAll('%2F', '/'))
  const query = members(route.query ?? {}, route, random, 50).flatMap(([name, kind]) => {
    const value = valueFor(kind, random, world)
    return [
      [name, typeof value === 'object' ? JSON.stringify(value) : typeof value === 'boolean' ? (value ? '1' : '0') : String(value)],
    ] as [string, string][]
  })
  const request: Request = { route, method: route.method, path, query, headers: {}, chunked: random.percent(20), wrong: [] }
  if (route.body === 'archive') request.bytes = ARCHIVE
  // A few members at a time: all of them would be in each other's way.
  else if (route.body) request.document = bodyOf(route, random, world)
  return request
}

const ARCHIVE = layerTar({ 'etc/': '', 'etc/motd': 'ahoy\n', 'link -> etc/motd': '' })

function bodyOf(route: Route, random: Random, world: World): unknown {
  const kind = route.body as Kind
  return kind.kind === 'object'
    ? Object.fromEntries(members(kind.members, route, random, 15).map(([name, of]) => [name, valueFor(of, random, world)]))
    : valueFor(kind, random, world)
}

const members = (all: Members, { needs = [] }: Route, random: Random, percent: number) =>
  Object.entries(all).filter(([name]) => needs.includes(name) || random.percent(percent))

export function valueFor(kind: Kind, random: Random, world: World): unknown {
  switch (kind.kind) {
    case 'flag':
      return random.percent(50)
    case 'integer':
      return random.between(kind.from, kind.to)
    case 'text':
      return random.pick(kind.of)
    case 'moment':
      return random.pick(['0', '1', '1700000000', '1700000000.123456789', String(Math.trunc(Date.now() / 1000))])
    case 'name':
      return random.pick(world[kind.of])
    case 'list':
      // None: as many as there are words.
      if (kind.most === 0 && kind.of.kind === 'text') return kind.of.of
      return Array.from({ length: random.between(0, kind.most) }, () => valueFor(kind.of, random, world))
    case 'map':
      return Object.fromEntries(kind.keys.filter(() => random.percent(40)).map((key) => [key, valueFor(kind.of, random, world)]))
    case 'object':
      return Object.fromEntries(
        Object.entries(kind.members)
          .filter(() => random.percent(Object.keys(kind.members).length > 10 ? 8 : 60))
          .map(([name, of]) => [name, valueFor(of, random, world)]),
      )
    case 'either':
      return valueFor(random.pick(kind.of), random, world)
    case 'filters': {
      const chosen = Object.entries(kind.of).filter(() => random.percent(20))
      const asMap = random.percent(50)
      return Object.fromEntries(chosen.map(([name, of]) => [name, asMap ? { [random.pick(of)]: true } : [random.pick(of)]]))
    }
  }
}
