/**
 * What the dynamic linker reads of an ELF file: who interprets it, what it needs, and where it says to look. elf(5), ld.so(8), and the
 * System V ABI's chapter "Dynamic Linking". Only headers are read, never the whole file, and nothing of it is run.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { DrydockError } from '../../kernel/errors.js'

export interface Elf {
  /** 32 or 64. Objects of two classes, or of two machines, cannot be in one process. */
  readonly bits: 32 | 64
  /** e_machine: 62 x86-64, 183 AArch64, … */
  readonly machine: number
  /** The path in PT_INTERP: the dynamic linker that the kernel starts in the program's place. Absent in libraries and static programs. */
  readonly interpreter?: string
  /** DT_NEEDED, in order. Mostly bare names; one with a slash in it is a path. */
  readonly needed: readonly string[]
  /** DT_SONAME: the name under which others ask for this library. */
  readonly soname?: string
  /** DT_RPATH and DT_RUNPATH as they stand in the file, with $ORIGIN and its like. */
  readonly rpath?: string
  readonly runpath?: string
  /** DF_1_NODEFLIB: the default directories and the cache are not to be searched for what this object needs. */
  readonly noDefaultDirectories: boolean
}

/** At most `length` bytes from `offset`: fewer only where the file ends. */
export type ReadAt = (offset: number, length: number) => Buffer

const PT_LOAD = 1
const PT_DYNAMIC = 2
const PT_INTERP = 3

const DT_NULL = 0
const DT_NEEDED = 1
const DT_STRTAB = 5
const DT_STRSZ = 10
const DT_SONAME = 14
const DT_RPATH = 15
const DT_RUNPATH = 29
const DT_FLAGS_1 = 0x6fff_fffb
const DF_1_NODEFLIB = 0x800

/** No linker writes more than a few dozen; what claims to have more is no program but an accident. */
const MOST_HEADERS = 4096
const LARGEST_DYNAMIC = 1 << 20
const LONGEST_STRING = 4096

/** The ELF file at `path`; undefined for a file of another kind (a script). An error for one that is damaged or cannot be read. */
export function readElf(path: string): Elf | undefined {
  const descriptor = openSync(path, 'r')
  try {
    return parseElf((offset, length) => {
      const bytes = Buffer.alloc(length)
      let have = 0
      for (let n = -1; n !== 0 && have < length; have += n) n = readSync(descriptor, bytes, have, length - have, offset + have)
      return bytes.subarray(0, have)
    }, path)
  } finally {
    closeSync(descriptor)
  }
}

/** `name` is for the error alone. */
export function parseElf(readAt: ReadAt, name = 'this file'): Elf | undefined {
  const ident = readAt(0, 64)
  if (ident.length < 20 || ident.readUInt32BE(0) !== 0x7f45_4c46) return undefined
  const file = new Layout(readAt, ident, name)
  const segments = file.segments()
  const interpreter = segments.find(({ type }) => type === PT_INTERP)
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC)
  return {
    bits: file.bits,
    machine: file.machine,
    ...(interpreter && { interpreter: file.string(interpreter.offset, interpreter.fileSize) }),
    ...(dynamic ? linking(file, dynamic, segments) : { needed: [], noDefaultDirectories: false }),
  }
}

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly fileSize: number
}

/** Where things stand in the file: four layouts, of 32 or 64 bits and with the low or the high byte first. */
class Layout {
  readonly bits: 32 | 64
  readonly machine: number
  readonly #readAt: ReadAt
  readonly #little: boolean
  readonly #header: Buffer
  readonly #name: string

  constructor(readAt: ReadAt, header: Buffer, name: string) {
    this.#readAt = readAt
    this.#header = header
    this.#name = name
    const [classByte, dataByte] = [header[4], header[5]]
    if ((classByte !== 1 && classByte !== 2) || (dataByte !== 1 && dataByte !== 2))
      this.damaged('its class or byte order is none that there is')
    this.bits = classByte === 2 ? 64 : 32
    this.#little = dataByte === 1
    if (header.length < (this.bits === 64 ? 64 : 52)) this.damaged('it ends within its header')
    this.machine = this.number(header, 18, 2)
  }

  damaged(why: string): never {
    throw new DrydockError(`${this.#name} is a damaged ELF file: ${why}`)
  }

