/** Containers of an engine: made, started, listened to, stopped, paused, renamed, updated, removed. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import type { Engine } from '../../lib/engine/index.js'
import type { AttachOptions, Document } from '../../lib/engine/types.js'
import { cgroupOf, hierarchyOf, readLimits } from '../../lib/primitives/cgroups/index.js'
import { body, enginePlace, happened, type Place, textOf } from '../support/engine.js'
import { requires } from '../support/requires.js'

const test = requires('root', 'command:busybox')
const BOTH: AttachOptions = { stdin: false, stdout: true, stderr: true, stream: true, logs: false }
const NONE = new Map<string, string[]>()

let place: Place
let engine: Engine
let containers: Engine['containers']
beforeAll(async () => {
  place = await enginePlace(['ENV A=1', 'WORKDIR /tmp', 'LABEL from=image', 'EXPOSE 80'])
  engine = await place.open()
  containers = engine.containers
})
afterAll(async () => {
  await engine?.close()
  await place?.remove()
})

afterEach(async () => {
  for (const { id } of engine.context.containers.all()) await containers.remove(id, { force: true, volumes: true })
})

const create = async (...args: Parameters<typeof body>) => (await containers.create(body(...args), {})).Id
const inspected = async (word: string) => (await containers.inspect(word)) as Record<string, Record<string, unknown>>
const stateOf = async (word: string) => (await inspected(word)).State as Record<string, unknown>

/** Started, and at its end: what it printed, and its exit code. */
async function ran(id: string, options: Partial<AttachOptions> = {}, input?: string) {
  const { stream, tty } = await containers.attach(id, { ...BOTH, ...options })
  const said = textOf(stream, tty)
  const { end } = await containers.wait(id, 'next-exit')
  await containers.start(id)
  if (input !== undefined) stream.end(input)
  return { ...(await said), code: (await end).StatusCode }
}

const forced = (id: string) => containers.remove(id, { force: true, volumes: true })

