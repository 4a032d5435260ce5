/** docker cp: into and out of containers, running and not, whatever links and races are in the way. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Engine } from '../../lib/engine/index.js'
import { type TarEntry, TarReader } from '../../lib/image/tar/index.js'
import { body, enginePlace, happened, type Place } from '../support/engine.js'
import { requires } from '../support/requires.js'
import { tarOf as tar } from '../support/tar-of.js'

const test = requires('root', 'command:busybox')

let place: Place
let engine: Engine
let host: string
beforeAll(async () => {
  place = await enginePlace()
  engine = await place.open()
  host = mkdtempSync(join(tmpdir(), 'drydock-cp-'))
})
afterAll(async () => {
  await engine?.close()
  await place?.remove()
  if (host) rmSync(host, { recursive: true })
})

/** A container in which the script has run; it goes on running, or has ended. */
async function made(
  script: string,
  { stopped = false, config = {}, hostConfig = {} }: { stopped?: boolean; config?: object; hostConfig?: object } = {},
) {
  const cmd = ['sh', '-c', `${script}; exec 2>&1; ${stopped ? 'true' : 'echo ready; sleep 1000'}`]
  const { Id } = await engine.containers.create(body(cmd, { ...config }, { ...hostConfig }), {})
  const { stream } = await engine.containers.attach(Id, { stdin: false, stdout: true, stderr: true, stream: true, logs: false })
  await engine.containers.start(Id)
  for await (const bytes of stream) if (String(bytes).includes('ready')) break
  if (stopped) await (await engine.containers.wait(Id, 'not-running')).end
  return Id
}

interface Unpacked extends TarEntry {
  content: string
}

async function entriesOf(archive: Readable): Promise<Unpacked[]> {
  const found: Unpacked[] = []
  const reader = new TarReader({
    entry: (entry) => void found.push({ ...entry, content: '' }),
    data: (bytes) => {
      ;(found.at(-1) as Unpacked).content += bytes.toString()
    },
    end: () => undefined,
  })
  reader.push(await buffer(archive))
  reader.finish()
  return found
}

const read = async (id: string, path: string) => {
  const { stat, archive } = await engine.containers.read(id, path)
  return { stat, entries: await entriesOf(archive) }
}
const listed = async (id: string, path: string) =>
  (await read(id, path)).entries.map(
    ({ path: name, type, linkPath }) => `${name}${type === 'symlink' ? ` -> ${linkPath}` : type === 'hardlink' ? ` = ${linkPath}` : ''}`,
  )
const contentAt = async (id: string, path: string) => (await read(id, path)).entries[0]?.content

const SAFE = { noOverwriteDirNonDir: true, copyUidGid: false }
const write = (id: string, path: string, archive: Buffer | Readable, options = SAFE) =>
  engine.containers.write(id, path, Buffer.isBuffer(archive) ? Readable.from([archive]) : archive, options)

const FILES = `mkdir -p /d/sub/deep; echo hi > /d/f; chmod 4751 /d/f; ln -s f /d/l; ln -s /d /dl; ln -s nowhere /d/dang
ln -s ../../../../etc/passwd /d/out; ln -s /d/l /d/chain; mkfifo /d/p; chmod 1777 /d/sub; ln /d/f /d/hard; ln -s loop2 /d/loop1; ln -s loop1 /d/loop2
touch -d "2020-01-02 03:04:05" /d/f /d/hard`