  /** Addresses and offsets beyond 2^53 are in no file. */
  number(bytes: Buffer, at: number, width: 2 | 4 | 8): number {
    if (width === 2) return this.#little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)
    if (width === 4) return this.#little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
    const value = this.#little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at)
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? this.damaged('an offset in it is larger than any file') : Number(value)
  }

  /** As large as a dynamic tag; values there may use all 64 bits (flags, addresses of nothing), so a large one is no damage. */
  word(bytes: Buffer, at: number): bigint {
    if (this.bits === 32) return BigInt(this.number(bytes, at, 4))
    return this.#little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at)
  }

  bytes(offset: number, length: number, what: string): Buffer {
    const found = this.#readAt(offset, length)
    return found.length < length ? this.damaged(`it ends within its ${what}`) : found
  }

  /** A string that ends with a NUL byte, at most `limit` bytes long. */
  string(offset: number, limit: number): string {
    const bytes = this.#readAt(offset, Math.min(limit, LONGEST_STRING))
    const end = bytes.indexOf(0)
    return end === -1 ? this.damaged('a string in it has no end') : bytes.toString('utf8', 0, end)
  }

  /** The program headers. */
  segments(): Segment[] {
    const wide = this.bits === 64
    const offset = wide ? this.number(this.#header, 32, 8) : this.number(this.#header, 28, 4)
    const size = this.number(this.#header, wide ? 54 : 42, 2)
    const count = this.number(this.#header, wide ? 56 : 44, 2)
    if (count === 0) return []
    if (size < (wide ? 56 : 32) || count > MOST_HEADERS) this.damaged('its table of program headers cannot be one')
    const table = this.bytes(offset, size * count, 'program headers')
    return Array.from({ length: count }, (_, index) => {
      const at = index * size
      const field = (narrowAt: number, wideAt: number) => (wide ? this.number(table, at + wideAt, 8) : this.number(table, at + narrowAt, 4))
      return { type: this.number(table, at, 4), offset: field(4, 8), address: field(8, 16), fileSize: field(16, 32) }
    })
  }
}

/** The dynamic section names its strings by where they will be in memory; the segments say where in the file that is. */
function linking(file: Layout, dynamic: Segment, segments: readonly Segment[]) {
  if (dynamic.fileSize > LARGEST_DYNAMIC) file.damaged('its dynamic section is too large')
  const table = file.bytes(dynamic.offset, dynamic.fileSize, 'dynamic section')
  const width = file.bits / 8
  const entries: { tag: number; value: number }[] = []
  for (let at = 0; at + 2 * width <= table.length; at += 2 * width) {
    const tag = Number(file.word(table, at))
    if (tag === DT_NULL) break
    entries.push({ tag, value: Number(file.word(table, at + width)) })
  }
  const entry = (tag: number) => entries.find((one) => one.tag === tag)?.value
  const wanted = entries.some(({ tag }) => tag === DT_NEEDED || tag === DT_SONAME || tag === DT_RPATH || tag === DT_RUNPATH)
  const address = entry(DT_STRTAB)
  const size = entry(DT_STRSZ)
  if (wanted && (address === undefined || size === undefined)) file.damaged('it has names but no table of strings')
  const home = segments.find((one) => {
    return one.type === PT_LOAD && address !== undefined && address >= one.address && address < one.address + one.fileSize
  })
  if (wanted && !home) file.damaged('its strings are in no part of it')
  const textAt = (index: number) => {
    if (index >= (size as number)) file.damaged('a name in it is not among its strings')
    return file.string((home as Segment).offset + (address as number) - (home as Segment).address + index, (size as number) - index)
  }
  const text = (tag: number) => {
    const index = entry(tag)
    return index === undefined ? undefined : textAt(index)
  }
  const [soname, rpath, runpath] = [text(DT_SONAME), text(DT_RPATH), text(DT_RUNPATH)]
  return {
    needed: entries.filter(({ tag }) => tag === DT_NEEDED).map(({ value }) => textAt(value)),
    ...(soname !== undefined && { soname }),
    ...(rpath !== undefined && { rpath }),
    ...(runpath !== undefined && { runpath }),
    noDefaultDirectories: ((entry(DT_FLAGS_1) ?? 0) & DF_1_NODEFLIB) !== 0,
  }
}