describe('run', () => {
  test('who attaches before the start has all that it says, from the first byte; the events are those of docker', async () => {
    const before = (await happened(engine)).length
    const id = await create(['sh', '-c', 'echo out; echo err >&2; echo $A $PWD; exit 3'], {}, { AutoRemove: true })
    const { stream, tty } = await containers.attach(id, BOTH)
    const said = textOf(stream, tty)
    const { end } = await containers.wait(id, 'removed')
    expect(await containers.start(id)).toBe(true)
    expect(await said).toEqual({ stdout: 'out\n1 /tmp\n', stderr: 'err\n' })
    expect(await end).toEqual({ StatusCode: 3 })
    const events = (await happened(engine)).slice(before)
    expect(events).toEqual([
      'container create',
      'container attach',
      'network connect',
      'container start',
      'container die',
      'network disconnect',
      'container destroy',
    ])
    await expect(containers.inspect(id)).rejects.toThrow(`No such container: ${id}`)
    expect(readdirSync(join(place.root, 'containers'))).toEqual([])
    expect(readdirSync(join(place.root, 'names'))).toEqual([])
  })

  test('what is typed before the start reaches it, and the end of it too', async () => {
    const id = await create(['cat'], { OpenStdin: true, StdinOnce: true })
    const { stream } = await containers.attach(id, { ...BOTH, stdin: true })
    stream.write('early ')
    const said = textOf(stream)
    await containers.start(id)
    stream.end('late')
    expect(await said).toEqual({ stdout: 'early late', stderr: '' })
    expect(await (await containers.wait(id, 'not-running')).end).toEqual({ StatusCode: 0 })
    // Again: what it has changed is there, and its streams are new.
    expect(await ran(id, { stdin: true }, 'again')).toMatchObject({ stdout: 'again', code: 0 })
  })

  test('an end of input leaves a stdin open that is not for one client alone', async () => {
    const id = await create(['sh', '-c', 'read a; echo $a; read b; echo $b'], { OpenStdin: true })
    await containers.start(id)
    const first = (await containers.attach(id, { ...BOTH, stdin: true })).stream
    first.end('one\n')
    const { stream } = await containers.attach(id, { ...BOTH, stdin: true })
    stream.write('two\n')
    expect((await textOf(stream)).stdout).toContain('two\n')
  })

  test('a terminal: raw, of the size that was asked for, left by its keys, drawn on by who comes next', async () => {
    const tty = { Tty: true, OpenStdin: true, StdinOnce: true }
    const id = await create(['sh', '-c', 'stty size; read a; stty size; echo got $a'], tty, { ConsoleSize: [33, 101] })
    const { stream, tty: raw } = await containers.attach(id, { ...BOTH, stdin: true })
    expect(raw).toBe(true)
    const said = textOf(stream, true)
    let heard = ''
    // The whole line: its end may come in a piece of its own, and what comes after the keys is lost.
    const line = new Promise<void>((resolve) =>
      stream.on('data', (data) => {
        heard += data
        if (heard.endsWith('\n')) resolve()
      }),
    )
    await containers.start(id)
    await line
    stream.write('\x10\x11')
    expect(await said).toEqual({ stdout: '33 101\r\n', stderr: '' })
    await containers.resize(id, 40, 120)
    const again = await containers.attach(id, { ...BOTH, stdin: true, detachKeys: 'ctrl-x' })
    again.stream.write('\x10word\n')
    expect((await textOf(again.stream, true)).stdout).toContain('40 120\r\ngot \x10word\r\n')
  })

  test('a program that is not there: 400, docker’s exit code, a container that stays; with --rm none', async () => {
    const start = (id: string) => containers.start(id).catch((error) => error)
    const stays = await create(['/nonexistent'])
    const { stream } = await containers.attach(stays, BOTH)
    const error = await start(stays)
    expect([error.status, error.message]).toEqual([400, expect.stringContaining('no such file or directory')])
    expect(await textOf(stream)).toEqual({ stdout: '', stderr: '' })
    expect(await stateOf(stays)).toMatchObject({ Status: 'created', ExitCode: 127, Error: error.message, Running: false, Pid: 0 })
    await containers.remove(stays)
    const goes = await create(['nonexistent'], {}, { AutoRemove: true })
    const attached = await containers.attach(goes, BOTH)
    const { end } = await containers.wait(goes, 'removed')
    expect((await start(goes)).message).toContain('executable file not found')
    expect((await end).StatusCode).toBe(127)
    expect(await textOf(attached.stream)).toEqual({ stdout: '', stderr: '' })
    const directory = await create(['/tmp'])
    expect((await start(directory)).message).toContain('permission denied')
    expect(await stateOf(directory)).toMatchObject({ ExitCode: 126 })
  })

  test('404 for an image that is missing, and for nothing else', async () => {
    const refused = (changes: object, name?: string) =>
      containers.create({ ...body(['true']), ...changes }, name === undefined ? {} : { name }).then(
        () => undefined,
        ({ status, message }) => [status, message],
      )
    expect(await refused({ Image: 'nope' })).toEqual([404, 'No such image: nope:latest'])
    expect(await refused({ Image: '' })).toEqual([400, 'no image specified'])
    expect(await refused({ Cmd: null })).toEqual([400, expect.stringContaining('no command specified')])
    expect(await refused({ HostConfig: { NetworkMode: 'container:nobody' } })).toEqual([400, 'No such container: nobody'])
    expect(await refused({}, 'x')).toEqual([400, expect.stringContaining('invalid container name (x)')])
    expect(await refused({ Volumes: { data: {} }, HostConfig: { Binds: ['/a:relative'] } })).toEqual([400, expect.any(String)])
  })
})

describe('names', () => {
  test('are one container’s alone, can be changed, and are free again', async () => {
    const { Id } = await containers.create(body(['true']), { name: 'first' })
    const second = await containers.create(body(['true']), { name: '/second' })
    await expect(containers.create(body(['true']), { name: 'first' })).rejects.toMatchObject({
      status: 409,
      message: `Conflict. The container name "/first" is already in use by container "${Id}". You have to remove (or rename) that container to be able to reuse that name.`,
    })
    await expect(containers.rename('second', 'first')).rejects.toMatchObject({ status: 409 })
    await containers.rename('first', 'third')
    expect(await inspected('third')).toMatchObject({ Id, Name: '/third' })
    await expect(containers.inspect('first')).rejects.toMatchObject({ status: 404 })
    await containers.rename('second', 'first')
    expect((await inspected(second.Id.slice(0, 10))).Name).toBe('/first')
    expect(readdirSync(join(place.root, 'names')).sort()).toEqual(['first', 'third'])
    for (const word of ['first', 'third']) await containers.remove(word)
    expect(readdirSync(join(place.root, 'names'))).toEqual([])
  })
})

