/** What holds of every archive: written and read it is the same, however it is cut; damaged it is read or refused, and nothing is made up. */
import { expect, test } from 'vitest'
import { TAR_END, type TarInput, TarReader, tarHeader, tarPadding } from '../../../../lib/image/tar/index.js'
import { answerOf, buffer, changed, changes, fc, RUNS } from '../../../support/properties.js'
import { damagedArchive, readTar } from '../../../support/tar.js'

const { header, extended, padding } = damagedArchive()

const name = (most: number) => buffer(1, most).map((bytes) => Buffer.from(bytes.map((byte) => byte || 1)))
const time = fc.record({ seconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), nanoseconds: fc.integer({ min: 0, max: 999_999_999 }) })
const id = fc.integer({ min: 0, max: 2 ** 32 - 2 })
const device = fc.integer({ min: 0, max: 0o7777777 })

const entries = fc.array(
  fc
    .record({
      type: fc.constantFrom('file', 'hardlink', 'symlink', 'char', 'block', 'directory', 'fifo' as const),
      path: name(300),
      linkPath: name(300),
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: id,
      gid: id,
      mtime: time,
      atime: fc.option(time, { nil: undefined }),
      major: device,
      minor: device,
      xattrs: fc.dictionary(fc.stringMatching(/^[a-z.]{1,20}$/), buffer(0, 60), { maxKeys: 3 }),
      content: buffer(0, 1500),
    })
    .map(({ type, path, linkPath, major, minor, xattrs, content, atime, ...more }) => ({
      ...more,
      type,
      path: type === 'directory' ? Buffer.concat([path, Buffer.from('/')]) : path,
      linkPath: type === 'symlink' || type === 'hardlink' ? linkPath : Buffer.alloc(0),
      major: type === 'char' || type === 'block' ? major : 0,
      minor: type === 'char' || type === 'block' ? minor : 0,
      xattrs: new Map(Object.entries(xattrs).map(([key, value]) => [`user.${key}`, value])),
      content: type === 'file' ? content : Buffer.alloc(0),
      ...(atime && { atime }),
    })),
  { maxLength: 4 },
)

const archiveOf = (all: readonly (TarInput & { readonly content: Buffer })[]): Buffer =>
  Buffer.concat([
    ...all.flatMap(({ content, ...entry }) => [tarHeader({ ...entry, size: content.length }), content, tarPadding(content.length)]),
    TAR_END,
  ])

const chunks = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 5 })

test('what is written is read again, in chunks of any size', () => {
  fc.assert(
    fc.property(entries, chunks, (all, sizes) => {
      const read = readTar(archiveOf(all), sizes)
      expect(read).toEqual(all.map((one) => ({ ...one, size: one.content.length })))
    }),
  )
})

/** Reads it all; the reader's word of what it found: where each piece of content lay, and how many ends there were. */
function look(archive: Buffer, sizes: readonly number[]): string | undefined {
  const seen: string[] = []
  let open = false
  let [at, end] = [0, 0]
  const whole = answerOf(() => {
    const reader = new TarReader({
      entry(entry) {
        expect(open).toBe(false)
        ;[open, at, end] = [true, 0, entry.size]
        expect(entry.size >= 0 && Number.isSafeInteger(entry.size)).toBe(true)
        expect([entry.path.includes(0), entry.linkPath.includes(0)]).toEqual([false, false])
        seen.push(JSON.stringify([entry, [...entry.xattrs]]))
      },
      data(bytes, offset) {
        // Forward, inside of the file.
        expect(open && offset >= at && offset + bytes.length <= end).toBe(true)
        at = offset + bytes.length
        seen.push(`${at}`)
      },
      end() {
        expect(open).toBe(true)
        open = false
        seen.push('end')
      },
    })
    for (let from = 0, turn = 0; from < archive.length; turn++) {
      const size = sizes[turn % sizes.length] as number
      reader.push(archive.subarray(from, from + size))
      from += size
    }
    reader.finish()
    return true
  })
  // How the content is cut differs with the chunks; the rest does not.
  return `${seen.filter((line) => !/^\d+$/.test(line)).join('\n')}${whole === undefined ? 'refused' : ''}`
}

test('one that is damaged is read or refused, and the same whatever the chunks', () => {
  fc.assert(
    fc.property(entries, changes(6), fc.double({ min: 0, max: 1, noNaN: true }), chunks, (all, some, part, sizes) => {
      const archive = changed(archiveOf(all), some)
      const cut = archive.subarray(0, Math.ceil(archive.length * part))
      expect(look(cut, sizes)).toBe(look(cut, [1 << 16]))
    }),
  )
})

/** Records as they are, or nearly: right lengths and wrong ones, keys that mean something and others. */
const record = fc
  .record({
    key: fc.oneof(
      fc.constantFrom(
        ...['path', 'linkpath', 'size', 'uid', 'gid', 'mtime', 'atime', 'SCHILY.xattr.user.x', 'hdrcharset'],
        ...['major', 'minor', 'realsize', 'size', 'map', 'offset', 'numbytes', 'numblocks', 'name'].map((one) => `GNU.sparse.${one}`),
      ),
      fc.string({ maxLength: 8 }),
    ),
    value: fc.oneof(
      fc.constantFrom('0', '1', '7', '512', '-1', '1.5', '0,7', '0,3,5,2', '99999999999999999999', '', '\0', '1e3'),
      fc.string({ maxLength: 12 }),
    ),
    off: fc.constantFrom(0, 0, 0, 0, 0, 1, -1, 1000),
  })
  .map(({ key, value, off }) => {
    const body = ` ${key}=${value}\n`
    let length = Buffer.byteLength(body) + 1
    while (String(length).length + Buffer.byteLength(body) > length) length++
    return Buffer.from(`${length + off}${body}`)
  })

const block = fc.oneof(
  fc
    .record({
      flag: fc.constantFrom('0', '\0', '1', '2', '3', '5', '7', 'x', 'g', 'L', 'K', 'S', 'V', 'Z'),
      size: fc.constantFrom('00000000007', '00000000000', '77777777777', '-0000000001', 'x', '00004000001', '            '),
      name: fc.constantFrom('name', 'dir/', '/abs', '../up', ''),
      linkPath: fc.constantFrom('', 'target'),
    })
    .map((fields) => header(fields)),
  fc.array(record, { minLength: 1, maxLength: 5 }).map((records) => extended(Buffer.concat(records))),
  fc.constantFrom('content', '1\n0\n7\n', '0\n', '2\n0\n3\n4\n4\n').map((content) => padding(content)),
  fc.constant(Buffer.alloc(512)),
  buffer(512, 512),
)

test('pieces of archives in any order are read or refused, and the same whatever the chunks', () => {
  fc.assert(
    fc.property(fc.array(block, { maxLength: 8 }), chunks, (blocks, sizes) => {
      const archive = Buffer.concat(blocks)
      expect(look(archive, sizes)).toBe(look(archive, [1 << 16]))
    }),
    { numRuns: 2 * RUNS },
  )
})
