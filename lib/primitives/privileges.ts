/**
 * From the root that has set everything up to the user that the program runs as. The order is the same in runc and crun, and each edge has
 * a reason (capabilities(7), credentials(7), prctl(2)):
 *
 *     rlimits        raising a hard limit takes CAP_SYS_RESOURCE
 *     bounding set   dropping from it takes CAP_SETPCAP
 *     keepcaps       must be on when the user changes, or the permitted set is empty afterwards
 *     groups, gid    take CAP_SETGID, which an ordinary user no longer has in effect
 *     uid            takes CAP_SETUID; the kernel empties the effective and the ambient set
 *     capset         takes nothing, it only gives up: last of what takes a privilege
 *     ambient        must be permitted and inheritable by then, and would not have survived the uid
 *     no_new_privs   never undone; after it setuid files are ordinary files
 *
 * bubblewrap sets no_new_privs first of all, because it may itself have been started by an ordinary user; runc does before its seccomp.
 */
import { set_no_new_privs, setgroups, setresgid, setresuid } from '../kernel/calls/credentials.js'
import { chdir } from '../kernel/calls/process.js'
import { DrydockError } from '../kernel/errors.js'
import { remembered } from '../kernel/remembered.js'
import { type Fragment, inPhase, type Step } from '../kernel/step.js'
import { capabilitySteps, type FiveSets } from './capabilities.js'
import { checkPath } from './process-input.js'
import { type Rlimit, rlimitSteps } from './rlimits.js'

export interface PrivilegesSpec {
  /** Ids inside the container; 0 by default. */
  readonly uid?: number
  readonly gid?: number
  /** Supplementary groups. Absent: they stay as they are (in a user namespace with one id setgroups(2) is forbidden). */
  readonly groups?: readonly number[]
  readonly rlimits?: readonly Rlimit[]
  /** Absent: capabilities stay what the change of user makes of them, as for a privileged shell on the host. */
  readonly capabilities?: FiveSets
  /** The kernel's highest capability number, `lastCapability()`; needed with `capabilities`. */
  readonly lastCap?: number
  readonly noNewPrivileges?: boolean
  /** A directory to enter while still root: what Docker does with a working directory that its user cannot reach. */
  readonly enterAsRoot?: string
}

/** Highest id: 2^32 - 1 means "unchanged" in the set*id calls. */
const LAST_ID = 2 ** 32 - 2
/** NGROUPS_MAX, limits.h. */
const MOST_GROUPS = 65536

export const privileges = remembered(privilegesOf)

function privilegesOf(spec: PrivilegesSpec): Fragment {
  const { uid = 0, gid = 0, groups, rlimits = [], noNewPrivileges = false, enterAsRoot } = spec
  checkIds(uid, gid, groups ?? [])
  const sets = capabilityStepsOf(spec, uid)
  const steps: Step[] = []
  if (enterAsRoot !== undefined) {
    checkPath(enterAsRoot, 'the working directory')
    steps.push(chdir(enterAsRoot, { why: 'As root still: the way to the user’s directory may lead through one that only root can pass.' }))
  }
  steps.push(...rlimitSteps(rlimits), ...sets.bounding, ...sets.keep)
  if (groups !== undefined) steps.push(setgroups(groups, { why: whyGroups(groups) }))
  steps.push(
    setresgid(gid, gid, gid, {
      why: 'The group before the user: without CAP_SETGID, which goes with user 0, it could not be changed any more.',
    }),
    setresuid(uid, uid, uid, { why: whyUser(uid) }),
    ...sets.sets,
    ...sets.ambient,
  )
  if (noNewPrivileges) {
    steps.push(set_no_new_privs({ why: 'No execve gives privileges any more: setuid bits and file capabilities mean nothing, for ever.' }))
  }
  return { primitive: 'privileges', title: titleOf(spec), steps: inPhase('privileges', 'container', steps) }
}

function capabilityStepsOf({ capabilities, lastCap }: PrivilegesSpec, uid: number): ReturnType<typeof capabilitySteps> {
  if (capabilities === undefined) return { bounding: [], keep: [], sets: [], ambient: [] }
  if (lastCap === undefined) throw new DrydockError('to set capabilities the highest number that the kernel knows is needed: lastCap')
  return capabilitySteps({ ...capabilities, uid, lastCap })
}

function whyGroups(groups: readonly number[]): string {
  return groups.length === 0
    ? 'The groups of whoever started the engine are not the container’s.'
    : 'Exactly these supplementary groups, and none of whoever started the engine; afterwards CAP_SETGID is gone.'
}

function whyUser(uid: number): string {
  return uid === 0
    ? 'All three user ids are 0, so that no saved id leads back to anybody else.'
    : 'All three user ids at once: a saved id 0 would be a way back to root; with user 0 the effective capabilities go.'
}

function titleOf({ uid = 0, gid = 0, capabilities, noNewPrivileges }: PrivilegesSpec): string {
  const parts = [`user ${uid}:${gid}`]
  if (capabilities) parts.push(`${capabilities.effective.length} capabilities`)
  if (noNewPrivileges) parts.push('no new privileges')
  return `Privileges: ${parts.join(', ')}`
}

function checkIds(uid: number, gid: number, groups: readonly number[]): void {
  for (const [what, id] of [['user', uid], ['group', gid], ...groups.map((group) => ['group', group] as const)] as const) {
    if (!Number.isInteger(id) || id < 0 || id > LAST_ID) {
      throw new DrydockError(`'${id}' is no ${what} id; they go from 0 to ${LAST_ID}`, { status: 400 })
    }
  }
  if (groups.length > MOST_GROUPS)
    throw new DrydockError(`a process can be in ${MOST_GROUPS} groups; these are ${groups.length}`, { status: 400 })
}
