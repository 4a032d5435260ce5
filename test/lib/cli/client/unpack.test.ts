import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packDirectory } from '../../../../lib/cli/client/context/directory.js'
import { pack } from '../../../../lib/cli/client/copy/pack.js'
import { unpack } from '../../../../lib/cli/client/copy/unpack.js'
import { TAR_END, type TarInput, tarHeader, tarPadding } from '../../../../lib/image/tar/index.js'

let place = ''
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'copy-'))
})
afterEach(() => {
  // Who is not root may take nothing out of a directory that he may not write.
  const there = join(place, 'there')
  if (lstatSync(there, { throwIfNoEntry: false })?.isDirectory()) chmodSync(there, 0o755)
  rmSync(place, { recursive: true })
})

function* archive(entries: readonly (Partial<Omit<TarInput, 'path' | 'linkPath'>> & { path: string; to?: string; text?: string })[]) {
  for (const { path, to, text = '', ...more } of entries) {
    const size = Buffer.byteLength(text)
    const entry = { type: 'file' as const, mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 1_000_000_000, nanoseconds: 0 }, size, ...more }
    yield tarHeader({ ...entry, path: Buffer.from(path), ...(to !== undefined && { linkPath: Buffer.from(to) }) })
    yield Buffer.from(text)
    yield tarPadding(size)
  }
  yield TAR_END
}

async function* piece(entries: Parameters<typeof archive>[0]) {
  yield* archive(entries)
}

test('the first name becomes the place, whatever it was; modes and times are kept', async () => {
  const there = join(place, 'there')
  await unpack(
    piece([
      { path: 'x/', type: 'directory', mode: 0o550 },
      { path: 'x/a', text: 'cargo', mode: 0o600 },
      { path: 'x/l', type: 'symlink', to: '/etc' },
      { path: 'x/h', type: 'hardlink', to: 'x/a' },
    ]),
    there,
  )
  expect(readFileSync(join(there, 'a'), 'utf8')).toBe('cargo')
  expect(lstatSync(join(there, 'a'))).toMatchObject({ nlink: 2, mtimeMs: 1_000_000_000_000 })
  expect(lstatSync(there).mode & 0o777).toBe(0o550)
  expect(lstatSync(join(there, 'l')).isSymbolicLink()).toBe(true)
})

test('contents alone: names that begin with a dot', async () => {
  await unpack(
    piece([
      { path: './', type: 'directory', mode: 0o755 },
      { path: './a', text: '1' },
    ]),
    place,
  )
  expect(readFileSync(join(place, 'a'), 'utf8')).toBe('1')
})

test('nothing leads out: no dots, no link made before or there already', async () => {
  const outside = join(place, 'outside')
  mkdirSync(outside)
  const there = join(place, 'there')
  await expect(unpack(piece([{ path: 'x/../../outside/a', text: '1' }]), there)).rejects.toThrow('leads out of the place')
  const made = [
    { path: 'x/', type: 'directory' as const },
    { path: 'x/l', type: 'symlink' as const, to: outside },
    { path: 'x/l/a', text: '1' },
  ]
  await expect(unpack(piece(made), there)).rejects.toThrow('is a link, and nothing is copied through it')
  expect(existsSync(join(outside, 'a'))).toBe(false)
  writeFileSync(join(outside, 'kept'), 'as it was')
  symlinkSync(join(outside, 'kept'), join(there, 'k'))
  await unpack(piece([{ path: 'x/k', text: 'new' }]), there)
  expect(readFileSync(join(outside, 'kept'), 'utf8')).toBe('as it was')
  expect(readFileSync(join(there, 'k'), 'utf8')).toBe('new')
})

test('a file does not take a directory’s place', async () => {
  mkdirSync(join(place, 'there', 'd'), { recursive: true })
  await expect(unpack(piece([{ path: 'x/d', text: '1' }]), join(place, 'there'))).rejects.toThrow('cannot overwrite directory')
})

test('what is packed comes back', async () => {
  const from = join(place, 'from')
  mkdirSync(join(from, 'deep'), { recursive: true })
  writeFileSync(join(from, 'deep', 'ö'), 'x'.repeat(600_000), { mode: 0o751 })
  symlinkSync('deep', join(from, 'link'))
  await unpack(pack(from, 'any'), join(place, 'to'))
  expect(readFileSync(join(place, 'to', 'deep', 'ö'), 'utf8')).toHaveLength(600_000)
  expect(lstatSync(join(place, 'to', 'deep', 'ö')).mode & 0o777).toBe(0o751)
  expect(lstatSync(join(place, 'to', 'link')).isSymbolicLink()).toBe(true)
})

test('nothing comes behind what the place itself has become', async () => {
  const outside = join(place, 'outside')
  mkdirSync(outside, { mode: 0o700 })
  const link = { path: 'x', type: 'symlink' as const, to: outside }
  for (const more of [
    { path: 'x/a', text: '1' },
    { path: 'x', type: 'directory' as const, mode: 0o777 },
    { path: 'x/b', type: 'hardlink' as const, to: 'x' },
  ]) {
    await expect(unpack(piece([link, more]), join(place, 'there'))).rejects.toThrow('is no directory')
    expect([readdirSync(outside), lstatSync(outside).mode & 0o777]).toEqual([[], 0o700])
  }
})

test('names in no encoding are what they are, also in the context of a build', async () => {
  const name = Buffer.from([0x66, 0xe9, 0xff])
  const from = Buffer.from(join(place, 'from'))
  mkdirSync(from)
  mkdirSync(Buffer.concat([from, Buffer.from('/'), name]))
  writeFileSync(Buffer.concat([from, Buffer.from('/'), name, Buffer.from('/'), name]), 'x')
  await unpack(pack(String(from), 'any'), join(place, 'to'))
  await unpack(packDirectory(String(from), { patterns: ['none'], extra: {} }), join(place, 'context'))
  // The first name of a context is a directory's own.
  for (const there of ['to', 'context']) expect(readdirSync(join(place, there), { encoding: 'buffer' })).toEqual([name])
})
