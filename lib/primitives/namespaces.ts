/**
 * Namespaces: which views of the system the process shares with the host, gets new, or takes over from another process.
 * namespaces(7), clone(2), setns(2), time_namespaces(7).
 *
 * New ones come from clone3, in one call. Joined ones are opened by the host in `prepare` and entered where entering is possible:
 *
 *     kind          who enters it            why there
 *     pid           host, before the clone   setns(pid) moves no caller, only the children that it makes later
 *     user          container, first of all  it gives the capabilities that entering the others asks for
 *                   host, before the clone   when other namespaces are new: they belong to the user namespace of their maker
 *     uts ipc time  container                (all of these: the host before the clone when the user namespace is new, because the
 *     net           container, in `network`  child then has no rights in namespaces that belong to the host's user namespace)
 *     cgroup        container, in `confine`
 *     mnt           container, in `mounts`   last: paths mean something else from there on
 */
import { release } from 'node:os'
import { close, open, write } from '../kernel/calls/files.js'
import { fsconfig_create, fsmount, fsopen } from '../kernel/calls/mounts.js'
import { clone3, type Namespace, pidfd_open, setns, unshare } from '../kernel/calls/process.js'
import { DrydockError } from '../kernel/errors.js'
import { remembered } from '../kernel/remembered.js'
import { type Descriptor, type Fragment, inPhase, type Phase, type Ref, ref, type Step } from '../kernel/step.js'

export const NAMESPACES: readonly Namespace[] = ['user', 'cgroup', 'ipc', 'uts', 'net', 'pid', 'time', 'mnt']

/**
 * What becomes of one kind: a new one, the host's (the default), or somebody else's: of a process id, behind a path such as
 * `/proc/1234/ns/net`, or behind a descriptor that an earlier step kept.
 */
export type Way = 'new' | 'host' | { readonly join: number | string | Ref }

export type NamespacesSpec = { readonly [kind in Namespace]?: Way } & {
  /** A cgroup v2 directory (a kept descriptor) in which the child is born; the cgroups fragment has it. */
  readonly into?: Descriptor
  /**
   * Whether a new cgroup namespace may begin with the birth in `into`, which is its root then. False where the child joins v1
   * cgroups later (hybrid hosts): then, as without `into`, it is unshared after that.
   */
  readonly cgroupAtBirth?: boolean
  /** Seconds that are added to the two clocks of a new time namespace. */
  readonly clocks?: { readonly monotonic?: number; readonly boottime?: number }
  /** The host's side is an ordinary user, without capabilities of its own. */
  readonly unprivileged?: boolean
  /**
   * A sysfs of the network namespace that is joined, kept under this name: whoever is in a new user namespace may mount none of a network that belongs to
   * another one, so the host does while it is in it.
   */
  readonly sysfs?: string
  /** The kernel's release, as uname(2) gives it; this machine's by default. */
  readonly kernel?: string
}

const WHAT: Record<Namespace, string> = {
  user: 'user and group ids and capabilities',
  cgroup: 'the root of the cgroup tree as it sees it',
  ipc: 'System V and POSIX queues, semaphores and shared memory',
  uts: 'the host name',
  net: 'network interfaces, addresses, routes and ports',
  pid: 'process ids',
  time: 'the clocks that count from boot',
  mnt: 'mounts',
}

/** Steps of the clone, and of joining what is joined. Throws a sentence for what the kernel cannot do. */
export const namespaces = remembered(namespacesOf)

function namespacesOf(spec: NamespacesSpec): Fragment {
  const kinds = check(spec)
  const joined = kinds.filter((kind) => typeof spec[kind] === 'object')
  const created = kinds.filter((kind) => spec[kind] === 'new')
  const byHost = enteredByHost(spec, joined, created)
  const steps: Step[] = []
  for (const kind of joined) steps.push(...openNamespace(kind, spec[kind] as { join: number | string | Ref }))
  for (const kind of byHost) steps.push(enter(kind, 'clone', spec))
  if (spec.sysfs !== undefined && byHost.includes('net')) steps.push(...sysfsOfNetwork(spec.sysfs))

  const offsets = clockOffsets(spec)
  const offsetsByHost = offsets !== undefined && (spec.user === undefined || spec.user === 'host')
  if (offsets && offsetsByHost) steps.push(...clocks(offsets, 'host'))
  const cgroupAtBirth = spec.into !== undefined && spec.cgroupAtBirth !== false
  const bornIn = created.filter((kind) => !(kind === 'time' && offsets) && !(kind === 'cgroup' && !cgroupAtBirth))
  steps.push(cloneStep(bornIn, spec.into))

  const byChild = joined.filter((kind) => !byHost.includes(kind))
  for (const kind of byChild) steps.push(enter(kind, PLACE[kind], spec))
  if (offsets && !offsetsByHost) steps.push(...clocks(offsets, 'container'))
  if (spec.cgroup === 'new' && !cgroupAtBirth) {
    const why = 'The cgroup where it is now becomes the root that it sees, so this comes after it has joined them all.'
    steps.push(...inPhase('confine', 'container', [unshare(['cgroup'], { why })]))
  }
  return { primitive: 'namespaces', title: titleOf(created, joined), steps }
}

