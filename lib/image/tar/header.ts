/**
 * The 512 bytes in front of each file. Four writers' formats in one: the seventh edition's, POSIX's ustar, star's and GNU tar's. What is
 * accepted is what Go's archive/tar accepts, and so Docker. tar(5) of libarchive describes them all.
 */
import { damaged, showName } from './damage.js'
import { BLOCK, NO_BYTES, type TarEntry } from './types.js'

/** What stands in the block itself; the rest of an entry comes from records before it. */
export interface RawHeader extends Omit<TarEntry, 'type' | 'xattrs' | 'sparse'> {
  /** The letter that says what follows: '0' a file, 'x' PAX records, … A NUL byte means a file too. */
  readonly flag: number
}

const USTAR = 0x75737461 // 'usta'

/** The header at `at`, or undefined for a block of zeros. */
export function readHeader(block: Buffer, at: number): RawHeader | undefined {
  if (block[at + 148] === 0 && isZero(block, at)) return undefined
  checkSum(block, at)
  const gnu = block[at + 262] === 0x20 && isUstar(block, at)
  const ustar = !gnu && isUstar(block, at)
  const name = text(block, at, 100)
  // star ends its headers with its name and keeps two times behind a shorter prefix.
  const star = ustar && block.readUInt32BE(at + 508) === 0x74617200
  const prefix = ustar ? text(block, at + 345, star ? 131 : 155) : undefined
  const accessed = gnu && block[at + 345] !== 0 ? at + 345 : star ? at + 476 : 0
  return {
    path: prefix?.length ? Buffer.concat([prefix, SLASH, name]) : name,
    flag: block[at + 156] as number,
    linkPath: text(block, at + 157, 100),
    mode: number(block, at + 100, 8, 'mode') & 0o7777,
    uid: number(block, at + 108, 8, 'owner'),
    gid: number(block, at + 116, 8, 'group'),
    size: number(block, at + 124, 12, 'size'),
    mtime: { seconds: number(block, at + 136, 12, 'time'), nanoseconds: 0 },
    ...(accessed > 0 && { atime: { seconds: number(block, accessed, 12, 'time of access'), nanoseconds: 0 } }),
    major: ustar || gnu ? number(block, at + 329, 8, 'device number') : 0,
    minor: ustar || gnu ? number(block, at + 337, 8, 'device number') : 0,
  }
}

const SLASH = Buffer.from('/')

const isUstar = (block: Buffer, at: number) => block.readUInt32BE(at + 257) === USTAR && block[at + 261] === 0x72

function isZero(block: Buffer, at: number): boolean {
  for (let i = at; i < at + BLOCK; i++) if (block[i] !== 0) return false
  return true
}

/** The sum of all bytes, its own eight as if they were spaces. Some old writers' bytes were signed. */
function checkSum(block: Buffer, at: number): void {
  const own = sumOf(block, at + 148, 8)
  const sum = sumOf(block, at, BLOCK) - own + 8 * 0x20
  const told = octal(block, at + 148, at + 156).value
  if (told !== sum && told !== signedSum(block, at, sum)) {
    throw damaged(
      `what should be a file's header has a wrong checksum, or this is no tar archive at all (${showName(text(block, at, 100))})`,
    )
  }
}

function sumOf(block: Buffer, at: number, length: number): number {
  let sum = 0
  for (let i = at; i < at + length; i++) sum += block[i] as number
  return sum
}

function signedSum(block: Buffer, at: number, sum: number): number {
  const isHigh = (byte: number, index: number) => byte > 127 && (index < 148 || index >= 156)
  return sum - 256 * block.subarray(at, at + BLOCK).filter(isHigh).length
}

/** Up to a NUL byte; a copy. */
function text(block: Buffer, at: number, length: number): Buffer {
  if (block[at] === 0) return NO_BYTES
  let end = at
  while (end < at + length && block[end] !== 0) end++
  const copy = Buffer.allocUnsafe(end - at)
  for (let i = at; i < end; i++) copy[i - at] = block[i] as number
  return copy
}

/** Octal digits among spaces and NUL bytes; or, when the first bit is set, GNU's 256-ary two's complement. */
export function number(block: Buffer, at: number, length: number, what: string): number {
  const first = block[at] as number
  if (first & 0x80) return base256(block, at, length, what)
  const end = at + length
  const { value, next } = octal(block, at, end)
  let i = next
  // Behind a NUL byte anything may stand; behind a space only more of them.
  while (i < end && block[i] === 0x20) i++
  if (i < end && block[i] !== 0) throw damaged(`the ${what} of a file is no octal number (${showName(block.subarray(at, end))})`)
  return value
}

/** The digits behind blanks, and where they end. */
function octal(block: Buffer, at: number, end: number): { value: number; next: number } {
  let next = at
  while (next < end && isBlank(block[next] as number)) next++
  let value = 0
  for (; next < end; next++) {
    const digit = (block[next] as number) - 0x30
    if (digit < 0 || digit > 7) break
    value = value * 8 + digit
  }
  return { value, next }
}

const isBlank = (byte: number) => byte === 0 || byte === 0x20

function base256(block: Buffer, at: number, length: number, what: string): number {
  const negative = ((block[at] as number) & 0x40) !== 0
  let value = negative ? -1n : 0n
  for (let i = at; i < at + length; i++) value = (value << 8n) | BigInt(i === at ? (block[i] as number) & 0x3f : (block[i] as number))
  if (negative) value = BigInt.asIntN(length * 8 - 2, value)
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw damaged(`the ${what} of a file is a number of ${value.toString().length} digits`)
  }
  return Number(value)
}
