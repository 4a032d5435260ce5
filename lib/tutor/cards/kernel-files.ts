/** Files that are commands: what is written to them, and what the kernel's refusals mean. user_namespaces(7), cgroups(7), proc(5). */
import { type ErrorNotes, prose } from './card.js'

export interface FileNote {
  /** What the file is for. */
  readonly summary: string
  /** What it takes, as one would type it. */
  readonly format: string
  readonly errors: ErrorNotes
}

interface Entry extends FileNote {
  readonly path: RegExp
}

const MAP_ERRORS: ErrorNotes = {
  EPERM: prose`
    it was written once already; or the writer lacks CAP_SETUID (CAP_SETGID) in the parent user namespace and asked for more
    than one line that maps its own id; or for gid_map “deny” must stand in setgroups first; or (since 5.12) mapping the
    parent’s 0 takes CAP_SETFCAP`,
  EINVAL: 'a line is not three numbers, ranges overlap, a length is 0, there are more than 340 lines, or it was not one single write',
  EBADF: 'the descriptor is not open for writing',
}

const JOIN_ERRORS: ErrorNotes = {
  ESRCH: 'no such process in this pid namespace (0 means the writer itself)',
  EBUSY: 'this cgroup hands controllers to its children (cgroup.subtree_control), so no process may be in it: v2’s “no internal processes”',
  EACCES: 'the writer may not write cgroup.procs here, or not that of the nearest cgroup common to where the process is and where it goes',
  EPERM: 'the process belongs to somebody else',
  ENOENT: 'the cgroup or the process’s own lies outside the writer’s cgroup namespace',
  ENOSPC: 'cpuset: this cgroup has no cpus or memory nodes yet; write cpuset.cpus and cpuset.mems first',
  EOPNOTSUPP: 'the cgroup is “domain invalid”: it has a threaded relative',
  EINVAL: 'not a number, or the process cannot be moved (a kernel thread, or a real-time one without a share of real time here)',
  ENODEV: 'the cgroup was removed meanwhile',
  EAGAIN: 'pids: the cgroup has reached its limit',
}

const LIMIT_ERRORS: ErrorNotes = {
  EINVAL: 'not a number that this limit takes, or more than a cgroup above allows',
  ERANGE: 'a number outside the range of this file',
  EBUSY: 'more is in use already and cannot be taken back',
  EACCES: 'the file belongs to somebody else: this cgroup was not delegated',
  ENODEV: 'the cgroup was removed meanwhile, or no such device',
}

const MEMORY =
  'the most memory that the processes of the cgroup may use together; what is more is reclaimed, and if it cannot be, one is killed'

