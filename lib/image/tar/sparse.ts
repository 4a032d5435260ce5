/** Maps of sparse files, in GNU tar's four ways of writing them down: `info tar`, "Storing Sparse Files". */
import { damaged } from './damage.js'
import { number } from './header.js'
import { type PaxRecords, paxNumber } from './pax.js'
import { BLOCK, type SparsePart } from './types.js'

/** A map may have so many bytes, as in Go. */
export const LONGEST_MAP = 1024 * 1024

/** The first way: four parts in the header and 21 in each block that follows it, as long as a flag says so. */
export class OldMap {
  readonly parts: SparsePart[] = []
  readonly realSize: number
  #bytes = 0

  constructor(header: Buffer, at: number) {
    this.realSize = number(header, at + 483, 12, 'real size')
    this.#take(header, at + 386, 4)
  }

  /** Does another block follow the header at `at`? */
  static goesOn(header: Buffer, at: number): boolean {
    return header[at + 482] !== 0
  }

  /** Take such a block. Returns whether one more follows. */
  push(block: Buffer, at: number): boolean {
    this.#bytes += BLOCK
    if (this.#bytes > LONGEST_MAP) throw tooLong()
    this.#take(block, at, 21)
    return block[at + 504] !== 0
  }

  #take(block: Buffer, at: number, count: number): void {
    for (let i = at; i < at + 24 * count; i += 24) {
      if (block[i] === 0) return
      this.parts.push({ offset: number(block, i, 12, 'offset'), size: number(block, i + 12, 12, 'size') })
    }
  }
}

/** What PAX records say: in 0.0 and 0.1 the map itself, in 1.0 that the file's content begins with it. */
export interface PaxSparse {
  readonly realSize: number
  readonly parts?: SparsePart[]
}

export function paxSparse(records: PaxRecords): PaxSparse | undefined {
  let realSize: number | undefined
  let inContent = false
  const list: string[] = []
  let told = false
  for (const [key, value] of records) {
    if (key === 'GNU.sparse.realsize' || key === 'GNU.sparse.size') realSize = paxNumber(key, value)
    else if (key === 'GNU.sparse.major') inContent = paxNumber(key, value) === 1
    else if (key === 'GNU.sparse.map' && value.length > 0) list.push(...value.toString('latin1').split(','))
    else if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') list.push(value.toString('latin1'))
    told ||= key === 'GNU.sparse.map' || key === 'GNU.sparse.numblocks'
  }
  if (realSize === undefined || !(inContent || told || list.length > 0)) return undefined
  return inContent ? { realSize } : { realSize, parts: partsOf(list) }
}

/** The map of 1.0: a count, then offsets and sizes, a line each; the rest of its last block is nothing. */
export class ContentMap {
  #text = ''
  #count: number | undefined

  /** The blocks so far are the whole map: its parts. Undefined: one more is needed. */
  push(block: Buffer, at: number): SparsePart[] | undefined {
    this.#text += block.toString('latin1', at, at + BLOCK)
    if (this.#text.length > LONGEST_MAP) throw tooLong()
    const first = this.#text.indexOf('\n')
    if (first < 0) return undefined
    this.#count ??= decimal(this.#text.slice(0, first))
    // The shortest line has two characters; a quick no for most of the blocks of a long map.
    if (this.#text.length < first + 1 + this.#count * 4) return undefined
    const lines = this.#text.split('\n')
    if (lines.length < 2 + this.#count * 2) return undefined
    return partsOf(lines.slice(1, 1 + this.#count * 2))
  }
}

function partsOf(list: readonly string[]): SparsePart[] {
  if (list.length % 2 !== 0) throw damaged('the map of a sparse file has an offset without a size')
  const parts: SparsePart[] = []
  for (let i = 0; i < list.length; i += 2) parts.push({ offset: decimal(list[i] as string), size: decimal(list[i + 1] as string) })
  return parts
}

function decimal(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw damaged('the map of a sparse file has something in it that is no number')
  return value
}

/** In order, within the file, and together as many bytes as the archive holds of it. Parts of no size, which mark the end, are left out. */
export function checkMap(parts: readonly SparsePart[], realSize: number, stored: number): SparsePart[] {
  let end = 0
  let sum = 0
  for (const { offset, size } of parts) {
    if (offset < end || size < 0 || offset + size > realSize) throw damaged('the parts of a sparse file overlap, or lie outside of it')
    end = offset + size
    sum += size
  }
  if (sum !== stored) throw damaged(`a sparse file's map speaks of ${sum} bytes and the archive holds ${stored}`)
  return parts.filter(({ size }) => size > 0)
}

const tooLong = () => damaged('the map of a sparse file has more than 1 MiB')