describe('stop, kill, restart', () => {
  const loop = (trap: string) => ['sh', '-c', `trap '${trap}' TERM INT; echo up; while :; do sleep 0.05; done`]
  const up = async (cmd: readonly string[], ...more: [Record<string, unknown>?, Record<string, unknown>?]) => {
    const id = await create(cmd, ...more)
    const { stream } = await containers.attach(id, BOTH)
    await containers.start(id)
    await new Promise((resolve) => stream.once('data', resolve))
    stream.destroy()
    return id
  }

  test('the stop signal first, SIGKILL when it is not heeded; 304 when it does not run', async () => {
    const kind = await up(loop('exit 5'))
    expect(await containers.stop(kind)).toBe(true)
    expect(await stateOf(kind)).toMatchObject({ Status: 'exited', ExitCode: 5 })
    expect(await containers.stop(kind)).toBe(false)
    const other = await up(['sh', '-c', "trap 'exit 6' USR1; echo up; while :; do sleep 0.05; done"], { StopSignal: 'USR1' })
    await containers.stop(other)
    expect(await stateOf(other)).toMatchObject({ ExitCode: 6 })
    const deaf = await up(loop(''))
    expect(await containers.stop(deaf, { timeout: 0 })).toBe(true)
    expect(await stateOf(deaf)).toMatchObject({ ExitCode: 137 })
  })

  test('kill by name and number; what is no signal, and what does not run', async () => {
    const id = await up(loop('exit 7'))
    await expect(containers.kill(id, 'NOPE')).rejects.toMatchObject({ status: 400, message: 'Invalid signal: NOPE' })
    const { end } = await containers.wait(id, 'next-exit')
    await containers.kill(id, '2')
    expect(await end).toEqual({ StatusCode: 7 })
    await expect(containers.kill(id)).rejects.toMatchObject({ status: 409, message: expect.stringContaining('is not running') })
    await containers.start(id)
    await containers.kill(id)
    expect(await stateOf(id)).toMatchObject({ Status: 'exited', ExitCode: 137 })
  })

  test('restart keeps what goes with --rm, which the next exit takes', async () => {
    const id = await up(loop('exit 0'), {}, { AutoRemove: true })
    const before = await stateOf(id)
    await containers.restart(id, { timeout: 5 })
    const after = await stateOf(id)
    expect([after.Running, after.Pid === before.Pid, after.StartedAt === before.StartedAt]).toEqual([true, false, false])
    const { end } = await containers.wait(id, 'removed')
    // Whether the program has set its trap again cannot be seen from here: SIGKILL does not ask for it.
    await containers.kill(id)
    expect((await end).StatusCode).toBe(137)
  })

  test('killed when it does not read what is typed', async () => {
    const id = await create(['sleep', '1000'], { OpenStdin: true })
    const { stream } = await containers.attach(id, { ...BOTH, stdin: true })
    await containers.start(id)
    stream.write(Buffer.alloc(4 << 20))
    let before = 0
    const stands = () => {
      const waiting = stream.writableLength
      const same = waiting > 0 && waiting === before
      before = waiting
      return same
    }
    await expect.poll(stands).toBe(true)
    const { end } = await containers.wait(id, 'not-running')
    await containers.kill(id)
    expect((await end).StatusCode).toBe(137)
    stream.destroy()
  })

  test('started again while somebody has not read all that it said', async () => {
    const id = await create(['sh', '-c', 'echo said'])
    const { stream } = await containers.attach(id, BOTH)
    const { end } = await containers.wait(id, 'next-exit')
    await containers.start(id)
    await end
    expect(await containers.start(id)).toBe(true)
    stream.destroy()
  })

  test('paused: the program stands still and is not to be removed; killed all the same', async () => {
    const id = await up(loop('exit 0'))
    await containers.pause(id)
    expect(await stateOf(id)).toMatchObject({ Status: 'paused', Paused: true, Running: true })
    await expect(containers.pause(id)).rejects.toMatchObject({ status: 409, message: expect.stringContaining('already paused') })
    await expect(containers.start(id)).rejects.toMatchObject({ message: 'cannot start a paused container, try unpause instead' })
    await expect(containers.remove(id)).rejects.toMatchObject({ status: 409, message: expect.stringContaining('must be unpaused first') })
    await containers.unpause(id)
    expect(await stateOf(id)).toMatchObject({ Status: 'running', Paused: false })
    await containers.pause(id)
    await containers.stop(id, { timeout: 5 })
    expect(await stateOf(id)).toMatchObject({ Status: 'exited', ExitCode: 0 })
    await containers.start(id)
    await containers.pause(id)
    await containers.kill(id)
    expect(await stateOf(id)).toMatchObject({ ExitCode: 137 })
  })

  test('removed by force while it runs; refused otherwise', async () => {
    const id = await up(loop(''))
    await expect(containers.remove(id)).rejects.toMatchObject({ status: 409, message: expect.stringContaining('container is running') })
    await forced(id)
    await expect(containers.inspect(id)).rejects.toMatchObject({ status: 404 })
  })
})

