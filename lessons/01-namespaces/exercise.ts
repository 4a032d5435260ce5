/**
 * Your part of lesson 1. Each function returns a list of steps; the tutor runs them in a bottle of their own whenever you save this
 * file, and looks in the kernel for what they have brought about. Names and numbers are new at every try and come as the argument.
 *
 * The shim makes the steps up to `clone`; the child that it has cloned makes the others. `host(step)` makes a step the shim's
 * wherever it stands. A few tools:
 *
 *     open('/etc/hostname', ['rdonly'], { keep: 'file' })     keeps the descriptor under a name
 *     read(ref('file'), 100)                                  uses it later
 *     text`/proc/${child}/uid_map`                            a path with the child's pid in it
 */
import { clone, type Step } from '../../lib/index.js'

/**
 * A process whose host name is `name`, while the bottle keeps its own.
 *
 * A beginning is made: a child. It shares everything with the shim.
 */
export function hostname({ name }: { name: string }): Step[] {
  console.log(`the name that is asked for: ${name}`)
  return [clone()]
}

/**
 * `/bin/sleep` with the argument `seconds`, as process 1 of a new pid namespace, with a `/proc` of its own in which there is nothing
 * but itself. The bottle's mounts are shared, and shall not change.
 *
 * Here the child has a number of its own. It does not see it, and it does not run sleep.
 */
export function ownProcesses({ seconds }: { seconds: number }): Step[] {
  console.log(`how long it shall sleep: ${seconds}`)
  return [clone('pid')]
}

/**
 * A process that is user 0 and group 0 in a user namespace of its own, and user and group `outside` in the bottle. It makes the file
 * `/tmp/${file}`, so that this belongs to `outside` when the bottle looks at it.
 *
 * Here the namespace is there; its maps are empty, and the child is nobody.
 */
export function fakeRoot({ outside, file }: { outside: number; file: string }): Step[] {
  console.log(`the user outside: ${outside}; the file: /tmp/${file}`)
  return [clone('user')]
}

/**
 * A process in the uts, ipc, net and pid namespace of a container that runs already. They are mounted on the files `uts`, `ipc`, `net`
 * and `pid` in the directory `place`.
 *
 * Here the process is outside of all of them.
 */
export function enter({ place }: { place: string }): Step[] {
  console.log(`the doors are in: ${place}`)
  return [clone()]
}
