import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { damagedArchive, type Read, readTar, readTarByPlaces, sizesOfChunks } from '../../../support/tar.js'

/** By digest: comparing megabytes byte by byte takes the matcher minutes. */
const hashed = (entries: readonly Read[]) =>
  entries.map((entry) => ({ ...entry, content: createHash('sha256').update(entry.content).digest('hex') }))

const names = (entries: readonly Read[]) => entries.map(({ path }) => path.toString().replace(/\/$/, '')).sort()

describe('archives of other writers', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'drydock-tar-'))
    const tree = join(directory, 'tree')
    mkdirSync(join(tree, 'sub', 'x'.repeat(120)), { recursive: true })
    writeFileSync(join(tree, 'file'), 'content\n', { mode: 0o640 })
    utimesSync(join(tree, 'file'), 1_000_000_000, 1_234_567_890.123)
    linkSync(join(tree, 'file'), join(tree, 'other'))
    symlinkSync('../'.repeat(60), join(tree, 'link'))
    writeFileSync(join(tree, 'sub', 'x'.repeat(120), 'y'.repeat(120)), 'deep')
    writeFileSync(join(tree, 'sub', 'ümläut'), '')
    writeFileSync(join(tree, 'sparse'), 'begin')
    truncateSync(join(tree, 'sparse'), 3_000_000)
    for (let at = 100_000; at < 2_900_000; at += 100_000)
      execFileSync('dd', [
        'if=/dev/urandom',
        `of=${tree}/sparse`,
        'bs=4096',
        'count=1',
        `seek=${at / 10_000}`,
        'conv=notrunc',
        'status=none',
      ])
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const tree = () => join(directory, 'tree')
  const gnu = (...options: string[]) => execFileSync('tar', ['-C', tree(), '-c', '--sort=name', ...options, '.'], { maxBuffer: 1 << 26 })

  test.each([
    ['gnu', ['--format=gnu']],
    ['pax', ['--format=posix']],
    ['sparse of old', ['--format=gnu', '--sparse']],
    ['sparse 0.0', ['--format=posix', '--sparse', '--sparse-version=0.0']],
    ['sparse 0.1', ['--format=posix', '--sparse', '--sparse-version=0.1']],
    ['sparse 1.0', ['--format=posix', '--sparse', '--sparse-version=1.0']],
  ])('GNU tar, %s', (what, options) => {
    const archive = gnu(...options)
    const entries = readTar(archive)
    expect(names(entries)).toEqual(names(readTar(gnu('--format=posix'))))
    for (const size of [100, 512, 700, 65536]) expect(hashed(readTarByPlaces(archive, size))).toEqual(hashed(entries))
    const find = (path: string) => entries.find((entry) => entry.path.toString() === path) as Read
    expect(find('./link').linkPath.toString()).toBe('../'.repeat(60))
    expect(find(`./sub/${'x'.repeat(120)}/${'y'.repeat(120)}`).content.toString()).toBe('deep')
    expect(find('./file')).toMatchObject({ type: 'file', mode: 0o640, size: 8, mtime: { seconds: 1_234_567_890 } })
    if (options.includes('--format=posix')) expect(Math.round(find('./file').mtime.nanoseconds / 1e6)).toBe(123)
    expect(find('./other')).toMatchObject({ type: 'hardlink', linkPath: Buffer.from('./file') })
    const sparse = find('./sparse')
    expect(sparse.size).toBe(3_000_000)
    expect(sparse.content.equals(execFileSync('cat', [join(tree(), 'sparse')], { maxBuffer: 1 << 26 }))).toBe(true)
    if (what.startsWith('sparse')) expect(sparse.sparse?.length).toBeGreaterThan(20)
  })

  test.each(['v7', 'ustar'])('GNU tar, %s', (format) => {
    const archive = gnu(`--format=${format}`, '--exclude=sub', '--exclude=link')
    expect(names(readTar(archive))).toEqual(['.', './file', './other', './sparse'])
  })

  test.each(['USTAR_FORMAT', 'GNU_FORMAT', 'PAX_FORMAT'])("python's tarfile, %s", (format) => {
    const script = `
import io, sys, tarfile
archive = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.${format})
def add(name, **fields):
    info = tarfile.TarInfo(name)
    for key, value in fields.items(): setattr(info, key, value)
    archive.addfile(info, io.BytesIO(b'x' * info.size))
add('a' * 90 + '/' + 'b' * 90, size=3, mode=0o4755, uid=7, gid=8, mtime=5)
add('null', type=tarfile.CHRTYPE, devmajor=1, devminor=3)
add('disk', type=tarfile.BLKTYPE, devmajor=259, devminor=70000)
add('pipe', type=tarfile.FIFOTYPE)
add('dir', type=tarfile.DIRTYPE, mode=0o1777)
add('hard', type=tarfile.LNKTYPE, linkname='null')
if '${format}' != 'USTAR_FORMAT':
    add('big', uid=4000000000, gid=3000000, mtime=-5)
archive.close()`
    const entries = readTar(execFileSync('python3', ['-c', script]))
    expect(entries.slice(0, 6)).toMatchObject([
      {
        path: Buffer.from(`${'a'.repeat(90)}/${'b'.repeat(90)}`),
        size: 3,
        mode: 0o4755,
        uid: 7,
        gid: 8,
        mtime: { seconds: 5, nanoseconds: 0 },
      },
      { type: 'char', major: 1, minor: 3 },
      { type: 'block', major: 259, minor: 70000 },
      { type: 'fifo' },
      { type: 'directory', mode: 0o1777 },
      { type: 'hardlink', linkPath: Buffer.from('null') },
    ])
    if (format !== 'USTAR_FORMAT')
      expect(entries[6]).toMatchObject({ uid: 4_000_000_000, gid: 3_000_000, mtime: { seconds: -5, nanoseconds: 0 } })
  })

  test('chunks with any borders', () => {
    const archive = gnu('--format=posix', '--sparse')
    const whole = hashed(readTar(archive))
    for (const sizes of sizesOfChunks()) expect(hashed(readTar(archive, sizes))).toEqual(whole)
  })
})

