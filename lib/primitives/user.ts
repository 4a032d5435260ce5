/**
 * `user[:group]` as Docker takes it, into numbers, by the texts of the container's own /etc/passwd and /etc/group: names mean what they
 * mean inside. passwd(5), group(5); the rules are those of Docker's `--user` and `--group-add`.
 */
import { DrydockError } from '../kernel/errors.js'

export interface ContainerUser {
  readonly uid: number
  readonly gid: number
  /** Supplementary groups, the primary one first: without it a file that denies its group could be opened by leaving that (CVE-2022-36109). */
  readonly groups: readonly number[]
  /** For HOME when nothing sets it; '/' when passwd has no such user. */
  readonly home: string
  /** The user's name, when passwd has one for the id. */
  readonly name?: string
}

export interface UserFiles {
  /** Text of the container's /etc/passwd; absent when it has none. */
  readonly passwd?: string
  readonly group?: string
}

/** Docker's highest id, for the sake of 32-bit systems. */
const LAST_ID = 2 ** 31 - 1

/**
 * '' (root), 'name', 'uid', each with ':group' or ':gid'. A number is always an id, never a name, and need not be in the files; without a
 * group of its own it takes the one that passwd gives it, or 0. Supplementary groups come from /etc/group only when no group is given,
 * those of `extra` (names or ids) always.
 */
export function resolveUser(spec: string, files: UserFiles, extra: readonly string[] = []): ContainerUser {
  const [userPart = '', groupPart = '', ...more] = spec.split(':')
  if (more.length > 0) throw new DrydockError(`a user is written as USER[:GROUP]; '${spec}' is not`, { status: 400 })
  const users = parseUsers(files.passwd ?? '')
  const groups = parseGroups(files.group ?? '')
  const wanted = idOf(userPart === '' ? '0' : userPart, 'user')
  const known = users.find(({ name, uid }) => (wanted === undefined ? name === userPart : uid === wanted))
  const uid = known?.uid ?? wanted
  if (uid === undefined) throw notFound('user', userPart, '/etc/passwd', files.passwd)
  const gid = groupPart === '' ? (known?.gid ?? 0) : groupId(groupPart, groups, files)
  const member = groupPart === '' && known ? groups.filter(({ members }) => members.includes(known.name)).map((group) => group.gid) : []
  const added = extra.map((name) => groupId(name, groups, files))
  return {
    uid: inRange(uid, 'user'),
    gid: inRange(gid, 'group'),
    groups: [...new Set([gid, ...member, ...added])].map((id) => inRange(id, 'group')),
    home: known?.home || '/',
    ...(known && { name: known.name }),
  }
}

function groupId(name: string, groups: readonly GroupLine[], files: UserFiles): number {
  const wanted = idOf(name, 'group')
  if (wanted !== undefined) return wanted
  const known = groups.find((group) => group.name === name)
  if (!known) throw notFound('group', name, '/etc/group', files.group)
  return known.gid
}

/** The id that a word is, if it is a number. */
function idOf(word: string, what: string): number | undefined {
  return /^[+-]?\d+$/.test(word) ? inRange(Number(word), what) : undefined
}

function inRange(id: number, what: string): number {
  if (Number.isInteger(id) && id >= 0 && id <= LAST_ID) return id
  throw new DrydockError(`${id} is no ${what} id of a container; they go from 0 to ${LAST_ID}`, { status: 400 })
}

function notFound(what: string, name: string, file: string, content: string | undefined): DrydockError {
  const where = content === undefined ? `the image has no ${file} to look in; give its number` : `the image’s ${file} has none of that name`
  return new DrydockError(`unable to find ${what} ${name}: ${where}`, { status: 400 })
}

interface UserLine {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

interface GroupLine {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

/** name:password:uid:gid:comment:home:shell. Lines without a name and a number are no users. */
export function parseUsers(passwd: string): UserLine[] {
  return fieldsOf(passwd).flatMap(([name = '', , uid = '', gid = '', , home = '']) =>
    name !== '' && isNumber(uid) ? [{ name, uid: Number(uid), gid: isNumber(gid) ? Number(gid) : 0, home }] : [],
  )
}

/** name:password:gid:member,member. */
export function parseGroups(group: string): GroupLine[] {
  return fieldsOf(group).flatMap(([name = '', , gid = '', members = '']) =>
    name !== '' && isNumber(gid) ? [{ name, gid: Number(gid), members: members.split(',').filter((member) => member !== '') }] : [],
  )
}

const isNumber = (text: string): boolean => /^\d+$/.test(text)

function fieldsOf(text: string): string[][] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(':'))
}
