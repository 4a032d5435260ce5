/** What a witness sees in directories, and what differs between two of them. */
import type { Difference } from '../../support/differences.js'
import type { Machine } from './machines.js'

/** As witness.py says it; names, targets and values are bytes, a character for each. */
export interface Seen {
  readonly path: string
  readonly type: string
  readonly mode: string
  readonly owner: string
  /** Nanoseconds. */
  readonly mtime: string
  readonly xattrs: Readonly<Record<string, string>>
  readonly target?: string
  readonly device?: string
  readonly content?: string
  readonly size?: number
  readonly holes?: boolean
  /** Names of one file, when it has several. */
  readonly group?: readonly string[]
}

export type Tree = ReadonlyMap<string, Seen>

/** What the kernel notes for itself when an overlay is written to; `opaque` is what layers are about. */
const KERNELS_OWN = ['trusted.overlay.origin', 'trusted.overlay.impure', 'trusted.overlay.nlink', 'trusted.overlay.uuid']

export async function look(machine: Machine, directories: readonly string[]): Promise<Tree[]> {
  const apart = KERNELS_OWN.flatMap((name) => ['--apart', name])
  const seen = JSON.parse(await machine.python('witness', ...apart, ...directories)) as Record<string, readonly Seen[]>
  return directories.map((directory) => new Map(seen[directory]?.map((one) => [one.path, one])))
}

/**
 * Each aspect of each file in which they differ: `links/two group`, `times/tenth mtime`, `xattrs/user xattr user.comment`, or `links/two` alone
 * when only one of them has it. A time that is no older than `since` (nanoseconds) is that of unpacking, and equal to any other such.
 */
export function differences(peer: Tree, drydock: Tree, since: bigint): Difference[] {
  const paths = [...new Set([...peer.keys(), ...drydock.keys()])].sort()
  return paths.flatMap((path) => {
    const [one, other] = [peer.get(path), drydock.get(path)]
    if (!one || !other) return [{ key: shown(path), peer: one?.type ?? 'absent', drydock: other?.type ?? 'absent' }]
    const [its, ours] = [aspects(one, since), aspects(other, since)]
    return [...new Set([...its.keys(), ...ours.keys()])].sort().flatMap((aspect) => {
      const [a = 'none', b = 'none'] = [its.get(aspect), ours.get(aspect)]
      return a === b ? [] : [{ key: `${shown(path)} ${aspect}`, peer: a, drydock: b }]
    })
  })
}

function aspects(seen: Seen, since: bigint): Map<string, string> {
  const { path: _, xattrs, group, mtime, ...plain } = seen
  const found = new Map(Object.entries(plain).map(([aspect, value]) => [aspect, shown(String(value))]))
  for (const [name, value] of Object.entries(xattrs)) found.set(`xattr ${shown(name)}`, shown(value))
  if (group && group.length > 1) found.set('group', group.map(shown).join(' = '))
  const time = BigInt(mtime)
  found.set('mtime', time >= since && time < since + 3600n * 10n ** 9n ? 'now' : mtime)
  return found
}

/** Printable, without what has a meaning in a table of Markdown. */
const shown = (bytes: string): string =>
  bytes.replace(/[^\x20-\x7e]|[|`\\]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
