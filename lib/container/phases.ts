/** The order in which a container is made: the heart of the project. docs/ORDER.md argues each edge and compares other runtimes. */
import type { Actor, Phase } from '../kernel/step.js'

export interface PhaseEntry {
  readonly name: Phase
  /** Who makes its calls; the first is meant when a step says nothing. */
  readonly actors: readonly Actor[]
  readonly what: string
  /** Why it stands after the phase before it and before the next one. */
  readonly why: string
}

export const PHASES: readonly PhaseEntry[] = [
  {
    name: 'prepare',
    actors: ['host'],
    what: 'cgroup directories and limits, layer directories, descriptors of what will be needed inside',
    why: 'everything that needs the host’s names and the host’s rights comes first, while nothing has been made that would have to be killed',
  },
  {
    name: 'clone',
    actors: ['host'],
    what: 'clone3 with all new namespaces; on cgroup v2 straight into its cgroup',
    why: 'one call, and the process is born inside: a pid namespace cannot be entered by a process that lives already',
  },
  {
    name: 'admit',
    actors: ['host'],
    what: 'setgroups, gid_map and uid_map of the child',
    why: 'a map of more than one’s own id can be written only from the parent user namespace, and until it is, the child is nobody',
  },
  {
    name: 'become',
    actors: ['container'],
    what: 'enter joined namespaces, take the ids 0',
    why: 'after the maps, which say what 0 is; before any mount, because mounts and the files in them belong to whoever makes them',
  },
  {
    name: 'confine',
    actors: ['container'],
    what: 'on cgroup v1, join each cgroup by writing 0 to its tasks file; then unshare the cgroup namespace',
    why: 'joining oneself is some twenty times cheaper than being moved; and the cgroup namespace makes a root of where the process is now, so it must be there',
  },
  {
    name: 'network',
    actors: ['container', 'host'],
    what: 'loopback, the veth pair, addresses and routes',
    why: 'needs CAP_NET_ADMIN, which goes with the privileges; and before the mounts, because a sysfs shows the network of its mounter',
  },
  {
    name: 'mounts',
    actors: ['container'],
    what: 'propagation private, root filesystem, proc, sys, dev, volumes, hosts and resolv.conf',
    why: 'sources are paths of the host, so before the old root goes; and in a user namespace proc can be mounted only while an unmasked one is in view',
  },
  {
    name: 'root',
    actors: ['container'],
    what: 'pivot_root, and the old root unmounted',
    why: 'after the last path of the host was used; from here on the host’s tree is gone',
  },
  {
    name: 'name',
    actors: ['container'],
    what: 'hostname, domain name, sysctls',
    why: 'needs CAP_SYS_ADMIN, and for sysctls the container’s own proc; before the masks, one of which makes /proc/sys read-only',
  },
  {
    name: 'mask',
    actors: ['container'],
    what: 'masked and read-only paths, read-only root',
    why: 'on final paths, which no link of the image can lead out of any more; a read-only root or /proc/sys earlier would refuse mount points and sysctls',
  },
  {
    name: 'terminal',
    actors: ['container', 'host'],
    what: 'setsid, the terminal, whose master the host takes over, stdin, stdout and stderr',
    why: 'the terminal must be one of the container’s own devpts, which is in place now; before the filter and the user change, which may forbid it',
  },
  {
    name: 'filter',
    actors: ['container'],
    what: 'the seccomp filter, when no_new_privs is not set',
    why: 'without no_new_privs installing a filter needs CAP_SYS_ADMIN, so before that is dropped',
  },
  {
    name: 'privileges',
    actors: ['container'],
    what: 'rlimits, bounding set, keepcaps, groups, group, user, capabilities, ambient set, no_new_privs',
    why: 'whatever needed a privilege is done; dropping the bounding set needs CAP_SETPCAP and changing groups CAP_SETGID, so they come before capset',
  },
  {
    name: 'exec',
    actors: ['container'],
    what: 'working directory, close what is open, the seccomp filter when no_new_privs is set, execve',
    why: 'the working directory is entered with the final user’s rights; a filter this late need not allow what came before; nothing can follow execve',
  },
]

/** The entry of a phase. */
export const PHASE = Object.fromEntries(PHASES.map((entry) => [entry.name, entry])) as Readonly<Record<Phase, PhaseEntry>>

/** Where a call may stand: for each phase, which side may make it. Absent: `why` says what is wrong elsewhere. */
export interface Place {
  readonly phases: readonly Phase[]
  readonly actors?: readonly Actor[]
  readonly why: string
}

