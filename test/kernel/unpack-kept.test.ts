/** A layer out of an archive that is a file already: what the kernel copies by itself, held against the same layer out of a stream. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { sha256 } from '../../lib/image/store/blobs.js'
import { type Entry, layer, Place, seen } from '../support/layer.js'
import { requires } from '../support/requires.js'
import { parseStrace } from '../support/strace.js'

let place: Place
beforeAll(() => {
  place = new Place()
})
afterAll(() => place.remove())

let count = 0
function kept(archive: Buffer) {
  const path = join(place.base, `kept-${++count}.tar`)
  writeFileSync(path, archive, { mode: 0o644 })
  return { path, digest: sha256(archive) }
}

const file = (path: string, size: number, more: Partial<Entry> = {}): Entry => ({ path, content: randomBytes(size), ...more })

const ENTRIES = [
  file('small', 100),
  file('below', 16 * 1024 - 1),
  file('from-here', 16 * 1024),
  file('bin/su', 20_000, { mode: 0o4755, uid: 7, gid: 8, xattrs: { 'user.note': 'yes' } }),
  file('n'.repeat(90).concat('/').repeat(3).concat('long'), 30_001),
  file('window', 128 * 1024),
  file('large', 700_001),
  file('twice', 50_000),
  file('twice', 60_000),
  { path: 'hard', type: 'hardlink', to: 'large' } as const,
  file('small/er', 0, { path: 'empty' }),
  file('.wh.hidden', 40_000),
]

/** But for the times of directories that no entry has told of, and of whiteouts. */
const told = (directory: string) =>
  Object.entries(seen(directory)).map(([path, { mtime, ...rest }]) => [
    path,
    ['directory', 'char'].includes(rest.type) ? rest : { mtime, ...rest },
  ])

const PROGRAM = [process.execPath, '--import', 'tsx', 'test/support/programs/unpack.ts']

describe('as root', () => {
  requires('root')('is what it is out of a stream', async () => {
    const archive = layer(...ENTRIES)
    const streamed = await place.unpack(archive)
    const copied = await place.unpack(kept(archive))
    expect({ ...copied, directory: '' }).toEqual({ ...streamed, directory: '' })
    expect(told(copied.directory)).toEqual(told(streamed.directory))
  })

  requires('root', 'command:tar')('sparse files have their holes', async () => {
    const tree = join(place.base, 'sparse')
    mkdirSync(tree)
    writeFileSync(join(tree, 'a'), randomBytes(50_000))
    truncateSync(join(tree, 'a'), 5_000_000)
    writeFileSync(join(tree, 'b'), randomBytes(50_000))
    for (const format of [['--format=gnu'], ['--format=posix'], ['--format=posix', '--sparse-version=0.1']]) {
      const { directory } = await place.unpack(kept(execFileSync('tar', ['-C', tree, '--sparse', '-c', ...format, 'a', 'b'])))
      for (const name of ['a', 'b']) execFileSync('cmp', [join(tree, name), join(directory, name)])
      expect(statSync(join(directory, 'a')).blocks).toBeLessThan(1000)
    }
  })

  requires('root')('one that ends too early, or is damaged, is refused', async () => {
    const archive = layer(file('first', 100), file('large', 500_000))
    for (const size of [512 + 512 + 512, 512 + 512 + 512 + 20_000, 400_000])
      expect(await place.refusal(kept(archive.subarray(0, size)))).toMatch(
        /large" cannot be unpacked: sendfile wrote \d+ bytes and then no more: the archive has become shorter|in the middle of a file/,
      )
    const damaged = layer(file('large', 500_000), file('next', 10))
    damaged[damaged.lastIndexOf('next') + 5] = 1
    expect(await place.refusal(kept(damaged))).toMatch(/wrong checksum/)
    expect(await place.refusal(kept(layer(file('../../out', 20_000))))).toMatch(/outside of the layer/)
    expect(await place.refusal(kept(layer(file('a', 20_000), file('b', 20_000))), { limits: { entries: 1 } })).toMatch(/more than 1 files/)
    expect(await place.refusal(kept(layer(file('a', 200_000))), { limits: { bytes: 100_000 } })).toMatch(/more than 100000 bytes/)
  })

  requires('root', 'command:strace')(
    'strace sees the confined process copy, and nobody else read, what is large',
    async () => {
      const log = join(place.base, 'strace')
      const target = join(place.base, 'traced')
      mkdirSync(target)
      const { path } = kept(layer(file('small', 1000), file('large', 5_000_000), file('larger', 6_000_000)))
      execFileSync('strace', ['-f', '-o', log, ...PROGRAM, path, target, '', 'kept'], { stdio: 'pipe' })
      const calls = parseStrace(readFileSync(log, 'utf8'))
      const turned = calls.findIndex(({ call }) => call === 'pivot_root')
      const confined = calls[turned]?.pid
      const copied = calls.slice(turned).filter(({ call }) => call === 'sendfile')
      expect(copied.map(({ pid, result }) => [pid, Number(result)])).toEqual([
        [confined, 5_000_000],
        [confined, 6_000_000],
      ])
      const read = calls.slice(turned).filter(({ call }) => call === 'pread64')
      expect(read.reduce((sum, { result }) => sum + Number(result), 0)).toBeLessThan(1_000_000)
      expect(statSync(join(target, 'larger')).size).toBe(6_000_000)
    },
    60_000,
  )
})
