/**
 * Reading an archive as it comes, in chunks with any borders. Nothing is read ahead and no file is held: the sink gets each file's header,
 * its content in pieces and its end, as soon as they are there.
 *
 *     const reader = new TarReader({ entry(header) {…}, data(bytes, offset) {…}, end() {…} })
 *     for await (const chunk of source) reader.push(chunk)
 *     reader.finish()
 *
 * Accepted is what Docker accepts (Go's archive/tar), and sparse files besides. All errors are sentences.
 */
import { DrydockError } from '../../kernel/errors.js'
import { damaged, showName } from './damage.js'
import { type RawHeader, readHeader } from './header.js'
import { type PaxRecords, parsePax, paxNumber, paxPath, paxTime } from './pax.js'
import { ContentMap, checkMap, OldMap, type PaxSparse, paxSparse } from './sparse.js'
import { BLOCK, type EntryType, NO_BYTES, NO_XATTRS, paddingOf, type SparsePart, type TarEntry, type Timestamp } from './types.js'

export interface TarSink {
  /** `at`: where in the archive its content begins. True: somebody has the content from there, so that it need not come as `data`; not of sparse files. */
  entry(entry: TarEntry, at: number): unknown
  /** Of the last entry; `offset` in the file. The bytes are a view that is good until this returns. */
  data(bytes: Buffer, offset: number): void
  /** The last entry has come whole. */
  end(): void
}

/** Extended headers, and names in GNU's form, may have so many bytes, as in Go. */
const LONGEST_EXTENSION = 1024 * 1024

const FLAGS: Readonly<Record<string, EntryType | undefined>> = {
  '\0': 'file',
  '0': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
}

const XATTR = 'SCHILY.xattr.'
const NO_RECORDS: PaxRecords = []

type Mutable<T> = { -readonly [key in keyof T]: T[key] }
type Taker = (bytes: Buffer, at: number) => void

export class TarReader {
  readonly #sink: TarSink
  /** What is waited for: so many bytes in one piece for somebody, a file's content, bytes that are nothing, or nothing more. */
  #state: 'block' | 'data' | 'skip' | 'over' = 'block'
  #wanted = BLOCK
  #taker: Taker = (bytes, at) => this.#header(bytes, at)
  #held: Buffer = Buffer.alloc(BLOCK)
  #holding = 0
  /** Between two files: here an archive may end. */
  #between = true
  #zeros = 0
  #skip = 0
  /** Bytes of the archive that are done with, those that are handed on at this moment among them. */
  #position = 0

  /** What stood before the header of the next file and is about it. */
  #records: PaxRecords = NO_RECORDS
  #longName: Buffer | undefined
  #longLink: Buffer | undefined

  /** Of the file whose content comes: parts of it that are still to come, and where the next byte belongs. */
  #parts: readonly SparsePart[] = []
  #part = 0
  #offset = 0
  #left = 0
  #padding = 0

  constructor(sink: TarSink) {
    this.#sink = sink
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let at = 0
    while (at < bytes.length) {
      switch (this.#state) {
        case 'block':
          at = this.#block(bytes, at)
          break
        case 'data':
          at = this.#data(bytes, at)
          break
        case 'skip':
          at += this.pass(bytes.length - at)
          break
        case 'over':
          // Whatever follows the end: padding to the size of a tape's record, mostly.
          return
      }
    }
  }

