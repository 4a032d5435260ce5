/** What the kernel wrote into buffers, taken apart: struct linux_dirent64 (getdents64(2)), struct statx (statx(2)), lists of attributes. */

/** A name, a path: a character is one of its bytes (latin1), so that they sort as bytes do and are small. */
export type Bytes = string

export const bytesOf = (name: Bytes): Buffer => Buffer.from(name, 'latin1')

export type Kind = 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket'

export interface Stat {
  readonly kind: Kind
  /** The twelve permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  /** Has holes: fewer blocks are in use than its size would need. */
  readonly sparse: boolean
  readonly seconds: number
  readonly nanoseconds: number
  /** Of a device. */
  readonly major: number
  readonly minor: number
  /** How many names it has. */
  readonly names: number
  /** The same for all names of a file that has several. */
  readonly identity?: string
}

const KINDS: Readonly<Record<number, Kind>> = {
  1: 'fifo',
  2: 'char',
  4: 'directory',
  6: 'block',
  8: 'file',
  10: 'symlink',
  12: 'socket',
}

/** The members' places are the same on every architecture (linux/stat.h). */
export function readStatx(buffer: Buffer): Stat {
  const format = buffer.readUInt16LE(28)
  const kind = KINDS[format >> 12] ?? 'file'
  const size = long(buffer, 40)
  const names = buffer.readUInt32LE(16)
  const stat = {
    kind,
    mode: format & 0o7777,
    uid: buffer.readUInt32LE(20),
    gid: buffer.readUInt32LE(24),
    size,
    sparse: kind === 'file' && long(buffer, 48) * 512 < size,
    seconds: buffer.readInt32LE(116) * 2 ** 32 + buffer.readUInt32LE(112),
    nanoseconds: buffer.readUInt32LE(120),
    major: buffer.readUInt32LE(128),
    minor: buffer.readUInt32LE(132),
    names,
  }
  return names > 1 && kind !== 'directory'
    ? { ...stat, identity: buffer.toString('latin1', 32, 40) + buffer.toString('latin1', 136, 144) }
    : stat
}

const long = (buffer: Buffer, at: number) => buffer.readUInt32LE(at + 4) * 2 ** 32 + buffer.readUInt32LE(at)

/** Names in `length` bytes of entries, without `.` and `..`, added to `names`. */
export function readNames(buffer: Buffer, length: number, names: Bytes[]): void {
  for (let at = 0; at < length; ) {
    const size = buffer.readUInt16LE(at + 16)
    const begin = at + 19
    const name = buffer.toString('latin1', begin, buffer.indexOf(0, begin))
    if (name !== '.' && name !== '..') names.push(name)
    at += size
  }
}

/** Names of attributes in `length` bytes. */
export function readList(buffer: Buffer, length: number): Bytes[] {
  return length === 0 ? [] : buffer.toString('latin1', 0, length - 1).split('\0')
}
