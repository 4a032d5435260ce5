/** Health checks, mounts, logs and restarts: the same requests to Docker's daemon and to drydock's, and what is told of each, side by side. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { NEEDS, TestEngine } from '../../support/engines.js'
import { missing, requires } from '../../support/requires.js'

const ALL = [...new Set([...NEEDS.drydock, ...NEEDS.dockerd])]
const test = requires(...ALL)
const MILLI = 1_000_000

let engines: readonly TestEngine[] = []
beforeAll(async () => {
  if (missing(ALL).length > 0) return
  const args = ['--bridge=none', '--iptables=false', '--ip-forward=false']
  engines = await Promise.all([TestEngine.open('dockerd', { args }), TestEngine.open('drydock')])
}, 240_000)
afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.close()))
}, 240_000)

type Document = Record<string, unknown>

const none = (host: Document = {}) => ({ HostConfig: { NetworkMode: 'none', ...host } })
const inspect = async <T = Document>({ api }: TestEngine, id: string) => api.must<T>('GET', `/containers/${id}/json`)

/** What both tell of it, and that it is the same. */
async function same(play: (engine: TestEngine) => Promise<unknown>): Promise<unknown> {
  const [docker, drydock] = await Promise.all(engines.map(play))
  expect(drydock).toEqual(docker)
  return drydock
}

interface Health {
  readonly Status: string
  readonly FailingStreak: number
  readonly Log: readonly { readonly ExitCode: number; readonly Output: string }[]
}

const healthOf = async (engine: TestEngine, id: string) => (await inspect<{ State: { Health?: Health } }>(engine, id)).State.Health

describe('health checks', () => {
  const check = (Test: readonly string[], more: Document = {}) => ({ Test, Interval: 100 * MILLI, Retries: 2, ...more })
  const becomes = (engine: TestEngine, id: string, status: string) =>
    engine.api.whenever({ container: [id], event: ['health_status'] }, async () => (await healthOf(engine, id))?.Status === status)

  test('of one that is never well: before, while it starts, then, paused and stopped', async () => {
    const told = await same(async (engine) => {
      const { api } = engine
      const Healthcheck = check(['CMD-SHELL', 'echo out; exit 3'])
      const id = await api.create(['sleep', '1000'], { ...none(), Healthcheck }, 'ill')
      const before = await healthOf(engine, id)
      await api.start(id)
      // The first check of this one is an hour away, however long it takes to ask.
      const early = await api.create(['sleep', '1000'], { ...none(), Healthcheck: { ...Healthcheck, Interval: 3_600_000 * MILLI } })
      await api.start(early)
      const starting = await healthOf(engine, early)
      await api.remove(early)
      await becomes(engine, id, 'unhealthy')
      const { Log = [] } = (await healthOf(engine, id)) ?? {}
      const list = async (health: string) =>
        (await api.must<Document[]>('GET', `/containers/json?filters=${encodeURIComponent(JSON.stringify({ health: [health] }))}`)).map(
          ({ Names, Status }) => [Names, String(Status).replace(/^Up .* \(/, 'Up … (')],
        )
      const lists = [await list('unhealthy'), await list('healthy'), await list('none')]
      await api.must('POST', `/containers/${id}/pause`)
      const paused = (await healthOf(engine, id))?.Status
      await api.must('POST', `/containers/${id}/unpause`)
      await api.must('POST', `/containers/${id}/stop?t=0`)
      const stopped = (await healthOf(engine, id))?.Status
      const { Config } = await inspect<{ Config: Document }>(engine, id)
      return {
        before,
        starting,
        first: Log.slice(0, 2).map(({ ExitCode, Output }) => [ExitCode, Output]),
        lists,
        paused,
        stopped,
        Config: Config.Healthcheck,
      }
    })
    expect(told).toMatchObject({
      starting: { Status: 'starting' },
      first: [
        [3, 'out\n'],
        [3, 'out\n'],
      ],
      lists: [[[['/ill'], 'Up … (unhealthy)']], [], []],
    })
  })

  test('programs that are not there, and that take too long; what cannot be', async () => {
    await same(async (engine) => {
      const { api } = engine
      const first = async (Healthcheck: Document) => {
        const id = await api.create(['sleep', '1000'], { ...none(), Healthcheck })
        await api.start(id)
        await becomes(engine, id, 'unhealthy')
        const answer = (await healthOf(engine, id))?.Log[0]
        return [answer?.ExitCode, answer?.Output]
      }
      const refused = async (Healthcheck: Document) => {
        const answer = await api.post('/containers/create', { Image: 'busybox', Cmd: ['true'], Healthcheck })
        return [answer.status, answer.json().message]
      }
      return [
        await first(check(['CMD', 'nosuch'])),
        await first(check(['CMD', 'sleep', '1000'], { Timeout: 200 * MILLI })),
        await refused(check(['CMD', 'true'], { Interval: 1000 })),
        await refused(check(['CMD', 'true'], { Retries: -1 })),
        await refused(check(['CMD', 'true'], { StartPeriod: -1 })),
      ]
    })
  })
})

test('mounts: what is told of each, and what is refused', async () => {
  await same(async (engine) => {
    const { api } = engine
    await api.must('POST', '/volumes/create', { Name: 'cargo', Labels: { a: 'b' } })
    const id = await api.create(
      ['true'],
      {
        ...none({
          Binds: ['cargo:/a', 'cargo:/ab:ro', 'cargo:/n:nocopy', '/usr:/f', '/usr:/g:ro,rprivate'],
          Mounts: [
            { Type: 'volume', Source: 'cargo', Target: '/c', ReadOnly: true },
            { Type: 'volume', Target: '/d' },
            { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 65536, Mode: 0o1770 } },
          ],
        }),
        Volumes: { '/own': {} },
      },
      'loaded',
    )
    const mountsOf = async (word: string) =>
      (await inspect<{ Mounts: Document[] }>(engine, word)).Mounts.map(({ Type, Destination, Mode, RW, Propagation, Driver, Name }) =>
        [Destination, Type, Mode, RW, Propagation, Driver, Name === 'cargo' ? Name : typeof Name].join(' '),
      ).sort()
    const donor = await api.create(['true'], none({ Binds: ['cargo:/a', '/usr:/b'], Tmpfs: { '/c': '' } }), 'donor')
    const taker = await api.create(['true'], { ...none({ VolumesFrom: [`${donor}:ro`], Binds: ['/usr:/b'] }), Volumes: { '/a': {} } })
    const refused = async (host: Document) => {
      const answer = await api.post('/containers/create', { Image: 'busybox', Cmd: ['true'], ...none(host) })
      // What the caller has said wrong is 500 in some places there.
      return [answer.status === 500 ? 400 : answer.status, answer.json().message]
    }
    const volume = async (DriverOpts: Document) => {
      const answer = await api.post('/volumes/create', { Name: 'other', DriverOpts })
      return [answer.status >= 400, answer.json().message]
    }
    const bind = { Type: 'bind', Source: '/usr', Target: '/x' }
    return {
      mounts: await mountsOf(id),
      taken: await mountsOf(taker),
      refused: [
        await refused({ Binds: ['/usr:/x:bogus'] }),
        await refused({ Binds: ['/usr:/x:ro,rw'] }),
        await refused({ Binds: ['/usr:/x:nocopy'] }),
        await refused({ Binds: ['cargo:/x:rshared'] }),
        await refused({ VolumesFrom: ['nosuch'] }),
        await refused({ PidMode: 'container:nosuch' }),
        await refused({ IpcMode: 'container:nosuch' }),
        await refused({ VolumesFrom: ['donor:rprivate'] }),
        await refused({ VolumesFrom: ['donor:nocopy'] }),
        await refused({ Mounts: [{ ...bind, Source: '/nosuch' }] }),
        await refused({ Mounts: [{ ...bind, Source: 'relative' }] }),
        await refused({ Mounts: [{ ...bind, Type: 'odd' }] }),
        await refused({ Mounts: [{ ...bind, VolumeOptions: {} }] }),
        await refused({ Mounts: [{ ...bind, Target: '' }] }),
      ],
      volumes: [
        await volume({ foo: 'bar' }),
        await volume({ type: 'tmpfs' }),
        await volume({ device: '/usr' }),
        await volume({ size: '1m' }),
      ],
    }
  })
})

