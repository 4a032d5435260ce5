/** Cgroups: those that drawn processes are in, those above them, and drydock's own; the trees merged by path. cgroups(7). */
import type { CgroupHierarchy } from '../kernel/proc/cgroup.js'
import { textIfReadable } from '../kernel/readable.js'
import { nameOf } from '../primitives/cgroups/detect.js'
import { type CgroupFiles, hostFiles, lines, words } from '../primitives/cgroups/files.js'
import type { Cgroup } from '../primitives/cgroups/fragment.js'
import {
  type CgroupEvents,
  type CgroupReading,
  type CgroupUsage,
  type Counter,
  readEvents,
  readLimits,
  readUsage,
} from '../primitives/cgroups/read.js'
import { CgroupTree, type Directories, primaryOf, withAncestors } from './cgroup-tree.js'
import { Turns } from './turns.js'
import type { CgroupView, ProcessView } from './types.js'

/** What was read of one the last time. */
interface Read {
  /** The file of its processor time, which moves whenever a process in it does anything, and what it said. */
  readonly pulse: { readonly file: string; readonly text: string | undefined } | undefined
  readonly limits: CgroupReading
  readonly usage: CgroupUsage
  readonly events: CgroupEvents
  readonly processes: number
  readonly frozen: boolean | undefined
  readonly trees: readonly string[]
}

interface Kept {
  readonly read: Read
  readonly view: CgroupView
}

export class CgroupsSeen {
  readonly #turns = new Turns()
  readonly #tree = new CgroupTree()
  #last = new Map<string, Kept>()

  /** `all`: those of drydock's own in which nobody is drawn, too; otherwise only those of them in which nobody is at all. */
  view(
    hierarchies: readonly CgroupHierarchy[],
    processes: Readonly<Record<string, ProcessView>>,
    all: boolean,
  ): Record<string, CgroupView> {
    const drawn = new Map<string, number[]>()
    for (const { pid, cgroup } of Object.values(processes)) {
      const known = drawn.get(cgroup)
      if (known) known.push(pid)
      else drawn.set(cgroup, [pid])
    }
    const primary = primaryOf(hierarchies)
    const directories = this.#tree.directoriesOf(hierarchies, drawn.keys())
    const near = new Set([...drawn.keys()].flatMap(withAncestors))
    const shown = [...directories].filter(([path, those]) => all || near.has(path) || isDeserted(placeOf(those, primary))).sort()
    this.#turns.begin(new Set(shown.map(([path]) => path)))
    const now = new Map<string, Kept>()
    for (const [path, those] of shown) {
      const [last, pids] = [this.#last.get(path), drawn.get(path) ?? []]
      const read = this.#readOne(path, those, placeOf(those, primary), last?.read)
      const same = last?.read === read && last.view.drawn.join() === pids.join()
      now.set(path, same ? last : { read, view: sameOr(last?.view, viewOf(path, read, pids)) })
    }
    this.#last = now
    return Object.fromEntries([...now].map(([path, { view }]) => [path, view]))
  }

  /** Where nothing has run since the last picture hardly anything can have changed; what somebody else has changed is seen when it is its turn. */
  #readOne(path: string, directories: Directories, place: string | undefined, last: Read | undefined): Read {
    const due = this.#turns.due(path)
    if (last?.pulse?.text !== undefined && !due && textIfReadable(last.pulse.file) === last.pulse.text) return last
    const cgroup = cgroupOf(directories)
    const texts = new Map<string, string | undefined>()
    const read = (file: string): string | undefined => {
      if (!texts.has(file)) texts.set(file, NOT_READ.test(file) ? undefined : textIfReadable(file))
      return texts.get(file)
    }
    const files: CgroupFiles = { ...hostFiles, read }
    const pulse = pulseOf(cgroup, read)
    const [limits, usage, events] = [readLimits(cgroup, files), readUsage(cgroup, files), readEvents(cgroup, files)]
    return {
      pulse,
      limits,
      usage,
      events,
      processes: countOf(textIfReadable(`${place}/cgroup.procs`)),
      frozen: frozenOf(cgroup),
      trees: namesOf(cgroup),
    }
  }
}

const namesOf = (cgroup: Cgroup): string[] => cgroup.map(({ name }) => name)

function pulseOf(cgroup: Cgroup, read: (file: string) => string | undefined): Read['pulse'] {
  const account = cgroup.find(({ controllers }) => controllers.includes('cpuacct'))
  const unified = cgroup.find(({ version }) => version === 2)
  const file = account ? `${account.path}/cpuacct.usage` : unified && `${unified.path}/cpu.stat`
  return file === undefined ? undefined : { file, text: read(file) }
}

/** The view of the last picture, when it says the same: whoever compares two pictures then sees at once that nothing has changed. */
const sameOr = (last: CgroupView | undefined, view: CgroupView): CgroupView =>
  last && JSON.stringify(last) === JSON.stringify(view) ? last : view

/** Long files, and others of which a picture shows nothing. */
const NOT_READ = /\/(memory\.stat|cpuacct\.stat|cpuacct\.usage_(user|sys)|memory\.memsw\.[a-z_]+|memory\.swap\.max|memory\.failcnt)$/

function cgroupOf(directories: Directories): Cgroup {
  return [...directories].map(([tree, path]) => ({
    version: tree.version,
    name: nameOf(tree),
    controllers: tree.version === 1 ? tree.controllers : words(textIfReadable(`${path}/cgroup.controllers`)),
    path,
  }))
}

/** Its directory in the tree by which processes are told, or in the first that has it. */
function placeOf(directories: Directories | undefined, primary: CgroupHierarchy | undefined): string | undefined {
  return (primary && directories?.get(primary)) ?? directories?.values().next().value
}

/** 0: a process that this pid namespace has no number for. */
const countOf = (procs: string | undefined): number => lines(procs).filter((pid) => pid !== '0').length

/** Is nobody in it? Somebody has made it and not filled it yet. */
const isDeserted = (place: string | undefined): boolean => textIfReadable(`${place}/cgroup.procs`) === ''

function viewOf(path: string, { limits, usage, events, processes, frozen, trees }: Read, drawn: readonly number[]): CgroupView {
  const quota = limit(limits.cpuQuota)
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
    trees,
  }
}

const limit = (counter: Counter | undefined): number | null => (counter && Number.isFinite(counter.value) ? counter.value : null)

const microseconds = (nanoseconds: Counter | undefined): number => Math.round((nanoseconds?.value ?? 0) / 1000)

/** v1 has a tree for it; v2 tells whether all in it have stopped. */
function frozenOf(cgroup: Cgroup): boolean | undefined {
  for (const { version, controllers, path } of cgroup) {
    if (version === 1 && controllers.includes('freezer')) {
      const state = textIfReadable(`${path}/freezer.state`)
      if (state !== undefined) return state.trim() === 'FROZEN'
    }
    const events =
      version === 2 && !cgroup.some((one) => one.controllers.includes('freezer')) ? textIfReadable(`${path}/cgroup.events`) : undefined
    if (events !== undefined && /^frozen /m.test(events)) return /^frozen 1$/m.test(events)
  }
  return undefined
}
