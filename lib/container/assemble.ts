/**
 * A container's whole plan out of its spec: each lesson's primitive contributes its fragment, and what the layers above know (the
 * network's cable, where the image lies) comes in as one.
 */
import { close, open, write } from '../kernel/calls/files.js'
import { join_session_keyring, setdomainname, sethostname } from '../kernel/calls/process.js'
import { DrydockError } from '../kernel/errors.js'
import type { MonitorSettings } from '../kernel/monitor.js'
import { toOutside } from '../kernel/proc/idmap.js'
import { remembered } from '../kernel/remembered.js'
import { type Fragment, inPhase, ref, type Step } from '../kernel/step.js'
import { dockerSets, resolveCapabilities } from '../primitives/capabilities.js'
import { type CgroupSpec, cgroups, DEFAULT_DEVICES } from '../primitives/cgroups/index.js'
import { idmap } from '../primitives/idmap.js'
import { namespaces, type Way } from '../primitives/namespaces.js'
import { rootOutside } from '../primitives/own-ids.js'
import { type ContainerUser, DEFAULT_PATH, process as programOf } from '../primitives/process.js'
import { DEFAULT_DEVICE_NODES, type RootfsSpec, rootfs } from '../primitives/rootfs/index.js'
import { seccomp } from '../primitives/seccomp/index.js'
import { type StdioOwner, stdio } from '../primitives/stdio.js'
import type { Layout } from './layout.js'
import { hostDevices, type Machine } from './machine.js'
import { type PlannedStep, plan } from './plan.js'
import { type ContainerSpec, cgroupPath, type NetworkMode, shortId } from './spec.js'
import { lookUpUsers } from './users.js'

/** Where the in-container init is: in /dev, which is no part of the image, on a mount that cannot be written (CVE-2019-5736). */
const INIT_PATH = '/dev/init'

/** /proc/sys/kernel/overflowuid. */
const OVERFLOW_ID = 65534

export interface Surroundings {
  readonly machine: Machine
  readonly layout: Layout
  /** The shim's own program, which is the in-container init too. */
  readonly initProgram: string
  /** Directories and names on disk, generated files, the network's cable. */
  readonly fragments: readonly Fragment[]
  /** Files of the host laid over the image's: hosts, hostname, resolv.conf. */
  readonly files: RootfsSpec['files']
}

export interface Assembled {
  readonly steps: readonly PlannedStep[]
  /** In the order in which a reader meets them. */
  readonly fragments: readonly Fragment[]
  readonly monitor: Pick<MonitorSettings, 'tty' | 'stdin' | 'stdout' | 'stderr' | 'oomPath'>
  readonly warnings: readonly string[]
}

export function assemble(spec: ContainerSpec, user: ContainerUser, surroundings: Surroundings): Assembled {
  const { machine, fragments } = surroundings
  const { security } = spec
  const { capabilities, warnings } = resolveCapabilities({
    add: security.capAdd,
    drop: security.capDrop,
    privileged: security.privileged,
    available: machine.capabilities,
    last: machine.lastCapability,
  })
  const confined = cgroups(cgroupSpec(spec, machine), machine.cgroups)
  const owner = ownerOf(user, machine)
  const streams = stdio(spec.terminal ? { kind: 'terminal', ...spec.terminal, ...owner } : { kind: 'pipes', stdin: spec.stdin, ...owner })
  const filter = filterOf(spec, capabilities)
  const all: Fragment[] = [
    ...fragments,
    confined,
    namespaces({ ...ways(spec, machine), ...confined.clone }),
    ...(machine.idmap ? [idmap(machine.idmap)] : []),
    rootfs({
      ...rootSpec(spec, surroundings),
      cgroup: { hierarchies: confined.cgroup, writable: security.privileged, namespace: spec.sharing?.cgroup !== 'host' },
    }),
    lookUpUsers(spec),
    naming(spec),
    keyring(spec),
    streams,
    programOf({
      argv: spec.init ? [INIT_PATH, '--init', '--', ...spec.argv] : spec.argv,
      env: environment(spec, user),
      cwd: spec.cwd,
      cwdAsRoot: true,
      uid: user.uid,
      gid: user.gid,
      ...groupsOf(user, machine),
      rlimits: spec.rlimits,
      capabilities: dockerSets(capabilities, user.uid),
      lastCap: machine.lastCapability,
      noNewPrivileges: security.noNewPrivileges,
      ...(spec.oomScoreAdj !== undefined && { oomScoreAdj: spec.oomScoreAdj }),
      filter,
    }),
  ]
  return {
    steps: plan(all),
    fragments: all,
    monitor: { ...streams.monitor, ...(confined.oomPath && { oomPath: confined.oomPath }) },
    warnings: [...warnings, ...confined.warnings],
  }
}

