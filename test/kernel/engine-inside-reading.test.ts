/** What is read of a container: logs that its shim writes and rotates, its processes, what it uses, what it has changed. */
import { mkdirSync } from 'node:fs'
import { execa } from 'execa'
import { describe, expect, vi } from 'vitest'
import type { Engine } from '../../lib/engine/index.js'
import type { Document, LogOptions } from '../../lib/engine/types.js'
import { TarReader } from '../../lib/image/tar/index.js'
import { body, happened, textOf } from '../support/engine.js'
import { engineOfPlace } from '../support/engine-of-place.js'
import { requires } from '../support/requires.js'

const test = requires('root', 'command:busybox')

const at = engineOfPlace({ cleared: false })

async function running(cmd: readonly string[], more: Record<string, unknown> = {}, host: Record<string, unknown> = {}): Promise<string> {
  const { Id } = await at.engine.containers.create(body(cmd, more, host), {})
  await at.engine.containers.start(Id)
  return Id
}

const all: LogOptions = { stdout: true, stderr: true, follow: true, timestamps: false, details: false }

describe('logs', () => {
  const counting = 'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done'
  const expected = Array.from({ length: 20000 }, (_, number) => `line ${number}\n`).join('')

  test('followed from the start through every rotation to the end, no line lost and none twice', async () => {
    const config = { Type: 'json-file', Config: { 'max-size': '64k', 'max-file': '50' } }
    const id = await running(['sh', '-c', `read x; ${counting}`], { OpenStdin: true, StdinOnce: true }, { LogConfig: config })
    const followed = await Promise.all([1, 2].map(async () => textOf((await at.engine.containers.logs(id, all)).stream)).concat(go()))
    for (const said of followed.slice(0, 2)) expect(said).toEqual({ stdout: expected, stderr: '' })
    const past = await at.engine.containers.logs(id, { ...all, follow: false, tail: 5000 })
    expect((await textOf(past.stream)).stdout).toBe(expected.split('\n').slice(-5001).join('\n'))

    async function go() {
      const { stream } = await at.engine.containers.attach(id, { stdin: true, stdout: false, stderr: false, stream: true, logs: false })
      stream.end('go\n')
      return textOf(stream)
    }
  })

  test('a line longer than an entry comes in its pieces, each with its time, as docker prints it', async () => {
    const id = await running(['sh', '-c', 'printf "%040000d\\n" 7; echo after >&2'])
    const { stream } = await at.engine.containers.logs(id, { ...all, timestamps: true })
    const { stdout, stderr } = await textOf(stream)
    expect(stdout.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /g, '|').replace(/0{100,}/g, '0…')).toBe('|0…|0…|0…7\n')
    expect(stderr).toMatch(/^\S{29}Z after\n$/)
  })

  test('one that could not be rotated is told of when its container ends', async () => {
    const Config = { 'max-size': '1k', 'max-file': '2' }
    const said = vi.spyOn(at.engine.context, 'log')
    const { Id } = await at.engine.containers.create(
      body(['sh', '-c', 'printf "%02000d\\n" 7; echo after'], {}, { LogConfig: { Type: 'json-file', Config } }),
      {},
    )
    const { name, layout } = at.engine.context.containers.find(Id)
    // Its place is taken: a file takes the name of no directory (rename(2), EISDIR).
    mkdirSync(`${layout.log}.1`)
    const { end } = await at.engine.containers.wait(Id, 'next-exit')
    await at.engine.containers.start(Id)
    await end
    expect(said.mock.calls).toEqual([
      ['warn', expect.stringMatching(`^${name}: entries of its log were lost, or it could not be rotated .errors: 1.`)],
    ])
    said.mockRestore()
  })

  test('the driver `local` keeps them too, with what was chosen of labels and variables, which only `details` shows', async () => {
    const Config = { 'max-size': '16k', 'max-file': '3', labels: 'b,none', env: 'A', tag: '{{.Name}} & {{.ID}}', mode: 'non-blocking' }
    const more = { Labels: { b: 'two=2', c: '3' }, Env: ['A=<1>'] }
    const id = await running(['sh', '-c', 'echo a line; echo another >&2'], more, { LogConfig: { Type: 'local', Config } })
    const { stream } = await at.engine.containers.logs(id, { ...all, details: true })
    const name = at.engine.context.containers.find(id).name
    const told = `A=%3C1%3E,b=two%3D2,tag=${name}+%26+${id.slice(0, 12)}`
    expect(await textOf(stream)).toEqual({ stdout: `${told} a line\n`, stderr: `${told} another\n` })
    expect((await textOf((await at.engine.containers.logs(id, all)).stream)).stdout).toBe('a line\n')
    expect((await at.engine.containers.inspect(id)).LogPath).toBe('')
  })

  test('of a terminal they are bare; of a log that is none there is a sentence', async () => {
    const id = await running(['sh', '-c', 'echo out; echo err >&2'], { Tty: true })
    const { stream, tty } = await at.engine.containers.logs(id, all)
    expect([tty, (await textOf(stream, true)).stdout]).toEqual([true, 'out\r\nerr\r\n'])
    const silent = await running(['sleep', '1000'], {}, { LogConfig: { Type: 'none' } })
    await expect(at.engine.containers.logs(silent, all)).rejects.toMatchObject({
      status: 501,
      message: 'configured logging driver does not support reading',
    })
  })
})

