/**
 * A further program in a container that runs: `docker exec`. It is a list of calls like the container's own, without what is there already:
 *
 *     prepare      a pidfd of the container's first process, its cgroups, pipes
 *     clone        setns into its pid namespace, which is for children; clone3, on cgroup v2 straight into its cgroup
 *     become       all its other namespaces in one setns: its mounts, and with them its root, its network, its name
 *     confine      on v1, its cgroups
 *     root … exec  its users' names, a terminal of its own devpts, and the rights that its program has
 *
 * runc does the same in the same order (nsexec.c, setns_init_linux.go), with a process more between the two namespaces.
 */
import { set_dumpable } from '../kernel/calls/credentials.js'
import { getppid } from '../kernel/calls/process.js'
import type { MonitorSettings } from '../kernel/monitor.js'
import { readStatus } from '../kernel/proc/status.js'
import type { Result } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { type Fragment, inPhase, type Step } from '../kernel/step.js'
import { availableCapabilities, dockerSets, resolveCapabilities } from '../primitives/capabilities.js'
import { type Cgroup, cgroupAt, cgroupOf, joinCgroups } from '../primitives/cgroups/index.js'
import { becomeRoot } from '../primitives/idmap.js'
import { enterAll } from '../primitives/namespaces.js'
import { rootOutside } from '../primitives/own-ids.js'
import { type ContainerUser, process as programOf } from '../primitives/process.js'
import { stdio } from '../primitives/stdio.js'
import { type Assembled, environment, filterOf, groupsOf, keyring, ownerOf } from './assemble.js'
import { execError, isCgroupFull, notRunning } from './exec-failures.js'
import { type Machine, machineFor } from './machine.js'
import { meetBefore, plan } from './plan.js'
import { type ContainerSpec, cgroupPath, type TerminalSize } from './spec.js'
import { LARGEST, likelyUser, lookUpUsers, readInPart, sameUser, userFrom } from './users.js'

export interface ExecSpec {
  /** Of the container. */
  readonly container: ContainerSpec
  /** Program and arguments; a name without a slash is looked for in PATH. */
  readonly argv: readonly string[]
  /** NAME=VALUE, in place of the container's of the same name; a NAME alone takes the container's away. */
  readonly env: readonly string[]
  /** `user[:group]`; '': the container's. */
  readonly user: string
  /** '': the container's. It must exist. */
  readonly cwd: string
  /** All capabilities that there are; the filter of system calls stays the container's. */
  readonly privileged: boolean
  readonly terminal?: TerminalSize
  /** Whether somebody may type; /dev/null otherwise. */
  readonly stdin: boolean
}

/** Where it goes: the container's first process, as the shim's pid namespace numbers it, and its cgroups. */
export interface ExecPlace {
  readonly pid: number
  readonly cgroup: Cgroup
}

export interface ExecOptions {
  /** A fresh one; asked again when it turns out that the program has to be put into another cgroup. */
  readonly newShim: () => Promise<Shim>
  readonly spec: ExecSpec
  readonly machine: Machine
  /** Of the container's first process, as the shims' pid namespace numbers it. */
  readonly pid: number
  readonly monitor?: Pick<MonitorSettings, 'detach' | 'exitPath' | 'socketPath'>
  /** Called when the monitor's socket can be connected to; the program is not executed before it resolves. */
  readonly monitored?: () => Promise<void>
}

export interface StartedExec {
  readonly shim: Shim
  /** As the shim's pid namespace numbers it. */
  readonly pid: number
  readonly user: ContainerUser
}

/** The whole list for this user. */
export function assembleExec(spec: ExecSpec, user: ContainerUser, machine: Machine, place: ExecPlace): Omit<Assembled, 'warnings'> {
  const { container, terminal } = spec
  const { security } = container
  const request = { add: security.capAdd, drop: security.capDrop, available: machine.capabilities, last: machine.lastCapability }
  const own = resolveCapabilities({ ...request, privileged: security.privileged }).capabilities
  const capabilities = spec.privileged ? resolveCapabilities({ ...request, privileged: true }).capabilities : own
  const joined = joinCgroups(place.cgroup)
  // An ordinary user's shim enters the container's user namespace itself: to both of them an id is what it is inside. Root's stays where it has its rights.
  const { idmap, ...insideNow } = machine
  const stranger = rootOutside(idmap)
  const unprivileged = idmap !== undefined && !stranger
  const owner = ownerOf(user, unprivileged ? insideNow : machine)
  const streams = stdio(
    terminal ? { kind: 'terminal', ...terminal, ...owner, console: false } : { kind: 'pipes', stdin: spec.stdin, ...owner },
  )
  const fragments: Fragment[] = [
    joined,
    hidden(machine),
    enterAll({
      pid: place.pid,
      kinds: ['cgroup', 'ipc', 'uts', 'net', 'pid', 'mnt', ...(idmap ? (['user'] as const) : [])],
      ...joined.clone,
      ...(unprivileged && { unprivileged }),
    }),
    ...(stranger ? [rootInside] : []),
    lookUpUsers(container),
    keyring(container),
    streams,
    hiddenLater(machine),
    programOf({
      argv: spec.argv,
      env: environmentOf(spec, user),
      cwd: spec.cwd || container.cwd,
      cwdAsRoot: true,
      uid: user.uid,
      gid: user.gid,
      ...groupsOf(user, machine),
      rlimits: container.rlimits,
      capabilities: dockerSets(capabilities, user.uid),
      lastCap: machine.lastCapability,
      noNewPrivileges: security.noNewPrivileges,
      ...(container.oomScoreAdj !== undefined && { oomScoreAdj: container.oomScoreAdj }),
      filter: filterOf(container, own),
    }),
  ]
  return { steps: plan(fragments), fragments, monitor: streams.monitor }
}