/** Device rules keep root from nodes that it makes itself; in a user namespace it cannot make any. */
function cgroupSpec(spec: ContainerSpec, { idmap }: Machine): CgroupSpec {
  const { limits, security } = spec
  return { path: cgroupPath(spec), ...limits, devices: limits.devices ?? (security.privileged || idmap ? 'all' : DEFAULT_DEVICES) }
}

/** Everything of its own, but for what was asked to be the host's or another container's. */
function ways(
  { network, sharing = {} }: ContainerSpec,
  machine: Machine,
): Partial<Record<'mnt' | 'pid' | 'uts' | 'ipc' | 'net' | 'cgroup' | 'user', Way>> & { unprivileged?: boolean; sysfs?: string } {
  const net: Way = network.kind === 'host' ? 'host' : network.kind === 'container' ? { join: network.pid } : 'new'
  const { pid = 'new', ipc = 'new' } = sharing
  return {
    mnt: 'new',
    pid: typeof pid === 'object' ? { join: pid.pid } : pid,
    uts: sharing.uts ?? 'new',
    ipc: typeof ipc === 'object' ? { join: ipc.pid } : ipc,
    cgroup: sharing.cgroup ?? 'new',
    net,
    ...(machine.idmap && { user: 'new' as const, unprivileged: true }),
    ...sysfsFor(network, machine),
  }
}

/** Of a network that is joined, where the container's user namespace is not the one that it belongs to. */
const sysfsFor = ({ kind }: NetworkMode, { idmap }: Machine): { sysfs?: string } =>
  kind === 'container' && rootOutside(idmap) ? { sysfs: 'sysfs' } : {}

function rootSpec(spec: ContainerSpec, { machine, layout, initProgram, files }: Surroundings): RootfsSpec {
  const { security } = spec
  const open = security.privileged || security.unmasked
  const init = { kind: 'bind', source: initProgram, sourceKind: 'file', target: INIT_PATH, readOnly: true } as const
  return {
    root: {
      kind: 'overlay',
      lower: spec.image.layers,
      upper: layout.upper,
      work: layout.work,
      target: layout.merged,
      ...((machine.idmap || machine.userxattr) && { userxattr: true }),
    },
    readOnly: spec.readOnlyRoot,
    ...(spec.cwd !== '/' && { workingDirectory: spec.cwd }),
    mounts: spec.init ? [...spec.mounts, init] : spec.mounts,
    ...(files && { files }),
    ...(rootOutside(machine.idmap) && { closed: true }),
    maskedPaths: open ? [] : machine.masked,
    readOnlyPaths: open ? [] : machine.readOnly,
    ...(spec.shmSize !== undefined && { shmSize: spec.shmSize }),
    ...devicesOf(spec),
    ...(security.privileged && { sysWritable: true }),
    ...(spec.sharing?.ipc && { sharedIpc: spec.sharing.ipc === 'host' || { pid: spec.sharing.ipc.pid } }),
    ...(spec.ownIpc === 'none' && { noShm: true }),
    ...(spec.sharing?.pid && { sharedPid: true }),
    ...(spec.network.kind === 'host' && { sharedNet: true }),
    ...sysfsFor(spec.network, machine),
    ...(machine.idmap && { rootless: true }),
  }
}

/** Of a privileged one all that the host has. A node that was asked for takes the place of one of the same name. */
function devicesOf({ security, devices = [] }: ContainerSpec): Pick<RootfsSpec, 'devices'> {
  if (!security.privileged && devices.length === 0) return {}
  const asked = new Set(devices.map(({ path }) => path))
  const usual = security.privileged ? hostDevices() : DEFAULT_DEVICE_NODES
  return { devices: [...usual.filter(({ path }) => !asked.has(path)), ...devices] }
}

function naming({ hostname, domainname, network, sharing = {}, sysctls = {} }: ContainerSpec): Fragment {
  const named: Step[] = [
    sethostname(hostname, {
      why:
        network.kind === 'host'
          ? 'The host’s name in a uts namespace of its own: renaming it inside renames nothing outside.'
          : 'The name that the prompt shows; without --hostname it is the beginning of the id.',
    }),
    ...(domainname === '' ? [] : [setdomainname(domainname, { why: 'The NIS domain name, which few programs look at.' })]),
  ]
  const asked = Object.entries(sysctls).flatMap(([name, value]) =>
    sysctl(name.replaceAll('.', '/'), value, 'A setting that was asked for.', true),
  )
  const steps = [
    ...inPhase('name', 'container', sharing.uts ? [] : named),
    ...(ownNetwork(network) ? networkSysctls(NETWORK_SYSCTLS).steps : []),
    ...inPhase('name', 'container', asked),
  ]
  return { primitive: 'name', title: `Host name: ${hostname}`, steps }
}