describe('top', () => {
  test('its own processes and its execs, as ps shows them', async () => {
    const id = await running(['sh', '-c', 'sleep 1001 & sleep 1002; true'])
    const { Id } = await at.engine.execs.create(id, { Cmd: ['sleep', '1003'], User: '54321', Tty: true })
    await at.engine.execs.start(Id, { Detach: true })
    // Between fork and execve a child is still called as its parent is, and the exec may come before those that the shell forks.
    const seen = async () => (await at.engine.containers.top(id)).Processes.map((row) => `${row[0]} ${row[5]} ${row[7]}`).sort()
    await expect
      .poll(seen)
      .toEqual(['54321 pts/0 sleep 1003', 'root ? sh -c sleep 1001 & sleep 1002; true', 'root ? sleep 1001', 'root ? sleep 1002'])
    const { Titles, Processes } = await at.engine.containers.top(id)
    expect(Titles).toEqual(['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'])
    for (const [, pid, , share, started, , time] of Processes) {
      expect([Number(pid), Number(share), started, time]).toEqual([
        expect.any(Number),
        expect.any(Number),
        expect.stringMatching(/^\d\d:\d\d$/),
        '00:00:00',
      ])
    }
  })

  requires(
    'root',
    'command:busybox',
    'command:ps',
  )('by ps, when columns are named', async () => {
    const id = await running(['sleep', '1004'])
    const { Titles, Processes } = await at.engine.containers.top(id, '-eo pid,args')
    expect([Titles, Processes]).toEqual([['PID', 'COMMAND'], [[String(at.engine.context.containers.find(id).pid), 'sleep 1004']]])
    // ps itself answers the default like we do.
    const ours = await at.engine.containers.top(id, '-ef')
    expect(await at.engine.containers.top(id, '-e -f')).toEqual(ours)
    // Of options that cannot be combined with a choice of processes all are asked for.
    expect((await at.engine.containers.top(id, 'aux')).Processes.map((row) => row.at(-1))).toEqual(['sleep 1004'])
    await expect(at.engine.containers.top(id, '-o args')).rejects.toThrow("Couldn't find PID field in ps output")
    await expect(at.engine.containers.top(id, '-xyzzy')).rejects.toThrow(/^(ps: )?error: /)
    await expect(at.engine.containers.top(id, '-o ppid=PID')).rejects.toMatchObject({
      status: 400,
      message: 'specifying "ppid=PID" is not allowed',
    })
  })

  test('not of one that does not run', async () => {
    const id = await running(['true'])
    await (await at.engine.containers.wait(id, 'not-running')).end
    await expect(at.engine.containers.top(id)).rejects.toMatchObject({ status: 409, message: `Container ${id} is not running` })
  })
})

