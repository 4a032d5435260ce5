/**
 * The ids that a daemon of root gives its containers, when it is told whose: `--userns-remap`. subuid(5); Docker's "Isolate containers with a user namespace".
 */
import { DrydockError } from '../kernel/errors.js'
import type { IdRange } from '../kernel/proc/idmap.js'
import { textIfReadable } from '../kernel/readable.js'
import { firstFree, type IdmapHost, inARow, isWithin, ROOTS_NAMES, rangesOf, readIdmapHost } from './idmap-facts.js'
import type { IdmapPlan } from './idmap-plan.js'
import { parseGroups, parseUsers } from './user.js'

export interface RemapHost extends Pick<IdmapHost, 'subuid' | 'subgid' | 'ownUidMap' | 'ownGidMap'> {
  /** Contents of the files in /etc. */
  readonly passwd: string
  readonly group: string
}

export const readRemapHost = (): RemapHost => ({
  ...readIdmapHost(),
  passwd: textIfReadable('/etc/passwd') ?? '',
  group: textIfReadable('/etc/group') ?? '',
})

/** `default`, or USER[:GROUP], by names or numbers. Throws a sentence that says what is missing. */
export function planRemap(word: string, host: RemapHost = readRemapHost()): IdmapPlan {
  const { user, group } = namesOf(word, host)
  const wanted = { what: 'uid', file: '/etc/subuid', text: host.subuid, own: host.ownUidMap } as const
  const uids = mapOf({ ...wanted, names: user })
  const gids = mapOf({ ...wanted, what: 'gid', file: '/etc/subgid', text: host.subgid, own: host.ownGidMap, names: group })
  const says = `Root inside is user ${uids[0]?.outside} outside, who owns nothing but the containers' files; the ids from there on are the containers' (/etc/subuid).`
  return { method: 'root', uids, gids, says }
}

/** How subuid(5) may call them: by name and by number. */
function namesOf(word: string, { passwd, group, subuid, subgid }: RemapHost): { user: string[]; group: string[] } {
  const parts = word.split(':')
  if (parts.length > 2 || parts.includes('')) {
    throw new DrydockError(`invalid user/group specification in --userns-remap: "${word}": it is default, USER or USER:GROUP`, {
      status: 400,
    })
  }
  if (word === 'default') {
    const name = ROOTS_NAMES.find((one) => rangesOf(subuid, [one]).length > 0 && rangesOf(subgid, [one]).length > 0) ?? 'dockremap'
    return { user: [name], group: [name] }
  }
  const [user = '', groupWord] = parts
  const found = parseUsers(passwd).find(({ name, uid }) => [name, String(uid)].includes(user))
  if (!found) throw new DrydockError(`--userns-remap ${word}: there is no user ${user} in /etc/passwd`, { status: 400 })
  const wantedGroup = groupWord ?? found.name
  const foundGroup = parseGroups(group).find(({ name, gid }) => [name, String(gid)].includes(wantedGroup))
  if (!foundGroup) throw new DrydockError(`--userns-remap ${word}: there is no group ${wantedGroup} in /etc/group`, { status: 400 })
  return { user: [found.name, String(found.uid)], group: [foundGroup.name, String(foundGroup.gid)] }
}

interface Wanted {
  readonly what: 'uid' | 'gid'
  readonly file: string
  readonly text: string
  readonly own: readonly IdRange[]
  readonly names: readonly string[]
}

/** All ranges of theirs, one after the other inside. */
function mapOf({ what, file, text, own, names }: Wanted): IdRange[] {
  const found = rangesOf(text, names)
  const [name] = names
  if (found.length === 0) {
    throw new DrydockError(
      `--userns-remap: ${file} has no range of ids for ${name}: add a line such as ${name}:${firstFree(text)}:65536, to /etc/subuid and to /etc/subgid`,
      { status: 400 },
    )
  }
  const outside = found.find(({ start, count }) => !isWithin(start, count, own) || start === 0)
  if (outside) {
    throw new DrydockError(`--userns-remap: the ${what}s from ${outside.start} on that ${file} has for ${name} are not to be had here`, {
      status: 400,
    })
  }
  return inARow(found, 0)
}