for (const [state, stopped] of [
  ['running', false],
  ['stopped', true],
] as const) {
  describe(`out of one that is ${state}`, () => {
    let id: string
    beforeAll(async () => {
      mkdirSync(`${host}/${state}`)
      writeFileSync(`${host}/${state}/vf`, 'volume')
      if (engine) id = await made(FILES, { stopped, hostConfig: { Binds: [`${host}/${state}:/vol`, `${host}/${state}/vf:/onefile:ro`] } })
    })

    test('what is there is told in the bits of Go’s FileMode', async () => {
      const stat = async (path: string) => {
        const { name, mode, linkTarget, size } = await engine.containers.stat(id, path)
        return [name, mode, linkTarget, size]
      }
      expect(await stat('/d/f')).toEqual(['f', 0o751 + 2 ** 23, '', 3])
      expect((await engine.containers.stat(id, '/d/f')).mtime).toBe('2020-01-02T03:04:05Z')
      expect((await stat('/d')).slice(0, 3)).toEqual(['d', 0o755 + 2 ** 31, ''])
      expect((await stat('/d/')).slice(0, 2)).toEqual(['d', 0o755 + 2 ** 31])
      expect((await stat('/d/.')).slice(0, 2)).toEqual(['.', 0o755 + 2 ** 31])
      expect((await stat('/')).slice(0, 2)).toEqual(['/', 0o755 + 2 ** 31])
      expect((await stat('/d/sub')).slice(0, 2)).toEqual(['sub', 0o777 + 2 ** 31 + 2 ** 20])
      expect(await stat('/d/p')).toEqual(['p', 0o644 + 2 ** 25, '', 0])
      expect(await stat('/d/l')).toEqual(['l', 0o777 + 2 ** 27, '/d/f', 1])
      expect((await stat('/d/chain'))[2]).toBe('/d/f')
      expect((await stat('/d/dang'))[2]).toBe('/d/nowhere')
      expect((await stat('/d/out'))[2]).toBe('/etc/passwd')
      expect((await stat('/dl'))[2]).toBe('/d')
      expect((await stat('/dl/')).slice(0, 2)).toEqual(['dl', 0o755 + 2 ** 31])
      expect((await stat('../../dl/f')).slice(0, 2)).toEqual(['f', 0o751 + 2 ** 23])
      expect((await stat('/vol/vf'))[3]).toBe(6)
      expect((await stat('/onefile'))[3]).toBe(6)
    })

    test('what is not there is docker’s 404, what cannot be there a 400', async () => {
      for (const path of ['/nosuch', '/d/nosuch/x']) {
        const sentence = { status: 404, message: `Could not find the file ${path} in container ${id}` }
        await expect(engine.containers.stat(id, path)).rejects.toMatchObject(sentence)
        await expect(engine.containers.read(id, path)).rejects.toMatchObject(sentence)
      }
      for (const path of ['/d/f/', '/d/f/.', '/d/f/x', '/d/loop1/x', '/d/loop1', ''])
        await expect(engine.containers.stat(id, path)).rejects.toMatchObject({ status: 400 })
    })

    const below = [
      'chain -> /d/l',
      'dang -> nowhere',
      'f',
      'hard = f',
      'l -> f',
      'loop1 -> loop2',
      'loop2 -> loop1',
      'out -> ../../../../etc/passwd',
      'p',
      'sub/',
      'sub/deep/',
    ]
    const inside = (name: string) => [`${name}/`, ...below.map((one) => `${name}/${one.replace(' = ', ` = ${name}/`)}`)]

    test('an archive begins with the last name of the path', async () => {
      expect(await listed(id, '/d')).toEqual(inside('d'))
      expect(await listed(id, '/d/')).toEqual(inside('d'))
      expect(await listed(id, '/d/.')).toEqual(inside('.'))
      expect(await listed(id, '/dl/')).toEqual(inside('dl'))
      expect(await listed(id, '/dl')).toEqual(['dl -> /d'])
      expect(await listed(id, '/d/l')).toEqual(['l -> f'])
      expect(await listed(id, '/d/sub/deep')).toEqual(['deep/'])
      expect(await read(id, '/dl/hard')).toMatchObject({
        stat: { name: 'hard', size: 3 },
        entries: [{ type: 'file', content: 'hi\n', mode: 0o4751 }],
      })
      expect((await listed(id, '/')).slice(0, 2)).toEqual(['/', '/bin/'])
    })

    test('volumes are seen, the kernel’s trees are not', async () => {
      expect(await listed(id, '/vol')).toEqual(['vol/', 'vol/vf'])
      expect(await contentAt(id, '/onefile')).toBe('volume')
      expect(await listed(id, '/proc')).toEqual(['proc/'])
      expect(await contentAt(id, '/etc/hosts')).toContain('localhost')
    })
  })

  describe(`into one that is ${state}`, () => {
    let id: string
    beforeAll(async () => {
      mkdirSync(`${host}/into-${state}/ro`, { recursive: true })
      const binds = [`${host}/into-${state}:/vol`, `${host}/into-${state}/ro:/rov:ro`]
      if (engine)
        id = await made('mkdir /tgt; ln -s /tgt /lk; echo old > /tgt/old; ln -s nowhere /tgt/dang', {
          stopped,
          hostConfig: { Binds: binds },
        })
    })

    test('files, directories, links, owners, modes and times are what the archive says', async () => {
      const before = (await happened(engine)).length
      const archive = tar(
        { path: 'a/', mode: 0o2750, uid: 7 },
        { path: 'a/f', content: 'one', mode: 0o6751, uid: 5, gid: 6 },
        { path: 'a/l', type: 'symlink', linkPath: '../../..//x' },
        { path: 'a/h', type: 'hardlink', linkPath: 'a/f' },
        { path: 'a/p', type: 'fifo', mode: 0o600 },
        { path: 'a/null', type: 'char', major: 1, minor: 3, mode: 0o666 },
        { path: 'x/y/z', content: 'implied' },
        { path: '/abs', content: 'abs' },
      )
      await write(id, '/tgt', archive)
      const { entries } = await read(id, '/tgt/a')
      expect(entries.map(({ path, type, mode, uid, gid, content }) => [path.toString(), type, mode, uid, gid, content])).toEqual([
        ['a/', 'directory', 0o2750, 7, 0, ''],
        ['a/f', 'file', 0o6751, 5, 6, 'one'],
        ['a/h', 'hardlink', 0o6751, 5, 6, ''],
        ['a/l', 'symlink', 0o777, 0, 0, ''],
        ['a/null', 'char', 0o666, 0, 0, ''],
        ['a/p', 'fifo', 0o600, 0, 0, ''],
      ])
      for (const { mtime, path } of entries) expect([path.toString(), mtime]).toEqual([path.toString(), { seconds: 1e9, nanoseconds: 5 }])
      expect(await contentAt(id, '/tgt/x/y/z')).toBe('implied')
      expect(await contentAt(id, '/tgt/abs')).toBe('abs')
      expect(await contentAt(id, '/tgt/old')).toBe('old\n')
      expect((await happened(engine)).slice(before, before + 1)).toEqual(['container extract-to-dir'])
    })

    test('through links, into volumes, compressed, and a whole lot', async () => {
      await write(id, '/lk', gzipSync(tar({ path: 'linked', content: 'linked' })))
      expect(await contentAt(id, '/tgt/linked')).toBe('linked')
      await write(id, '/', tar({ path: 'lk/inner', content: 'inner' }))
      expect(await contentAt(id, '/tgt/inner')).toBe('inner')
      await write(id, '/vol', tar({ path: 'v', content: 'v' }))
      expect(readFileSync(`${host}/into-${state}/v`, 'utf8')).toBe('v')
      const big = 'x'.repeat(3_000_000)
      await write(
        id,
        '/tgt',
        tar(...Array.from({ length: 500 }, (_, number) => ({ path: `many/${number}`, content: String(number) })), {
          path: 'big',
          content: big,
        }),
      )
      expect((await contentAt(id, '/tgt/big'))?.length).toBe(big.length)
      expect((await listed(id, '/tgt/many')).length).toBe(501)
    })

    for (const program of ['xz', 'bzip2'] as const) {
      requires(
        'root',
        'command:busybox',
        `command:${program}`,
      )(`compressed by ${program}, which the host’s program undoes`, async () => {
        const compressed = execFileSync(program, ['-c'], { input: tar({ path: program, content: program }) })
        await write(id, '/tgt', compressed)
        expect(await contentAt(id, `/tgt/${program}`)).toBe(program)
        await expect(write(id, '/tgt', compressed.subarray(0, 30))).rejects.toMatchObject({
          status: 400,
          message: expect.stringContaining(program),
        })
      })
    }

    test('what is there gives way, but for a directory to another kind, and the other way', async () => {
      await write(
        id,
        '/tgt',
        tar({ path: 'old', content: 'new' }, { path: 'dang', content: 'file' }, { path: 'dir/' }, { path: 'dir/kept', content: 'kept' }),
      )
      expect([await contentAt(id, '/tgt/old'), await contentAt(id, '/tgt/dang')]).toEqual(['new', 'file'])
      // Merged, with what the later one says of it.
      await write(id, '/tgt', tar({ path: 'dir/', mode: 0o700 }))
      expect(await listed(id, '/tgt/dir')).toEqual(['dir/', 'dir/kept'])
      await expect(write(id, '/tgt', tar({ path: 'dir', content: 'file' }))).rejects.toMatchObject({
        message: 'cannot overwrite directory "/tgt/dir" with non-directory "/tgt"',
      })
      await expect(write(id, '/tgt', tar({ path: 'old/' }))).rejects.toMatchObject({
        message: 'cannot overwrite non-directory "/tgt/old" with directory "/tgt"',
      })
      await expect(write(id, '/', tar({ path: 'lk/' }))).rejects.toMatchObject({
        message: 'cannot overwrite non-directory "/lk" with directory "/"',
      })
      const may = { noOverwriteDirNonDir: false, copyUidGid: false }
      await write(id, '/tgt', tar({ path: 'dir', content: 'file' }, { path: 'old/' }, { path: 'old/x', content: 'x' }), may)
      expect([await contentAt(id, '/tgt/dir'), await listed(id, '/tgt/old')]).toEqual(['file', ['old/', 'old/x']])
    })

    test('what docker refuses is refused', async () => {
      await expect(write(id, '/nosuch', tar())).rejects.toMatchObject({
        status: 404,
        message: `Could not find the file /nosuch in container ${id}`,
      })
      await expect(write(id, '/bin/sh', tar())).rejects.toMatchObject({ status: 400, message: 'extraction point is not a directory' })
      await expect(write(id, '/rov', tar())).rejects.toMatchObject({ status: 403, message: 'mounted volume is marked read-only' })
      await expect(write(id, '/tgt', tar({ path: '../../evil', content: '' }))).rejects.toMatchObject({
        status: 400,
        message: expect.stringContaining('outside'),
      })
      await expect(write(id, '/tgt', tar({ path: 'e', type: 'hardlink', linkPath: '../../etc/passwd' }))).rejects.toMatchObject({
        status: 400,
      })
      await expect(write(id, '/tgt', Buffer.from('no archive at all'))).rejects.toMatchObject({ status: 400 })
      await expect(write(id, '/', tar({ path: 'etc/hosts', content: 'x' }))).rejects.toThrow('unlinkat /etc/hosts: device or resource busy')
      const readOnly = await made('true', { stopped, hostConfig: { ReadonlyRootfs: true, Binds: [`${host}/into-${state}:/vol`] } })
      await expect(write(readOnly, '/bin', tar())).rejects.toMatchObject({ status: 403, message: 'container rootfs is marked read-only' })
      await write(readOnly, '/vol', tar({ path: 'despite', content: '' }))
    })

    test('for the container’s user, when owners are not copied from the archive', async () => {
      const other = await made('mkdir -p /etc /tgt; echo joe:x:1234:5678::/: > /etc/passwd', { stopped })
      // The user is looked up in the container's own files, which are there only now.
      const { record } = engine.context.containers.find(other)
      Object.assign(record.spec, { user: 'joe' })
      await write(other, '/tgt', tar({ path: 'a', uid: 1, gid: 1 }), { ...SAFE, copyUidGid: true })
      expect((await read(other, '/tgt/a')).entries).toMatchObject([{ uid: 1234, gid: 5678 }])
    })
  })
}