const MOUNTING: Place = {
  phases: ['mounts', 'mask', 'terminal'],
  actors: ['container'],
  why: 'mounts are made in the container’s own mount namespace: before `mounts` the process is not confined yet, in `root` the old tree is on its way out, and later it has lost the right',
}
const NAMING: Place = {
  phases: ['name'],
  actors: ['container'],
  why: 'the host’s side would rename the host, and after `privileges` the right to rename is gone',
}
const IDS: Place = {
  phases: ['become', 'privileges'],
  actors: ['container'],
  why: 'ids are taken when the maps are written (`become`) and given up when nothing needs a privilege any more (`privileges`); between the two a change of user would lose the capabilities that the phases there need',
}
const LAST_RIGHTS: Place = {
  phases: ['privileges'],
  actors: ['container'],
  why: 'what it takes away is needed by every phase before `privileges`',
}
const EXEC: Place = {
  phases: ['exec'],
  actors: ['container'],
  why: 'the program replaces the process that runs the steps, so nothing can come after it',
}

/**
 * Calls whose place in the order matters, by name (prctl, ioctl and seccomp with their operation). A call that is not here works on
 * files or descriptors and may stand in any phase.
 */
export const PLACES: Readonly<Record<string, Place>> = {
  clone3: {
    phases: ['clone'],
    actors: ['host'],
    why: 'there is one container process, and only the host’s side can make it',
  },
  setns: {
    phases: ['clone', 'become', 'confine', 'network', 'mounts'],
    why: 'the host’s side enters what its child is to inherit right before the clone, the container’s side enters the rest while its paths and rights are whole',
  },
  unshare: {
    phases: ['clone', 'become', 'confine', 'network', 'mounts'],
    why: 'new namespaces come with the clone, or right after it, while the process has the right to make them',
  },
  mount: MOUNTING,
  move_mount: MOUNTING,
  fsmount: {
    phases: ['clone', ...MOUNTING.phases],
    why: 'what it makes hangs nowhere yet: the host’s side may make what its child has no right to right before the clone, everything else is made where it is hung up',
  },
  mount_setattr: MOUNTING,
  umount2: {
    phases: ['mounts', 'root', 'mask', 'terminal'],
    actors: ['container'],
    why: 'the host’s side would unmount on the host, and after `privileges` the right is gone',
  },
  pivot_root: {
    phases: ['root'],
    actors: ['container'],
    why: 'before it every mount must be in place, after it no path leads to the host',
  },
  chroot: {
    phases: ['root'],
    actors: ['container'],
    why: 'it changes what every later path means',
  },
  netlink: {
    phases: ['prepare', 'admit', 'network'],
    why: 'interfaces are made when the container’s network namespace is there and the process has CAP_NET_ADMIN still',
  },
  sethostname: NAMING,
  setdomainname: NAMING,
  setsid: {
    phases: ['terminal'],
    actors: ['container'],
    why: 'a session of its own is what the terminal is then given to',
  },
  pidfd_getfd: {
    phases: ['terminal'],
    actors: ['host'],
    why: 'the terminal’s master must be open in the container, and must reach the monitor before the execve closes it there',
  },
  'ioctl tiocsctty': {
    phases: ['terminal'],
    actors: ['container'],
    why: 'only the leader of a session without a terminal can take one, so after setsid',
  },
  setresuid: IDS,
  setresgid: IDS,
  setgroups: IDS,
  capset: LAST_RIGHTS,
  'prctl capbset_drop': LAST_RIGHTS,
  'prctl set_keepcaps': LAST_RIGHTS,
  'prctl set_securebits': LAST_RIGHTS,
  'prctl cap_ambient': LAST_RIGHTS,
  'prctl set_no_new_privs': {
    phases: ['privileges'],
    actors: ['container'],
    why: 'it is last among the privileges, so that the choice between the phases `filter` and `exec` for seccomp stays the plan’s',
  },
  'prctl set_pdeathsig': {
    phases: ['privileges', 'exec'],
    actors: ['container'],
    why: 'every change of ids clears it',
  },
  'seccomp set_mode_filter': {
    phases: ['filter', 'exec'],
    actors: ['container'],
    why: 'earlier it would forbid steps that are still to come, and between the two it would need a right that is being dropped',
  },
  prlimit64: {
    phases: ['privileges'],
    actors: ['container'],
    why: 'a limit on processes or files would hit the steps before it, and raising one needs CAP_SYS_RESOURCE, which is dropped next',
  },
  close_range: {
    phases: ['exec'],
    actors: ['container'],
    why: 'earlier it would close descriptors that later steps use',
  },
  execve: EXEC,
  execveat: EXEC,
}