describe('wait', () => {
  test('each condition for what it says', async () => {
    const id = await create(['sh', '-c', 'read a; exit 9'], { OpenStdin: true, StdinOnce: true })
    expect(await (await containers.wait(id, 'not-running')).end).toEqual({ StatusCode: 0 })
    const answers: string[] = []
    const register = async (condition: 'next-exit' | 'removed' | 'not-running') => {
      const { end } = await containers.wait(id, condition)
      void end.then(({ StatusCode }) => answers.push(`${condition} ${StatusCode}`))
    }
    await register('next-exit')
    await register('removed')
    const leaver = new AbortController()
    const left = await containers.wait(id, 'next-exit', leaver.signal)
    leaver.abort(new Error('gone'))
    await expect(left.end).rejects.toThrow('gone')
    expect(answers).toEqual([])
    await containers.start(id)
    await register('not-running')
    const { stream } = await containers.attach(id, { ...BOTH, stdin: true })
    expect(answers).toEqual([])
    stream.end('x\n')
    await (await containers.wait(id, 'not-running')).end
    expect(answers).toEqual(['next-exit 9', 'not-running 9'])
    const { end } = await containers.wait(id, 'removed')
    await containers.remove(id)
    expect((await end).StatusCode).toBe(9)
    expect(answers).toEqual(['next-exit 9', 'not-running 9', 'removed 9'])
  })
})

describe('volumes', () => {
  test('named, anonymous, of the host and in memory; what the image has is in new ones; removed with what is theirs', async () => {
    const host = mkdtempSync(join(tmpdir(), 'drydock-bind-'))
    writeFileSync(join(host, 'seen'), 'host')
    const id = await create(
      ['sh', '-c', 'cat /h/seen; echo x > /v/new; echo y > /anon/new; echo z > /t/new; ls /etc2; touch /h/w 2>/dev/null || echo ro'],
      { Volumes: { '/anon': {} } },
      {
        Binds: [`${host}:/h:ro`, 'data:/v', `${host}/made:/made`],
        Mounts: [
          { Type: 'volume', Target: '/etc2', Source: 'filled' },
          { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 65536 } },
        ],
      },
    )
    expect(await ran(id)).toEqual({ stdout: 'hostro\n', stderr: '', code: 0 })
    expect(existsSync(join(host, 'made'))).toBe(true)
    expect(readFileSync(join(place.root, 'volumes/data/_data/new'), 'utf8')).toBe('x\n')
    const { Mounts } = (await containers.inspect(id)) as unknown as { Mounts: Document[] }
    expect(Mounts.map(({ Type, Destination, RW }) => `${Type} ${Destination} ${RW}`).sort()).toEqual([
      'bind /h false',
      'bind /made true',
      'tmpfs /t true',
      'volume /anon true',
      'volume /etc2 true',
      'volume /v true',
    ])
    const others = await create(['cat', '/v/new'], {}, { VolumesFrom: [`${id}:ro`] })
    expect((await ran(others)).stdout).toBe('x\n')
    await containers.remove(others)
    await containers.remove(id, { volumes: true })
    expect(readdirSync(join(place.root, 'volumes')).sort()).toEqual(['data', 'filled'])
    rmSync(host, { recursive: true })
  })
})

