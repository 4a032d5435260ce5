/** Which processes there are and what is known of each before it is decided whether it is drawn: its place in the tree, and its namespaces. */
import { readdirSync, readlinkSync } from 'node:fs'
import { type NamespaceFile, parseNamespaceLink } from '../kernel/proc/namespaces.js'
import { parseStat, processIds, readChildren, type Stat } from '../kernel/proc/processes.js'
import { namesIfReadable, textIfReadable } from '../kernel/readable.js'
import type { Missing } from './missing.js'
import { Turns } from './turns.js'

/** The files of /proc/PID/ns that say where a process is; the two `…_for_children` say where its next child will be. */
export const KINDS = ['uts', 'pid', 'mnt', 'ipc', 'net', 'user', 'cgroup', 'time'] as const satisfies readonly NamespaceFile[]

export type Kind = (typeof KINDS)[number]

/** `uts` → inode. A kind is absent where a zombie has left it. */
export type Inodes = { readonly [K in Kind]?: number }

export interface Seen {
  readonly pid: number
  readonly stat: Stat
  /** Undefined: it may not be read. */
  readonly namespaces: Inodes | undefined
}

/** A process for ever: pids are given again. */
export const identity = ({ stat }: Pick<Seen, 'stat'>): string => `${stat.pid}@${stat.startTicks}`

interface Looked {
  /** The text of /proc/PID/stat. */
  readonly text: string
  readonly stat: Stat
  readonly seen?: Seen
}

export class Scan {
  readonly #turns = new Turns()
  #last = new Map<number, Looked>()

  /**
   * Every process but the kernel's own threads, by its pid; `without`: those that only look. One that has not run since the last picture is the same object
   * as then; as it may have run for less than the kernel counts, they take turns to be looked at nevertheless. `focus`: always.
   */
  all(focus: ReadonlySet<number>, without: ReadonlySet<number>, missing: Missing): Map<number, Seen> {
    const looked = processIds().flatMap((pid) => (without.has(pid) ? [] : (this.#look(pid) ?? [])))
    // In a pid namespace of its own, /proc may have any program under 2.
    const threads = looked.some(({ stat: { pid, ppid, comm } }) => pid === 2 && ppid === 0 && comm === 'kthreadd')
    const programs = threads ? looked.filter(({ stat: { pid, ppid } }) => pid !== 2 && ppid !== 2) : looked
    this.#turns.begin(new Set(programs.map(({ stat }) => `${stat.pid}`)))
    const all = new Map<number, Seen>()
    const now = new Map<number, Looked>()
    for (const one of programs) {
      const { pid } = one.stat
      const due = this.#turns.due(`${pid}`)
      const seen = (due || focus.has(pid) ? undefined : one.seen) ?? seenOf(one.stat, missing)
      if (!seen) continue
      if (!seen.namespaces) missing.say(FORBIDDEN)
      all.set(pid, seen)
      now.set(pid, { ...one, seen })
    }
    this.#last = now
    return all
  }

  /** Some processes, those below them and those above them. */
  around(focus: readonly number[], without: ReadonlySet<number>, missing: Missing): Map<number, Seen> {
    const stats = new Map<number, Stat>()
    const add = (pid: number): boolean => {
      const found = stats.has(pid) || without.has(pid) ? undefined : statOf(pid)
      if (found) stats.set(pid, found)
      return found !== undefined
    }
    const below = focus.filter(add)
    const tree = hasChildrenFiles() ? undefined : childrenByParent()
    for (const pid of below) below.push(...childrenOf(pid, stats.get(pid)?.threads ?? 1, tree).filter(add))
    for (const pid of focus) for (let at = stats.get(pid)?.ppid ?? 0; at > 0 && add(at); at = stats.get(at)?.ppid ?? 0);
    const all = new Map<number, Seen>()
    for (const stat of stats.values()) {
      const seen = seenOf(stat, missing)
      if (seen) all.set(stat.pid, seen)
    }
    return all
  }

  #look(pid: number): Looked | undefined {
    const text = textIfReadable(`/proc/${pid}/stat`)
    if (!text) return undefined
    const last = this.#last.get(pid)
    return last?.text === text ? last : { text, stat: parseStat(text) }
  }
}

const FORBIDDEN = 'The namespaces of other users’ processes may not be read, so these processes are not counted in them: look as root.'

/** Undefined: it has gone. */
function seenOf(stat: Stat, missing: Missing): Seen | undefined {
  const namespaces = namespacesOf(stat.pid)
  if (namespaces === 'forbidden') missing.say(FORBIDDEN)
  return namespaces && { pid: stat.pid, stat, namespaces: namespaces === 'forbidden' ? undefined : namespaces }
}

function statOf(pid: number): Stat | undefined {
  const text = textIfReadable(`/proc/${pid}/stat`)
  return text ? parseStat(text) : undefined
}

/** Undefined: it has gone. A zombie has left all but its pid and user namespaces. */
export function namespacesOf(pid: number | 'self'): Inodes | 'forbidden' | undefined {
  const found: { -readonly [K in Kind]?: number } = {}
  let left = 0
  for (const kind of KINDS) {
    try {
      found[kind] = parseNamespaceLink(readlinkSync(`/proc/${pid}/ns/${kind}`))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EACCES' || code === 'EPERM') return 'forbidden'
      left++
    }
  }
  return left < KINDS.length || textIfReadable(`/proc/${pid}/stat`) ? found : undefined
}

/** A kernel may be built without /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN). */
let childrenFiles: boolean | undefined
function hasChildrenFiles(): boolean {
  childrenFiles ??= readdirSync(`/proc/self/task/${process.pid}`).includes('children')
  return childrenFiles
}

/** Any thread may have made children, and the kernel tells each thread's apart. */
function childrenOf(pid: number, threads: number, tree: ReadonlyMap<number, number[]> | undefined): number[] {
  if (tree) return tree.get(pid) ?? []
  if (threads === 1) return readChildren(pid)
  return namesIfReadable(`/proc/${pid}/task`).flatMap((thread) =>
    (textIfReadable(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  )
}

function childrenByParent(): Map<number, number[]> {
  const tree = new Map<number, number[]>()
  for (const pid of processIds()) {
    const parent = statOf(pid)?.ppid
    if (parent !== undefined) tree.set(parent, [...(tree.get(parent) ?? []), pid])
  }
  return tree
}
