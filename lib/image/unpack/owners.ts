/**
 * Whose a file becomes. Without a user namespace the ids are as the archive has them. In one, an id that is not mapped cannot be given to a file:
 *
 *     ranges of ids (newuidmap)    a file of an id outside of them is refused by name, as Docker refuses it, with what to do about it
 *     one id alone                 every image has files of other ids, and refusing would leave none: all files become root's (which is the
 *                                  user outside), setuid and setgid bits that spoke of somebody else are dropped, and one warning says so
 */
import { DrydockError } from '../../kernel/errors.js'
import type { IdmapSpec, IdRange } from '../../primitives/idmap.js'
import { showName, type TarEntry } from '../tar/index.js'

export interface Owner {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/** The highest; the one above it means "unchanged". */
const LAST_ID = 2 ** 32 - 2

const SETUID = 0o4000
const SETGID = 0o2000

export class Owners {
  readonly #idmap: IdmapSpec | undefined
  /** Files that became root's though they were somebody else's. */
  squashed = 0

  constructor(idmap: IdmapSpec | undefined) {
    this.#idmap = idmap
  }

  of(entry: TarEntry): Owner {
    const { uid, gid, mode } = entry
    if (uid === 0 && gid === 0) return entry
    check(entry, 'user', uid)
    check(entry, 'group', gid)
    const idmap = this.#idmap
    if (!idmap) return entry
    if (idmap.method === 'single') {
      this.squashed++
      return { uid: 0, gid: 0, mode: mode & ~(uid === 0 ? 0 : SETUID) & ~(gid === 0 || entry.type === 'directory' ? 0 : SETGID) }
    }
    for (const [what, id, ranges] of [
      ['user', uid, idmap.uids],
      ['group', gid, idmap.gids],
    ] as const) {
      if (!isIn(ranges, id)) throw unmapped(entry, what, id, ranges)
    }
    return entry
  }

  get warning(): string | undefined {
    if (this.squashed === 0) return undefined
    const files = this.squashed === 1 ? 'one file of another user is' : `${this.squashed} files of other users are`
    return `${files} root's here, because only one user id is mapped: install newuidmap (package uidmap), with ranges in /etc/subuid and /etc/subgid, to keep their owners`
  }
}

const isIn = (ranges: readonly IdRange[], id: number) => ranges.some(({ inside, count }) => id >= inside && id < inside + count)

function check({ path }: TarEntry, what: string, id: number): void {
  if (id >= 0 && id <= LAST_ID) return
  throw new DrydockError(`${showName(path)} belongs to ${what} ${id}, and ids go from 0 to ${LAST_ID}`, { status: 400 })
}

function unmapped({ path }: TarEntry, what: 'user' | 'group', id: number, ranges: readonly IdRange[]): DrydockError {
  const count = ranges.reduce((sum, range) => sum + range.count, 0)
  const file = what === 'user' ? '/etc/subuid' : '/etc/subgid'
  return new DrydockError(
    `${showName(path)} belongs to ${what} ${id}, and only ${count} ids are mapped (try increasing the number of subordinate IDs in ${file})`,
  )
}
