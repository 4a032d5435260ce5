/** Layers that mean harm: refused in one sentence, or made as Docker makes them, and never anything outside of their directory. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { confine } from '../../lib/image/unpack/confine.js'
import { Files } from '../../lib/image/unpack/files.js'
import { Sender } from '../../lib/image/unpack/sender.js'
import { loneShim } from '../../lib/kernel/lone.js'
import { readStatus } from '../../lib/kernel/proc/status.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { type Entry, inChunks, layer, Place, seen } from '../support/layer.js'
import { requires } from '../support/requires.js'
import { parseStrace } from '../support/strace.js'
import { damagedArchive } from '../support/tar.js'

let place: Place
let outside: string
beforeAll(() => {
  place = new Place()
  outside = join(place.base, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret'), 'secret')
})
afterAll(() => place.remove())

const link = (path: string, to: string): Entry => ({ path, type: 'symlink', to })
const hard = (path: string, to: string): Entry => ({ path, type: 'hardlink', to })

const REFUSED: [string, () => Entry[], RegExp][] = [
  ['a path out by `..`', () => [{ path: '../evil' }], /"\.\.\/evil" is outside of the layer/],
  ['a longer one', () => [{ path: 'a/../../evil' }], /is outside of the layer/],
  ['the parent itself', () => [{ path: '..', type: 'directory' }], /is outside of the layer/],
  ['a file in the place of the root', () => [{ path: './/' }], /would take the place of the root/],
  ['below a file', () => [{ path: 'file' }, { path: 'file/below' }], /"file\/below" is below "file", which is no directory/],
  ['below a device', () => [{ path: 'pipe', type: 'fifo' }, { path: 'pipe/a/b' }], /which is no directory/],
  [
    'through a link to a host’s directory',
    () => [link('out', outside), { path: 'out/evil' }],
    /is below a symbolic link that leads nowhere in this layer/,
  ],
  ['through a link with many `..`', () => [link('out', `${'../'.repeat(40)}etc`), { path: 'out/passwd' }], /leads nowhere in this layer/],
  ['through links in a circle', () => [link('a', 'b'), link('b', 'a'), { path: 'a/x' }], /leads round in a circle/],
  [
    'a hard link to a host’s file',
    () => [hard('mine', join(outside, 'secret'))],
    /is a hard link to ".*secret", which this layer does not have/,
  ],
  ['… by `..`', () => [hard('mine', '../outside/secret')], /which this layer does not have/],
  ['… through a link', () => [link('out', outside), hard('mine', 'out/secret')], /which this layer does not have/],
  [
    'a hard link to a directory',
    () => [{ path: 'd', type: 'directory' }, hard('e', 'd')],
    /"e" is a hard link to "d", which is a directory/,
  ],
  ['a hard link to itself', () => [{ path: 'f' }, hard('f', 'f')], /which this layer does not have/],
  ['a hard link to what is hidden', () => [{ path: '.wh.f' }, hard('g', 'f')], /which this layer hides/],
  ['hiding the parent', () => [{ path: 'a/.wh...' }], /"a\/\.wh\.\.\." hides a name that no file can have/],
  ['hiding the directory', () => [{ path: 'a/.wh..' }], /hides a name that no file can have/],
  ['hiding nothing', () => [{ path: '.wh.' }], /hides a name that no file can have/],
  ['below what means hiding', () => [{ path: '.wh.a/b' }], /is below a name that means that something is hidden/],
  ['a name of 256 bytes', () => [{ path: 'n'.repeat(256) }], /has a name of more than 255 bytes/],
  ['a path of 5000 bytes', () => [{ path: `${'long/'.repeat(1000)}x` }], /has a path of 5001 bytes/],
  [
    'a path that a link makes longer',
    () => [{ path: 'd/'.repeat(1500), type: 'directory' }, link('s', 'd/'.repeat(1500)), { path: `s/${'x/'.repeat(1000)}y` }],
    /has a path of \d+ bytes/,
  ],
  ['a link of 5000 bytes', () => [link('l', 'x'.repeat(5000))], /"l" cannot be unpacked: symlinkat: ENAMETOOLONG/],
  ['a link to nothing at all', () => [link('l', '')], /cannot be unpacked: symlinkat: ENOENT/],
  ['a device of no number', () => [{ path: 'd', type: 'char', major: 70000, minor: 1 }], /is device 70000:1, which there cannot be/],
  ['an owner that is none', () => [{ path: 'f', uid: 2 ** 32 - 1 }], /belongs to user 4294967295/],
]

describe('as root', () => {
  requires('root')('refused in one sentence', async () => {
    for (const [what, entries, sentence] of REFUSED) {
      const said = await place.refusal(layer(...entries()))
      expect(said, what).toMatch(sentence)
      expect(said, what).not.toContain('\n')
    }
    expect(seen(outside)).toEqual({ '.': expect.anything(), secret: expect.objectContaining({ content: 'secret', links: 1 }) })
  })

  requires('root')('links out of the root are kept as they are, and followed by nobody', async () => {
    const { directory } = await place.unpack(
      layer(
        link('passwd', '/etc/passwd'),
        link('up', '../../../outside/secret'),
        { path: 'passwd', content: 'mine' },
        link('etc', '/etc'),
        { path: 'etc', type: 'directory' },
        { path: 'etc/passwd', content: 'mine too' },
        hard('again', 'up'),
      ),
    )
    expect(seen(directory)).toMatchObject({
      passwd: { content: 'mine' },
      up: { to: '../../../outside/secret' },
      again: { to: '../../../outside/secret' },
      'etc/passwd': { content: 'mine too' },
    })
    expect(readFileSync('/etc/passwd', 'utf8')).toContain('root:')
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret')
  })

  requires('root')('damaged, cut, endless', async () => {
    const whole = layer({ path: 'f', content: 'x'.repeat(100_000) })
    expect(await place.refusal(whole.subarray(0, 50_000))).toMatch(/ends in the middle of a file/)
    expect(await place.refusal(gzipSync(whole).subarray(0, 150))).toMatch(/gzip data ends too early/)
    expect(await place.refusal(Buffer.from('<html>not found</html>'.repeat(100)))).toMatch(/no tar archive/)
    const { header } = damagedArchive()
    expect(await place.refusal(header({ size: Buffer.from('ffffffffffffffffffffffff', 'hex') }))).toMatch(/negative size/)
    async function* endless() {
      yield damagedArchive().header({ size: '77777777777' })
      for (;;) yield Buffer.alloc(1 << 20)
    }
    expect(await place.refusal(endless(), { limits: { bytes: 20_000_000 } })).toBe(
      'the layer has more than 20000000 bytes when it is uncompressed, and that is the limit',
    )
    const bomb = gzipSync(Buffer.concat([damagedArchive().header({ size: '00600000000' }), Buffer.alloc(96 * 2 ** 20)]))
    expect(bomb.length).toBeLessThan(200_000)
    expect(await place.refusal(bomb, { limits: { bytes: 10_000_000 } })).toMatch(/more than 10000000 bytes/)
    expect(await place.refusal(layer(...Array.from({ length: 50 }, (_, i) => ({ path: `f${i}` }))), { limits: { entries: 20 } })).toBe(
      'the layer has more than 20 files, and that is the limit',
    )
  })

  requires('root')(
    'a hundred thousand entries',
    async () => {
      async function* many() {
        for (let d = 0; d < 200; d++)
          yield layer(...Array.from({ length: 500 }, (_, i) => (i % 2 ? link(`d${d}/${i}`, 'x') : hard(`d${d}/${i}`, 'first')))).subarray(
            0,
            -1024,
          )
      }
      async function* all() {
        yield layer({ path: 'first' }).subarray(0, -1024)
        yield* many()
      }
      const outcome = await place.unpack(all()).catch((error: Error) => error.message)
      // Some file systems have a limit of 65,000 names for a file; 50,000 are below it.
      expect(outcome).toMatchObject({ entries: 100_001, warnings: [] })
    },
    120_000,
  )

  requires('root')('asked to stop, it stops', async () => {
    const controller = new AbortController()
    async function* slow() {
      yield layer({ path: 'f', content: 'x'.repeat(10_000) }).subarray(0, 5000)
      controller.abort(new Error('enough'))
      yield Buffer.alloc(1000)
    }
    expect(await place.refusal(slow(), { signal: controller.signal })).toBe('enough')
  })
})

describe('the process that makes the files', () => {
  let shim: Shim
  const directory = () => join(place.base, 'confined')
  beforeAll(async () => {
    if (process.geteuid?.() !== 0) return
    mkdirSync(directory())
    shim = await loneShim()
    await confine(shim, { directory: directory(), calls: Files.calls })
  })
  afterAll(() => shim?.rollback())

  requires('root')('has the directory as its root, namespaces of its own, six capabilities and a filter', () => {
    const pid = shim.childPid as number
    const status = readStatus(pid)
    expect(readdirSync(`/proc/${pid}/root/`)).toEqual([])
    expect([...(status?.capabilities.effective.names ?? [])].sort()).toEqual([
      'chown',
      'dac_override',
      'fowner',
      'fsetid',
      'mknod',
      'setfcap',
    ])
    expect(status?.capabilities.bounding.names).toHaveLength(6)
    const text = readFileSync(`/proc/${pid}/status`, 'utf8')
    expect(text).toMatch(/^NoNewPrivs:\t1$/m)
    expect(text).toMatch(/^Seccomp:\t2$/m)
    expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n')).toHaveLength(1)
    const own = execFileSync(
      'readlink',
      ['mnt', 'net', 'ipc', 'uts', 'pid'].map((kind) => `/proc/${pid}/ns/${kind}`),
      { encoding: 'utf8' },
    )
    const ours = execFileSync(
      'readlink',
      ['mnt', 'net', 'ipc', 'uts', 'pid'].map((kind) => `/proc/self/ns/${kind}`),
      { encoding: 'utf8' },
    )
    const both = new Set([...own.trim().split('\n'), ...ours.trim().split('\n')])
    expect(both.size).toBe(10)
  })

  requires('root')('reaches nothing outside, even if it is told to', async () => {
    const sender = new Sender(shim, () => undefined)
    const files = new Files(sender, shim.slot('file'))
    const told = async (make: () => void) => {
      sender.about('x')
      make()
      return sender.done().then(
        () => 'made',
        (error: Error) => error.message,
      )
    }
    expect(await told(() => files.directory('../../../../up', 0o755))).toBe('made')
    expect(readdirSync(directory())).toEqual(['up'])
    expect(await told(() => files.link(join(outside, 'secret'), 'mine'))).toMatch(/linkat: ENOENT/)
  })
})

requires('root', 'command:strace')(
  'strace sees it make nothing but in its root',
  async () => {
    const log = join(place.base, 'strace')
    const archive = layer(
      { path: 'a/b/c', content: 'x', uid: 5 },
      link('l', '/etc'),
      { path: '/abs', type: 'directory' },
      { ...hard('h', '/a/b/c'), uid: 5 },
      { path: '.wh.gone' },
    )
    const file = join(place.base, 'archive.tar')
    writeFileSync(file, archive)
    const target = join(place.base, 'traced')
    mkdirSync(target)
    execFileSync('strace', ['-f', '-o', log, process.execPath, '--import', 'tsx', 'test/support/programs/unpack.ts', file, target], {
      stdio: 'pipe',
    })
    const calls = parseStrace(readFileSync(log, 'utf8'))
    // The confined process is the one that has turned its root; what it does from then on.
    const turned = calls.findIndex(({ call }) => call === 'pivot_root')
    const own = calls.slice(turned).filter(({ pid }) => pid === calls[turned]?.pid)
    const filtered = own.findIndex(({ call }) => call === 'seccomp')
    const made = own.slice(filtered + 1).filter(({ call }) => !['read', 'write', 'close'].includes(call))
    expect(made.filter(({ result }) => result.startsWith('-1'))).toEqual([])
    expect([...new Set(made.map(({ call }) => call))].sort()).toEqual(
      ['fchown', 'linkat', 'mkdirat', 'mknodat', 'openat', 'symlinkat', 'utimensat'].sort(),
    )
    // Only what a symbolic link says leads anywhere, and nobody goes there.
    const paths = made.map(({ call, args }) => (call === 'symlinkat' ? args.slice(args.indexOf(', ')) : args))
    expect(paths.filter((args) => /"\/|"\.\.|\/\.\./.test(args))).toEqual([])
    expect(Object.keys(seen(target)).sort()).toEqual(['.', 'a', 'a/b', 'a/b/c', 'abs', 'gone', 'h', 'l'])
  },
  60_000,
)

test('chunks are taken as they come', async () => {
  if (process.geteuid?.() !== 0) return
  const { entries } = await place.unpack(inChunks(layer({ path: 'x' }), 3))
  expect(entries).toBe(1)
})
