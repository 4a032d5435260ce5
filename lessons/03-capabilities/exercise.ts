/**
 * Your part of lesson 3. Each function returns a list of steps; the tutor runs them in a bottle of their own whenever you save this
 * file, and reads in /proc/PID/status what has become of your process. What is asked for is new at every try and comes as the argument.
 *
 * The shim makes the steps up to `clone`; the child that it has cloned makes the others. The tools of this lesson:
 *
 *     capset({ effective: ['kill'], permitted: ['kill'], inheritable: [] })     sets three of the five sets
 *     capbset_drop('mknod', { allow: ['EINVAL'] })     takes one out of the bounding set (an old kernel has not got all of them)
 *     ALL_CAPABILITIES     the names of all capabilities
 *     set_keepcaps(true), setresgid(id), setresuid(id), cap_ambient_raise('kill'), set_no_new_privs()
 *     forbid('mkdirat', { answer: 'EPERM' })     loads a seccomp filter
 *     execve('/bin/sleep', ['sleep', '600'])
 */
import { type Capability, clone, execve, type Step } from '../../lib/index.js'

/**
 * A process of user 0 that has exactly the capabilities `keep`: in its permitted, its effective and its bounding set.
 *
 * A beginning is made: a process of user 0. It has everything that the bottle's root has.
 */
export function weakRoot({ keep }: { keep: Capability[] }): Step[] {
  console.log(`what it shall keep: ${keep.join(', ')}`)
  return [clone()]
}

/**
 * A program that runs as user `user`, and has the capability `keep` in effect and permitted, and no other.
 *
 * Here the program runs as root.
 */
export function keepOne({ user, keep }: { user: number; keep: Capability }): Step[] {
  console.log(`user ${user} shall keep ${keep}`)
  return [clone(), execve('/bin/sleep', ['sleep', '600'])]
}

/**
 * The setuid file `program` is executed by user `user`, and gives nothing: no other user, no capability, an empty bounding set, and
 * no_new_privs set.
 *
 * Here it is executed by root.
 */
export function noNewPower({ user, program }: { user: number; program: string }): Step[] {
  console.log(`user ${user} executes ${program}`)
  return [clone(), execve(program, ['sleep', '600'])]
}

/**
 * A process in which the call `forbidden` answers the error `answer`, and the call `allowed` works. It executes nothing.
 *
 * Here nothing is forbidden.
 */
export function silence({ forbidden, allowed, answer }: { forbidden: string; allowed: string; answer: string }): Step[] {
  console.log(`${forbidden} shall answer ${answer}, and ${allowed} shall work`)
  return [clone()]
}
