/** The exercises of lesson 1. What each asks for stands with its hints; checks.ts looks in the kernel for exactly that. */
import type { Exercise } from '../../lib/tutor/lesson.js'
import { checkEnter, checkFakeRoot, checkHostname, checkOwnProcesses } from './checks.js'

export const exercises: readonly Exercise[] = [
  {
    id: 'hostname',
    title: 'A host name of its own',
    goal:
      'Make a process whose host name is `name`. The bottle keeps the host name that it has. The process must still be there when your ' +
      'last step is done; what it executes, if anything, is up to you.',
    challenge: (random) => ({ name: random.name() }),
    check: checkHostname,
    hints: [
      'Until `clone` every step is made by the shim; from then on by the child. `clone(…)` takes the kinds of namespaces in which the child shall be born.',
      'If the bottle was renamed: in which uts namespace was the process that called `sethostname`?',
      'If the process has a uts namespace of its own, it began as a copy. Who sets the name in it, and when?',
      'Two calls are enough: `clone` with the one word for the kind of namespace that holds the host name, then `sethostname(name)`, which the child makes.',
    ],
  },
  {
    id: 'ownProcesses',
    title: 'Alone in /proc',
    goal:
      'Run `/bin/sleep` with the argument `seconds` as process 1 of a new pid namespace. In its `/proc` there is this process and no other. The mounts of ' +
      'the bottle are shared, as on most machines, and must be afterwards what they were before.',
    challenge: (random) => ({ seconds: random.integer(1000, 9999) }),
    check: checkOwnProcesses,
    hints: [
      'Three things are asked for: the numbers (a pid namespace), the mount that shows them, and a mount table in which it can be mounted without anybody noticing.',
      'If a mount has reached the bottle: a new mount namespace is a copy, and the copy of a shared mount is in a group with its original. Who has to leave the group?',
      'If the process sees others: a mount of the type `proc` shows the pid namespace of the process that mounts it. Who has mounted the one that it looks at?',
      'In this order: `clone` with two kinds; `mount` that makes `/` and all below it private; `mount` of a proc on `/proc`; ' +
        '`execve` of sleep, whose second argument is the whole command line, `sleep` included.',
    ],
  },
  {
    id: 'fakeRoot',
    title: 'Root that is not root',
    goal:
      'Make a process that is user 0 and group 0 in a user namespace of its own, and user and group `outside` in the bottle. The file `/tmp/` + `file` ' +
      'shall be made by it, and so belong to user `outside` when the bottle looks at it.',
    needs: ['user-namespaces', 'several-ids'],
    challenge: (random) => ({ outside: random.integer(1000, 30_000), file: random.name() }),
    check: checkFakeRoot,
    hints: [
      'Who may write the map? Not the child: to it, the ids outside do not exist. `host(…)` makes a step the shim’s. The path of the map has the ' +
        'child’s pid in it, which nobody knows in advance; the tag `text` puts it there (an example stands at the top of your file).',
      'A line of a map is: first id inside, first id outside, how many. There is one map for users, `uid_map`, and one for groups, `gid_map`.',
      'A map names the ids. It does not change those that the process has: it was born with the ids of the shim, which have no number inside.',
      'A file belongs to whoever its maker is at that moment. So the maker must be the child, and it must have become user 0 before.',
      'The shim: `open` a map with `wronly` and `keep`, `write(ref(…), …)`, `close`; and the other map likewise. The child: `setresgid(0)`, `setresuid(0)`, ' +
        '`open` of the file with `creat` and `wronly`.',
    ],
  },
  {
    id: 'enter',
    title: 'In by the door',
    goal:
      'A container runs already. Its namespaces are mounted on the files `uts`, `ipc`, `net` and `pid` in the directory `place`. Make a process that is in ' +
      'all four of them, and still there when your last step is done.',
    challenge: (random) => ({ place: `/run/${random.name()}` }),
    check: checkEnter,
    hints: [
      '`open` one of the files with `rdonly` and `keep: "uts"`; then `setns(ref("uts"), ["uts"])` enters what is behind it. Whoever makes the call enters.',
      'One of the four is different: `setns` of a pid namespace moves nobody. Whose children are born in it, and from when on?',
      'The host side enters the pid namespace with `host(setns(…))` before `clone()`. The other three can be entered before or after, by whoever becomes the process.',
    ],
  },
]
