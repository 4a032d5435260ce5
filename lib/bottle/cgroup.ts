/**
 * A bottle's part of the cgroup tree: one directory in each hierarchy that this user may use, seen from inside as the whole tree
 * (cgroup_namespaces(7)). Cgroups are the one thing that a bottle shares with the host, so the directory is made, and removed with
 * everything below it, by name.
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { close, mkdir, open, thaw_tree, write } from '../kernel/calls/files.js'
import { mount } from '../kernel/calls/mounts.js'
import { unshare } from '../kernel/calls/process.js'
import { type Ref, ref, type Step } from '../kernel/step.js'
import {
  type Cgroup,
  type CgroupHost,
  CONTROLLERS_V2,
  cgroups,
  DEFAULT_DEVICES,
  detectCgroups,
  type Hierarchy,
  parseDeviceRule,
} from '../primitives/cgroups/index.js'

export interface BottleCgroup {
  /** Where cgroups can be made inside, with paths as they are inside; without hierarchies when none can be. */
  readonly inside: CgroupHost
  /** The bottle's own directories, with paths of the host. */
  readonly directories: Cgroup
  /** Host steps before the clone. */
  readonly prepare: readonly Step[]
  /** On cgroup v2 the descriptor of the directory that PID 1 is born in. */
  readonly bornInside: Ref | undefined
  /** Whether the cgroup namespace is made by the clone; otherwise `confine` makes it. */
  readonly namespaceAtBirth: boolean
  /** Whether there is a cgroup namespace at all. */
  readonly namespace: boolean
  /** Container steps after the clone: join what is to be joined, then make the cgroup namespace. */
  readonly confine: readonly Step[]
  /** The cgroup file systems, below the bottle's future root. */
  mounts(root: string): Step[]
  /** Container steps when that root is in place. */
  readonly settle: readonly Step[]
  /** Steps by which another process of the host joins, before it enters the namespaces. */
  readonly join: readonly Step[]
}

const TREE = '/sys/fs/cgroup'
/** Where the bottle's own processes are on v2: a cgroup that gives controllers to its children may hold no process itself. */
const INIT = 'init'

/** Network interfaces of a program's own, which reach no further than the bottle's network. A Docker daemon inside allows it to each of its containers. */
const TUN = parseDeviceRule('c 10:200 rwm')

export function bottleCgroup(id: string, host: CgroupHost = detectCgroups()): BottleCgroup {
  if (host.hierarchies.length === 0) return none(host)
  // Root inside may make device nodes; opening those of the host's disks is what would reach past every namespace.
  const fragment = cgroups({ path: id, devices: [...DEFAULT_DEVICES, TUN] }, host)
  const inPhase = (phase: string) => fragment.steps.filter((step) => step.phase === phase)
  const path = (name: string) => fragment.cgroup.find((directory) => directory.name === name)?.path as string
  const freezers = new Set(freezersOf(fragment.cgroup))
  const namespaceAtBirth = fragment.clone.cgroupAtBirth === true
  const useful = host.hierarchies.find((hierarchy) => hierarchy.version === 2 && controllersOf(hierarchy).length > 0)
  return {
    inside: insideOf(host),
    directories: fragment.cgroup,
    prepare: inPhase('prepare').map((step) => withThaw(step, freezers)),
    bornInside: fragment.clone.into,
    namespaceAtBirth,
    namespace: true,
    confine: [
      ...inPhase('confine'),
      ...(namespaceAtBirth ? [] : [unshare(['cgroup'], { why: 'where this process is now becomes the top of the tree that it sees' })]),
    ],
    mounts: (root) => mountTrees(host, root),
    settle: useful ? leaf(controllersOf(useful), placeOf(useful, host)) : [],
    join: host.hierarchies.flatMap((hierarchy) => joinSteps(joinFile(hierarchy, path(hierarchy.name), hierarchy === useful))),
  }
}

/** Where cgroups can be made in any bottle of this machine, with paths as they are inside. */
export const cgroupsInside = (): CgroupHost => insideOf(detectCgroups())

function none(host: CgroupHost): BottleCgroup {
  const nothing = { directories: [], prepare: [], confine: [], settle: [], join: [], mounts: () => [] }
  return { ...nothing, inside: { ...host, hierarchies: [], parents: [] }, bornInside: undefined, namespaceAtBirth: false, namespace: false }
}

const controllersOf = ({ controllers }: Hierarchy) => CONTROLLERS_V2.filter((name) => controllers.includes(name))

