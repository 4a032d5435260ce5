/** Volumes by options, parts of volumes, mounts of other containers: what a container has of them, and what is told. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { Document } from '../../lib/engine/types.js'
import { body, textOf } from '../support/engine.js'
import { engineOfPlace } from '../support/engine-of-place.js'
import { requires } from '../support/requires.js'

const test = requires('root', 'command:busybox')

const at = engineOfPlace()

type Host = Readonly<Record<string, unknown>>

const create = async (command: string, host: Host, more: Host = {}) =>
  (await at.engine.containers.create(body(['sh', '-c', command], more, host), {})).Id
async function say(command: string, host: Host, more: Host = {}): Promise<string> {
  const id = await create(command, host, more)
  const { stream } = await at.engine.containers.attach(id, { stdin: false, stdout: true, stderr: true, stream: true, logs: false })
  const said = textOf(stream)
  await at.engine.containers.start(id)
  const { stdout, stderr } = await said
  return stdout + stderr
}
const running = async (host: Host) => {
  const id = await create('sleep 1000', host)
  await at.engine.containers.start(id)
  return id
}
async function exec(id: string, command: string): Promise<string> {
  const { Id } = await at.engine.execs.create(id, { Cmd: ['sh', '-c', command], AttachStdout: true, AttachStderr: true })
  const { stdout, stderr } = await textOf((await at.engine.execs.start(Id, {}))?.stream as AsyncIterable<Buffer>)
  return stdout + stderr
}
const mountsOf = async (id: string) => (await at.engine.containers.inspect(id)).Mounts as Document[]
const refused = (host: Host) => create('true', host).catch(({ status, message }) => [status, message])
const inVolume = (name: string, ...parts: string[]) => join(at.place.root, 'volumes', name, '_data', ...parts)

describe('a volume that lives in memory', () => {
  const memory = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,mode=700,noexec' }

  test('is what its options say, is shared by those that run, and empty when nobody has had it', async () => {
    await at.engine.volumes.create({ Name: 'fleeting', DriverOpts: memory })
    const first = await running({ Binds: ['fleeting:/one:ro'] })
    expect(await exec(first, 'grep " /one " /proc/self/mountinfo')).toMatch(/ \/one ro,noexec.* - tmpfs \S+ rw,size=1024k,mode=700/)
    const second = await running({ Mounts: [{ Type: 'volume', Source: 'fleeting', Target: '/two' }] })
    expect(await exec(second, 'echo here > /two/note; cat /two/note')).toBe('here\n')
    expect(await exec(first, 'cat /one/note; echo x > /one/note')).toMatch(/^here\n.*Read-only file system/)
    await at.engine.containers.stop(first, { timeout: 0 })
    const third = await running({ VolumesFrom: [second] })
    expect(await exec(third, 'cat /two/note')).toBe('here\n')
    expect(await mountsOf(third)).toMatchObject([{ Type: 'volume', Name: 'fleeting', Destination: '/two', Mode: '', RW: true }])
    for (const id of [second, third]) await at.engine.containers.stop(id, { timeout: 0 })
    await at.engine.containers.start(first)
    expect(await exec(first, 'ls -a /one')).toBe('.\n..\n')
  })

  test('those that start at one time have the same', async () => {
    await at.engine.volumes.create({ Name: 'fleeting', DriverOpts: memory })
    expect(await refused({ Binds: ['fleeting:/one', 'fleeting:/two'] })).toEqual([400, expect.stringContaining('mounted once')])
    const ids = await Promise.all([1, 2, 3].map(() => create('sleep 1000', { Binds: ['fleeting:/m'] })))
    await Promise.all(ids.map((id) => at.engine.containers.start(id)))
    const seen = await Promise.all(ids.map((id) => exec(id, 'stat -c %d /m')))
    expect(new Set(seen).size).toBe(1)
  })
})

describe('a part of a volume', () => {
  test('a directory or a file of it, whatever links are in it', async () => {
    await at.engine.volumes.create({ Name: 'whole' })
    mkdirSync(inVolume('whole', 'a/b'), { recursive: true })
    writeFileSync(inVolume('whole', 'a/b/file'), 'deep\n')
    symlinkSync('/a/b', inVolume('whole', 'inner'))
    symlinkSync('/etc/passwd', inVolume('whole', 'outer'))
    const part = (Subpath: string) => ({ Mounts: [{ Type: 'volume', Source: 'whole', Target: '/x', VolumeOptions: { Subpath } }] })
    expect(await say('cat /x/file', part('a/b'))).toBe('deep\n')
    expect(await say('cat /x', part('a/b/file'))).toBe('deep\n')
    expect(await say('cat /x/file', part('inner'))).toBe('deep\n')
    expect(await refused(part('outer'))).toEqual([400, expect.stringMatching(/^cannot access path .*\/outer: no such file/)])
    expect(await refused(part('none'))).toEqual([400, expect.stringContaining('cannot access path')])
    expect(await refused(part('../whole'))).toEqual([400, expect.stringContaining('subpath must be a relative path')])
    // What it was when it was looked at it need not be any more.
    const id = await create('cat /x/file', part('a/b'))
    await at.engine.containers.stop(await running({ Binds: ['whole:/w'] }), { timeout: 0 })
    const swapper = await say('busybox rm -r /w/a/b; busybox ln -s ../../../../../../../../etc /w/a/b', { Binds: ['whole:/w'] })
    expect(swapper).toBe('')
    await expect(at.engine.containers.start(id)).rejects.toThrow()
  })
})

describe('mounts in all forms', () => {
  test('what is told of each', async () => {
    await at.engine.volumes.create({ Name: 'cargo' })
    const host = {
      Binds: ['cargo:/a', 'cargo:/ab:ro', 'cargo:/n:nocopy', '/tmp:/f', '/tmp:/g:ro,rprivate'],
      Mounts: [
        { Type: 'volume', Source: 'cargo', Target: '/c', ReadOnly: true },
        { Type: 'volume', Target: '/d' },
        { Type: 'bind', Source: '/tmp', Target: '/e', BindOptions: { Propagation: 'private', NonRecursive: true } },
        { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 65536, Mode: 0o1770, Options: [['exec']] } },
      ],
    }
    const command = 'for n in c e f g t; do grep " /$n " /proc/self/mountinfo; done'
    const id = await create(command, host, { Volumes: { '/own': {} } })
    const told = Object.fromEntries(
      (await mountsOf(id)).map(({ Destination, Type, Mode, RW, Propagation }) => [Destination, [Type, Mode, RW, Propagation].join(' ')]),
    )
    expect(told).toEqual({
      '/a': 'volume z true ',
      '/ab': 'volume ro false ',
      '/n': 'volume nocopy true ',
      '/f': 'bind  true rprivate',
      '/g': 'bind ro,rprivate false rprivate',
      '/c': 'volume z false ',
      '/d': 'volume z true ',
      '/e': 'bind  true private',
      '/t': 'tmpfs  true ',
      '/own': 'volume  true ',
    })
    const lines = (await say(command, host)).trim().split('\n')
    expect(
      lines.map((line) =>
        line
          .split(' ')
          .slice(4, 6)
          .join(' ')
          .replace(/,?relatime/, ''),
      ),
    ).toEqual(['/c ro', '/e rw', '/f rw', '/g ro', '/t rw,nosuid,nodev'])
    expect(lines[4]).toMatch(/size=64k,mode=1770/)
  })

  test('those of other containers: read-only, the last one counts, own ones count more', async () => {
    await at.engine.volumes.create({ Name: 'cargo' })
    const first = await create('true', { Binds: ['cargo:/a', '/tmp:/b'], Tmpfs: { '/c': '' } })
    const second = await create('true', { Binds: ['/tmp:/a:ro'] })
    const id = await create('true', { VolumesFrom: [`${first}:ro,z`, second], Binds: ['/var:/b'] }, { Volumes: { '/a': {}, '/z': {} } })
    const told = (await mountsOf(id)).map(({ Destination, Type, RW, Source }) => [Destination, Type, RW, Type === 'bind' ? Source : ''])
    expect(told.sort()).toEqual([
      ['/a', 'bind', false, '/tmp'],
      ['/b', 'bind', true, '/var'],
      ['/z', 'volume', true, ''],
    ])
    expect(await refused({ VolumesFrom: ['nosuch'] })).toEqual([400, 'No such container: nosuch'])
    expect(await refused({ VolumesFrom: [`${first}:nocopy`] })).toEqual([400, 'invalid mode: nocopy'])
    expect(await refused({ VolumesFrom: [`${first}:ro:rw`] })).toEqual([400, 'invalid mode: ro:rw'])
    expect(await refused({ VolumesFrom: [''] })).toEqual([400, 'volumes-from specification cannot be an empty string'])
    expect(await refused({ VolumesFrom: [`${first}:rprivate`] })).toEqual([400, 'invalid mode: rprivate'])
  })

  test('a volume that an image wants at a path with colons is one, and no directory of the host', async () => {
    const wanted = { '/tmp:/host': {}, '/run:/other:rw': {} }
    const told = await mountsOf(await create('true', {}, { Volumes: wanted }))
    expect(told.map(({ Type, Destination, Source }) => [Type, Destination, /\/volumes\/.*\/_data$/.test(Source as string)]).sort()).toEqual(
      [
        ['volume', '/run:/other:rw', true],
        ['volume', '/tmp:/host', true],
      ],
    )
    expect(await say('ls /tmp:/host; echo $?', {}, { Volumes: wanted })).toBe('0\n')
  })

  test('one place is one place, however it is typed', async () => {
    expect(await refused({ Binds: ['/tmp:/x', '/run:/x/'] })).toEqual([400, 'Duplicate mount point: /x'])
    expect(await refused({ Binds: ['/tmp:/x/'], Mounts: [{ Type: 'tmpfs', Target: '//x' }] })).toEqual([400, 'Duplicate mount point: /x'])
    const first = await create('true', { Binds: ['/tmp:/x/', 'cargo:/y//'] })
    const second = await mountsOf(await create('true', { VolumesFrom: [first], Binds: ['/run:/x'] }))
    expect(second.map(({ Source, Destination }) => [Source, Destination]).sort()).toEqual([
      ['/run', '/x'],
      [inVolume('cargo'), '/y'],
    ])
  })

  test('what the host mounts later is heard of where its mount tells of that, and nowhere else is it promised', async () => {
    const place = join(at.place.root, 'tells')
    const below = join(place, 'below')
    mkdirSync(place)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tells', place])
    try {
      const deaf = await create('true', { Binds: [`${place}:/x:rslave`] })
      const said = `path ${place} is mounted on ${place} but it is not a shared or slave mount`
      await expect(at.engine.containers.start(deaf)).rejects.toMatchObject({ status: 400, message: said })
      execFileSync('mount', ['--make-shared', place])
      const id = await running({ Binds: [`${place}:/x:rslave`] })
      mkdirSync(below)
      execFileSync('mount', ['-t', 'tmpfs', 'below', below])
      writeFileSync(join(below, 'note'), 'here')
      expect(await exec(id, 'cat /x/below/note')).toBe('here')
      await at.engine.containers.stop(id, { timeout: 0 })
    } finally {
      execFileSync('umount', ['--recursive', place])
    }
  })

  test('members in any case; what does not go together is refused by its name', async () => {
    const id = await create('true', {
      mounts: [{ type: 'volume', target: '/v', volumeoptions: { labels: { a: 'b' }, driverconfig: { options: {} } } }],
    })
    const [{ Name } = {}] = await mountsOf(id)
    expect(await at.engine.volumes.inspect(Name as string)).toMatchObject({ Labels: { a: 'b' } })
    const one = (mount: object) => refused({ Mounts: [mount] })
    const bind = { Type: 'bind', Source: '/tmp', Target: '/x' }
    expect(await one({ ...bind, Type: 'npipe' })).toEqual([400, 'invalid mount config for type "npipe": mount type unknown'])
    expect(await one({ ...bind, Source: '/nosuch' })).toEqual([400, expect.stringContaining('bind source path does not exist: /nosuch')])
    expect(await one({ ...bind, Source: 'relative' })).toEqual([400, expect.stringContaining('mount path must be absolute')])
    expect(await one({ ...bind, VolumeOptions: {} })).toEqual([400, expect.stringContaining('field VolumeOptions must not be specified')])
    expect(await one({ ...bind, BindOptions: { Propagation: 'odd' } })).toEqual([
      400,
      expect.stringContaining('invalid propagation mode: odd'),
    ])
    expect(await one({ Type: 'tmpfs', Target: '/x', TmpfsOptions: { SizeBytes: -1 } })).toEqual([
      400,
      expect.stringContaining('less than zero'),
    ])
    expect(await one({ Type: 'tmpfs', Target: '/x', TmpfsOptions: { SizeBytes: '1' } })).toEqual([
      400,
      expect.stringContaining('whole number'),
    ])
    expect(await one({ Type: 'volume', Target: '/x', VolumeOptions: { Subpath: 'a' } })).toEqual([
      400,
      expect.stringContaining('anonymous'),
    ])
    const nfs = { DriverConfig: { Name: 'local', Options: { type: 'nfs', device: ':/x', o: 'addr=127.0.0.1' } } }
    expect(await one({ Type: 'volume', Source: 'far', Target: '/x', VolumeOptions: nfs })).toEqual([
      400,
      expect.stringContaining('a volume of type nfs is not supported'),
    ])
  })
})
