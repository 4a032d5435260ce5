/** The exercises of lesson 3. What each asks for stands with its hints; checks.ts looks in the kernel for exactly that. */
import type { Capability } from '../../lib/index.js'
import { DEFAULT_CAPABILITIES } from '../../lib/primitives/capabilities.js'
import type { Exercise, Random } from '../../lib/tutor/lesson.js'
import { checkKeepOne, checkNoNewPower, checkSilence, checkWeakRoot } from './checks.js'
import { TRIES, type TriedCall } from './tries.js'

/** Different ones, in the order of their numbers. They are Docker's, so that every host and every bottle has them to give. */
function some(random: Random, count: number): Capability[] {
  const picked = new Set<Capability>()
  while (picked.size < count) picked.add(random.pick(DEFAULT_CAPABILITIES))
  return DEFAULT_CAPABILITIES.filter((one) => picked.has(one))
}

export const exercises: readonly Exercise[] = [
  {
    id: 'weakRoot',
    title: 'Root with three pieces left',
    goal:
      'Make a process that is user 0 and has exactly the capabilities of the list `keep`: these are permitted, these are in effect, and the ' +
      'bounding set holds no others. The process must still be there when your last step is done.',
    challenge: (random) => ({ keep: some(random, 3) }),
    check: checkWeakRoot,
    hints: [
      'There are two things to do: take the others out of the bounding set, one call for each, and set the permitted and the effective set, one call in all. ' +
        'Both are for the child to do, so they come after `clone`.',
      'Taking something out of the bounding set needs a capability itself: setpcap, in effect. When do you still have it?',
      'After an `execve` user 0 has what the bounding set leaves, whatever `capset` has said before. Is the bounding set as small as it should be?',
      'First `capbset_drop(one)` for each of `ALL_CAPABILITIES` that is not in `keep`, then `capset({ effective: keep, permitted: keep, inheritable: [] })`.',
    ],
  },
  {
    id: 'keepOne',
    title: 'One piece for somebody else',
    goal:
      'Run a program, for instance `/bin/sleep`, as user `user` (which is not 0). It has exactly one capability in effect and permitted: `keep`. ' +
      'It must still run when your last step is done.',
    needs: ['several-ids'],
    challenge: (random) => ({ user: random.integer(1000, 30_000), keep: random.pick(DEFAULT_CAPABILITIES) }),
    check: checkKeepOne,
    hints: [
      'Two walls are in the way: when user 0 becomes another user the sets are emptied, and when that user executes a program they are emptied once more. ' +
        'There is one tool for each.',
      'The sets were emptied when the user changed. `set_keepcaps(true)` before that keeps the permitted set; the effective one has to be filled again with `capset`.',
      'They were emptied by the `execve`. Of the five sets one is carried through it for users who are not root: the ambient one. ' +
        'What may be raised in it must be permitted *and* inheritable.',
      'More is left than was asked for. `capset` can say exactly what is permitted, and the ambient set is raised one by one.',
      'The child: `set_keepcaps(true)`, `setresgid(user)`, `setresuid(user)`, `capset` with `[keep]` in all three sets, `cap_ambient_raise(keep)`, `execve`.',
    ],
  },
  {
    id: 'noNewPower',
    title: 'A setuid program that gives nothing',
    goal:
      'The file `program` is a copy of `sleep` that belongs to root and has the setuid bit: whoever executes it becomes root. Execute it (with the arguments ' +
      '`sleep` and `600`) as user `user`, so that it gives nothing: the user is still `user`, the bounding set is empty, and no_new_privs is set.',
    needs: ['several-ids', 'setuid-binary'],
    challenge: (random) => ({ user: random.integer(1000, 30_000), program: `/srv/${random.name()}` }),
    check: checkNoNewPower,
    hints: [
      'A setuid file changes the user in `execve`, unless the process has said beforehand that no execve shall ever give it anything: `set_no_new_privs()`.',
      'The bounding set still holds something. Emptying it needs setpcap, which user 0 has and your user has not.',
      'The process is not the user that was asked for. Only root can become somebody else; the group goes first.',
      'The child: `capbset_drop` for each of `ALL_CAPABILITIES`, `setresgid(user)`, `setresuid(user)`, `set_no_new_privs()`, `execve(program, …)`.',
    ],
  },
  {
    id: 'silence',
    title: 'One call less',
    goal:
      'Make a process to which the system call `forbidden` answers the error `answer`, by a seccomp filter. The call `allowed` must go on working. Let the process ' +
      'be, without an `execve`: the check makes the two calls in it.',
    challenge(random) {
      const forbidden = random.pick(TRIES).call
      const others: readonly TriedCall[] = TRIES.filter(({ call }) => call !== forbidden)
      return { forbidden, allowed: random.pick(others).call, answer: random.pick(['EACCES', 'ENOTTY', 'EDOM', 'EXDEV']) }
    },
    check: checkSilence,
    hints: [
      '`forbid("mkdirat")` is a step that loads a filter with one forbidden call. Whoever makes the step is filtered from then on, and so are its children.',
      'The call went through. Is the filter that of the child, and is it about the call that was asked for?',
      'A filter answers EPERM unless it is told another error: `forbid("mkdirat", { answer: "ENOENT" })`.',
      'The filter forbids too much: the other call does not work any more.',
    ],
  },
]