export interface EnterSpec {
  /** A process in the container, as the shim's pid namespace counts. */
  readonly pid: number
  /** The kinds in which the container differs from the host; entering one that is shared already is harmless, except `user`: EINVAL. */
  readonly kinds: readonly Namespace[]
  /** A cgroup v2 directory in which the new process is born. */
  readonly into?: Descriptor
  readonly unprivileged?: boolean
}

/**
 * Run a further process in a container that lives: one descriptor for the process that holds the namespaces, and one setns for all
 * of them (setns(2) with a pidfd, Linux 5.8), so that there is no moment in which the process is half inside.
 */
export function enterAll(spec: EnterSpec): Fragment {
  const { pid, kinds, into, unprivileged = false } = spec
  if (!Number.isInteger(pid) || pid < 1) throw new DrydockError(`a container is entered by the id of a process in it; '${pid}' is none`)
  const target = ref('target')
  const steps = inPhase('prepare', 'host', [
    pidfd_open(pid, { keep: 'target', why: 'A pidfd goes on meaning this process; its number might come to mean another.' }),
  ])
  const wanted = NAMESPACES.filter((kind) => kinds.includes(kind))
  // An ordinary user has the rights to enter a pid namespace only inside the user namespace that owns it.
  const early = wanted.filter((kind) => kind === 'pid' || (kind === 'user' && unprivileged && wanted.includes('pid')))
  if (early.length > 0) {
    const why = 'The pid namespace is for children that are made from here on, so the host enters it before the clone.'
    steps.push(...inPhase('clone', 'host', [setns(target, early, { why })]))
  }
  steps.push(cloneStep([], into))
  const rest = wanted.filter((kind) => !early.includes(kind))
  if (rest.length > 0) {
    const why = 'All at once: either the process is in every one of them, or in none.'
    steps.push(...inPhase('become', 'container', [setns(target, rest, { why })]))
  }
  return { primitive: 'namespaces', title: `Enter the namespaces of process ${pid}`, steps }
}

/** Where the container's side enters a namespace. */
const PLACE: Record<Namespace, Phase> = {
  user: 'become',
  uts: 'become',
  ipc: 'become',
  time: 'become',
  pid: 'clone',
  cgroup: 'confine',
  net: 'network',
  mnt: 'mounts',
}

function check(spec: NamespacesSpec): Namespace[] {
  for (const kind of NAMESPACES) {
    const way: unknown = spec[kind]
    if (way === undefined || way === 'new' || way === 'host') continue
    const target = (way as { join?: unknown } | null)?.join
    const valid =
      (typeof target === 'number' && Number.isInteger(target) && target > 0) ||
      (typeof target === 'string' && target.startsWith('/')) ||
      (typeof target === 'object' && target !== null && 'ref' in target)
    if (!valid) {
      throw new DrydockError(
        `the ${kind} namespace is 'new', 'host' or { join: … } with a process id, an absolute path or a kept descriptor; ${JSON.stringify(way)} is none of them`,
      )
    }
  }
  if (spec.user === 'new' && typeof spec.mnt === 'object') {
    throw new DrydockError(
      'a mount namespace cannot be joined together with a new user namespace, which has no rights in it: join its user namespace too',
    )
  }
  if (spec.into !== undefined && typeof spec.cgroup === 'object') {
    throw new DrydockError('a cgroup namespace is either new around the cgroup in which the child is born, or joined; not both')
  }
  return NAMESPACES.filter((kind) => spec[kind] !== undefined && spec[kind] !== 'host')
}

/** The joined namespaces that the shim itself enters before the clone, in the order in which it can. */
function enteredByHost(spec: NamespacesSpec, joined: readonly Namespace[], created: readonly Namespace[]): Namespace[] {
  const has = (kind: Namespace) => joined.includes(kind)
  if (spec.user === 'new') return joined.filter((kind) => kind !== 'mnt')
  const userFirst = has('user') && (created.length > 0 || (spec.unprivileged === true && has('pid')))
  // With capabilities of its own the host enters the pid namespace while it still has them; without, the user namespace gives them.
  const order: Namespace[] = spec.unprivileged ? ['user', 'pid'] : ['pid', 'user']
  return order.filter((kind) => has(kind) && (kind === 'pid' || userFirst))
}

function openNamespace(kind: Namespace, { join }: { join: number | string | Ref }): Step[] {
  if (typeof join === 'object') return []
  const path = typeof join === 'number' ? `/proc/${join}/ns/${kind}` : join
  const why = `An open descriptor holds this ${kind} namespace, even if the process that it came from ends.`
  return inPhase('prepare', 'host', [open(path, ['rdonly'], { keep: `ns.${kind}`, why })])
}

