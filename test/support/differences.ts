/** The tables of docs/DIFFERENCES.md: what is known to differ, in which runs, and how. Tests hold it against what they see, in both directions. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Difference {
  readonly key: string
  /** What the peer has, in words; and drydock. */
  readonly peer: string
  readonly drydock: string
}

export interface Row {
  /** As it stands in the table, for messages. */
  readonly what: string
  /** Names of runs, or all of them. */
  readonly runs: readonly string[] | 'all'
  readonly matches: (one: Difference) => boolean
}

const FILE = join(import.meta.dirname, '../../docs/DIFFERENCES.md')
const COMPATIBILITY = join(import.meta.dirname, '../../docs/COMPATIBILITY.md')

/** The part of docs/COMPATIBILITY.md about the API's endpoints, or about the flags of `docker run`. */
export function readCompatibility(about: 'endpoints' | 'flags'): string {
  const parts = readFileSync(COMPATIBILITY, 'utf8').split(/^# /m)
  const part = parts.find((text) => text.startsWith(about === 'endpoints' ? 'Endpoints' : 'Flags'))
  if (part === undefined) throw new Error(`docs/COMPATIBILITY.md says nothing of ${about}`)
  return part
}

/** The rows of the part whose heading begins with `Where a container`, `Where an image`, `Where an engine` or `Where a build`. */
export function readPart(about: 'a container' | 'an image' | 'an engine' | 'a build'): string {
  const parts = readFileSync(FILE, 'utf8').split(/^# /m)
  const part = parts.find((text) => text.startsWith(`Where ${about}`))
  if (part === undefined) throw new Error(`docs/DIFFERENCES.md says nothing of where ${about} differs`)
  return part
}

/** With version 2 of cgroups alone Docker gives each container a cgroup namespace, otherwise the host's. */
export const isUnified = (): boolean => existsSync('/sys/fs/cgroup/cgroup.controllers')

/** The rows that count on this machine. */
export function readTable(text: string, unified = isUnified()): Row[] {
  const rows = text.split('\n').filter((line) => line.startsWith('| `'))
  return rows.flatMap((line) => {
    const cells = line.split('|').slice(1, -1)
    if (cells.length !== 5 || cells.some((cell) => cell.trim() === '')) throw new Error(`a row of five cells is wanted: ${line}`)
    const [what = '', where = '', peer = '', drydock = ''] = cells.map((cell) => cell.trim())
    const runs = where.split(',').map((word) => word.trim())
    if (runs.includes('cgroup v1') && unified) return []
    const named = runs.filter((word) => word !== 'cgroup v1')
    const [key, its, ours] = [what, peer, drydock].map(patternOf) as [RegExp, RegExp, RegExp]
    const matches = (one: Difference) => key.test(one.key) && its.test(one.peer) && ours.test(one.drydock)
    return [{ what, runs: named.includes('all') ? ('all' as const) : named, matches }]
  })
}

/** `text` between backquotes, in which `*` is anything. */
function patternOf(cell: string): RegExp {
  const text = /^`(.*)`$/.exec(cell)?.[1]
  if (text === undefined) throw new Error(`a value stands between backquotes: ${cell}`)
  return new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's')
}

/** What of the differences seen in a run is in no row, and which rows of that run are about none of them. */
export function judge(run: string, seen: readonly Difference[], rows: readonly Row[]): { unlisted: Difference[]; unseen: string[] } {
  const own = rows.filter(({ runs }) => runs === 'all' || runs.includes(run))
  return {
    unlisted: seen.filter((one) => !own.some((row) => row.matches(one))),
    unseen: own.filter((row) => !seen.some((one) => row.matches(one))).map(({ what }) => what),
  }
}