/** Directories of the v1 freezer: what is frozen in there does not die of a signal. */
const freezersOf = (cgroup: Cgroup): string[] =>
  cgroup.filter(({ version, controllers }) => version === 1 && controllers.includes('freezer')).map(({ path }) => path)

/** Thaw what was frozen inside, so that it can be ended. */
export function thawInside({ directories }: Pick<BottleCgroup, 'directories'>): void {
  const visit = (directory: string) => {
    try {
      writeFileSync(`${directory}/freezer.state`, 'THAWED')
      for (const entry of readdirSync(directory, { withFileTypes: true })) if (entry.isDirectory()) visit(`${directory}/${entry.name}`)
    } catch {
      // It went away meanwhile, and then nothing is frozen in it.
    }
  }
  freezersOf(directories).forEach(visit)
}

/** What was frozen inside is thawed before its directory is removed, also when those who froze it were killed before they could. */
function withThaw(step: Step, frozenTrees: ReadonlySet<string>): Step {
  const target = step.call === 'mkdirat' ? step.args[1] : undefined
  const path = target?.kind === 'text' ? String(target.parts[0]) : ''
  return frozenTrees.has(path) ? { ...step, undo: [...(step.undo ?? []), thaw_tree(path)] } : step
}

/** Where a hierarchy is mounted inside: as on the host, or at the top where v2 is alone. */
function placeOf(hierarchy: Hierarchy, host: CgroupHost): string {
  return hierarchy.version === 2 && host.hierarchies.length === 1 ? TREE : `${TREE}/${basename(hierarchy.mount)}`
}

function insideOf(host: CgroupHost): CgroupHost {
  const hierarchies = host.hierarchies.map((hierarchy) => {
    const mountpoint = placeOf(hierarchy, host)
    return { ...hierarchy, mount: mountpoint, base: mountpoint, enabled: controllersOf(hierarchy) }
  })
  return { ...host, hierarchies, parents: [] }
}

function mountTrees(host: CgroupHost, root: string): Step[] {
  const steps: Step[] = []
  const alone = host.hierarchies.length === 1 && host.hierarchies[0]?.version === 2
  if (!alone) steps.push(mount('cgroup', `${root}${TREE}`, 'tmpfs', ['nosuid', 'nodev', 'noexec'], 'mode=755'))
  for (const hierarchy of host.hierarchies) {
    const place = `${root}${placeOf(hierarchy, host)}`
    if (!alone) steps.push(mkdir(place))
    const why = 'a cgroup file system shows the tree from the cgroup namespace’s top down: the bottle’s own part'
    if (hierarchy.version === 2) steps.push(mount('cgroup2', place, 'cgroup2', ['nosuid', 'nodev', 'noexec'], null, { why }))
    else steps.push(mount('cgroup', place, 'cgroup', ['nosuid', 'nodev', 'noexec'], optionsV1(hierarchy), { why }))
  }
  return steps
}

/** The mount options that name a v1 hierarchy: its controllers, or the name of one without. */
function optionsV1({ controllers, name }: Hierarchy): string {
  return controllers.length > 0 ? controllers.join(',') : `none,name=${name}`
}

/** v2: step aside into a leaf, then give the controllers to those beside it. */
function leaf(controllers: readonly string[], top: string): Step[] {
  return [
    mkdir(`${top}/${INIT}`, 0o755, { why: 'a cgroup that gives controllers to its children may hold no process itself (cgroups(7))' }),
    ...joinSteps(`${top}/${INIT}/cgroup.procs`),
    open(`${top}/cgroup.subtree_control`, ['wronly'], { keep: 'bottle.cgroup' }),
    write(ref('bottle.cgroup'), controllers.map((name) => `+${name}`).join(' '), {
      why: 'cgroups made inside can have limits from here on',
    }),
    close(ref('bottle.cgroup')),
  ]
}

function joinFile({ version }: Hierarchy, path: string, hasLeaf: boolean): string {
  if (version === 1) return `${path}/tasks`
  return hasLeaf ? `${path}/${INIT}/cgroup.procs` : `${path}/cgroup.procs`
}

function joinSteps(file: string): Step[] {
  return [
    open(file, ['wronly'], { keep: 'bottle.cgroup' }),
    write(ref('bottle.cgroup'), '0', { why: '0 means the writer: it moves itself' }),
    close(ref('bottle.cgroup')),
  ]
}
