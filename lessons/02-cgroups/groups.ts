/** What this lesson's scenes, checks and exercises know of the cgroup trees of a bottle, on either version. */
import { readFileSync } from 'node:fs'
import { cgroupsInside } from '../../lib/bottle/cgroup.js'
import type { Bottle } from '../../lib/bottle.js'
import { close, host, mkdir, open, ref, type Step, write } from '../../lib/index.js'
import { DrydockError } from '../../lib/kernel/errors.js'
import { type Cgroup, type CgroupHost, type Hierarchy, hierarchyOf } from '../../lib/primitives/cgroups/index.js'

export type Controller = 'memory' | 'pids' | 'cpu' | 'freezer'

/** Where groups with a controller are made inside a bottle, and which version's names the files there have. */
export interface Tree {
  readonly version: 1 | 2
  /** `/sys/fs/cgroup/memory`, or `/sys/fs/cgroup`. */
  readonly path: string
}

/** The files that bear a limit, by version. */
export const LIMIT_FILE = {
  memory: { 1: 'memory.limit_in_bytes', 2: 'memory.max' },
  pids: { 1: 'pids.max', 2: 'pids.max' },
  cpu: { 1: 'cpu.cfs_quota_us', 2: 'cpu.max' },
  freezer: { 1: 'freezer.state', 2: 'cgroup.freeze' },
} as const satisfies Record<Controller, Record<1 | 2, string>>

/** The tree of a controller in this bottle. */
export function treeOf(bottle: Bottle, controller: Controller): Tree {
  return treeIn(bottle.cgroup.inside, controller)
}

/** The tree of a controller in any bottle of this machine: all have the same paths. For challenges, which are drawn before there is one. */
export function treeHere(controller: Controller): Tree {
  return treeIn(cgroupsInside(), controller)
}

function treeIn({ hierarchies }: CgroupHost, controller: Controller): Tree {
  const hierarchy = find(hierarchies, controller)
  if (!hierarchy) throw new DrydockError(`there is no cgroup tree with the ${controller} controller that may be used here`)
  return { version: hierarchy.version, path: hierarchy.base }
}

/** Version 2 freezes without a controller. */
function find(hierarchies: readonly Hierarchy[], controller: Controller): Hierarchy | undefined {
  return hierarchyOf(hierarchies, controller) ?? (controller === 'freezer' ? hierarchies.find(({ version }) => version === 2) : undefined)
}

/** The directories of a group of this bottle in all trees, as this program can reach them. */
export function groupOf(bottle: Bottle, name: string): Cgroup {
  return bottle.cgroup.inside.hierarchies.map(({ version, name: tree, controllers, base }) => ({
    version,
    name: tree,
    controllers,
    path: bottle.hostPath(`${base}/${name}`),
  }))
}

/** open, write, close: a number into a file. The actor is whose turn it is. */
export function put(path: string, value: string, why: string): Step[] {
  return [
    open(path, ['wronly'], { keep: 'file', why: 'a file of the kernel’s, opened like any other' }),
    write(ref('file'), value, { why }),
    close(ref('file'), { why: 'and closed' }),
  ]
}

/** The child joins the group at `path` by itself. */
export const join = (path: string): Step[] => put(`${path}/cgroup.procs`, '0', '0 means whoever writes it: the child moves itself')

/** The limit of memory, and with it of swap where the kernel counts that: otherwise a program would be slow and not dead. */
export function limitMemory(bottle: Bottle, group: string, bytes: number): Step[] {
  const { version, path } = treeOf(bottle, 'memory')
  const [file, value] = version === 1 ? ['memory.memsw.limit_in_bytes', String(bytes)] : ['memory.swap.max', '0']
  // The group itself may not be there yet; the tree's top has the same files.
  const counted = exists(bottle.hostPath(`${path}/${file}`))
  return [
    ...put(
      `${group}/${LIMIT_FILE.memory[version]}`,
      String(bytes),
      `so many bytes for the whole group: ${Math.round(bytes / 1024 / 1024)} MiB`,
    ),
    ...(counted ? put(`${group}/${file}`, value as string, 'and no swap to escape into') : []),
  ]
}

/** The limit of processor time: `percent` of one processor. */
export function limitCpu(bottle: Bottle, group: string, percent: number): Step[] {
  const quota = String(percent * 1000)
  const why = `in every period of 100 000 µs the group may run for ${quota} µs`
  if (treeOf(bottle, 'cpu').version === 2) return put(`${group}/cpu.max`, `${quota} 100000`, why)
  return [
    ...put(`${group}/cpu.cfs_period_us`, '100000', 'the length of a period, in microseconds'),
    ...put(`${group}/cpu.cfs_quota_us`, quota, why),
  ]
}

/** A new group, made by the host's side, with its limits. */
export const make = (path: string, ...limits: Step[][]): Step[] =>
  host([mkdir(path, 0o755, { why: 'a directory: a group' }), ...limits.flat()])

export function exists(path: string): boolean {
  return content(path) !== undefined
}

/** A file's content without the end of its last line; undefined when it is not there or cannot be read. */
export function content(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trimEnd()
  } catch {
    return undefined
  }
}

/** The words that freeze and thaw. */
export const FROZEN = { 1: { on: 'FROZEN', off: 'THAWED' }, 2: { on: '1', off: '0' } } as const

/** Does everybody in the group stand still? Asking takes a moment to become true after the word was written. */
export function frozen(bottle: Bottle, name: string): boolean {
  const { version, path } = treeOf(bottle, 'freezer')
  const state = content(bottle.hostPath(`${path}/${name}/${version === 1 ? 'freezer.state' : 'cgroup.events'}`)) ?? ''
  return version === 1 ? state === 'FROZEN' : /^frozen 1$/m.test(state)
}
