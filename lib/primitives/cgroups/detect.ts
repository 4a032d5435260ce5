/**
 * What cgroups this machine has, and where drydock may make its own: /proc/self/mountinfo, /proc/self/cgroup, cgroups(7).
 * Nothing is written here.
 */
import { availableParallelism } from 'node:os'
import { OWN_CGROUP } from '../../kernel/places.js'
import {
  type CgroupHierarchy,
  type CgroupMembership,
  cgroupVersion,
  directoryOf,
  hierarchiesOf,
  parseCgroup,
} from '../../kernel/proc/cgroup.js'
import { parseMountinfo } from '../../kernel/proc/mountinfo.js'
import { type CgroupFiles, hostFiles, lines, words } from './files.js'

/** One tree of cgroups: v1 has one for each controller (or pair), v2 one for all. */
export interface Hierarchy {
  readonly version: 1 | 2
  /** Short name, for descriptors and for people: `memory`, `cpu,cpuacct`, `systemd`, `unified`. */
  readonly name: string
  /** Controllers that a cgroup below `base` can have. */
  readonly controllers: readonly string[]
  readonly mount: string
  /** The existing directory below which drydock's own is made. */
  readonly base: string
  /** v2: controllers that `base` gives to its children already. */
  readonly enabled: readonly string[]
  /** Names of files that are known to be in a cgroup here; not all, where there is no cgroup to look at. */
  readonly files: ReadonlySet<string>
  /** v1 with cpuset: what the cgroup `base` has. */
  readonly cpuset?: { readonly cpus: string; readonly mems: string }
}

export interface CgroupHost {
  /** Which versions are mounted. hybrid: controllers on v1, and v2 beside it. */
  readonly layout: 'v1' | 'v2' | 'hybrid' | 'none'
  /** Those in which we may make cgroups. */
  readonly hierarchies: readonly Hierarchy[]
  /** A sentence for each thing that cannot be limited here, with the remedy. */
  readonly problems: readonly string[]
  readonly cpus: number
  /** Whether device programs may be loaded (v2): CAP_BPF or CAP_SYS_ADMIN in the first user namespace. */
  readonly devicePrograms: boolean
  /** Directories of ours between a base and a container's cgroup. */
  readonly parents: readonly string[]
}

/** The controllers of v2 that limits are made of. */
export const CONTROLLERS_V2: readonly string[] = ['cpuset', 'cpu', 'io', 'memory', 'pids']

export function detectCgroups(files: CgroupFiles = hostFiles): CgroupHost {
  const trees = treesOf('self', files)
  const hierarchies: Hierarchy[] = []
  const problems: string[] = []
  const closedV1: string[] = []
  for (const { tree, own, directory } of trees) {
    const base = tree.version === 1 ? baseV1(files, tree, directory) : baseV2(files, tree, directory)
    if (base !== undefined) hierarchies.push(describe(files, tree, base, directory))
    else if (tree.version === 1) closedV1.push(nameOf(tree))
    else if (!isEmptyV2(files, tree)) problems.push(whyClosedV2(files, tree, own?.path ?? '/'))
  }
  if (trees.length === 0) problems.push('no cgroup file system is mounted here, so nothing can be limited')
  if (closedV1.length > 0) {
    problems.push(
      `these cgroup v1 controllers belong to root here, and no directory of theirs is given to you: ${closedV1.join(', ')}. Limits with them need root (sudo)`,
    )
  }
  return {
    layout: cgroupVersion(trees.map(({ tree }) => tree)),
    hierarchies,
    problems,
    cpus: availableParallelism(),
    devicePrograms: mayLoadPrograms(files),
    parents: [OWN_CGROUP],
  }
}

/** The same host, where further cgroups are made below `name`: what a bottle hands to those inside it. */
export function below(host: CgroupHost, name: string): CgroupHost {
  return { ...host, parents: [...host.parents, name] }
}

/** The hierarchy that has a controller; `cpuacct` and `io` by either of their names. */
export function hierarchyOf<H extends { readonly controllers: readonly string[] }>(
  hierarchies: readonly H[],
  controller: string,
): H | undefined {
  const names = controller === 'io' || controller === 'blkio' ? ['io', 'blkio'] : [controller]
  return hierarchies.find(({ controllers }) => names.some((name) => controllers.includes(name)))
}

/** Each mounted hierarchy with the directory of a process's cgroup in it, as far as it is in the part that is mounted. */
export function treesOf(
  pid: number | 'self',
  files: CgroupFiles,
): { tree: CgroupHierarchy; own: CgroupMembership | undefined; directory: string | undefined }[] {
  const memberships = parseCgroup(files.read(`/proc/${pid}/cgroup`) ?? '')
  return hierarchiesOf(parseMountinfo(files.read('/proc/self/mountinfo') ?? '')).map((tree) => {
    const own = memberships.find((one) => one.version === tree.version && (tree.version === 2 || nameOf(one) === nameOf(tree)))
    return { tree, own, directory: own && directoryOf(own, tree) }
  })
}

/** `memory`, `cpu,cpuacct`, `systemd`, `unified`. */
export function nameOf({ version, controllers, name }: Pick<CgroupHierarchy, 'version' | 'controllers' | 'name'>): string {
  return version === 2 ? 'unified' : controllers.join(',') || (name ?? '')
}