test('logs with attributes, and restarts', async () => {
  const told = await same(async (engine) => {
    const { api } = engine
    const Config = { 'max-size': '1k', 'max-file': '3', labels: 'l,none', env: 'E', tag: '{{.Name}}' }
    const more = { ...none({ LogConfig: { Type: 'json-file', Config } }), Labels: { l: 'b c' }, Env: ['E=<1>'] }
    const id = await api.create(['sh', '-c', 'echo out; printf rest'], more, 'talker')
    const { status } = await api.wait(id, 'next-exit')
    await api.start(id)
    await status
    const logs = async (details: number) => (await api.get(`/containers/${id}/logs?stdout=1&details=${details}`)).body.toString()
    const again = await api.create(['sh', '-c', 'exit 4'], none({ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } }), 'again')
    await api.start(again)
    const state = async () => {
      const { RestartCount, State } = await inspect<{ RestartCount: number; State: Document }>(engine, again)
      return [RestartCount, State.Status, State.ExitCode]
    }
    await api.whenever({ container: [again] }, async () => (await state())[0] === 2 && (await state())[1] === 'exited')
    const { NetworkSettings } = await inspect<{ NetworkSettings: { Networks: Record<string, { NetworkID: string }> } }>(engine, again)
    const [network] = await api.must<{ Id: string }[]>('GET', `/networks?filters=${encodeURIComponent('{"name":["none"]}')}`)
    const gone = await api.create(['sleep', '1000'], none({ AutoRemove: true }))
    const update = await api.post(`/containers/${gone}/update`, { RestartPolicy: { Name: 'always' } })
    return {
      logs: [await logs(0), await logs(1)],
      state: await state(),
      known: NetworkSettings.Networks.none?.NetworkID === network?.Id,
      update: String(update.json().message).replaceAll(gone, 'ID'),
    }
  })
  expect(told).toMatchObject({ state: [2, 'exited', 4], known: true })
})