describe('archives that are not what they should be', () => {
  test('Docker takes those without end blocks, and so do we', () => {
    const { header, padding } = damagedArchive()
    expect(readTar(Buffer.concat([header(), padding('content')]))).toHaveLength(1)
    expect(readTar(Buffer.concat([header(), padding('content'), Buffer.alloc(512)]))).toHaveLength(1)
    expect(readTar(Buffer.concat([header(), padding('content'), Buffer.alloc(1024), Buffer.from('and a label')]))).toHaveLength(1)
    expect(readTar(Buffer.alloc(0))).toEqual([])
  })

  const { header, padding, extended } = damagedArchive()
  const SENTENCES: [string, () => Buffer, RegExp][] = [
    ['cut in the header', () => header().subarray(0, 300), /ends in the middle of a file/],
    ['cut in the content', () => Buffer.concat([header(), Buffer.from('cont')]), /ends in the middle of a file/],
    ['a bit that fell over', () => Buffer.concat([header({ flip: 3 }), padding('content')]), /wrong checksum/],
    ['no archive', () => Buffer.alloc(1024, 'PNG'), /no tar archive/],
    ['zeros in the middle', () => Buffer.concat([header(), padding('content'), Buffer.alloc(512), header(), padding('content')]), /zeros/],
    ['a size in letters', () => header({ size: 'eleventeen ' }), /no octal number/],
    ['a negative size', () => header({ size: Buffer.from('ffffffffffffffffffffffff', 'hex') }), /negative size/],
    ['a size of 26 digits', () => header({ size: Buffer.from('9fffffffffffffffffffffff', 'hex') }), /number of \d+ digits/],
    ['a type of nobody’s', () => header({ flag: 'Z' }), /of a type that no file system has: "name", type "Z"/],
    ['records of 2 MiB', () => extended(Buffer.alloc(2 << 20)), /1 MiB is the most/],
    ['a record without an end', () => extended(Buffer.from('20 path=a')), /malformed/],
    ['a record that is longer than the header', () => extended(Buffer.from('999 path=a\n')), /malformed/],
    ['a record without a key', () => extended(Buffer.from('6 =aa\n')), /no key/],
    ['a path with a NUL byte', () => Buffer.concat([extended(Buffer.from('12 path=a\0b\n')), header()]), /PAX path has a NUL byte/],
    ['a PAX size that is negative', () => Buffer.concat([extended(Buffer.from('11 size=-5\n')), header()]), /negative size/],
    ['a PAX size that is none', () => Buffer.concat([extended(Buffer.from('14 size=1e100\n')), header()]), /no whole number/],
    ['a time that is none', () => Buffer.concat([extended(Buffer.from('14 mtime=noon\n')), header()]), /no time/],
    [
      'parts of a sparse file that overlap',
      () =>
        Buffer.concat([
          extended(Buffer.from('22 GNU.sparse.major=1\n25 GNU.sparse.realsize=9\n')),
          header({ size: '00000001007' }),
          padding('2\n0\n4\n2\n3\n'),
        ]),
      /overlap/,
    ],
  ]
  test.each(SENTENCES)('%s', (_, archive, sentence) => {
    expect(() => readTar(archive())).toThrow(sentence)
    expect(() => readTar(archive(), [1])).toThrow(sentence)
    expect(() => readTarByPlaces(archive(), 600)).toThrow(sentence)
  })
})
