/** Two pictures compared, and a picture brought up to date. Pure, and free of Node: the page uses it too. */
import type { Delta, Picture, TableName, Tables } from './types.js'

export const TABLES: readonly TableName[] = ['processes', 'namespaces', 'cgroups', 'links', 'rules', 'overlays', 'changes']

type Things = Readonly<Record<string, unknown>>

export function emptyPicture(host: Picture['host'], at = 0): Picture {
  const tables = Object.fromEntries(TABLES.map((name) => [name, {}])) as unknown as Tables
  return { at, took: 0, host, tables }
}

export function deltaBetween(before: Picture, after: Picture): Delta {
  const set: Record<string, Record<string, unknown>> = {}
  const gone: Record<string, string[]> = {}
  for (const name of TABLES) {
    const [old, now]: [Things, Things] = [before.tables[name], after.tables[name]]
    const changed = Object.entries(now).filter(([key, thing]) => !same(own(old, key), thing))
    const lost = Object.keys(old).filter((key) => !Object.hasOwn(now, key))
    if (changed.length > 0) set[name] = Object.fromEntries(changed)
    if (lost.length > 0) gone[name] = lost
  }
  const host = same(before.host, after.host) ? {} : { host: after.host }
  return { at: after.at, took: after.took, ...host, set, gone }
}

export function applyDelta(picture: Picture, delta: Delta): Picture {
  const tables = Object.fromEntries(
    TABLES.map((name) => {
      const [set, gone] = [delta.set[name], delta.gone[name]]
      if (!set && !gone) return [name, picture.tables[name]]
      const lost = new Set(gone)
      const kept = Object.entries(picture.tables[name]).filter(([key]) => !lost.has(key))
      return [name, { ...Object.fromEntries(kept), ...set }]
    }),
  ) as unknown as Tables
  return { at: delta.at, took: delta.took, host: delta.host ?? picture.host, tables }
}

/** Has nothing changed but the time? */
export function isQuiet(delta: Delta): boolean {
  return delta.host === undefined && Object.keys(delta.set).length === 0 && Object.keys(delta.gone).length === 0
}

const own = (things: Things, key: string): unknown => (Object.hasOwn(things, key) ? things[key] : undefined)

/** Plain JSON of the same shape: members stand in the same order, since the same code has made both. */
const same = (one: unknown, other: unknown): boolean => one === other || JSON.stringify(one) === JSON.stringify(other)
