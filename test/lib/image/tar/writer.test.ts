import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { type EntryType, TAR_END, type TarInput, tarHeader, tarPadding } from '../../../../lib/image/tar/index.js'
import { readTar, sizesOfChunks } from '../../../support/tar.js'

/** Numbers that are the same in every run, so that a failure can be repeated (mulberry32). */
function numbers(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number) => Math.floor(next() * end)
  const pick = <T>(from: readonly T[]) => from[below(from.length)] as T
  return { below, pick }
}

const TYPES: readonly EntryType[] = ['file', 'hardlink', 'symlink', 'char', 'block', 'directory', 'fifo']

function randomEntry({ below, pick }: ReturnType<typeof numbers>): TarInput & { content: Buffer } {
  const bytes = (longest: number, from = 256) => Buffer.from(Array.from({ length: 1 + below(longest) }, () => 1 + below(from - 1)))
  const type = pick(TYPES)
  const path = Buffer.concat([
    pick([Buffer.from('a/'), bytes(99, 128), bytes(300), Buffer.from('plain/'.repeat(1 + below(60)))]),
    Buffer.from('e'),
  ])
  const xattrs = new Map(
    Array.from({ length: below(3) }, (_, i) => [`user.name${i}`, Buffer.from(Array.from({ length: below(50) }, () => below(256)))]),
  )
  const content = type === 'file' ? bytes(2000) : Buffer.alloc(0)
  return {
    path: type === 'directory' ? Buffer.concat([path, Buffer.from('/')]) : path,
    type,
    linkPath: type === 'symlink' || type === 'hardlink' ? pick([bytes(99, 128), bytes(300)]) : Buffer.alloc(0),
    mode: below(0o10000),
    uid: pick([0, 1000, 0o7777777, 0o10000000, 4_294_967_294]),
    gid: pick([0, 1000, 0o7777777, 0o10000000, 4_294_967_294]),
    size: content.length,
    mtime: { seconds: pick([0, -1, -1_000_000_000, 1_700_000_000, 10 ** 11]), nanoseconds: pick([0, 1, 500_000_000, 999_999_999]) },
    ...(below(2) === 0 && { atime: { seconds: below(1e9), nanoseconds: below(1e9) } }),
    major: type === 'char' || type === 'block' ? below(4096) : 0,
    minor: type === 'char' || type === 'block' ? below(1 << 20) : 0,
    xattrs,
    content,
  }
}

const archive = (entries: readonly (TarInput & { content?: Buffer })[]) =>
  Buffer.concat([
    ...entries.flatMap(({ content = Buffer.alloc(0), ...entry }) => [
      tarHeader({ ...entry, size: content.length }),
      content,
      tarPadding(content.length),
    ]),
    TAR_END,
  ])

const FILE: TarInput = { path: Buffer.from('file'), type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } }

describe('what is written', () => {
  test('is read again, whatever it was', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = numbers(seed)
      const entries = Array.from({ length: 10 }, () => randomEntry(random))
      const sizes = sizesOfChunks()[seed % 7]
      expect(readTar(archive(entries), sizes), `seed ${seed}`).toEqual(entries)
    }
  })

  test('is ustar alone where that is enough, and a path is cut where ustar can', () => {
    expect(tarHeader(FILE)).toHaveLength(512)
    const path = Buffer.from(`${'d'.repeat(120)}/${'f'.repeat(100)}`)
    const long = tarHeader({ ...FILE, path })
    expect(long).toHaveLength(512)
    expect(readTar(archive([{ ...FILE, path }]))[0]?.path).toEqual(path)
    for (const length of [99, 100, 101, 155, 156, 200, 254, 255, 256]) {
      for (const cut of [1, 54, 99, 100, 154, 155, 156]) {
        const some = Buffer.from('x'.repeat(length))
        if (cut < length - 1) some[cut] = 0x2f
        expect(readTar(archive([{ ...FILE, path: some }]))[0]?.path, `${length} ${cut}`).toEqual(some)
      }
    }
  })

  test('is the same for python', () => {
    const entries = [
      {
        ...FILE,
        path: Buffer.from('a'.repeat(300)),
        content: Buffer.from('content'),
        uid: 4e9,
        mtime: { seconds: -2, nanoseconds: 250_000_000 },
      },
      { ...FILE, type: 'symlink' as const, path: Buffer.from('ümläut'), linkPath: Buffer.from('ä'.repeat(80)) },
      { ...FILE, type: 'char' as const, path: Buffer.from('null'), major: 1, minor: 3 },
      {
        ...FILE,
        type: 'directory' as const,
        path: Buffer.from('d'.repeat(140)),
        mode: 0o1777,
        xattrs: new Map([['user.a', Buffer.from('b')]]),
      },
    ]
    const script = `
import sys, tarfile, json
archive = tarfile.open(fileobj=sys.stdin.buffer, mode='r|')
print(json.dumps([[m.name, m.type.decode(), m.linkname, m.mode, m.uid, m.size, float(m.mtime), m.devminor, m.pax_headers.get('SCHILY.xattr.user.a')] for m in archive]))`
    const said = JSON.parse(execFileSync('python3', ['-c', script], { input: archive(entries), encoding: 'utf8' }))
    expect(said).toEqual([
      ['a'.repeat(300), '0', '', 0o644, 4e9, 7, -1.75, 0, null],
      ['ümläut', '2', 'ä'.repeat(80), 0o644, 0, 0, 0, 0, null],
      ['null', '3', '', 0o644, 0, 0, 0, 3, null],
      ['d'.repeat(140), '5', '', 0o1777, 0, 0, 0, 0, 'b'],
    ])
  })

  test('is the same for GNU tar', () => {
    const path = Buffer.from(`${'deep/'.repeat(60)}file`)
    const listed = execFileSync('tar', ['-tvf', '-', '--full-time', '--utc', '--numeric-owner'], {
      input: archive([
        { ...FILE, path, uid: 12_345_678, content: Buffer.from('12345'), mtime: { seconds: 1_600_000_000, nanoseconds: 123_456_789 } },
      ]),
      encoding: 'utf8',
    })
    expect(listed).toMatch(/^-rw-r--r-- 12345678\/0 +5 2020-09-13 12:26:40\.123456789 (deep\/)+file\n$/)
  })

  test('what cannot be archived is refused by name', () => {
    expect(() => tarHeader({ ...FILE, path: Buffer.from('a\0b') })).toThrow('"a\\000b": a path with a NUL byte cannot be archived')
    expect(() => tarHeader({ ...FILE, xattrs: new Map([['user.a=b', Buffer.from('')]]) })).toThrow('its name has a = in it')
  })
})