/** v1: the top for root, otherwise our own cgroup if it is ours to change. */
function baseV1(files: CgroupFiles, { mountPoint: mount }: CgroupHierarchy, own: string | undefined): string | undefined {
  return [mount, own].find((directory) => directory !== undefined && files.writable(directory) && files.writable(`${directory}/tasks`))
}

/**
 * v2: the top for root, otherwise the nearest cgroup above our own that was given to us. One with processes in it cannot give
 * controllers to its children (except the very first), so our own, where this program runs, hardly ever will do.
 */
function baseV2(files: CgroupFiles, { mountPoint: mount }: CgroupHierarchy, own: string | undefined): string | undefined {
  const candidates = [mount]
  for (let directory = own; directory?.startsWith(`${mount}/`); directory = directory.slice(0, directory.lastIndexOf('/'))) {
    candidates.push(directory)
  }
  return candidates.find((directory) => {
    const needed = [directory, `${directory}/cgroup.procs`, `${directory}/cgroup.subtree_control`]
    if (!needed.every((path) => files.writable(path))) return false
    const type = files.read(`${directory}/cgroup.type`)
    if (type === undefined) return true
    return type.trim() === 'domain' && lines(files.read(`${directory}/cgroup.procs`)).length === 0
  })
}

/** A v2 tree beside v1 that has no controller of ours: nothing is lost when it is closed to us. */
function isEmptyV2(files: CgroupFiles, { mountPoint: mount }: CgroupHierarchy): boolean {
  return !words(files.read(`${mount}/cgroup.controllers`)).some((name) => CONTROLLERS_V2.includes(name))
}

function whyClosedV2(files: CgroupFiles, { mountPoint: mount }: CgroupHierarchy, path: string): string {
  const busy = files.writable(mount) && lines(files.read(`${mount}/cgroup.procs`)).length > 0
  if (busy) {
    return `the cgroup at ${mount} has processes in it, so it cannot give controllers to others: as root, \`mkdir ${mount}/init\` and move each process there (write its id to ${mount}/init/cgroup.procs)`
  }
  const systemd = path.startsWith('/user.slice/') || path.endsWith('.scope')
  const remedy = systemd ? 'start again with `systemd-run --user --scope -p Delegate=yes …`, or run with sudo' : 'run with sudo'
  return `no part of the cgroup tree at ${mount} is given to you, so nothing can be limited: ${remedy}`
}

function describe(files: CgroupFiles, tree: CgroupHierarchy, base: string, own: string | undefined): Hierarchy {
  const { version, mountPoint: mount } = tree
  const controllers = version === 1 ? tree.controllers : words(files.read(`${base}/cgroup.controllers`))
  const enabled = version === 1 ? [] : words(files.read(`${base}/cgroup.subtree_control`))
  let known: ReadonlySet<string> | undefined
  return {
    version,
    name: nameOf(tree),
    controllers,
    mount,
    base,
    enabled,
    // Asked for by limits alone, and ten directories to read.
    get files() {
      known ??= filesKnown(files, version, base, own)
      return known
    },
    ...(version === 1 && controllers.includes('cpuset') && { cpuset: cpusetOf(files, base) }),
  }
}

function cpusetOf(files: CgroupFiles, base: string): { cpus: string; mems: string } {
  const [cpus = '', mems = ''] = ['cpuset.cpus', 'cpuset.mems'].map((file) => files.read(`${base}/${file}`)?.trim())
  return { cpus, mems }
}

/** Names of files in the base, in our own cgroup and in some cgroups below the base. */
function filesKnown(files: CgroupFiles, version: 1 | 2, base: string, own: string | undefined): ReadonlySet<string> {
  const children = files.directories(base)
  const known = new Set<string>()
  for (const directory of [base, own, ...children.slice(0, 8).map((child) => `${base}/${child}`)]) {
    if (directory !== undefined) for (const file of files.names(directory)) known.add(file)
  }
  assume(version, known, files, children.length > 0)
  return known
}

/** Files that the top directory lacks though cgroups below it have them, where there is no other to look at. */
function assume(version: 1 | 2, known: Set<string>, files: CgroupFiles, sample: boolean): void {
  if (version === 1) {
    if (known.has('blkio.bfq.io_serviced')) known.add('blkio.bfq.weight')
  } else if (!sample) {
    if (!/\bswapaccount=0\b/.test(files.read('/proc/cmdline') ?? '')) known.add('memory.swap.max')
    if (known.has('io.cost.qos')) known.add('io.weight')
  }
}

const SYS_ADMIN = 21n
const BPF = 39n
/** The inode number of the first user namespace, PROC_USER_INIT_INO of the kernel. */
const FIRST_USER_NAMESPACE = 'user:[4026531837]'

function mayLoadPrograms(files: CgroupFiles): boolean {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(files.read('/proc/self/status') ?? '')?.[1] ?? '0'}`)
  const capable = ((effective >> SYS_ADMIN) & 1n) === 1n || ((effective >> BPF) & 1n) === 1n
  return capable && files.link('/proc/self/ns/user') === FIRST_USER_NAMESPACE
}
