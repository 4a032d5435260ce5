/** Each request becomes one call of the engine, with what it says and no more; and what older clients need comes back. */
import { describe, expect, test } from 'vitest'
import { DrydockError } from '../../../lib/kernel/errors.js'
import { testApi } from '../../support/api.js'
import type { FakeNouns } from '../../support/fake-engine.js'

/** Every call that a test does not care about answers so. */
const nouns: FakeNouns = {
  containers: {
    create: async () => ({ Id: 'c1', Warnings: [] }),
    list: async () => [],
    inspect: async () => ({ Id: 'c1' }),
    start: async () => true,
    stop: async () => true,
    restart: async () => undefined,
    kill: async () => undefined,
    pause: async () => undefined,
    unpause: async () => undefined,
    rename: async () => undefined,
    update: async () => ({ Warnings: null }),
    resize: async () => undefined,
    remove: async () => undefined,
    prune: async () => ({ ContainersDeleted: null, SpaceReclaimed: 0 }),
    top: async () => ({ Titles: ['PID'], Processes: [['1']] }),
    changes: async () => null,
  },
  execs: { create: async () => ({ Id: 'e1' }), resize: async () => undefined, inspect: async () => ({ ID: 'e1', ExitCode: 5 }) },
  images: {
    list: async () => [{ Id: 'sha256:1', Size: 7 }],
    inspect: async () => ({ Id: 'sha256:1', Size: 7, Config: { Volumes: { '/data': {} } } }),
    prune: async () => ({ ImagesDeleted: null, SpaceReclaimed: 0 }),
    search: async () => [],
    commit: async () => ({ Id: 'sha256:2' }),
  },
  networks: {
    list: async () => [],
    inspect: async () => ({ Name: 'n1' }),
    create: async () => ({ Id: 'n', Warning: '' }),
    remove: async () => undefined,
    connect: async () => undefined,
    disconnect: async () => undefined,
    prune: async () => ({ NetworksDeleted: null }),
  },
  volumes: {
    list: async () => ({ Volumes: [], Warnings: null }),
    inspect: async () => ({ Name: 'v1' }),
    create: async () => ({ Name: 'v1' }),
    remove: async () => undefined,
    prune: async () => ({ VolumesDeleted: [], SpaceReclaimed: 0 }),
  },
  system: {
    version: async () => ({ Version: '1' }),
    info: async () => ({ ID: 'x' }),
    diskUsage: async () => ({ Images: [{ Size: 7 }], Volumes: [] }),
    login: async () => ({ Status: 'Login Succeeded', IdentityToken: '' }),
  },
}

const NO_FILTERS = new Map()

/** Method, target, body; status, answer; call and its arguments. */
type Row = readonly [string, string, object | undefined, number, unknown, string, readonly unknown[]]

