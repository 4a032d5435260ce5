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

  const records: [key: string, value: Uint8Array][] = []
  const split = splitPath(path)
  const longLink = linkPath.length > 100 || !isAscii(linkPath)
  const farTime = mtime.seconds < 0 || mtime.seconds > ELEVEN
  if (!split) records.push(['path', path])
  if (longLink) records.push(['linkpath', linkPath])
  if (uid > SEVEN) records.push(['uid', Buffer.from(String(uid))])
  if (gid > SEVEN) records.push(['gid', Buffer.from(String(gid))])
  if (size > ELEVEN) records.push(['size', Buffer.from(String(size))])
  if (mtime.nanoseconds !== 0 || farTime) records.push(['mtime', Buffer.from(showPaxTime(mtime))])
  if (atime) records.push(['atime', Buffer.from(showPaxTime(atime))])
  for (const [name, value] of xattrs ?? []) {
    if (name.includes('=')) throw new DrydockError(`${showName(path)}: the attribute ${name} cannot be archived: its name has a = in it`)
    records.push([`SCHILY.xattr.${name}`, value])
  }

  const parts = records.length > 1 ? records.sort(byKey).map(([key, value]) => paxRecord(key, value)) : records.map(onlyRecord)
  const extra = parts.reduce((sum, { length }) => sum + length, 0)
  // From Node's pool, where small ones share memory: 100,000 of them by themselves keep the collector busy.
  const blocks = Buffer.allocUnsafe(extra === 0 ? BLOCK : 2 * BLOCK + extra + paddingOf(extra)).fill(0)
  if (extra > 0) {
    ustar(blocks, 0, { ...NOBODY, name: extendedName(path), flag: 'x', size: extra })
    let at = BLOCK
    for (const part of parts) at += part.copy(blocks, at)
  }
  ustar(blocks, blocks.length - BLOCK, {
    name: split?.name ?? plain(path),
    prefix: split?.prefix ?? EMPTY,
    flag: FLAG[type],
    linkPath: longLink ? plain(linkPath) : linkPath,
    mode: mode & 0o7777,
    uid: uid > SEVEN ? 0 : uid,
    gid: gid > SEVEN ? 0 : gid,
    size: size > ELEVEN ? 0 : size,
    seconds: farTime ? 0 : mtime.seconds,
    major,
    minor,
  })
  return blocks
}

const onlyRecord = ([key, value]: readonly [string, Uint8Array]) => paxRecord(key, value)

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : a > b ? 1 : 0)

/** One block, at `at` of blocks that are zero. */
function ustar(blocks: Buffer, at: number, fields: Fields): void {
  blocks.set(fields.name, at)
  octal(blocks, at + 100, 7, fields.mode)
  octal(blocks, at + 108, 7, fields.uid)
  octal(blocks, at + 116, 7, fields.gid)
  octal(blocks, at + 124, 11, fields.size)
  octal(blocks, at + 136, 11, fields.seconds)
  blocks.set(SPACES, at + 148)
  blocks[at + 156] = fields.flag.charCodeAt(0)
  blocks.set(fields.linkPath, at + 157)
  blocks.set(USTAR, at + 257)
  octal(blocks, at + 329, 7, fields.major)
  octal(blocks, at + 337, 7, fields.minor)
  blocks.set(fields.prefix, at + 345)
  // What is left out is zero.
  const sum =
    sumOf(blocks, at, at + fields.name.length) +
    sumOf(blocks, at + 100, at + 157 + fields.linkPath.length) +
    sumOf(blocks, at + 257, at + 265) +
    sumOf(blocks, at + 329, at + 345 + fields.prefix.length)
  octal(blocks, at + 148, 6, sum)
  blocks[at + 154] = 0
}

/** Where the checksum will be, while it is made. */
const SPACES = Buffer.alloc(8, ' ')

/** Magic and version. */
const USTAR = Buffer.from('ustar\x0000', 'latin1')

/** Digit by digit: of many small files' archives half the time was spent on making strings here. */
function octal(block: Buffer, at: number, digits: number, value: number): void {
  let left = value
  let place = at + digits - 1
  for (; left > 0x7fff_ffff; left = Math.floor(left / 8)) block[place--] = 0x30 + (left % 8)
  for (; place >= at; left >>= 3) block[place--] = 0x30 + (left & 7)
}

function sumOf(block: Buffer, begin: number, end: number): number {
  let sum = 0
  for (let at = begin; at < end; at++) sum += block[at] as number
  return sum
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
  for (let at = 0; at < bytes.length; at++) if ((bytes[at] as number) > 0x7f) return false
  return true
}

/** For readers that do not know PAX: as much of it as fits. */
function plain(path: Buffer): Buffer {
  const short = Buffer.from(path.subarray(0, 100))
  for (let at = 0; at < short.length; at++) if ((short[at] as number) > 0x7f) short[at] = 0x5f
  return short
}

/** What a reader that does not know PAX would make of the records: a file of this name next to the one that they are about. */
function extendedName(path: Buffer): Buffer {
  let end = path.length
  while (end > 0 && path[end - 1] === 0x2f) end--
  const begin = Math.max(path.lastIndexOf(0x2f, end - 1) + 1, end - 80)
  return Buffer.concat([EXTENDED, plain(path.subarray(begin, end))]).subarray(0, 100)
}

const EXTENDED = Buffer.from('PaxHeaders.0/', 'latin1')
