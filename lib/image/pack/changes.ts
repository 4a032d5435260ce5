/**
 * What a container has changed: docker diff. Docker compares two whole trees, all layers with and without the upper one; here only what
 * the upper one has is compared, since nothing else can differ. The rules are Docker's:
 *
 *     A   the name was not there before; so is everything in a new directory, each by itself
 *     C   type, mode, owner, device number or file capability differ; or, of anything but a directory, size or time of change. Also a
 *         directory in which something is listed
 *     D   the name was there; what was in a deleted directory is not listed
 *
 * Times are the same when the seconds are and one of the two has no nanoseconds: it came out of an archive. The root is not listed.
 */
import { lgetxattr, statx } from '../../kernel/calls/reading.js'
import { isWhiteout } from './entries.js'
import { Readers } from './layer.js'
import type { Node } from './nodes.js'
import type { ReadOptions, TreeReader } from './reader.js'
import { type Bytes, bytesOf, readStatx, type Stat } from './records.js'
import { type WalkOptions, walk } from './walk.js'

export type ChangeKind = 'A' | 'C' | 'D'

export interface Change {
  /** Absolute, inside. What is no UTF-8 is replaced, as in Docker's JSON. */
  readonly path: string
  readonly kind: ChangeKind
}

/** `lowers`: the top one first. In the order of the paths' bytes. */
export async function changes(upper: string, lowers: readonly string[], options: ReadOptions = {}): Promise<Change[]> {
  const readers = new Readers(options, lowers.length > 0 ? [upper, ...lowers] : undefined)
  try {
    const reader = await readers.first({ directory: upper })
    const before = lowers.length > 0 ? await readers.first({ layers: lowers }) : undefined
    const comparison = new Comparison(reader, before)
    const meet: WalkOptions['meet'] = (directory, nodes, names) => comparison.meet(directory, nodes, names)
    for await (const _ of walk(reader, { meet, ...(before && { merged: () => readers.merged() }) })) {
      // All is done when names are met.
    }
    return [...comparison.found]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, kind]) => ({ path: `/${bytesOf(path).toString('utf8')}`, kind }))
  } finally {
    await readers.close()
  }
}

/** A directory of the upper tree that the walk has still to come to. */
interface Place {
  /** It was a directory before, too. */
  readonly known: boolean
  /** What is not in it is not there. Otherwise it is as it was. */
  readonly whole: boolean
}

class Comparison {
  readonly found = new Map<Bytes, ChangeKind>()
  readonly #upper: TreeReader
  readonly #before: TreeReader | undefined
  readonly #places = new Map<Bytes, Place>()

  constructor(upper: TreeReader, before: TreeReader | undefined) {
    this.#upper = upper
    this.#before = before
    this.#places.set('', { known: before !== undefined, whole: false })
  }

  /** Some of the names in a directory; with the first of them all of its names. */
  async meet(directory: Bytes, nodes: readonly Node[], names: readonly Bytes[] | undefined): Promise<void> {
    const { known = false, whole = false } = this.#places.get(directory) ?? {}
    const before = known ? this.#before : undefined
    const old = before ? await look(before, directory, nodes) : []
    for (const [at, node] of nodes.entries()) this.#judge(node, old[at])
    if (!before || !whole || !names) return
    const there = new Set(names)
    for (const name of (await before.list(directory)) ?? []) {
      if (!there.has(name)) this.#add(directory === '' ? name : `${directory}/${name}`, 'D')
    }
  }

  #judge(node: Node, old: Old | undefined): void {
    if (isWhiteout(node)) {
      if (old) this.#add(node.path, 'D')
      return
    }
    if (!old) this.#add(node.path, 'A')
    else if (differs(node, old)) this.#add(node.path, 'C')
    if (node.kind !== 'directory') return
    const whole = node.opaque === true || node.redirected === true || node.reader !== this.#upper
    this.#places.set(node.path, { known: old?.kind === 'directory', whole })
  }

  /** With the directories that lead to it. */
  #add(path: Bytes, kind: ChangeKind): void {
    this.found.set(path, kind)
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const directory = path.slice(0, at)
      if (this.found.has(directory)) return
      this.found.set(directory, 'C')
    }
  }
}

type Old = Stat & { readonly capability?: Buffer }

const CAPABILITY = 'security.capability'
const CAPABILITY_SIZE = 24

/** What was there before under the same names. */
async function look(before: TreeReader, directory: Bytes, nodes: readonly Node[]): Promise<(Old | undefined)[]> {
  const units = nodes.map(({ name, kind }) => {
    const bytes = bytesOf(name)
    const known = statx(bytes, { allow: ['ENOENT'] })
    const capability = lgetxattr(bytes, CAPABILITY, CAPABILITY_SIZE, { allow: ['ENOENT', 'ENODATA', 'EOPNOTSUPP'] })
    return { directory, steps: kind === 'file' ? [known, capability] : [known] }
  })
  return (await before.run(units)).map((results) => {
    const [known, capability] = results ?? []
    if (known?.status !== 'ok') return undefined
    const stat = readStatx(known.outs[0] as Buffer)
    if (capability?.status !== 'ok') return stat
    return { ...stat, capability: (capability.outs[0] as Buffer).subarray(0, Number(capability.ret)) }
  })
}

function differs(now: Node, old: Old): boolean {
  if (now.kind !== old.kind || now.mode !== old.mode || now.uid !== old.uid || now.gid !== old.gid) return true
  if (now.major !== old.major || now.minor !== old.minor) return true
  if (!(now.capability ?? NONE).equals(old.capability ?? NONE)) return true
  return now.kind !== 'directory' && (now.size !== old.size || !sameTime(now, old))
}

const NONE = Buffer.alloc(0)

const sameTime = (a: Stat, b: Stat): boolean =>
  a.seconds === b.seconds && (a.nanoseconds === b.nanoseconds || a.nanoseconds === 0 || b.nanoseconds === 0)
