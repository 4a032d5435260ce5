/**
 * A tree from the top down: names of a directory in the order of their bytes, a directory before what is in it. What comes next is asked
 * for before it is needed, several directories in one round trip; what is held at a time is bounded, however large the tree is, but for
 * the names of the directories that lead to where the walk is.
 */
import { ASKED_AT_ONCE, listSmall, look, type Node } from './nodes.js'
import type { TreeReader } from './reader.js'
import type { Bytes } from './records.js'

export interface WalkOptions {
  /** The directory whose entries are walked, by a path without links; the root when absent. */
  readonly from?: Bytes
  /** Where a directory goes on that overlayfs shows under another path than its content has: all layers as one. */
  readonly merged?: () => Promise<TreeReader>
  /** Told before the names of a directory are walked, some at a time; with the first of them all that it has. */
  readonly meet?: (directory: Bytes, nodes: readonly Node[], names: readonly Bytes[] | undefined) => Promise<void>
}

/** Directories that are looked into ahead, at one time. */
const AHEAD = 8

/** Of so many nodes that wait nothing is looked into ahead. */
const MOST_WAITING = 20_000

/** A directory that the walk is in. */
class Level {
  readonly reader: TreeReader
  readonly directory: Bytes
  /** What is known of the names so far, from `at` on not yet walked. */
  nodes: Node[]
  at = 0
  readonly names: readonly Bytes[]
  #asked: number
  /** The place in the nodes up to which directories were looked into. */
  #seen = 0
  readonly #ahead = new Map<Bytes, Promise<Map<Bytes, Level>>>()

  constructor(reader: TreeReader, directory: Bytes, names: readonly Bytes[], nodes?: Node[]) {
    this.reader = reader
    this.directory = directory
    this.names = names
    this.nodes = nodes ?? []
    this.#asked = nodes ? names.length : 0
  }

  /** More of the names; false when there are no more. */
  async more(): Promise<boolean> {
    if (this.#asked >= this.names.length) return false
    const names = this.names.slice(this.#asked, this.#asked + 4 * ASKED_AT_ONCE)
    this.#asked += names.length
    const [nodes] = await look(this.reader, [{ directory: this.directory, names }])
    this.nodes = nodes as Node[]
    this.at = 0
    this.#seen = 0
    this.#ahead.clear()
    return true
  }

  /** Into a directory that was the last node. */
  async into(node: Node, count: Count): Promise<Level | undefined> {
    const found = this.#ahead.get(node.path) ?? this.#ask([node.path], this.at, count)
    this.#ahead.delete(node.path)
    const level = (await found).get(node.path)
    if (level) count.waiting -= level.nodes.length
    // While what was found is used, the next ones are looked into.
    if (this.#ahead.size < AHEAD) this.#ask([], Math.max(this.at, this.#seen), count)
    return level
  }

  /** Look into some directories, and into those that follow from a place in the nodes on. */
  #ask(group: Bytes[], from: number, count: Count): Promise<Map<Bytes, Level>> {
    this.#seen = from
    while (count.waiting < MOST_WAITING && this.#seen < this.nodes.length && group.length < AHEAD) {
      const next = this.nodes[this.#seen++] as Node
      if (next.kind === 'directory' && !next.redirected) group.push(next.path)
    }
    const found = group.length > 0 ? levels(this.reader, group, count) : NOTHING
    // Told to whoever comes to it.
    found.catch(() => undefined)
    for (const path of group) this.#ahead.set(path, found)
    return found
  }
}

const NOTHING = Promise.resolve(new Map<Bytes, Level>())

interface Count {
  waiting: number
}

/** Several directories, with what is in those that are not big. */
async function levels(reader: TreeReader, directories: readonly Bytes[], count: Count): Promise<Map<Bytes, Level>> {
  const lists = await listSmall(reader, directories)
  const small = directories.flatMap((directory, at) => (Array.isArray(lists[at]) ? [{ directory, names: lists[at] }] : []))
  const nodes = await look(reader, small)
  const found = new Map<Bytes, Level>()
  for (const [at, { directory, names }] of small.entries()) {
    const own = nodes[at] as Node[]
    count.waiting += own.length
    found.set(directory, new Level(reader, directory, names, own))
  }
  for (const [at, directory] of directories.entries()) {
    if (lists[at] !== 'big') continue
    const names = await reader.list(directory)
    if (names) found.set(directory, new Level(reader, directory, names.sort()))
  }
  return found
}

export async function* walk(reader: TreeReader, options: WalkOptions = {}): AsyncGenerator<Node> {
  const { from = '', merged, meet } = options
  const count = { waiting: 0 }
  const enter = async (level: Level | undefined) => {
    if (!level) return
    stack.push(level)
    // A big directory is met when its first names are asked for; an empty one is met, too.
    if (level.nodes.length > 0 || level.names.length === 0) await meet?.(level.directory, level.nodes, level.names)
  }
  const stack: Level[] = []
  await enter((await levels(reader, [from], count)).get(from))
  for (let level = stack.at(-1); level; level = stack.at(-1)) {
    const node = level.nodes[level.at]
    if (!node) {
      const first = level.nodes.length === 0
      if (await level.more()) await meet?.(level.directory, level.nodes, first ? level.names : undefined)
      else stack.pop()
      continue
    }
    level.at++
    yield node
    if (node.kind !== 'directory') continue
    const elsewhere = node.redirected ? await merged?.() : undefined
    await enter(elsewhere ? (await levels(elsewhere, [node.path], count)).get(node.path) : await level.into(node, count))
  }
}
