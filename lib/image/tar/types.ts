/** What an archive says of one file. Names are bytes, as they are to the kernel: nothing promises that they are UTF-8. */

export type EntryType = 'file' | 'hardlink' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo'

/** Since 1970; seconds may be negative, nanoseconds are 0 to 999,999,999 and always count forward. */
export interface Timestamp {
  readonly seconds: number
  readonly nanoseconds: number
}

/** A part of a sparse file that is in the archive; what lies between two of them is a hole. */
export interface SparsePart {
  readonly offset: number
  readonly size: number
}

export interface TarEntry {
  /** As it stands in the archive: it may be absolute, have `..` in it, or end with a slash. */
  readonly path: Buffer
  readonly type: EntryType
  /** A symbolic link's target, or the path of the file that a hard link is another name of; empty for all others. */
  readonly linkPath: Buffer
  /** The twelve permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Of the content in bytes, a sparse file's holes included; 0 for what has none. */
  readonly size: number
  readonly mtime: Timestamp
  /** Absent: the archive does not say. */
  readonly atime?: Timestamp
  /** Of a device. */
  readonly major: number
  readonly minor: number
  /** Values by name (`user.comment`, `security.capability`). A character of the name is one of its bytes (latin1). */
  readonly xattrs: ReadonlyMap<string, Buffer>
  /** Set for a sparse file: in order, and they do not overlap. */
  readonly sparse?: readonly SparsePart[]
}

/** Headers, and each file's content, are made of blocks of so many bytes. */
export const BLOCK = 512

/** What fills the last block of `size` bytes, in bytes. */
export const paddingOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK

/** Shared by all that have none. */
export const NO_XATTRS: ReadonlyMap<string, Buffer> = new Map()
export const NO_BYTES: Buffer = Buffer.alloc(0)