const ROWS: readonly Row[] = [
  [
    'GET',
    '/containers/json?all=1&limit=3&size=1',
    undefined,
    200,
    [],
    'containers.list',
    [{ all: true, limit: 3, size: true, filters: NO_FILTERS }],
  ],
  ['GET', '/containers/web/json?size=1', undefined, 200, { Id: 'c1' }, 'containers.inspect', ['web', { size: true }]],
  ['POST', '/containers/web/start', undefined, 204, '', 'containers.start', ['web']],
  ['POST', '/containers/web/stop', undefined, 204, '', 'containers.stop', ['web', {}]],
  ['POST', '/containers/web/restart?t=0', undefined, 204, '', 'containers.restart', ['web', { timeout: 0 }]],
  ['POST', '/containers/web/kill?signal=KILL', undefined, 204, '', 'containers.kill', ['web', 'KILL']],
  ['POST', '/containers/web/kill', undefined, 204, '', 'containers.kill', ['web', undefined]],
  ['POST', '/containers/web/pause', undefined, 204, '', 'containers.pause', ['web']],
  ['POST', '/containers/web/unpause', undefined, 204, '', 'containers.unpause', ['web']],
  ['POST', '/containers/web/rename?name=w2', undefined, 204, '', 'containers.rename', ['web', 'w2']],
  ['POST', '/containers/web/update', { Memory: 7 }, 200, { Warnings: null }, 'containers.update', ['web', { Memory: 7 }]],
  ['POST', '/containers/web/resize?h=33&w=101', undefined, 200, '', 'containers.resize', ['web', 33, 101]],
  ['DELETE', '/containers/web?force=1&v=1', undefined, 204, '', 'containers.remove', ['web', { force: true, volumes: true, link: false }]],
  ['POST', '/containers/prune', undefined, 200, { ContainersDeleted: null, SpaceReclaimed: 0 }, 'containers.prune', [NO_FILTERS]],
  [
    'GET',
    '/containers/web/top?ps_args=-eo+pid%2Ccomm',
    undefined,
    200,
    { Titles: ['PID'], Processes: [['1']] },
    'containers.top',
    ['web', '-eo pid,comm'],
  ],
  ['GET', '/containers/web/changes', undefined, 200, null, 'containers.changes', ['web']],
  [
    'POST',
    '/containers/web/exec',
    { Cmd: ['sh'], ConsoleSize: [33, 101] },
    201,
    { Id: 'e1' },
    'execs.create',
    ['web', { Cmd: ['sh'], ConsoleSize: [33, 101] }],
  ],
  ['POST', '/v1.41/containers/web/exec', { Cmd: ['sh'], ConsoleSize: [0, 0] }, 201, { Id: 'e1' }, 'execs.create', ['web', { Cmd: ['sh'] }]],
  ['POST', '/exec/e1/resize?h=33&w=101', undefined, 200, '', 'execs.resize', ['e1', 33, 101]],
  ['GET', '/exec/e1/json', undefined, 200, { ID: 'e1', ExitCode: 5 }, 'execs.inspect', ['e1']],
  [
    'GET',
    '/images/json?all=1&digests=1&shared-size=1',
    undefined,
    200,
    [{ Id: 'sha256:1', Size: 7 }],
    'images.list',
    [{ all: true, digests: true, sharedSize: true, filters: NO_FILTERS }],
  ],
  ['GET', '/images/search?term=busy&limit=5', undefined, 200, [], 'images.search', ['busy', { limit: 5, filters: NO_FILTERS }]],
  [
    'POST',
    '/images/prune?filters=%7B%22dangling%22%3A%7B%22true%22%3Atrue%7D%7D',
    undefined,
    200,
    { ImagesDeleted: null, SpaceReclaimed: 0 },
    'images.prune',
    [new Map([['dangling', ['true']]])],
  ],
  [
    'POST',
    '/commit?author=&changes=CMD+%5B%22id%22%5D&comment=msg&container=web&repo=docker.io%2Flibrary%2Fimg&tag=c',
    undefined,
    201,
    { Id: 'sha256:2' },
    'images.commit',
    [{ container: 'web', repo: 'docker.io/library/img', tag: 'c', comment: 'msg', pause: true, changes: ['CMD ["id"]'] }],
  ],
  [
    'POST',
    '/commit?container=web&pause=0',
    { User: '1' },
    201,
    { Id: 'sha256:2' },
    'images.commit',
    [{ container: 'web', pause: false, changes: [], config: { User: '1' } }],
  ],
  ['GET', '/networks', undefined, 200, [], 'networks.list', [NO_FILTERS]],
  [
    'GET',
    '/networks/n1?verbose=1&scope=local',
    undefined,
    200,
    { Name: 'n1' },
    'networks.inspect',
    ['n1', { verbose: true, scope: 'local' }],
  ],
  ['POST', '/networks/create', { Name: 'n1' }, 201, { Id: 'n', Warning: '' }, 'networks.create', [{ Name: 'n1' }]],
  ['DELETE', '/networks/n1', undefined, 204, '', 'networks.remove', ['n1']],
  ['POST', '/networks/n1/connect', { Container: 'web' }, 200, '', 'networks.connect', ['n1', { Container: 'web' }]],
  ['POST', '/networks/n1/disconnect', { Container: 'web' }, 200, '', 'networks.disconnect', ['n1', { Container: 'web' }]],
  ['POST', '/networks/prune', undefined, 200, { NetworksDeleted: null }, 'networks.prune', [NO_FILTERS]],
  ['GET', '/volumes', undefined, 200, { Volumes: [], Warnings: null }, 'volumes.list', [NO_FILTERS]],
  ['GET', '/volumes/v1', undefined, 200, { Name: 'v1' }, 'volumes.inspect', ['v1']],
  ['POST', '/volumes/create', { Name: 'v1' }, 201, { Name: 'v1' }, 'volumes.create', [{ Name: 'v1' }]],
  ['DELETE', '/volumes/v1?force=true', undefined, 204, '', 'volumes.remove', ['v1', { force: true }]],
  ['GET', '/version', undefined, 200, { Version: '1' }, 'system.version', []],
  ['GET', '/info', undefined, 200, { ID: 'x' }, 'system.info', []],
  [
    'GET',
    '/system/df?type=image&type=volume',
    undefined,
    200,
    { Images: [{ Size: 7 }], Volumes: [] },
    'system.diskUsage',
    [['image', 'volume']],
  ],
  ['POST', '/auth', { username: 'u' }, 200, { Status: 'Login Succeeded', IdentityToken: '' }, 'system.login', [{ username: 'u' }]],
]