const FILES: readonly Entry[] = [
  {
    path: /\/uid_map$/,
    summary: 'which user ids the user namespace of this process has, and which ids of the parent namespace they are',
    format: 'lines of “first id inside, first id outside, how many”: 0 100000 65536',
    errors: MAP_ERRORS,
  },
  {
    path: /\/gid_map$/,
    summary: 'the same for group ids',
    format: 'lines of “first id inside, first id outside, how many”: 0 100000 65536',
    errors: MAP_ERRORS,
  },
  {
    path: /\/proc\/[^/]+\/setgroups$/,
    summary: 'may processes of this user namespace call setgroups?',
    format: 'deny (for ever) or allow; an ordinary user must write deny before gid_map, since leaving a group can give rights',
    errors: { EPERM: 'gid_map is written already, or it was denied before', EINVAL: 'only “allow” and “deny” are words here' },
  },
  {
    path: /\/(cgroup\.procs|tasks|cgroup\.threads)$/,
    summary: 'the processes (tasks: threads) of this cgroup; writing a pid moves it here',
    format: 'one pid a write; 0 is the writer itself',
    errors: JOIN_ERRORS,
  },
  {
    path: /\/cgroup\.subtree_control$/,
    summary: 'which controllers the children of this cgroup get (v2)',
    format: '+memory +pids to hand them down, -memory to take them back',
    errors: {
      EBUSY: 'processes live in this very cgroup (v2 allows members or handed-down controllers, not both), or a child still hands one on',
      ENOENT: 'this cgroup does not have that controller itself: its parent must hand it down first (see cgroup.controllers)',
      EINVAL: 'no controller of that name, or no + or - before it',
      EOPNOTSUPP: 'in a threaded cgroup only threaded controllers can be handed down',
      EACCES: 'the file belongs to somebody else: this cgroup was not delegated',
    },
  },
  { path: /\/memory\.(max|limit_in_bytes)$/, summary: MEMORY, format: 'bytes; “max” (v2) or -1 (v1) is no limit', errors: LIMIT_ERRORS },
  {
    path: /\/memory\.swap\.max$/,
    summary: 'the most swap space of the cgroup, besides its memory (v2)',
    format: 'bytes; “max” is no limit',
    errors: LIMIT_ERRORS,
  },
  {
    path: /\/memory\.memsw\.limit_in_bytes$/,
    summary: 'the most memory and swap together (v1)',
    format: 'bytes, not less than memory.limit_in_bytes; -1 is no limit',
    errors: { ...LIMIT_ERRORS, EINVAL: 'less than memory.limit_in_bytes: raise this one first, lower that one first' },
  },
  {
    path: /\/pids\.max$/,
    summary: 'how many processes and threads the cgroup may have; one more and the clone answers EAGAIN',
    format: 'a number or max',
    errors: LIMIT_ERRORS,
  },
  {
    path: /\/cpu\.max$/,
    summary: 'processor time in each period (v2)',
    format: 'quota and period in microseconds, “50000 100000” is half a processor; “max” is no limit',
    errors: { ...LIMIT_ERRORS, EINVAL: 'a quota or period below 1000 microseconds, or a period above one second' },
  },
  {
    path: /\/cpu\.cfs_(quota|period)_us$/,
    summary: 'processor time (quota) in each period (v1)',
    format: 'microseconds; a quota of -1 is no limit',
    errors: { ...LIMIT_ERRORS, EINVAL: 'below 1000 microseconds, a period above one second, or a larger share than the cgroup above has' },
  },
  {
    path: /\/cpu\.(weight|shares)$/,
    summary: 'the share of processor time when there is not enough for all',
    format: 'weight: 1 to 10000, usually 100 (v2); shares: from 2, usually 1024 (v1)',
    errors: LIMIT_ERRORS,
  },
  {
    path: /\/cpuset\.(cpus|mems)$/,
    summary: 'which processors (memory nodes) the processes of the cgroup may use',
    format: 'a list: 0-3,7',
    errors: {
      EINVAL: 'not a list, or there is no such processor',
      EACCES: 'not a part of what the cgroup above has (v1), or the file belongs to somebody else',
      EBUSY: 'a cgroup below uses what would be taken away',
      ENOSPC: 'the list would be empty while processes are in the cgroup',
    },
  },
  {
    path: /\/(io|blkio)\.[\w.]+$/,
    summary: 'the share or the speed of block devices',
    format: 'io.max: “8:0 rbps=1048576 wiops=100”; blkio.throttle.*: “8:0 1048576”; weights: a number',
    errors: { ...LIMIT_ERRORS, ENODEV: 'no block device of that number (a partition does not count: name the whole disk)' },
  },
  {
    path: /\/(freezer\.state|cgroup\.freeze)$/,
    summary: 'stop all processes of the cgroup where they are, and let them go on',
    format: 'freezer.state: FROZEN, THAWED (v1); cgroup.freeze: 1, 0 (v2)',
    errors: { EINVAL: 'not one of the words that it takes', ERANGE: 'only 0 and 1 are taken' },
  },
  {
    path: /\/cgroup\.kill$/,
    summary: 'kill every process of the cgroup and of those below it at once (v2, Linux 5.14)',
    format: '1',
    errors: { ERANGE: 'only 1 is taken', EOPNOTSUPP: 'a threaded cgroup cannot be killed' },
  },
  {
    path: /\/devices\.(allow|deny)$/,
    summary: 'which device nodes may be opened and made (v1)',
    format: 'a (all), or type, number and access: “c 1:3 rwm”, “b 8:* r”',
    errors: {
      EPERM: 'the cgroup above does not allow it itself, or the writer lacks CAP_SYS_ADMIN',
      EINVAL: 'not a rule, or “a” in a cgroup that has others below it',
    },
  },
  {
    path: /\/oom_score_adj$/,
    summary: 'how likely the process is chosen when memory runs out',
    format: '-1000 (never) to 1000 (first)',
    errors: { EACCES: 'lowering it takes CAP_SYS_RESOURCE', EINVAL: 'outside -1000 … 1000' },
  },
  {
    path: /^\/proc\/sys\/net\/ipv4\/ip_forward$/,
    summary:
      'does this network namespace pass packets on that are for others? Every namespace has a switch of its own, which begins as that of the machine’s first',
    format: '1 or 0',
    errors: {
      EROFS: 'the setting is shown read-only here, as in most containers',
      EACCES: 'only root of the user namespace that owns this network namespace may set it',
      EINVAL: 'not a number',
    },
  },
  {
    path: /^\/proc\/sys\//,
    summary: 'a setting of the kernel (sysctl); some belong to a namespace, others to the whole machine',
    format: 'what sysctl NAME=VALUE would write',
    errors: {
      EROFS: 'the setting is shown read-only here, as in most containers',
      EACCES: 'this setting belongs to another user namespace, or to the whole machine',
      EPERM: 'takes a capability that this process does not have',
      EINVAL: 'a value that the setting does not take',
    },
  },
]

/** The note on one of the kernel's files by its path, in which references may stand as `$name`; undefined for ordinary files. */
export function fileNote(path: string): FileNote | undefined {
  const plain = path.replace(/['"]/g, '')
  return FILES.find((file) => file.path.test(plain))
}
