/** Archives in memory: reading one whole, and making ones that no tar would make. */
import { type TarEntry, TarReader } from '../../lib/image/tar/index.js'

export type Read = TarEntry & { readonly content: Buffer }

/** All entries, each with its content, a sparse file's holes filled with zeros. `sizes`: of the chunks, over and over. */
export function readTar(archive: Buffer, sizes: readonly number[] = [archive.length]): Read[] {
  const read: { entry: TarEntry; content: Buffer; whole: boolean }[] = []
  const reader = new TarReader({
    entry: (entry) => read.push({ entry, content: Buffer.alloc(entry.size), whole: false }),
    data: (bytes, offset) => void bytes.copy(read.at(-1)?.content as Buffer, offset),
    end: () => {
      const last = read.at(-1)
      if (last) last.whole = true
    },
  })
  for (let at = 0, i = 0; at < archive.length; i++) {
    const size = sizes[i % sizes.length] as number
    // A copy, so that one that is kept too long is seen.
    const chunk = Buffer.from(archive.subarray(at, at + size))
    reader.push(chunk)
    chunk.fill(0xee)
    at += size
  }
  reader.finish()
  if (!read.every(({ whole }) => whole)) throw new Error('an entry has no end')
  return read.map(({ entry, content }) => ({ ...entry, content }))
}

/** The same by somebody who has the archive: content is taken from where the reader says that it is, and what is nothing to the reader is jumped over. */
export function readTarByPlaces(archive: Buffer, size: number): Read[] {
  const read: { entry: TarEntry; content: Buffer }[] = []
  const reader = new TarReader({
    entry: (entry, at) => {
      read.push({ entry, content: entry.sparse ? Buffer.alloc(entry.size) : archive.subarray(at, at + entry.size) })
      return entry.sparse === undefined
    },
    data: (bytes, offset) => void bytes.copy(read.at(-1)?.content as Buffer, offset),
    end: () => undefined,
  })
  for (let at = 0; at < archive.length; ) {
    const chunk = archive.subarray(at, at + size)
    reader.push(chunk)
    at += chunk.length
    at += reader.pass(archive.length - at)
  }
  reader.finish()
  return read.map(({ entry, content }) => ({ ...entry, content }))
}

/** Chunks that cut headers, content and records anywhere. */
export const sizesOfChunks = (): number[][] => [[1], [511], [512], [513, 7], [1000, 1, 300], [4096], [65536]]

interface HeaderFields {
  readonly name?: string | Buffer
  readonly flag?: string
  readonly size?: string | Buffer
  readonly mode?: number
  readonly linkPath?: string
  /** A byte of the header that is changed after its sum was made. */
  readonly flip?: number
}

/** Pieces of archives: a header of the seventh edition's form, content with its padding, a PAX header. */
export function damagedArchive() {
  const header = ({ name = 'name', flag = '0', size = '00000000007', mode = 0o644, linkPath = '', flip }: HeaderFields = {}): Buffer => {
    const block = Buffer.alloc(512)
    Buffer.from(name as string).copy(block)
    block.write(`${mode.toString(8).padStart(7, '0')}\0${'0000000\0'.repeat(2)}`, 100, 'latin1')
    Buffer.from(size as string).copy(block, 124)
    block.write('00000000000', 136)
    block.write(flag, 156)
    block.write(linkPath, 157)
    block.write('        ', 148)
    block.write(
      `${[...block]
        .reduce((sum, byte) => sum + byte)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
      'latin1',
    )
    if (flip !== undefined) block[flip] = (block[flip] as number) ^ 1
    return block
  }
  const padding = (content: string | Buffer): Buffer => {
    const bytes = Buffer.from(content as string)
    return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
  }
  const extended = (records: Buffer): Buffer =>
    Buffer.concat([header({ name: 'PaxHeaders', flag: 'x', size: records.length.toString(8).padStart(11, '0') }), padding(records)])
  return { header, padding, extended }
}
