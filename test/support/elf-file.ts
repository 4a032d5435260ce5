/** ELF files of headers alone, written by hand: what a linker would read of them, in each of the four layouts. elf(5). */

export interface ElfFileSpec {
  readonly bits?: 32 | 64
  readonly bigEndian?: boolean
  readonly machine?: number
  readonly interpreter?: string
  readonly needed?: readonly string[]
  readonly soname?: string
  readonly rpath?: string
  readonly runpath?: string
  readonly flags1?: number
}

const TAGS = { needed: 1, strtab: 5, strsz: 10, soname: 14, rpath: 15, runpath: 29, flags1: 0x6fff_fffb }

/** Where the strings are in memory: elsewhere than in the file, as in real ones. */
const LOADED_AT = 0x10000

export function elfFile(spec: ElfFileSpec): Buffer {
  const { bits = 64, bigEndian = false, machine = 62, interpreter, needed = [], soname, rpath, runpath, flags1 } = spec
  const wide = bits === 64
  const buffer = Buffer.alloc(8192)
  const put = (at: number, width: 2 | 4 | 8, value: number) => {
    if (width === 8) bigEndian ? buffer.writeBigUInt64BE(BigInt(value), at) : buffer.writeBigUInt64LE(BigInt(value), at)
    else bigEndian ? buffer.writeUIntBE(value, at, width) : buffer.writeUIntLE(value, at, width)
  }
  const word = wide ? 8 : 4
  const dynamicLinked =
    interpreter !== undefined || needed.length > 0 || soname !== undefined || rpath !== undefined || runpath !== undefined
  const headerAt = wide ? 64 : 52
  const headerSize = wide ? 56 : 32
  const [interpreterAt, dynamicAt, stringsAt] = [1024, 2048, 4096]

  let strings = '\0'
  const index = (text: string) => {
    const at = Buffer.byteLength(strings)
    strings += `${text}\0`
    return at
  }
  const entries: [tag: number, value: number][] = needed.map((name) => [TAGS.needed, index(name)])
  if (soname !== undefined) entries.push([TAGS.soname, index(soname)])
  if (rpath !== undefined) entries.push([TAGS.rpath, index(rpath)])
  if (runpath !== undefined) entries.push([TAGS.runpath, index(runpath)])
  if (flags1 !== undefined) entries.push([TAGS.flags1, flags1])
  entries.push([TAGS.strtab, LOADED_AT + stringsAt], [TAGS.strsz, Buffer.byteLength(strings)], [0, 0])
  buffer.write(strings, stringsAt)
  for (const [at, entry] of entries.entries()) {
    put(dynamicAt + at * 2 * word, word, entry[0])
    put(dynamicAt + at * 2 * word + word, word, entry[1])
  }

  const segments: [type: number, offset: number, address: number, size: number][] = [[1, 0, LOADED_AT, buffer.length]]
  if (interpreter !== undefined) {
    buffer.write(`${interpreter}\0`, interpreterAt)
    segments.unshift([3, interpreterAt, LOADED_AT + interpreterAt, Buffer.byteLength(interpreter) + 1])
  }
  if (dynamicLinked) segments.push([2, dynamicAt, LOADED_AT + dynamicAt, entries.length * 2 * word])
  for (const [number, [type, offset, address, size]] of segments.entries()) {
    const at = headerAt + number * headerSize
    put(at, 4, type)
    put(at + (wide ? 8 : 4), word, offset)
    put(at + (wide ? 16 : 8), word, address)
    put(at + (wide ? 32 : 16), word, size)
  }

  buffer.write('\x7fELF', 0, 'latin1')
  buffer[4] = wide ? 2 : 1
  buffer[5] = bigEndian ? 2 : 1
  buffer[6] = 1
  put(16, 2, 3) // ET_DYN
  put(18, 2, machine)
  put(wide ? 32 : 28, word, headerAt)
  put(wide ? 54 : 42, 2, headerSize)
  put(wide ? 56 : 44, 2, segments.length)
  return buffer
}
