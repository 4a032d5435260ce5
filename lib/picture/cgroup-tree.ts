/** Where the cgroups of a picture are in the file system: each path with its directory in every tree that has it. cgroups(7). */
import { type Dirent, lstatSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { OWN_CGROUP } from '../kernel/places.js'
import { type CgroupHierarchy, directoryOf, parseCgroup } from '../kernel/proc/cgroup.js'
import { textIfReadable } from '../kernel/readable.js'

/** By tree. */
export type Directories = ReadonlyMap<CgroupHierarchy, string>

/** The tree that a process's cgroup is told from: that with memory, or version 2's. */
export function primaryOf(hierarchies: readonly CgroupHierarchy[]): CgroupHierarchy | undefined {
  return (
    hierarchies.find(({ controllers }) => controllers.includes('memory')) ??
    hierarchies.find(({ version }) => version === 2) ??
    hierarchies[0]
  )
}

/** For so many pictures a directory with as many children as before is taken to have the same. */
const TRUSTED = 4

export class CgroupTree {
  readonly #children = new Map<string, { links: number; names: readonly string[]; uses: number }>()

  /** Drydock's own cgroups, below the top of each tree and below the cgroups that the reader is in; and those of `others` that are there. */
  directoriesOf(hierarchies: readonly CgroupHierarchy[], others: Iterable<string>): Map<string, Directories> {
    const found = new Map<string, Map<CgroupHierarchy, string>>()
    const add = (path: string, tree: CgroupHierarchy, directory: string) => {
      const known = found.get(path)
      if (known) known.set(tree, directory)
      else found.set(path, new Map([[tree, directory]]))
    }
    const tops = topsOfOwn()
    const primary = primaryOf(hierarchies)
    const ordered = primary ? [primary, ...hierarchies.filter((tree) => tree !== primary)] : []
    const parents = new Set<string>()
    for (const tree of ordered) {
      const first = tree === primary
      const walk = (directory: string, path: string, links?: number) => {
        add(path, tree, directory)
        // What is in the first tree is taken to be alike in the others: whether it has children is asked there only.
        const alike = !first && primary && found.get(path)?.has(primary)
        const count = links ?? (alike && !parents.has(path) ? CHILDLESS : linksOf(directory))
        if (count <= CHILDLESS) return
        parents.add(path)
        for (const name of this.#childrenOf(directory, count, first)) walk(`${directory}/${name}`, `${path}/${name}`)
      }
      for (const path of tops) {
        const directory = directoryOf({ path }, tree)
        const links = directory === undefined ? 0 : linksOf(directory)
        if (directory !== undefined && links > 0) walk(directory, path, links)
      }
    }
    for (const path of new Set([...others, ...tops.filter((top) => found.has(top))].flatMap(withAncestors))) {
      for (const tree of found.has(path) ? [] : ordered) {
        const directory = directoryOf({ path }, tree)
        if (directory !== undefined && linksOf(directory) > 0) add(path, tree, directory)
      }
    }
    return found
  }

  /** Each tree has the same hundreds of names; only the first is read every time. */
  #childrenOf(directory: string, links: number, fresh: boolean): readonly string[] {
    const known = this.#children.get(directory)
    if (known && !fresh && known.links === links && known.uses < TRUSTED) {
      known.uses++
      return known.names
    }
    const names = namesOfDirectories(directory)
    if (!fresh) this.#children.set(directory, { links, names, uses: 0 })
    return names
  }
}

/** The kernel counts a cgroup's children among its links: with two there is none. */
const CHILDLESS = 2

/** `/a/b` → `/a/b`, `/a`, `/`. */
export function withAncestors(path: string): string[] {
  const all = [path]
  for (let at = path; at !== '/' && at !== '.'; ) {
    at = dirname(at)
    all.push(at)
  }
  return all
}

function topsOfOwn(): string[] {
  const tops = new Set([`/${OWN_CGROUP}`])
  for (const { path } of parseCgroup(textIfReadable('/proc/self/cgroup') ?? '')) {
    for (const one of withAncestors(path)) tops.add(join(one, OWN_CGROUP))
  }
  return [...tops]
}

const linksOf = (directory: string): number => lstatSync(directory, { throwIfNoEntry: false })?.nlink ?? 0

function namesOfDirectories(directory: string): string[] {
  let entries: Dirent[]
  try {
    entries = readdirSync(directory, { withFileTypes: true })
  } catch {
    return []
  }
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}