/** Root outside is nobody inside. */
const rootInside: Fragment = { primitive: 'idmap', title: 'Root inside', steps: becomeRoot({ setgroups: true }) }

/**
 * Others are in its pid namespace already, and could look into a process that still holds what is the host's: read its memory, take its descriptors
 * (CVE-2016-9962). Of one that is not dumpable they need CAP_SYS_PTRACE where the shim is at home. The kernel forgets it at the execve.
 *
 * The child is born so, unless its shim has not got that right itself: it has then to take the terminal's master out of it first, and until the
 * privileges go the child has more of them than whoever wants to look.
 */
function hidden(machine: Machine): Fragment {
  const why = 'The child inherits it: no process of the container may look into it, or take what it holds, before it is the program.'
  return hiding(isBornHidden(machine) ? inPhase('clone', 'host', [set_dumpable(false, { why })]) : [])
}

function hiddenLater(machine: Machine): Fragment {
  const why = 'No process of the container may look into it, or take what it holds, before it is the program.'
  return hiding(isBornHidden(machine) ? [] : inPhase('terminal', 'container', [set_dumpable(false, { why })]))
}

const hiding = (steps: readonly Step[]): Fragment => ({ primitive: 'process', title: 'Not to be looked into', steps })

/** Whether the shim may take a descriptor out of such a process: pidfd_getfd(2), ptrace(2). */
function isBornHidden({ idmap, capabilities }: Machine): boolean {
  if (idmap === undefined) return capabilities.includes('sys_ptrace')
  return rootOutside(idmap) !== undefined && availableCapabilities().includes('sys_ptrace')
}

/** Docker's: the container's, and over it what was asked for. */
function environmentOf({ container, env, terminal }: ExecSpec, user: ContainerUser): string[] {
  const removed = new Set(env.filter((variable) => !variable.includes('=')))
  const { terminal: _, ...rest } = container
  const kept = container.env.filter((variable) => !removed.has(variable.slice(0, variable.indexOf('='))))
  const own = env.filter((variable) => variable.includes('='))
  return environment({ ...rest, ...(terminal && { terminal }), env: [...kept, ...own] }, user)
}

/**
 * Let it run. On failure everything is undone before the error is thrown: a StartError in docker's words, or one with status 409 when the container
 * has ended meanwhile.
 */
export async function startExec(options: ExecOptions): Promise<StartedExec> {
  const { spec, pid } = options
  const machine = machineFor(options.machine, spec.container)
  const place = { pid, cgroup: cgroupAt(cgroupPath(spec.container), machine.cgroups) }
  try {
    return await startAt(place, { ...options, machine })
  } catch (error) {
    if (!isCgroupFull(error)) throw error
    return startAt(innerPlace(place), { ...options, machine })
  }
}

/** A cgroup of version 2 that has cgroups below it takes no processes itself (cgroups(7)): then the first process is in one of those. */
function innerPlace({ pid, cgroup }: ExecPlace): ExecPlace {
  const inner = cgroupOf(pid) ?? []
  return { pid, cgroup: cgroup.map((one) => inner.find(({ version, name }) => version === one.version && name === one.name) ?? one) }
}

async function startAt(place: ExecPlace, options: ExecOptions): Promise<StartedExec> {
  const shim = await options.newShim()
  try {
    return { shim, ...(await run(shim, place, options)) }
  } catch (error) {
    await shim.rollback()
    throw error
  }
}

/** A process that is there, and not only what is left of it until its parent has asked how it ended. */
function isLiving(pid: number): boolean {
  const state = readStatus(pid)?.state
  return state !== undefined && !['Z', 'X'].includes(state[0] as string)
}

async function run(shim: Shim, place: ExecPlace, { spec, machine, monitor, monitored }: ExecOptions) {
  const { container } = spec
  const make = async (steps: readonly Step[]): Promise<Result[]> => {
    // A shim whose child was killed with the container before it was the program ends without an answer.
    const results = await shim.attempt(steps).catch((cause) => {
      throw isLiving(place.pid) ? cause : notRunning(container.id, cause)
    })
    const error = execError(results, spec)
    if (error) throw error
    return results
  }
  const wanted = spec.user || container.user
  let user = likelyUser(wanted)
  const assembled = assembleExec(spec, user, machine, place)
  const [before, after] = meetBefore('name', assembled.steps)
  let rest = after
  const answering = make(before)
  // What the shim opens for this is opened behind the clone, so that no descriptor of a directory of the host's is ever inside.
  const watched = shim.monitor({ ...assembled.monitor, ...monitor })
  watched.catch(() => undefined)
  const answers = await answering
  await watched
    .then(() => monitored?.())
    .catch(async (error) => {
      // With the process that was to become the program its shim has gone, and the socket with it.
      await make([getppid({ actor: 'container' })]).catch((cause) => {
        throw notRunning(container.id, cause)
      })
      throw error
    })
  const whole = readInPart(answers) ? await make(lookUpUsers(container, LARGEST).steps) : answers
  const found = userFrom(whole, wanted, container.groups)
  if (!sameUser(found, user)) {
    user = found
    rest = meetBefore('name', assembleExec(spec, user, machine, place).steps)[1]
  }
  await make(rest)
  return { pid: shim.childPid as number, user }
}
