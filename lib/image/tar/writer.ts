/**
 * Writing an archive: POSIX's ustar, with PAX records in front of what does not fit in it. The same entry always becomes the same bytes:
 * nothing in them is of the time or the place of writing.
 *
 *     yield tarHeader(entry)          then the content, then
 *     yield tarPadding(entry.size)    and after the last file
 *     yield TAR_END
 */
import { DrydockError } from '../../kernel/errors.js'
import { showName } from './damage.js'
import { paxRecord, showPaxTime } from './pax.js'
import { BLOCK, type EntryType, paddingOf, type TarEntry } from './types.js'

/** What a writer must know; the rest is nothing, or 0. Holes of a sparse file are written as zeros: leave `sparse` out. */
export type TarInput = Pick<TarEntry, 'path' | 'type' | 'mode' | 'uid' | 'gid' | 'mtime'> & Partial<Omit<TarEntry, 'sparse'>>

/** Two blocks of zeros. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK)

const ZEROS = Buffer.alloc(BLOCK)

/** The bytes that fill the last block of a file of this size; none when it is full. */
export const tarPadding = (size: number): Buffer => ZEROS.subarray(0, paddingOf(size))

const FLAG: Readonly<Record<EntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
}

/** The greatest numbers of seven and eleven octal digits. */
const SEVEN = 0o7777777
const ELEVEN = 0o77777777777

interface Fields {
  readonly name: Buffer
  readonly prefix: Buffer
  readonly flag: string
  readonly linkPath: Buffer
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly seconds: number
  readonly major: number
  readonly minor: number
}

const EMPTY = Buffer.alloc(0)
const NOBODY = { prefix: EMPTY, linkPath: EMPTY, mode: 0o644, uid: 0, gid: 0, seconds: 0, major: 0, minor: 0 }

/** All blocks in front of the content. A directory's path gets the slash at its end that readers expect. */
export function tarHeader(entry: TarInput): Buffer {
  const { type, mode, uid, gid, mtime, atime, linkPath = EMPTY, major = 0, minor = 0, xattrs } = entry
  const size = type === 'file' ? (entry.size ?? 0) : 0
  const path = type === 'directory' && entry.path.at(-1) !== 0x2f ? Buffer.concat([entry.path, Buffer.from('/')]) : entry.path
  if (path.includes(0) || linkPath.includes(0)) throw new DrydockError(`${showName(path)}: a path with a NUL byte cannot be archived`)
  if (major > SEVEN || minor > SEVEN) throw new DrydockError(`${showName(path)}: device ${major}:${minor} cannot be archived`)

  const records = new Map<string, Uint8Array>()
  const put = (key: string, value: string) => records.set(key, Buffer.from(value))
  const split = splitPath(path)
  if (!split) records.set('path', path)
  if (linkPath.length > 100 || !isAscii(linkPath)) records.set('linkpath', linkPath)
  if (uid > SEVEN) put('uid', String(uid))
  if (gid > SEVEN) put('gid', String(gid))
  if (size > ELEVEN) put('size', String(size))
  if (mtime.nanoseconds !== 0 || mtime.seconds < 0 || mtime.seconds > ELEVEN) put('mtime', showPaxTime(mtime))
  if (atime) put('atime', showPaxTime(atime))
  for (const [name, value] of xattrs ?? []) {
    if (name.includes('=')) throw new DrydockError(`${showName(path)}: the attribute ${name} cannot be archived: its name has a = in it`)
    records.set(`SCHILY.xattr.${name}`, value)
  }

  const header = ustar({
    name: split?.name ?? plain(path),
    prefix: split?.prefix ?? EMPTY,
    flag: FLAG[type],
    linkPath: records.has('linkpath') ? plain(linkPath) : linkPath,
    mode: mode & 0o7777,
    uid: uid > SEVEN ? 0 : uid,
    gid: gid > SEVEN ? 0 : gid,
    size: size > ELEVEN ? 0 : size,
    seconds: mtime.seconds < 0 || mtime.seconds > ELEVEN ? 0 : mtime.seconds,
    major,
    minor,
  })
  if (records.size === 0) return header
  const body = Buffer.concat([...records].sort(byKey).map(([key, value]) => paxRecord(key, value)))
  const extended = ustar({ ...NOBODY, name: extendedName(path), flag: 'x', size: body.length })
  return Buffer.concat([extended, body, tarPadding(body.length), header])
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : a > b ? 1 : 0)

function ustar(fields: Fields): Buffer {
  const block = Buffer.alloc(BLOCK)
  fields.name.copy(block, 0)
  octal(block, 100, 7, fields.mode)
  octal(block, 108, 7, fields.uid)
  octal(block, 116, 7, fields.gid)
  octal(block, 124, 11, fields.size)
  octal(block, 136, 11, fields.seconds)
  block.write('        ', 148, 'latin1')
  block.write(fields.flag, 156, 'latin1')
  fields.linkPath.copy(block, 157)
  block.write('ustar\x0000', 257, 'latin1')
  octal(block, 329, 7, fields.major)
  octal(block, 337, 7, fields.minor)
  fields.prefix.copy(block, 345)
  let sum = 0
  for (const byte of block) sum += byte
  octal(block, 148, 6, sum)
  block[154] = 0
  return block
}

function octal(block: Buffer, at: number, digits: number, value: number): void {
  block.write(value.toString(8).padStart(digits, '0'), at, 'latin1')
}

/** Name and prefix of a path that ustar can hold: ASCII, and a slash where it has to be cut. */
function splitPath(path: Buffer): { name: Buffer; prefix: Buffer } | undefined {
  if (!isAscii(path)) return undefined
  if (path.length <= 100) return { name: path, prefix: EMPTY }
  // The slash at a directory's end belongs to its name.
  for (let cut = Math.max(path.length - 101, 1); cut <= 155 && cut < path.length - 1; cut++) {
    if (path[cut] === 0x2f) return { name: path.subarray(cut + 1), prefix: path.subarray(0, cut) }
  }
  return undefined
}

function isAscii(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte > 0x7f) return false
  return true
}

/** For readers that do not know PAX: as much of it as fits. */
function plain(path: Buffer): Buffer {
  return Buffer.from(path.map((byte) => (byte > 0x7f ? 0x5f : byte))).subarray(0, 100)
}

/** What a reader that does not know PAX would make of the records: a file of this name next to the one that they are about. */
function extendedName(path: Buffer): Buffer {
  const parts = plain(path.subarray(Math.max(0, path.length - 80)))
    .toString('latin1')
    .split('/')
    .filter((part) => part !== '' && part !== '..')
  return Buffer.from(`PaxHeaders.0/${parts.at(-1) ?? ''}`, 'latin1').subarray(0, 100)
}