function enter(kind: Namespace, phase: Phase, spec: NamespacesSpec): Step {
  const { join } = spec[kind] as { join: number | string | Ref }
  const descriptor = typeof join === 'object' ? join : ref(`ns.${kind}`)
  const actor = phase === 'clone' ? 'host' : 'container'
  const [step] = inPhase(phase, actor, [setns(descriptor, [kind], { why: whyEntered(kind, actor) })])
  return step as Step
}

function whyEntered(kind: Namespace, actor: 'host' | 'container'): string {
  if (kind === 'pid') return 'It is for children that are made from here on, so the host enters it before the clone.'
  if (kind === 'user' && actor === 'host') return 'The namespaces that clone3 makes next belong to the user namespace of their maker.'
  if (kind === 'user') return 'First of all: inside it the process has the capabilities that entering the others needs.'
  if (actor === 'host') return 'A child in a new user namespace has no rights here any more, so it inherits this one from the host.'
  return `From here on it shares ${WHAT[kind]} with the processes in there.`
}

function sysfsOfNetwork(kept: string): Step[] {
  const context = ref('ns.sysfs')
  return inPhase('clone', 'host', [
    fsopen('sysfs', {
      keep: context.ref,
      why: 'A sysfs shows the devices of the network in which it is made: of the one that was just entered.',
    }),
    fsconfig_create(context),
    fsmount(context, ['rdonly', 'nosuid', 'nodev', 'noexec'], { keep: kept, why: 'It hangs nowhere yet; the child has its descriptor.' }),
    close(context),
  ])
}

function cloneStep(kinds: readonly Namespace[], into: Descriptor | undefined): Step {
  const inside =
    kinds.length > 0 ? `born inside new namespaces (${kinds.join(', ')})` : 'in the namespaces that its parent is in or has entered for it'
  const born = into === undefined ? '' : ', and in its cgroup, so that not one instruction of it runs unlimited'
  const why = `One call makes the process that becomes the container, ${inside}${born}.`
  const options = into === undefined ? { why } : { why, cgroup: into }
  const [step] = inPhase('clone', 'host', [clone3(kinds, options)])
  return step as Step
}

/** Content for /proc/self/timens_offsets, or undefined when both clocks go as the host's. */
function clockOffsets(spec: NamespacesSpec): string | undefined {
  const lines: string[] = []
  for (const clock of ['monotonic', 'boottime'] as const) {
    const seconds = spec.clocks?.[clock]
    if (seconds === undefined || seconds === 0) continue
    if (!Number.isInteger(seconds)) throw new DrydockError(`the ${clock} clock is moved by whole seconds; '${seconds}' is none`)
    lines.push(`${clock} ${seconds} 0\n`)
  }
  if (lines.length === 0) return undefined
  if (spec.time !== 'new') throw new DrydockError("clocks can be moved in a new time namespace only: time: 'new' is missing")
  const [major = 0, minor = 0] = (spec.kernel ?? release()).split('.').map(Number)
  if (spec.user !== undefined && spec.user !== 'host' && (major < 6 || (major === 6 && minor < 2))) {
    // Older kernels enter the new time namespace at fork alone, and the fork comes before the user namespace that may set its clocks.
    throw new DrydockError(
      `moving clocks in a user namespace needs Linux 6.2, where execve enters the time namespace; this is ${spec.kernel ?? release()}`,
    )
  }
  return lines.join('')
}

/**
 * A time namespace with moved clocks. clone3 could make one, but its child would be in it at once, and the offsets can be written
 * only while nobody is (EACCES later). So it is unshared, which moves no one yet, written, and entered by the next clone (host) or
 * execve (container).
 */
function clocks(offsets: string, actor: 'host' | 'container'): Step[] {
  const phase: Phase = actor === 'host' ? 'clone' : 'become'
  const entered = actor === 'host' ? 'the child that is cloned next' : 'the program that is executed in the end'
  const file = `timens.${actor}`
  return inPhase(phase, actor, [
    unshare(['time'], { why: `A time namespace for ${entered}: its clocks can be set as long as nobody is in it.` }),
    open('/proc/self/timens_offsets', ['wronly'], { keep: file, why: 'Where the offsets of the namespace to come are written.' }),
    write(ref(file), offsets, { why: 'Seconds to add to the clocks that count from boot; the time of day belongs to no namespace.' }),
    close(ref(file), { why: 'Written.' }),
  ])
}

function titleOf(created: readonly Namespace[], joined: readonly Namespace[]): string {
  const parts: string[] = []
  if (created.length > 0) parts.push(`new ${created.join(', ')}`)
  if (joined.length > 0) parts.push(`joined ${joined.join(', ')}`)
  return parts.length > 0 ? `Namespaces: ${parts.join('; ')}` : 'Namespaces: all of them the host’s'
}
