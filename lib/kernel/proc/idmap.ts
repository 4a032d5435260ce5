/** How a user namespace's ids relate to its parent's. user_namespaces(7). */
import { DrydockError } from '../errors.js'
import { linesOf, type Pid, readProcFile } from './read.js'

/** `count` ids from `inside` on are the ids from `outside` on, as the reader's user namespace counts them. */
export interface IdRange {
  readonly inside: number
  readonly outside: number
  readonly count: number
}

export interface IdMaps {
  readonly uid: readonly IdRange[]
  readonly gid: readonly IdRange[]
  /** Whether setgroups(2) is allowed; `deny` must be written before a gid_map without privilege. */
  readonly setgroups: 'allow' | 'deny'
}

/** The id that the kernel shows for one without a mapping: /proc/sys/kernel/overflowuid, 65534 unless somebody changed it. */
export const OVERFLOW_ID = 65534

/** The text of uid_map or gid_map: three numbers a line; nothing at all while the map was not written. */
export function parseIdMap(text: string): IdRange[] {
  return linesOf(text).map((line) => {
    const [inside, outside, count, more] = line.trim().split(/\s+/).map(Number)
    if (count === undefined || more !== undefined || ![inside, outside, count].every(Number.isInteger)) {
      throw new DrydockError(`this is no line of an id map: ${JSON.stringify(line)}`)
    }
    return { inside: inside as number, outside: outside as number, count }
  })
}

/** The maps of the user namespace of a process. */
export function readIdMaps(pid: Pid, root = '/proc'): IdMaps | undefined {
  const [uid, gid] = [readProcFile(`${root}/${pid}/uid_map`), readProcFile(`${root}/${pid}/gid_map`)]
  const setgroups = readProcFile(`${root}/${pid}/setgroups`)
  if (uid === undefined || gid === undefined || setgroups === undefined) return undefined
  return { uid: parseIdMap(uid), gid: parseIdMap(gid), setgroups: setgroups.trim() === 'deny' ? 'deny' : 'allow' }
}

/** All ids, each as itself: the map of the user namespace that the machine booted with. */
const EVERY_ID = { inside: 0, outside: 0, count: 2 ** 32 - 1 } as const

let machineRoot: boolean | undefined

/**
 * Is this process root of the machine itself, and not of a user namespace? Only that one may make device nodes, set `trusted.` attributes, or own the
 * files of every user.
 */
export function isMachineRoot(): boolean {
  machineRoot ??= process.geteuid?.() === 0 && isInitialMap(parseIdMap(readProcFile('/proc/self/uid_map') ?? ''))
  return machineRoot
}

export function isInitialMap([range, ...more]: readonly IdRange[]): boolean {
  return more.length === 0 && range?.inside === EVERY_ID.inside && range.outside === EVERY_ID.outside && range.count === EVERY_ID.count
}

/** What an id of the namespace is outside; undefined: it has no mapping and nobody can have it. */
export function toOutside(map: readonly IdRange[], id: number): number | undefined {
  const range = map.find(({ inside, count }) => id >= inside && id < inside + count)
  return range && range.outside + (id - range.inside)
}

/** What an id from outside is in the namespace; undefined: it is seen as the overflow id there. */
export function toInside(map: readonly IdRange[], id: number): number | undefined {
  const range = map.find(({ outside, count }) => id >= outside && id < outside + count)
  return range && range.inside + (id - range.outside)
}