describe('stats', () => {
  // biome-ignore lint/suspicious/noExplicitAny: Docker's document has fifty members
  type Stats = Record<string, any> & { read: string; preread: string }
  const read = async (id: string, options: Partial<Parameters<Engine['containers']['stats']>[1]> = {}) => {
    const documents: Document[] = []
    for await (const document of at.engine.containers.stats(id, { stream: false, oneShot: true, ...options })) documents.push(document)
    return documents as Stats[]
  }
  const NEVER = '0001-01-01T00:00:00Z'

  test('Docker’s members, from the cgroups that the container is in', async () => {
    const id = await running(
      ['sh', '-c', 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; sleep 1000'],
      {},
      { Memory: 64 * 1024 * 1024, PidsLimit: 50 },
    )
    const [document] = await read(id)
    expect(document).toMatchObject({
      read: expect.stringMatching(/^\d{4}-.*Z$/),
      preread: NEVER,
      pids_stats: { current: expect.any(Number), limit: 50 },
      num_procs: 0,
      storage_stats: {},
      cpu_stats: {
        cpu_usage: { total_usage: expect.any(Number), usage_in_kernelmode: expect.any(Number), usage_in_usermode: expect.any(Number) },
        system_cpu_usage: expect.any(Number),
        online_cpus: expect.any(Number),
        throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
      },
      precpu_stats: { cpu_usage: { total_usage: 0 } },
      memory_stats: { usage: expect.any(Number), limit: 64 * 1024 * 1024, stats: expect.any(Object) },
      name: `/${at.engine.context.containers.find(id).name}`,
      id,
    })
    expect(document?.cpu_stats?.cpu_usage?.total_usage).toBeGreaterThan(0)
    expect(document).not.toHaveProperty('networks')
  })

  test('of one look at two moments, and one after the other until nobody wants more', async () => {
    const id = await running(['sleep', '1000'])
    const [document] = await read(id, { oneShot: false })
    expect(document?.preread).not.toBe(NEVER)
    expect(Date.parse(document?.read ?? '') - Date.parse(document?.preread ?? '')).toBeGreaterThan(900)
    const leaving = new AbortController()
    const seen: Stats[] = []
    for await (const one of at.engine.containers.stats(id, { stream: true, oneShot: false, signal: leaving.signal })) {
      seen.push(one as Stats)
      if (seen.length === 2) leaving.abort()
    }
    expect(seen.map(({ preread }) => preread)).toEqual([NEVER, seen[0]?.read])
    expect(seen[1]?.precpu_stats).toEqual(seen[0]?.cpu_stats)
  })

  test('zeros of one that does not run, and the end when it is removed', async () => {
    const { Id } = await at.engine.containers.create(body(['true']), {})
    expect(await read(Id, { oneShot: false })).toMatchObject([{ read: NEVER, pids_stats: {}, memory_stats: {}, id: Id }])
    const seen = at.engine.containers.stats(Id, { stream: true, oneShot: false })[Symbol.asyncIterator]()
    expect((await seen.next()).done).toBe(false)
    const next = seen.next()
    await at.engine.containers.remove(Id, {})
    expect((await next).done).toBe(true)
    expect(() => at.engine.containers.stats('nosuch', { stream: false, oneShot: true })).toThrow('No such container: nosuch')
  })

  test('its interfaces, but for the loopback', async () => {
    const id = await running(['sleep', '1000'])
    const { pid } = at.engine.context.containers.find(id)
    await execa('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1'])
    const [document] = await read(id)
    const counters = Object.fromEntries(
      ['rx', 'tx'].flatMap((way) => ['bytes', 'packets', 'errors', 'dropped'].map((what) => [`${way}_${what}`, 0])),
    )
    expect(document?.networks).toEqual({ eth0: counters, eth1: counters })
  })
})

describe('changes and export', () => {
  test('what it has added, changed and deleted; null when nothing', async () => {
    const id = await running(['sh', '-c', 'echo x > /tmp/new; rm /bin/id; sleep 1000'])
    const still = await running(['sleep', '1000'])
    expect(await at.engine.containers.changes(still)).toBeNull()
    await until(async () => (await at.engine.containers.changes(id))?.length === 4)
    expect(await at.engine.containers.changes(id)).toEqual([
      { Path: '/bin', Kind: 0 },
      { Path: '/bin/id', Kind: 2 },
      { Path: '/tmp', Kind: 0 },
      { Path: '/tmp/new', Kind: 1 },
    ])
  })

  test('all its files, running and stopped, and a client that goes away is no trouble', async () => {
    const id = await running(['sh', '-c', 'echo x > /tmp/new; sleep 1000'])
    await until(async () => (await at.engine.containers.changes(id)) !== null)
    const archived = await names(id)
    expect(archived).toEqual(expect.arrayContaining(['tmp/', 'tmp/new', 'bin/busybox', 'bin/sh']))
    const given = await at.engine.containers.export(id)
    given.once('data', () => given.destroy())
    await new Promise((resolve) => given.once('close', resolve))
    await at.engine.containers.kill(id)
    expect(await names(id)).toEqual(archived)
    expect(await happened(at.engine)).toContain('container export')
  })

  async function names(id: string): Promise<string[]> {
    const found: string[] = []
    const reader = new TarReader({ entry: ({ path }) => void found.push(path.toString()), data: () => undefined, end: () => undefined })
    for await (const chunk of await at.engine.containers.export(id)) reader.push(chunk)
    reader.finish()
    return found
  }
})

/** What a program does is seen when it has done it. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5))
}