describe('list', () => {
  test('what docker ps shows, by its filters', async () => {
    const { Id: one } = await containers.create(body(['sleep', '1000'], { Labels: { a: '1' } }), { name: 'listed-one' })
    const { Id: two } = await containers.create(body(['sh', '-c', 'exit 4'], { Labels: { a: '2' } }), { name: 'listed-two' })
    await ran(two)
    await containers.start(one)
    const list = async (filters: Record<string, string[]>, all = true) =>
      (await containers.list({ all, size: false, filters: new Map(Object.entries(filters)) })).map(({ Names }) => (Names as string[])[0])
    expect(await list({}, false)).toEqual(['/listed-one'])
    expect(await list({})).toEqual(['/listed-two', '/listed-one'])
    expect(await list({ status: ['exited'] }, false)).toEqual(['/listed-two'])
    expect([await list({ exited: ['4'] }), await list({ exited: ['4'] }, false)]).toEqual([['/listed-two'], []])
    expect(await list({ label: ['a=1'] })).toEqual(['/listed-one'])
    expect(await list({ label: ['from=image'], name: ['two$'] })).toEqual(['/listed-two'])
    expect(await list({ since: ['listed-one'] })).toEqual(['/listed-two'])
    expect(await list({ before: ['listed-two'] })).toEqual(['/listed-one'])
    expect(await list({ ancestor: ['box'], id: [one.slice(0, 8)] })).toEqual(['/listed-one'])
    expect([await list({ ancestor: ['other'] }), await list({ id: [''] }), await list({ id: [two.slice(0, 9)] })]).toEqual([
      [],
      [],
      ['/listed-two'],
    ])
    // Without a network it has no ports.
    expect(await list({ network: ['none'], expose: ['80'] })).toEqual([])
    await expect(list({ nope: ['1'] })).rejects.toMatchObject({ status: 400, message: "Invalid filter 'nope'" })
    const [row] = await containers.list({ all: false, size: true, filters: NONE })
    expect(row).toMatchObject({
      Id: one,
      Image: 'box',
      Command: 'sleep 1000',
      State: 'running',
      Status: expect.stringMatching(/^Up /),
      Labels: { a: '1', from: 'image' },
      Ports: [],
      HostConfig: { NetworkMode: 'none' },
      SizeRw: 0,
      SizeRootFs: expect.any(Number),
    })
    expect(await containers.prune(new Map([['label', ['a=2']]]))).toEqual({ ContainersDeleted: [two], SpaceReclaimed: 0 })
  })
})

describe('update', () => {
  test('limits of a running container, and what is told of them', async () => {
    const MiB = 1024 * 1024
    const id = await create(['sleep', '1000'], {}, { Memory: 64 * MiB })
    await containers.start(id)
    const { Warnings } = await containers.update(id, {
      Memory: 32 * MiB,
      MemorySwap: 64 * MiB,
      PidsLimit: 50,
      RestartPolicy: { Name: 'no' },
    })
    expect(Warnings === null || Array.isArray(Warnings)).toBe(true)
    expect((await inspected(id)).HostConfig).toMatchObject({ Memory: 32 * MiB, MemorySwap: 64 * MiB, PidsLimit: 50 })
    await expect(containers.update(id, { Memory: 1 })).rejects.toMatchObject({ status: 400 })
    await expect(containers.update(id, { OomKillDisable: true })).rejects.toMatchObject({ status: 400 })
    // Memory and swap together stay what somebody has said, as what is kept of it says too.
    const cgroup = cgroupOf((await stateOf(id)).Pid as number) ?? []
    const before = readLimits(cgroup).swap?.value
    await containers.update(id, { Memory: 48 * MiB })
    const v1 = hierarchyOf(cgroup, 'memory')?.version === 1
    expect(readLimits(cgroup).swap?.value).toBe(v1 || before === undefined ? before : 16 * MiB)
  })
})

describe('an engine', () => {
  test('has its data root alone', async () => {
    await expect(place.open()).rejects.toMatchObject({ status: 409, message: `another engine uses ${place.root} already` })
  })
})
