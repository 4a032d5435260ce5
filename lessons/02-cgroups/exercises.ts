/** The exercises of lesson 2. What each asks for stands with its hints; checks.ts looks in the kernel for exactly that. */
import type { Exercise, Random } from '../../lib/tutor/lesson.js'
import { checkFewProcesses, checkSlow, checkSmallMemory, checkStop } from './checks.js'
import { treeHere } from './groups.js'

const PAGE = 4096

/** The tree and the version, as every challenge of this lesson names them. */
const place = (controller: 'memory' | 'pids' | 'cpu' | 'freezer') => {
  const { version, path } = treeHere(controller)
  return { version, tree: path }
}

export const exercises: readonly Exercise[] = [
  {
    id: 'smallMemory',
    title: 'A small memory',
    goal:
      'Make a group `name` below `tree` whose memory is limited to exactly `bytes`, and a process that is in it. The process must still be there when your ' +
      'last step is done. `version` is the version of the tree: the file is called `memory.limit_in_bytes` in version 1 and `memory.max` in version 2.',
    needs: ['cgroup:memory'],
    challenge: (random: Random) => ({ ...place('memory'), name: random.name(), bytes: random.integer(1024, 8192) * PAGE }),
    check: checkSmallMemory,
    hints: [
      'A group is a directory: `mkdir` below `tree`. The shim makes it, so do it before `clone`.',
      'A limit is a number in a file of the group: `open` it with `wronly` and `keep`, `write(ref(…), String(bytes))`, `close`.',
      'The limit is there, and the process is not in the group. A process joins by writing `0` into the group’s `cgroup.procs`, and it has to be the process itself: after `clone`.',
      'Somebody else is in the group. A `write` of `0` before `clone` is made by the shim, and moves the shim.',
    ],
  },
  {
    id: 'slow',
    title: 'So many percent of a processor',
    goal:
      'Make a group `name` below `tree` that gets at most `percent` percent of one processor, and a process that is in it and still there at the end. In version 1 ' +
      'the two numbers, in microseconds, go into `cpu.cfs_period_us` and `cpu.cfs_quota_us`; in version 2 into `cpu.max`, the quota first. The length of the period is up to you.',
    needs: ['cgroup:cpu'],
    challenge: (random: Random) => ({ ...place('cpu'), name: random.name(), percent: random.integer(5, 80) }),
    check: checkSlow,
    hints: [
      'The directory first, as always.',
      'The share is quota divided by period. With a period of 100000 µs one percent is 1000 µs.',
      'The process is not in the group: it joins by writing `0` into `cgroup.procs`, after `clone`.',
    ],
  },
  {
    id: 'fewProcesses',
    title: 'Room for a few',
    goal:
      'Make a group `name` below `tree` with room for exactly `most` processes (`pids.max`, in both versions), and in it, as process 1 of a pid namespace of its own, ' +
      '`/bin/sh` with the arguments `-c` and `script`. The script tries to start more.',
    needs: ['cgroup:pids'],
    challenge: (random: Random) => ({
      ...place('pids'),
      name: random.name(),
      most: random.integer(4, 9),
      script: '(i=0; while [ $i -lt 20 ]; do i=$((i+1)); sleep 1000 & done; wait) 2>/dev/null & exec sleep 1000',
    }),
    check: checkFewProcesses,
    hints: [
      'The directory, and `most` as text in its `pids.max`.',
      'The order matters: the process must be in the group before it becomes the shell, or the children that it starts are not counted.',
      '`clone("pid")`; then join with three steps; then `execve("/bin/sh", ["sh", "-c", script])`.',
    ],
  },
  {
    id: 'stop',
    title: 'Stand still',
    goal:
      'In the group `name` below `tree` a process runs already. Make it stand still, and keep it alive. In version 1 one writes `FROZEN` into `freezer.state`, in version 2 `1` ' +
      'into `cgroup.freeze`.',
    needs: ['cgroup:freezer'],
    challenge: (random: Random) => ({ ...place('freezer'), name: random.name() }),
    check: checkStop,
    hints: [
      'No process of your own is needed, and so no `clone`: the shim can write the file.',
      'The process is gone. Signals are not what is asked for: a stopped process knows that it was stopped, a frozen one does not.',
      '`open` with `wronly` and `keep`, `write`, `close`. Which word, and into which file, depends on `version`.',
    ],
  },
]