test.each(ROWS)('%s %s', async (method, target, body, status, answer, call, args) => {
  const { ask, engine } = await testApi(nouns)
  const got = await ask(target, { method, ...(body && { body }) })
  expect([got.status, got.text === '' ? '' : got.json()]).toEqual([status, answer])
  expect(engine.calls).toEqual([{ method: call, args }])
})

describe('what older clients need', () => {
  test('VirtualSize before 1.44, ContainerConfig before 1.45', async () => {
    const { ask } = await testApi(nouns)
    expect((await ask('/v1.43/images/json')).json()).toEqual([{ Id: 'sha256:1', Size: 7, VirtualSize: 7 }])
    expect((await ask('/v1.43/system/df')).json()).toEqual({ Images: [{ Size: 7, VirtualSize: 7 }], Volumes: [] })
    const Config = { Volumes: { '/data': {} } }
    const image = { Id: 'sha256:1', Size: 7, Config }
    const old = { ...image, Container: '', ContainerConfig: Config }
    expect((await ask('/v1.43/images/x/json')).json()).toEqual({ ...old, VirtualSize: 7 })
    expect((await ask('/v1.44/images/x/json')).json()).toEqual(old)
    expect((await ask('/v1.45/images/x/json')).json()).toEqual(image)
  })

  test('a size of the terminal counts from 1.42 on', async () => {
    const { ask, engine } = await testApi(nouns)
    const body = { Image: 'x', HostConfig: { ConsoleSize: [33, 101] } }
    for (const version of ['1.41', '1.42']) await ask(`/v${version}/containers/create`, { method: 'POST', body })
    expect(engine.calls.map(({ args }) => args[0])).toEqual([{ Image: 'x', HostConfig: { ConsoleSize: [0, 0] } }, body])
  })

  test('volumes with a name are pruned before 1.42, and later when all are meant', async () => {
    const { ask, engine } = await testApi(nouns)
    const filters = (all: string) => `?filters=${encodeURIComponent(JSON.stringify({ all: [all], label: ['a'] }))}`
    for (const target of [
      '/v1.41/volumes/prune',
      '/v1.42/volumes/prune',
      `/volumes/prune${filters('1')}`,
      `/volumes/prune${filters('false')}`,
    ]) {
      await ask(target, { method: 'POST' })
    }
    const label = new Map([['label', ['a']]])
    expect(engine.calls.map(({ args }) => args)).toEqual([
      [NO_FILTERS, { all: true }],
      [NO_FILTERS, { all: false }],
      [label, { all: true }],
      [label, { all: false }],
    ])
  })
})

describe('what is wrong before the engine is asked', () => {
  test.each([
    ['POST', '/containers/create', {}, 'config cannot be empty in order to create a container'],
    [
      'POST',
      '/containers/web/start',
      { Binds: [] },
      'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24',
    ],
    ['POST', '/containers/web/rename', undefined, 'Neither old nor new names may be empty'],
    ['POST', '/containers/web/exec', {}, 'No exec command specified'],
    ['POST', '/commit', undefined, 'missing parameter: container'],
    ['POST', '/images/create', undefined, 'missing parameter: fromImage or fromSrc'],
  ])('%s %s', async (method, target, body, message) => {
    const { ask, engine } = await testApi(nouns)
    const { status, json } = await ask(target, { method, ...(body && { body }) })
    expect([status, json(), engine.calls]).toEqual([400, { message }, []])
  })
})

describe('what this engine has not', () => {
  const noManager =
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.'

  test.each([
    ['GET', '/swarm', 503, noManager],
    ['GET', '/nodes', 503, noManager],
    ['GET', '/services?status=true', 503, noManager],
    ['POST', '/services/create', 503, noManager],
    ['DELETE', '/secrets/x', 503, noManager],
    ['POST', '/swarm/leave', 503, 'This node is not part of a swarm'],
    ['POST', '/swarm/init', 501, 'this engine does not form swarms: it is one machine'],
    ['POST', '/session', 501, 'this engine has no BuildKit'],
    ['GET', '/plugins/x/json', 404, 'plugin "x" not found'],
    ['GET', '/containers/web/checkpoints', 501, 'this engine makes no checkpoints of containers'],
  ])('%s %s', async (method, target, status, message) => {
    const { ask } = await testApi()
    const got = await ask(target, { method })
    expect([got.status, got.json()]).toEqual([status, { message }])
  })

  test('plugins are none', async () => {
    const { ask } = await testApi()
    expect((await ask('/plugins')).json()).toEqual([])
  })
})

test('statuses and sentences of the engine are passed on', async () => {
  for (const status of [400, 403, 404, 409, 500, 501]) {
    const { ask } = await testApi({ networks: { remove: () => Promise.reject(new DrydockError(`says ${status}`, { status })) } })
    const got = await ask('/networks/n1', { method: 'DELETE' })
    expect([got.status, got.json()]).toEqual([status, { message: `says ${status}` }])
  }
})