  /** Go on behind bytes that are nothing to anybody, up to so many; how many they were. Whoever has the archive in a file need not read them. */
  pass(most: number): number {
    if (this.#state !== 'skip') return 0
    const passed = Math.min(this.#skip, most)
    this.#position += passed
    this.#skip -= passed
    if (this.#skip === 0) {
      this.#between = true
      this.#await(BLOCK, this.#headerTaker)
    }
    return passed
  }

  /** The archive has come to its end: throws when it is in the middle of something. Missing end blocks are no error, to Docker neither. */
  finish(): void {
    if (this.#state === 'over' || (this.#between && this.#holding === 0)) return
    throw damaged('it ends in the middle of a file')
  }

  readonly #headerTaker: Taker = (bytes, at) => this.#header(bytes, at)

  #await(size: number, taker: Taker): void {
    this.#state = 'block'
    this.#wanted = size
    this.#taker = taker
  }

  /** Hand on what is wanted in one piece: where it lies, if it lies there whole. */
  #block(bytes: Buffer, at: number): number {
    const wanted = this.#wanted
    if (this.#holding === 0 && bytes.length - at >= wanted) {
      this.#position += wanted
      this.#taker(bytes, at)
      return at + wanted
    }
    const part = Math.min(wanted - this.#holding, bytes.length - at)
    if (this.#held.length < wanted) {
      const larger = Buffer.alloc(wanted)
      this.#held.copy(larger, 0, 0, this.#holding)
      this.#held = larger
    }
    bytes.copy(this.#held, this.#holding, at, at + part)
    this.#holding += part
    this.#position += part
    if (this.#holding === wanted) {
      this.#holding = 0
      this.#taker(this.#held, 0)
      if (this.#held.length > 64 * BLOCK) this.#held = Buffer.alloc(BLOCK)
    }
    return at + part
  }

  #data(bytes: Buffer, at: number): number {
    const part = Math.min(this.#left, bytes.length - at)
    this.#sink.data(bytes.subarray(at, at + part), this.#offset)
    this.#offset += part
    this.#position += part
    this.#left -= part
    if (this.#left === 0) this.#nextPart()
    return at + part
  }

  #nextPart(): void {
    const part = this.#parts[this.#part++]
    if (part) {
      this.#offset = part.offset
      this.#left = part.size
      this.#state = 'data'
      return
    }
    this.#sink.end()
    this.#between = true
    this.#skip = this.#padding
    if (this.#skip > 0) this.#state = 'skip'
    else this.#await(BLOCK, this.#headerTaker)
  }

  #header(bytes: Buffer, at: number): void {
    const header = readHeader(bytes, at)
    if (!header) {
      this.#zeros++
      if (this.#zeros === 2) this.#state = 'over'
      return
    }
    if (this.#zeros > 0) throw damaged('a block of zeros, which ends it, is followed by more')
    if (header.size < 0) throw damaged(`${showName(header.path)} has a negative size`)
    this.#between = false
    const flag = String.fromCharCode(header.flag)
    switch (flag) {
      case 'x':
        return this.#extension(header, (body) => {
          this.#records = parsePax(body)
        })
      case 'g':
        // For all files that follow; git archive writes a comment so. Docker and containerd take no notice of it.
        return this.#extension(header, (body) => void parsePax(body))
      case 'L':
        return this.#extension(header, (body) => {
          this.#longName = untilNul(body)
        })
      case 'K':
        return this.#extension(header, (body) => {
          this.#longLink = untilNul(body)
        })
    }
    const type = FLAGS[flag]
    if (type === undefined) {
      throw new DrydockError(
        `the archive has an entry of a type that no file system has: ${showName(header.path)}, type ${showName(Buffer.from([header.flag]))}`,
        { status: 400 },
      )
    }
    this.#file(header, type, bytes, at)
  }

