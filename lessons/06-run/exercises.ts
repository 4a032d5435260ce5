/** The exercises of lesson 6. What each asks for stands with its hints; checks.ts looks in the kernel for exactly that. */
import type { Capability } from '../../lib/index.js'
import { DEFAULT_CAPABILITIES } from '../../lib/primitives/capabilities.js'
import type { Exercise, Random } from '../../lib/tutor/lesson.js'
import { checkOrder, checkRun, checkTerminal } from './checks.js'

/** Some of Docker's, in the order of their numbers. */
function some(random: Random, count: number): Capability[] {
  const picked = new Set<Capability>()
  while (picked.size < count) picked.add(random.pick(DEFAULT_CAPABILITIES))
  return DEFAULT_CAPABILITIES.filter((one) => picked.has(one))
}

/** In a user namespace, and so in every bottle of an ordinary user, device nodes are bound and not made. */
const rootless = () => process.geteuid?.() !== 0

/** The groups of the second exercise: an order that works is known, so each shuffle can be made one that does not. */
export const GROUPS = [
  'clone',
  'private',
  'mounts',
  'root',
  'name',
  'sysctl',
  'mask',
  'bounding',
  'filter',
  'capabilities',
  'execute',
] as const

/** In any order, but with the rights gone before the filter is loaded: so it never works as it is. */
function shuffled(random: Random): string[] {
  const left: string[] = GROUPS.filter((name) => name !== 'filter')
  const order: string[] = []
  while (left.length > 0) order.push(...left.splice(random.integer(0, left.length - 1), 1))
  order.splice(random.integer(order.indexOf('capabilities') + 1, order.length), 0, 'filter')
  return order
}

export const exercises: readonly Exercise[] = [
  {
    id: 'run',
    title: 'Run',
    goal:
      'Make a container and run a program in it, as `drydock run` does: the directory `root` is its root, and nothing of the bottle’s tree is left around it; its host name is ' +
      '`hostname`; it has namespaces of its own (mnt, pid, uts, ipc, net) and is process 1; it has exactly the capabilities `keep`, and a seccomp filter; and it runs `argv`.',
    challenge: (random) => ({
      root: `/srv/${random.name()}`,
      hostname: random.name(),
      keep: some(random, 3),
      argv: ['/bin/sleep', String(random.integer(1000, 9000))],
      rootless: rootless(),
    }),
    check: checkRun,
    hints: [
      'Each primitive gives a fragment, and `plan([...])` makes one list of them. Two of them are in the file that you were given. Which are missing?',
      'The tree is still the bottle’s, or part of it. `rootfs({ root, rootless })` gives the mounts, the way out and the masks.',
      'A host name is one step, `sethostname(hostname)`, in the phase “name”. A fragment of your own is `{ primitive, title, steps: inPhase("name", "container", [...]) }`.',
      'The rights are the program’s: `program({ argv, capabilities: dockerSets(keep, 0), lastCap: lastCapability(), filter })`, and the filter is a fragment that `seccomp` returns.',
      'A namespace of its own is a word: `namespaces({ mnt: "new", pid: "new", uts: "new", ipc: "new", net: "new" })`.',
      'All of them: `plan([namespaces(…), rootfs({ root, rootless }), { primitive: "name", … }, program({ …, filter: seccomp({ profile: "default", capabilities: keep, ' +
        'noNewPrivileges: false }) })])`.',
    ],
  },
  {
    id: 'order',
    title: 'In an order that works',
    goal:
      'The steps are given, in groups that have names; in the order in which they come they do not work. Return all of them in an order that does: a process in the directory `root`, ' +
      'with the host name `hostname` and the lowest free port `port`, `/proc/sys` read-only, no capabilities, a filter, and `sleep` running. The bottle is to be as before.',
    challenge: (random) => ({
      order: shuffled(random),
      root: `/srv/${random.name()}`,
      hostname: random.name(),
      port: random.integer(100, 900),
    }),
    check: checkOrder,
    hints: [
      'Before the child is made it is the shim that makes the calls, in the bottle. What of the list may happen there?',
      'Ask of each group: what does it take away? A path of the host, the right to write below /proc/sys, the right to load a filter, the process itself. Whatever needs that comes before.',
      '`private` stands before the first mount, `mounts` before `root`, `sysctl` before `mask`, and whatever needs a right before `capabilities`.',
      'The filter forbids mounting, and what comes after it must not need that. Loading it takes a capability.',
      'The phases of drydock are one such order: clone, mounts, root, name, mask, filter, privileges, exec.',
    ],
  },
  {
    id: 'terminal',
    title: 'A terminal of its own',
    goal:
      'Run `/bin/sleep` with a controlling terminal of its own, of `rows` lines and `columns` columns: its stdin, stdout and stderr are that terminal, it leads a session, and its group is the one that ' +
      'gets the keys. The terminal is of a new devpts, which the steps that you were given have mounted, and stays when your last step is done.',
    challenge: (random) => ({ rows: random.integer(20, 60), columns: random.integer(61, 160) }),
    check: checkTerminal,
    hints: [
      'A terminal has two ends. `open("/dev/pts/ptmx", ["rdwr", "noctty"], { keep: "master" })` makes one and gives you the outer end; `ioctl_tiocgptpeer` gives the inner one ' +
        'for it, as soon as `ioctl_tiocsptlck(ref("master"), false)` has unlocked it.',
      'stdin, stdout and stderr are descriptors 0, 1 and 2. `dup3(ref("slave"), 0)` makes 0 another name for it.',
      'Only the leader of a session can take a terminal: `setsid()`, then `ioctl_tiocsctty(ref("slave"))`.',
      'The size belongs to the terminal: `ioctl_tiocswinsz(ref("slave"), rows, columns)`.',
      'When the last one who holds the outer end has gone, a terminal hangs up. All descriptors of drydock’s are closed at the execve, so somebody else must hold it: ' +
        '`host(pidfd_getfd(ref("pidfd"), ref("master"), { keep: "kept" }))` brings it to the shim.',
      'The row: open ptmx; `ioctl_tiocsptlck(master, false)`; `ioctl_tiocgptpeer(master, { keep: "slave" })`; the size; setsid; TIOCSCTTY; three dup3; pidfd_getfd by the host; execve.',
    ],
  },
]
