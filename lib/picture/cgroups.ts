/** Cgroups as directories: those that drawn processes are in, those above them, and drydock's own; the trees merged by path. cgroups(7). */
import { lstatSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { OWN_CGROUP } from '../kernel/places.js'
import { type CgroupHierarchy, directoryOf, parseCgroup } from '../kernel/proc/cgroup.js'
import { textIfReadable } from '../kernel/readable.js'
import { nameOf } from '../primitives/cgroups/detect.js'
import { type CgroupFiles, hostFiles, lines, words } from '../primitives/cgroups/files.js'
import type { Cgroup, CgroupDirectory } from '../primitives/cgroups/fragment.js'
import { type Counter, readEvents, readLimits, readUsage } from '../primitives/cgroups/read.js'
import { Memo } from './memo.js'
import type { CgroupView, ProcessView } from './types.js'

/** Long files, of which a picture shows nothing. */
const NOT_READ = /\/(memory\.stat|cpuacct\.stat|cpuacct\.usage_(user|sys)|memory\.memsw\.[a-z_]+|memory\.swap\.max|memory\.failcnt)$/

export class CgroupsSeen {
  readonly #memo = new Memo<CgroupView>()

  /** `all`: those of drydock's own in which nobody is drawn, too; otherwise only those of them in which nobody is at all. */
  view(
    hierarchies: readonly CgroupHierarchy[],
    processes: Readonly<Record<string, ProcessView>>,
    all: boolean,
  ): Record<string, CgroupView> {
    const drawn = new Map<string, number[]>()
    for (const { pid, cgroup } of Object.values(processes)) drawn.set(cgroup, [...(drawn.get(cgroup) ?? []), pid])
    const paths = new Set([...drawn.keys()].flatMap(withAncestors))
    for (const path of ownPaths(hierarchies, (directory) => all || isEmpty(directory)))
      for (const one of withAncestors(path)) paths.add(one)
    const views: Record<string, CgroupView> = {}
    for (const path of [...paths].sort()) {
      const directories = hierarchies.flatMap((tree) => directoriesOf(tree, path))
      if (directories.length > 0) views[path] = this.#viewOf(path, directories, drawn.get(path) ?? [])
    }
    this.#memo.turn()
    return views
  }

  #viewOf(path: string, directories: Cgroup, drawn: readonly number[]): CgroupView {
    const texts = new Map<string, string | undefined>()
    const read = (file: string): string | undefined => {
      if (!texts.has(file)) texts.set(file, NOT_READ.test(file) ? undefined : textIfReadable(file))
      return texts.get(file)
    }
    const view = viewOf(path, directories, drawn, { ...hostFiles, read })
    // The same object as long as it says the same.
    return this.#memo.of(path, JSON.stringify(view), () => view)
  }
}

function viewOf(path: string, cgroup: Cgroup, drawn: readonly number[], files: CgroupFiles): CgroupView {
  const [limits, usage, events] = [readLimits(cgroup, files), readUsage(cgroup, files), readEvents(cgroup, files)]
  // 0: one that this pid namespace has no number for.
  const processes = new Set(cgroup.flatMap((one) => lines(files.read(`${one.path}/cgroup.procs`)).filter((pid) => pid !== '0'))).size
  const quota = limit(limits.cpuQuota)
  const frozen = frozenOf(cgroup, files)
  return {
    path,
    drawn,
    processes,
    ...(usage.memory && {
      memory: {
        current: usage.memory.value,
        max: limit(limits.memory),
        ...(usage.memoryPeak && { peak: usage.memoryPeak.value }),
        oomKills: events.oomKills?.value ?? 0,
      },
    }),
    ...(usage.cpu && {
      cpu: {
        usage: microseconds(usage.cpu),
        max: quota === null ? null : quota / (limits.cpuPeriod?.value ?? 100_000),
        ...(limits.cpuShare && { weight: limits.cpuShare.value }),
        periods: events.periods?.value ?? 0,
        throttled: events.throttledPeriods?.value ?? 0,
        throttledTime: microseconds(events.throttledTime),
      },
    }),
    ...(usage.pids && { pids: { current: usage.pids.value, max: limit(limits.pids), refused: events.pidsRefused?.value ?? 0 } }),
    ...(frozen !== undefined && { frozen }),
    trees: cgroup.map(({ name }) => name),
  }
}

const limit = (counter: Counter | undefined): number | null => (counter && Number.isFinite(counter.value) ? counter.value : null)

const microseconds = (nanoseconds: Counter | undefined): number => Math.round((nanoseconds?.value ?? 0) / 1000)

/** v1 has a tree for it; v2 tells whether all in it have stopped. */
function frozenOf(cgroup: Cgroup, files: CgroupFiles): boolean | undefined {
  for (const { version, controllers, path } of cgroup) {
    if (version === 1 && controllers.includes('freezer')) {
      const state = files.read(`${path}/freezer.state`)
      if (state !== undefined) return state.trim() === 'FROZEN'
    }
    const events = version === 2 ? files.read(`${path}/cgroup.events`) : undefined
    if (events !== undefined && /^frozen /m.test(events)) return /^frozen 1$/m.test(events)
  }
  return undefined
}

/** `/a/b` → `/`, `/a`, `/a/b`. */
function withAncestors(path: string): string[] {
  const all = [path]
  for (let at = path; at !== '/' && at !== '.'; ) {
    at = dirname(at)
    all.push(at)
  }
  return all
}

function directoriesOf(tree: CgroupHierarchy, path: string): CgroupDirectory[] {
  const directory = directoryOf({ path }, tree)
  if (directory === undefined || linksOf(directory) === 0) return []
  const controllers = tree.version === 1 ? tree.controllers : words(textIfReadable(`${directory}/cgroup.controllers`))
  return [{ version: tree.version, name: nameOf(tree), controllers, path: directory }]
}

/** Drydock's own cgroups below the top of each tree and below the reader's own cgroup. */
function ownPaths(hierarchies: readonly CgroupHierarchy[], keep: (directory: string) => boolean): string[] {
  const tops = new Set([`/${OWN_CGROUP}`])
  for (const { path } of parseCgroup(textIfReadable('/proc/self/cgroup') ?? ''))
    for (const one of withAncestors(path)) tops.add(join(one, OWN_CGROUP))
  const found = new Set<string>()
  for (const tree of hierarchies) {
    for (const top of tops) {
      const directory = directoryOf({ path: top }, tree)
      if (directory !== undefined) walk(directory, top, keep, found)
    }
  }
  return [...found]
}

function walk(directory: string, path: string, keep: (directory: string) => boolean, found: Set<string>): void {
  const links = linksOf(directory)
  if (links === 0) return
  if (keep(directory)) found.add(path)
  // The kernel counts a cgroup's children among its links: with two there is none.
  if (links === 2) return
  for (const entry of entriesOf(directory)) if (entry.isDirectory()) walk(join(directory, entry.name), join(path, entry.name), keep, found)
}

const linksOf = (directory: string): number => lstatSync(directory, { throwIfNoEntry: false })?.nlink ?? 0

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch {
    return []
  }
}

const isEmpty = (directory: string): boolean => textIfReadable(`${directory}/cgroup.procs`) === ''