  #extension(header: RawHeader, use: (body: Buffer) => void): void {
    const { size } = header
    if (size > LONGEST_EXTENSION) throw damaged(`an extended header has ${size} bytes; 1 MiB is the most`)
    if (size === 0) {
      use(NO_BYTES)
      return
    }
    this.#await(size + paddingOf(size), (bytes, at) => {
      // A copy, since values are kept until their file is done with.
      use(Buffer.from(bytes.subarray(at, at + size)))
      this.#await(BLOCK, this.#headerTaker)
    })
  }

  #file(header: RawHeader, type: EntryType, bytes: Buffer, at: number): void {
    const { entry, stored, sparse } = this.#entry(header, type)
    this.#records = NO_RECORDS
    this.#longName = undefined
    this.#longLink = undefined
    if (header.flag === 0x53) {
      const map = new OldMap(bytes, at)
      const begin = () => this.#beginSparse(entry, map.parts, map.realSize, stored, paddingOf(stored))
      if (!OldMap.goesOn(bytes, at)) return begin()
      this.#await(BLOCK, (block, from) => {
        if (!map.push(block, from)) begin()
      })
    } else if (sparse?.parts) {
      this.#beginSparse(entry, sparse.parts, sparse.realSize, stored, paddingOf(stored))
    } else if (sparse) {
      const map = new ContentMap()
      let left = stored
      const take = (block: Buffer, from: number) => {
        left -= BLOCK
        if (left < 0) throw damaged(`${showName(entry.path)} is shorter than the map of its parts`)
        const parts = map.push(block, from)
        if (parts) this.#beginSparse(entry, parts, sparse.realSize, left, paddingOf(left))
      }
      this.#await(BLOCK, take)
    } else {
      this.#begin(entry, stored === 0 ? [] : [{ offset: 0, size: stored }], paddingOf(stored))
    }
  }

  #beginSparse(entry: TarEntry, parts: readonly SparsePart[], realSize: number, stored: number, padding: number): void {
    if (realSize < 0) throw damaged(`${showName(entry.path)} has a negative size`)
    const sparse = checkMap(parts, realSize, stored)
    this.#begin({ ...entry, size: realSize, sparse }, sparse, padding)
  }

  #begin(entry: TarEntry, parts: readonly SparsePart[], padding: number): void {
    this.#parts = parts
    this.#part = 0
    this.#padding = padding
    if (this.#sink.entry(entry, this.#position) !== true || parts.length === 0) return this.#nextPart()
    if (entry.sparse) throw new Error('a sparse file is in the archive in parts: its content comes as data')
    this.#sink.end()
    this.#skip = entry.size + padding
    this.#state = 'skip'
  }

  /** The header with what stood before it. `stored`: bytes that follow in the archive. */
  #entry(header: RawHeader, told: EntryType): { entry: TarEntry; stored: number; sparse?: PaxSparse } {
    let { path, linkPath, size, uid, gid } = header
    let mtime: Timestamp = header.mtime
    let atime: Timestamp | undefined = header.atime
    let xattrs: Map<string, Buffer> | undefined
    let sparseName: Buffer | undefined
    let isSparse = false
    for (const [key, value] of this.#records) {
      if (key.startsWith(XATTR)) {
        xattrs ??= new Map()
        xattrs.set(key.slice(XATTR.length), value)
        continue
      }
      if (key.startsWith('GNU.sparse.')) isSparse = true
      // An empty value takes back what was said before: the header's own counts.
      if (value.length === 0) continue
      if (key === 'path') path = paxPath(key, value)
      else if (key === 'linkpath') linkPath = paxPath(key, value)
      else if (key === 'size') size = paxNumber(key, value)
      else if (key === 'uid') uid = paxNumber(key, value)
      else if (key === 'gid') gid = paxNumber(key, value)
      else if (key === 'mtime') mtime = paxTime(key, value)
      else if (key === 'atime') atime = paxTime(key, value)
      else if (key === 'GNU.sparse.name') sparseName = paxPath(key, value)
    }
    const sparse = isSparse && told === 'file' ? paxSparse(this.#records) : undefined
    path = this.#longName ?? sparseName ?? path
    linkPath = this.#longLink ?? linkPath
    if (size < 0) throw damaged(`${showName(path)} has a negative size`)
    // Of the times before ustar: a directory was a file whose name ends so.
    const type = header.flag === 0 && path[path.length - 1] === 0x2f ? 'directory' : told
    // What is no file has no content, whatever its header's size says (a hard link's is often the file's).
    const stored = told === 'file' ? size : 0
    const entry: Mutable<TarEntry> = {
      path,
      type,
      linkPath: type === 'symlink' || type === 'hardlink' ? linkPath : NO_BYTES,
      mode: header.mode,
      uid,
      gid,
      size: stored,
      mtime,
      major: header.major,
      minor: header.minor,
      xattrs: xattrs ?? NO_XATTRS,
    }
    if (atime) entry.atime = atime
    return sparse ? { entry, stored, sparse } : { entry, stored }
  }
}

function untilNul(body: Buffer): Buffer {
  const end = body.indexOf(0)
  return end < 0 ? body : body.subarray(0, end)
}
