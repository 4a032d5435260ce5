/** Solutions of lesson 3. Others are just as good: the checks look at what is there in the end, not at the way. */
import {
  ALL_CAPABILITIES,
  type Capability,
  cap_ambient_raise,
  capbset_drop,
  capset,
  clone,
  execve,
  forbid,
  type Step,
  set_keepcaps,
  set_no_new_privs,
  setresgid,
  setresuid,
} from '../../lib/index.js'

/** All but these out of the bounding set. EINVAL: the kernel is older than this name. */
const dropOthers = (keep: readonly Capability[]) =>
  ALL_CAPABILITIES.filter((one) => !keep.includes(one)).map((one) => capbset_drop(one, { allow: ['EINVAL'] }))

const sleep = execve('/bin/sleep', ['sleep', '600'])

/** The bounding set while setpcap is still in effect, then the other two. Nothing comes back with the execve, because nothing is left to come. */
export function weakRoot({ keep }: { keep: Capability[] }): Step[] {
  return [clone(), ...dropOthers(keep), capset({ effective: keep, permitted: keep, inheritable: [] }), sleep]
}

/** keepcaps carries it over the change of user, ambient over the execve. */
export function keepOne({ user, keep }: { user: number; keep: Capability }): Step[] {
  return [
    clone(),
    set_keepcaps(true),
    setresgid(user),
    setresuid(user),
    capset({ effective: [keep], permitted: [keep], inheritable: [keep] }),
    cap_ambient_raise(keep),
    sleep,
  ]
}

/** All that takes root first; no_new_privs takes nothing and may come last. */
export function noNewPower({ user, program }: { user: number; program: string }): Step[] {
  return [clone(), ...dropOthers([]), setresgid(user), setresuid(user), set_no_new_privs(), execve(program, ['sleep', '600'])]
}

/** A filter with one rule. The other call is not in it, so it passes. */
export function silence({ forbidden, answer }: { forbidden: string; allowed: string; answer: string }): Step[] {
  return [clone(), forbid(forbidden, { answer })]
}
