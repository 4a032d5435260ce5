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

/** Drydock's own cgroups, below the top of each tree and below the cgroups that the reader is in; and those of `others` that are there. */
export function directoriesOf(hierarchies: readonly CgroupHierarchy[], others: Iterable<string>): Map<string, Directories> {
  const found = new Map<string, Map<CgroupHierarchy, string>>()
  const add = (path: string, tree: CgroupHierarchy, directory: string) => {
    const known = found.get(path)
    if (known) known.set(tree, directory)
    else found.set(path, new Map([[tree, directory]]))
  }
  const wanted = new Set([...others].flatMap(withAncestors))
  const tops = topsOfOwn()
  const primary = primaryOf(hierarchies)
  const ordered = primary ? [primary, ...hierarchies.filter((tree) => tree !== primary)] : []
  const parents = new Set<string>()
  for (const tree of ordered) {
    const walk = (directory: string, path: string) => {
      add(path, tree, directory)
      if (!isParent(directory, path)) return
      parents.add(path)
      for (const name of namesOfDirectories(directory)) walk(`${directory}/${name}`, `${path}/${name}`)
    }
    // The kernel counts a cgroup's children among its links: with two there is none. What is in the first tree is taken to be alike in the others.
    const isParent = (directory: string, path: string) =>
      parents.has(path) || ((tree === primary || !primary || !found.get(path)?.has(primary)) && linksOf(directory) > 2)
    for (const path of tops) {
      const directory = directoryOf({ path }, tree)
      if (directory !== undefined && linksOf(directory) > 0) walk(directory, path)
    }
  }
  for (const path of [...wanted, ...tops.filter((top) => found.has(top)).flatMap(withAncestors)]) {
    for (const tree of found.has(path) ? [] : ordered) {
      const directory = directoryOf({ path }, tree)
      if (directory !== undefined && linksOf(directory) > 0) add(path, tree, directory)
    }
  }
  return found
}

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