const ownNetwork = ({ kind }: NetworkMode): boolean => kind === 'none' || kind === 'networks'

/** What Docker sets in a network namespace that is the container's own: its ports below 1024 and its echo requests are everybody's in it. */
const NETWORK_SYSCTLS: readonly (readonly [name: string, value: string, why: string])[] = [
  ['net/ipv4/ip_unprivileged_port_start', '0', 'The low ports are this container’s own; no privilege need guard them.'],
  ['net/ipv4/ping_group_range', '0 2147483647', 'Everybody inside may ping without CAP_NET_RAW.'],
]

const networkSysctls = remembered((settings: typeof NETWORK_SYSCTLS): Fragment => {
  const steps = settings.flatMap(([name, value, why]) => sysctl(name, value, why))
  return { primitive: 'name', title: 'Settings of a network', steps: inPhase('name', 'container', steps) }
})

/**
 * One setting of the kernel, for the namespaces of the process that writes it. EINVAL: a group that is not mapped; ENOENT: not in this kernel. Who asks for
 * one `must` have it, or hear why not.
 */
function sysctl(name: string, value: string, why: string, must = false): Step[] {
  const file = ref('sysctl')
  if (must) return [open(`/proc/sys/${name}`, ['wronly'], { keep: file.ref, why }), write(file, value), close(file)]
  return [
    open(`/proc/sys/${name}`, ['wronly'], { keep: file.ref, allow: ['ENOENT', 'EACCES'], why }),
    write(file, value, { allow: ['EINVAL', 'EBADSLT', 'EBADF'] }),
    close(file, { allow: ['EBADSLT', 'EBADF'] }),
  ]
}

/** Without one of its own a process has the session keyring of whoever started it, with the keys in it. keyrings(7). */
export function keyring({ id }: ContainerSpec): Fragment {
  const join = join_session_keyring(`_ses.${id}`, {
    allow: ['ENOSYS', 'EDQUOT'],
    why: 'A session keyring of its own, so that the keys of whoever started the container stay with him.',
  })
  return { primitive: 'keyring', title: 'Session keyring', steps: inPhase('name', 'container', [join]) }
}

export function filterOf({ security }: ContainerSpec, capabilities: ReturnType<typeof resolveCapabilities>['capabilities']): Fragment {
  const profile = security.privileged && security.seccomp === 'default' ? 'unconfined' : security.seccomp
  return seccomp({ profile, capabilities, noNewPrivileges: security.noNewPrivileges })
}

/** In a user namespace with one id there is no group to be in, and setgroups is forbidden (user_namespaces(7)). */
export const groupsOf = (user: ContainerUser, machine: Machine) => (machine.idmap?.method === 'single' ? {} : { groups: user.groups })

/** Docker's: PATH, HOSTNAME and TERM first, then what was asked for, and HOME where nobody has set it. */
export function environment({ env, hostname, terminal }: ContainerSpec, user: ContainerUser): string[] {
  const has = (name: string) => env.some((variable) => variable.startsWith(`${name}=`))
  return [
    ...(has('PATH') ? [] : [`PATH=${DEFAULT_PATH}`]),
    ...(has('HOSTNAME') ? [] : [`HOSTNAME=${hostname}`]),
    ...(terminal && !has('TERM') ? ['TERM=xterm'] : []),
    ...env,
    ...(has('HOME') ? [] : [`HOME=${user.home}`]),
  ]
}

/** What cannot be done here is said before anything is made. */
export function checkPossible(spec: ContainerSpec, machine: Machine): void {
  if (machine.idmap?.problem) throw new DrydockError(`container ${shortId(spec.id)} cannot be made: ${machine.idmap.problem}`)
}

/** Whom the streams are given to: the host's root owns them already when the program's user is that one. */
export function ownerOf({ uid }: ContainerUser, { idmap }: Machine): { owner?: StdioOwner } {
  if (!idmap) return uid === 0 ? {} : { owner: { inside: uid, outside: uid } }
  // Nothing can be given to a user who is not mapped.
  return { owner: { inside: uid, outside: toOutside(idmap.uids, uid) ?? OVERFLOW_ID } }
}
