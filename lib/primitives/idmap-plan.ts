/** What this machine lets us map: the choice between the three methods of idmap.ts, and what their errors mean here. */
import type { IdRange } from '../kernel/proc/idmap.js'
import type { IdmapSpec } from './idmap.js'
import { firstFree, type IdmapHost, inARow, isWithin, ROOTS_NAMES, rangesOf, readIdmapHost } from './idmap-facts.js'

export interface IdmapPlan extends IdmapSpec {
  /** What follows for whoever is inside, in one or two sentences. */
  readonly says: string
  /** Why it will fail here all the same, when that is known beforehand; with the remedy. */
  readonly problem?: string
}

/** How many ids a container gets when there is a choice: as many as a 16-bit uid had, which every distribution fits in. */
const USUAL = 65536

/** The method and the ranges for this host. Pure: `readIdmapHost()` has the facts. */
export function planIdmap(host: IdmapHost = readIdmapHost()): IdmapPlan {
  const problem = restriction(host)
  const plan = host.privileged ? planAsRoot(host) : planAsUser(host)
  return problem === undefined ? plan : { ...plan, problem }
}

function planAsRoot(host: IdmapHost): IdmapPlan {
  const names = [...ROOTS_NAMES, host.user]
  const uids = firstRange(host.subuid, names, host.ownUidMap)
  const gids = firstRange(host.subgid, names, host.ownGidMap)
  if (uids && gids) {
    const says = `Root inside is user ${uids.outside} outside, who owns nothing here; ${uids.count} ids from there on are the container's (/etc/subuid).`
    return { method: 'root', uids: [uids], gids: [gids], says }
  }
  const free = { uid: freeRange(host.subuid, host.ownUidMap), gid: freeRange(host.subgid, host.ownGidMap) }
  if (free.uid && free.gid) {
    const says = `Root inside is user ${free.uid.outside} outside, who owns nothing here; /etc/subuid names no range for drydock, so the first one that nobody has is used.`
    return { method: 'root', uids: [free.uid], gids: [free.gid], says }
  }
  const says = 'This is a user namespace already and has no ids to spare, so the ids inside are those outside: root inside is root here.'
  // With one id setgroups was given up when its map was written, and stays so below.
  if (hasOneId(host)) return { ...planSingle(host), says }
  const same = (own: readonly IdRange[]) => own.map(({ inside, count }) => ({ inside, outside: inside, count }))
  return { method: 'root', uids: same(host.ownUidMap), gids: same(host.ownGidMap), says }
}

const one = (outside: number): IdRange => ({ inside: 0, outside, count: 1 })

const planSingle = ({ uid, gid }: IdmapHost) => ({ method: 'single', uids: [one(uid)], gids: [one(gid)] }) as const

const hasOneId = ({ ownUidMap, ownGidMap }: IdmapHost) => [ownUidMap, ownGidMap].every((map) => map.length === 1 && map[0]?.count === 1)

function planAsUser(host: IdmapHost): IdmapPlan {
  const uids = rangesOf(host.subuid, [host.user, String(host.uid)])
  const gids = rangesOf(host.subgid, [host.user, String(host.uid)])
  const tools = host.newuidmap !== undefined && host.newgidmap !== undefined
  if (tools && uids.length > 0 && gids.length > 0) {
    const total = uids.reduce((sum, { count }) => sum + count, 0)
    return {
      method: 'newuidmap',
      uids: [one(host.uid), ...inARow(uids, 1)],
      gids: [one(host.gid), ...inARow(gids, 1)],
      says: `Root inside is you (user ${host.uid}) outside; the ${total} ids from 1 on are those that /etc/subuid gives you, from ${uids[0]?.start} on.`,
    }
  }
  const missing = tools
    ? `/etc/subuid and /etc/subgid have no range for ${host.user}`
    : 'newuidmap and newgidmap (package uidmap) are not installed'
  return {
    ...planSingle(host),
    says: `Root inside is you (user ${host.uid}) outside, and there is no other id: ${missing}. Files of other users look as if 'nobody' owned them, and chown and setgroups fail.`,
  }
}

/** Why no user namespace can be made here at all, with what to do about it. */
function restriction(host: IdmapHost): string | undefined {
  if (host.maxUserNamespaces === 0) {
    return 'user namespaces are switched off here (/proc/sys/user/max_user_namespaces is 0): as root, `sysctl user.max_user_namespaces=15000`'
  }
  if (host.privileged) return undefined
  if (host.unprivilegedClone === 0) {
    return 'only root may make user namespaces here (/proc/sys/kernel/unprivileged_userns_clone is 0): as root, `sysctl kernel.unprivileged_userns_clone=1`'
  }
  if (host.apparmorRestricts !== undefined && host.apparmorRestricts !== 0) {
    return `AppArmor takes the capabilities away from user namespaces of programs that have no profile of their own (/proc/sys/kernel/apparmor_restrict_unprivileged_userns is ${host.apparmorRestricts}): as root, \`sysctl kernel.apparmor_restrict_unprivileged_userns=0\`, or run with sudo`
  }
  return undefined
}

/**
 * The sentence for a failed step that has to do with user namespaces, for this host: `errno` of clone3 or unshare with `user`, of
 * a write to uid_map, gid_map or setgroups, or of the first privileged call inside. Undefined when nothing here explains it.
 */
export function explainUserNamespaceFailure(errno: string, host: IdmapHost = readIdmapHost()): string | undefined {
  const known = restriction(host)
  switch (errno) {
    case 'ENOSPC':
    case 'EUSERS':
      if (host.maxUserNamespaces === 0) return known
      return `there are as many user namespaces as may be (/proc/sys/user/max_user_namespaces is ${host.maxUserNamespaces ?? 'not readable'}), or they are nested 32 deep: end some, or raise the limit as root`
    case 'EPERM':
    case 'EACCES':
      if (known !== undefined) return known
      if (!host.privileged && host.ownUidMap.every(({ inside, count }) => host.uid < inside || host.uid >= inside + count)) {
        return `your own user id (${host.uid}) is not mapped in the user namespace that you are in, so no further one can be made`
      }
      return undefined
    case 'EINVAL':
    case 'ENOSYS':
      return `this kernel (${host.kernel}) seems to be built without user namespaces (CONFIG_USER_NS), or the map's ranges overlap`
    default:
      return undefined
  }
}

/** The first named range that lies within the ids that we have ourselves. */
function firstRange(file: string, names: readonly string[], own: readonly IdRange[]): IdRange | undefined {
  for (const name of names) {
    for (const { start, count } of rangesOf(file, [name])) {
      if (isWithin(start, count, own)) return { inside: 0, outside: start, count }
    }
  }
  return undefined
}

/** 65536 ids after all that the file gives to anybody. */
function freeRange(file: string, own: readonly IdRange[]): IdRange | undefined {
  const start = firstFree(file)
  return isWithin(start, USUAL, own) ? { inside: 0, outside: start, count: USUAL } : undefined
}