describe('races and strangers', () => {
  test('links that change under the reader lead nowhere but into the container', async () => {
    writeFileSync(`${host}/secret`, 'secret of the host')
    // The same path inside leads to a directory, to a link out of it, and back, as fast as it goes.
    const script = `mkdir -p /real${host} /race; echo inside > /real${host}/secret
while :; do ln -sfn /real${host} /race/x; ln -sfn ../../../../../../../..${host} /race/x; rm /race/x; mkdir /race/x; rmdir /race/x; done &`
    const id = await made(script)
    const rounds = Number(process.env.DRYDOCK_ROUNDS ?? 40)
    const seen = new Set<string>()
    for (let round = 0; round < rounds; round++) {
      const got = await contentAt(id, '/race/x/secret').catch((error: Error) => error.message)
      seen.add(String(got))
      await write(id, '/race/x', tar({ path: 'planted', content: 'x' })).catch(() => undefined)
      await write(id, '/race', tar({ path: 'x/planted', content: 'x' })).catch(() => undefined)
    }
    expect([...seen].filter((one) => one.includes('secret of'))).toEqual([])
    expect(readdirSync(host)).not.toContain('planted')
  })

  test('a device that somebody has made is told of and never opened', async () => {
    const id = await made('mknod /zero c 1 5; mknod /kmsg c 1 11')
    expect((await read(id, '/kmsg')).entries).toMatchObject([{ type: 'char', major: 1, minor: 11, content: '' }])
    expect((await listed(id, '/')).filter((name) => /zero|kmsg/.test(name))).toEqual(['/kmsg', '/zero'])
  })

  test('while a client stalls, one that does not run can be started and removed', async () => {
    const id = await made('mkdir /tgt', { stopped: true })
    const stalling = new Readable({ read: () => undefined })
    stalling.push(tar({ path: 'a', content: 'x' }).subarray(0, 700))
    const writing = write(id, '/tgt', stalling)
    await engine.containers.start(id)
    await (await engine.containers.wait(id, 'not-running')).end
    stalling.push(tar({ path: 'a', content: 'x' }).subarray(700))
    stalling.push(null)
    await writing
    expect(await contentAt(id, '/tgt/a')).toBe('x')
    expect(readdirSync(engine.context.containers.find(id).layout.directory).filter((name) => name.startsWith('.'))).toEqual([])
  })

  test('a client that goes away leaves nothing, and nobody waits for it', async () => {
    const id = await made('head -c 50000000 /dev/zero > /big')
    const { archive } = await engine.containers.read(id, '/big')
    archive.once('data', () => archive.destroy())
    await new Promise((resolve) => archive.once('close', resolve))
    const broken = new Readable({ read: () => undefined })
    broken.push(tar({ path: 'part', content: 'x' }).subarray(0, 600))
    const writing = write(id, '/', broken)
    broken.destroy(new Error('gone'))
    await expect(writing).rejects.toThrow('gone')
    expect(await engine.containers.stop(id, { timeout: 0 })).toBe(true)
  })

  test('a container that was never started has its image’s files, and its volumes', async () => {
    mkdirSync(`${host}/never`)
    const { Id } = await engine.containers.create(body(['true'], {}, { Binds: [`${host}/never:/new/mount`] }), {})
    await write(Id, '/new/mount', tar({ path: 'v', content: 'v' }))
    expect(statSync(`${host}/never/v`).size).toBe(1)
    expect(await listed(Id, '/new')).toEqual(['new/', 'new/mount/', 'new/mount/v'])
    // Looking alone leaves no trace in its layer.
    const other = (await engine.containers.create(body(['true'], {}, { Binds: [`${host}/never:/new/mount`] }), {})).Id
    expect(await listed(other, '/new/mount')).toEqual(['mount/', 'mount/v'])
    expect(await engine.containers.changes(other)).toBeNull()
  })
})
