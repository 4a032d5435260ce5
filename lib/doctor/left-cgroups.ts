/** Cgroups of ours whose program is gone: those that the ledger has, and bottles' and containers' in drydock's own directories. */
import { lstatSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from '../kernel/owner.js'
import { OWN_CGROUP, runDirectoryPath } from '../kernel/places.js'
import { type CgroupHierarchy, readCgroup, readHierarchies } from '../kernel/proc/cgroup.js'
import { textIfReadable } from '../kernel/readable.js'
import { ownCgroups } from '../kernel/snapshot.js'
import { removeLeftovers as balanceLedger, readLedger } from '../primitives/cgroups/index.js'
import type { Leftover } from './leftovers.js'
import { findMakers, ID, type Makers } from './makers.js'

/** A bottle's directory, right below drydock's: its name has the id of the program that made it. */
const BOTTLE = /^bottle-.+-(\d+)-[0-9a-f]{6}$/

const PATIENCE = 5000

/** From the innermost outwards, so that each is empty when its turn comes. `frozen` processes do not count as being in one. */
export function inspectCgroups(frozen: ReadonlySet<number> = new Set(), makers: Makers = findMakers()): Leftover[] {
  return left(makers).map(({ path, owner, hierarchy, made }) => {
    const kept = foreign(path, hierarchy) ?? inUse(path, frozen) ?? (owner === undefined ? makers.reason(made) : undefined)
    const says = owner === undefined ? 'its container does not run' : `process ${owner}, which made it, is gone`
    return { kind: 'cgroup', name: path, says, ...(kept !== undefined && { kept }) }
  })
}

interface Left {
  readonly path: string
  /** The program that made it; a container's was made by a shim, of which it does not tell. */
  readonly owner?: number
  readonly hierarchy: CgroupHierarchy
  /** Milliseconds since 1970. */
  readonly made: number
}

function left(makers?: Makers, hierarchies: readonly CgroupHierarchy[] = readHierarchies()): Left[] {
  const written = ledger()
  return ownCgroups(hierarchies, readCgroup('self') ?? [])
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
    .flatMap((path) => {
      const hierarchy = hierarchyAbove(path, hierarchies)
      const owner = written.get(path) ?? ownerIn(path)
      const stats = lstatSync(path, { throwIfNoEntry: false })
      // What another user's program left is that user's to remove.
      if (!hierarchy || !stats || stats.uid !== process.geteuid?.()) return []
      const found = { path, hierarchy, made: stats.mtimeMs }
      if (owner !== undefined) return isAlive(owner, stats.mtimeMs) ? [] : [{ ...found, owner }]
      const container = partsOf(path).find((part) => ID.test(part))
      return makers && container !== undefined && !makers.running.has(container) ? [found] : []
    })
}

/** Who was frozen when the program that could have thawed them was killed: no signal ends them, and nothing above them can end. */
export function frozenProcesses(wanted: (path: string) => boolean = () => true): ReadonlySet<number> {
  const frozen = frozenLeft().filter(({ path }) => wanted(path))
  return new Set(frozen.flatMap(({ path }) => processesIn(path).map(Number)))
}

/** Bottles' alone: a container that is paused is frozen too. */
const frozenLeft = () => left().filter(({ path, hierarchy }) => foreign(path, hierarchy) === undefined && switchOf(path) !== undefined)

/** The file and the word that thaw what is frozen here: freezer.state of version 1, cgroup.freeze of version 2. */
function switchOf(path: string): { file: string; word: string } | undefined {
  if (textIfReadable(join(path, 'freezer.self_freezing'))?.trim() === '1') return { file: join(path, 'freezer.state'), word: 'THAWED' }
  return textIfReadable(join(path, 'cgroup.freeze'))?.trim() === '1' ? { file: join(path, 'cgroup.freeze'), word: '0' } : undefined
}

/** Let them run on, into the signal that waits for them; resolves when they have ended, or have had the time to. */
export async function thawLeftovers(wanted: (path: string) => boolean): Promise<void> {
  const before = frozenProcesses(wanted)
  for (const { path } of frozenLeft().reverse()) {
    if (!wanted(path)) continue
    const found = switchOf(path)
    if (found) writeFileSync(found.file, found.word)
  }
  const some = () => [...before].some((pid) => lstatSync(`/proc/${pid}`, { throwIfNoEntry: false }))
  for (const end = Date.now() + PATIENCE; before.size > 0 && some() && Date.now() < end; ) await sleep(20)
}

/** Paths that were written down, with the process that did, when that is gone. */
function ledger(): ReadonlyMap<string, number> {
  if (!lstatSync(runDirectoryPath(), { throwIfNoEntry: false })) return new Map()
  return new Map(readLedger(runDirectoryPath()).flatMap(({ path, owner, state }) => (state === 'owned' ? [] : [[path, owner]])))
}

/** The program named in the path: what is inside of a bottle goes with the bottle. */
function ownerIn(path: string): number | undefined {
  const owner = BOTTLE.exec(topOf(path))?.[1]
  return owner === undefined ? undefined : Number(owner)
}

/** The directories below drydock's own that lead to this one. */
const partsOf = (path: string): string[] => path.split(`/${OWN_CGROUP}/`)[1]?.split('/') ?? []
const topOf = (path: string): string => partsOf(path)[0] ?? ''

const hierarchyAbove = (path: string, hierarchies: readonly CgroupHierarchy[]) =>
  hierarchies.find(({ mountPoint }) => path.startsWith(`${mountPoint}/`))

/** Another file system or a link between the tree's top and the directory. */
function foreign(path: string, { mountPoint }: CgroupHierarchy): string | undefined {
  const device = lstatSync(mountPoint).dev
  for (let at = path; at !== mountPoint; at = dirname(at)) {
    const stats = lstatSync(at, { throwIfNoEntry: false })
    if (!stats?.isDirectory()) return `${at} is no directory`
    if (stats.dev !== device) return `something is mounted at ${at}`
  }
  return undefined
}

function inUse(path: string, frozen: ReadonlySet<number>): string | undefined {
  const pids = processesIn(path).filter((pid) => !frozen.has(Number(pid)))
  return pids.length > 0 ? `processes are in it: ${pids.slice(0, 5).join(', ')}${pids.length > 5 ? ', …' : ''}` : undefined
}

function processesIn(path: string): string[] {
  try {
    return readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)
  } catch (error) {
    // EOPNOTSUPP: a threaded cgroup of version 2; its processes are listed further up. rmdir refuses if there are any.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : ['that cannot be listed']
  }
}

/** rmdir, which the kernel refuses where a process or another cgroup is inside. Drydock's own directory above goes when it is empty. */
export async function removeCgroup({ name: path }: Leftover): Promise<string | undefined> {
  const hierarchy = hierarchyAbove(path, readHierarchies())
  if (!lstatSync(path, { throwIfNoEntry: false }) || !hierarchy) return undefined
  const kept = foreign(path, hierarchy) ?? inUse(path, new Set())
  if (kept !== undefined) return kept
  try {
    rmdirSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? undefined : `rmdir: ${code}`
  }
  for (let above = dirname(path); above.includes(`/${OWN_CGROUP}`); above = dirname(above)) removeIfEmpty(above)
  if (lstatSync(runDirectoryPath(), { throwIfNoEntry: false })) balanceLedger(runDirectoryPath())
  return undefined
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // Others of ours are in it.
  }
}
