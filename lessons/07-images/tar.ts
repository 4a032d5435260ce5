/**
 * Tar archives small enough to be read whole, as this lesson's images have them: a header of 512 bytes for every file, its content, zeros up to the
 * next multiple of 512. The fields are those of ustar (POSIX.1-1988); an extended attribute comes in a header of its own before the file's (pax,
 * POSIX.1-2001). What an engine needs besides, such as sparse files and names of any length, is in lib/image.
 */
import { DrydockError } from '../../lib/kernel/errors.js'

export interface Entry {
  /** As it stands in the archive: `etc/motd`, `etc/.wh.issue`. Anybody may have written it. */
  readonly path: string
  readonly type: 'file' | 'link' | 'symlink' | 'char' | 'block' | 'dir' | 'fifo'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** What a link leads to: for `link` another entry’s path. */
  readonly target: string
  readonly device: readonly [major: number, minor: number]
  readonly xattrs: Readonly<Record<string, string>>
  readonly content: Buffer
}

export type NewEntry = Pick<Entry, 'path' | 'type'> & Partial<Omit<Entry, 'content'>> & { readonly content?: Buffer | string }

const BLOCK = 512
/** The byte in the header that says what a file is. */
const TYPES = { 0: 'file', 1: 'link', 2: 'symlink', 3: 'char', 4: 'block', 5: 'dir', 6: 'fifo' } as const
const PAX = 'x'
const XATTR = 'SCHILY.xattr.'

/** An archive of these files, in this order. */
export function pack(entries: readonly NewEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const records = Object.entries(entry.xattrs ?? {}).map(([name, value]) => record(`${XATTR}${name}=${value}`))
    const extended = records.length === 0 ? [] : member({ path: 'pax', type: 'file', content: records.join('') }, PAX)
    return [...extended, ...member(entry)]
  })
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)])
}

/** `LENGTH text\n`, where the length counts its own digits too. */
function record(text: string): string {
  const rest = Buffer.byteLength(text) + 2
  let length = rest + String(rest).length
  if (String(length).length > String(rest).length) length = rest + String(length).length
  return `${length} ${text}\n`
}

function member(entry: NewEntry, flag = typeFlag(entry.type)): Buffer[] {
  const content = Buffer.from(entry.content ?? '')
  if (Buffer.byteLength(entry.path) > 100) throw new DrydockError(`${entry.path} is too long for a plain header`)
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, width: number) => header.write(value.toString(8).padStart(width - 1, '0'), at)
  const [major, minor] = entry.device ?? [0, 0]
  header.write(entry.path, 0)
  octal(entry.mode ?? (entry.type === 'dir' ? 0o755 : 0o644), 100, 8)
  octal(entry.uid ?? 0, 108, 8)
  octal(entry.gid ?? 0, 116, 8)
  octal(content.length, 124, 12)
  octal(0, 136, 12)
  header.write(' '.repeat(8), 148)
  header.write(flag, 156)
  header.write(entry.target ?? '', 157)
  header.write('ustar\x0000', 257)
  octal(major, 329, 8)
  octal(minor, 337, 8)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return [header, content, Buffer.alloc(-content.length & (BLOCK - 1))]
}

const typeFlag = (type: Entry['type']) => Object.entries(TYPES).find(([, name]) => name === type)?.[0] as string

/** What is in an archive. Throws when a header's sum is not that of its bytes, or the archive ends too early. */
export function entries(archive: Buffer): Entry[] {
  const found: Entry[] = []
  let xattrs: Record<string, string> = {}
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK)
    if (header.every((byte) => byte === 0)) return found
    const text = (from: number, length: number) => header.toString('utf8', from, from + length).replace(/\0.*$/s, '')
    const number = (from: number, length: number) => Number.parseInt(text(from, length).trim() || '0', 8)
    const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0)
    if (sum !== number(148, 8)) throw new DrydockError(`the header at byte ${at} is damaged: its sum is not that of its bytes`)
    const size = number(124, 12)
    const content = archive.subarray(at + BLOCK, at + BLOCK + size)
    if (content.length < size) throw new DrydockError('the archive ends in the middle of a file')
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
    const flag = text(156, 1) || '0'
    if (flag === PAX) {
      xattrs = attributesIn(content)
      continue
    }
    const type = TYPES[Number(flag) as keyof typeof TYPES]
    if (type === undefined) throw new DrydockError(`an entry of the type '${flag}' is none that this lesson knows`)
    const prefix = text(345, 155)
    found.push({
      path: prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`,
      type,
      mode: number(100, 8),
      uid: number(108, 8),
      gid: number(116, 8),
      target: text(157, 100),
      device: [number(329, 8), number(337, 8)],
      xattrs,
      content: Buffer.from(content),
    })
    xattrs = {}
  }
  return found
}

function attributesIn(records: Buffer): Record<string, string> {
  const found: Record<string, string> = {}
  for (let at = 0; at < records.length; ) {
    const space = records.indexOf(' ', at)
    const length = Number(records.toString('latin1', at, space))
    if (space < 0 || !(length > 0)) break
    const [, name, value] = /^([^=]*)=(.*)\n$/s.exec(records.toString('utf8', space + 1, at + length)) ?? []
    if (name?.startsWith(XATTR) && value !== undefined) found[name.slice(XATTR.length)] = value
    at += length
  }
  return found
}
