/** Versions, headers, errors, names, booleans, filters: what holds for every request. */
import { describe, expect, test } from 'vitest'
import { DrydockError } from '../../../lib/kernel/errors.js'
import { ask as askAt, testApi } from '../../support/api.js'
import { freePort } from '../../support/fake-engine.js'

const info = { system: { info: async () => ({ ID: 'x' }) } }

describe('versions', () => {
  test('are those from 1.12 to 1.47, and none is the newest', async () => {
    const { ask } = await testApi(info)
    for (const prefix of ['', '/v1.12', '/v1.22', '/v1.24', '/v1.41', '/v1.47']) {
      const { status, headers } = await ask(`${prefix}/info`)
      expect([prefix, status, headers['api-version']]).toEqual([prefix, 200, '1.47'])
    }
  })

  test('beyond them are refused in docker’s words', async () => {
    const { ask } = await testApi(info)
    const tooNew = (version: string) => `client version ${version} is too new. Maximum supported API version is 1.47`
    const tooOld = (version: string) =>
      `client version ${version} is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version`
    for (const [version, message] of [
      ['1.48', tooNew('1.48')],
      ['2.0', tooNew('2.0')],
      ['1.100', tooNew('1.100')],
      ['1.11', tooOld('1.11')],
      ['1', tooOld('1')],
      ['0.9', tooOld('0.9')],
    ] as const) {
      const { status, json } = await ask(`/v${version}/info`)
      expect([status, json()]).toEqual([400, { message }])
    }
  })

  test('of another form are no versions, and the page is not found', async () => {
    const { ask } = await testApi(info)
    for (const target of ['/version1/info', '/vx/info', '/v1.47', '/nosuch', '/v1.47/nosuch', '/', '/containers', '/images/busybox']) {
      const { status, json } = await ask(target)
      expect([target, status, json()]).toEqual([target, 404, { message: 'page not found' }])
    }
    expect((await ask('/info', { method: 'POST' })).status).toBe(404)
  })
})

describe('answers', () => {
  test('ping has what clients choose their version by, and says OK', async () => {
    const { ask } = await testApi()
    const [head, get] = [await ask('/_ping', { method: 'HEAD' }), await ask('/v1.24/_ping')]
    for (const { status, headers } of [head, get]) {
      expect(status).toBe(200)
      expect(headers).toMatchObject({
        'api-version': '1.47',
        'builder-version': '1',
        'cache-control': 'no-cache, no-store, must-revalidate',
        'content-type': 'text/plain; charset=utf-8',
        'docker-experimental': 'false',
        ostype: 'linux',
        pragma: 'no-cache',
        server: expect.stringMatching(/^Drydock\/\S+ \(linux\)$/),
        swarm: 'inactive',
      })
    }
    expect([head.headers['content-length'], get.text]).toEqual(['0', 'OK'])
  })

  test('are JSON of docker’s own type; failures have a message and Api-Version', async () => {
    const { ask, said } = await testApi({
      ...info,
      containers: { inspect: () => Promise.reject(new DrydockError('No such container: web', { status: 404 })) },
    })
    expect((await ask('/info')).headers['content-type']).toBe('application/json')
    const { status, headers, json } = await ask('/v1.41/containers/web/json')
    expect([status, headers['content-type'], headers['api-version'], json()]).toEqual([
      404,
      'application/json',
      '1.47',
      { message: 'No such container: web' },
    ])
    expect(said).toEqual([])
  })

  test('to a bug are 500, with its stack in the log', async () => {
    const { ask, said } = await testApi({ containers: { inspect: () => Promise.reject(new TypeError('x is undefined')) } })
    const { status, json } = await ask('/containers/web/json')
    expect([status, json()]).toEqual([500, { message: 'x is undefined' }])
    expect(said).toEqual([expect.stringMatching(/^error GET \/containers\/web\/json: TypeError: x is undefined\n +at /)])
  })

  test('to what did not change anything are 304', async () => {
    const { ask } = await testApi({ containers: { start: async () => false, stop: async () => false } })
    for (const verb of ['start', 'stop']) {
      const { status, text } = await ask(`/containers/web/${verb}`, { method: 'POST' })
      expect([verb, status, text]).toEqual([verb, 304, ''])
    }
  })

  test('keep the connection open: idle ones are not told to hurry', async () => {
    const { dial } = await testApi(info)
    const wire = await dial()
    for (const count of [1, 2]) {
      wire.send('GET /info HTTP/1.1\r\nHost: docker\r\n\r\n')
      const text = await wire.until(new RegExp(`("ID".*){${count}}`, 's'))
      expect(text).not.toMatch(/^keep-alive:.*timeout/im)
    }
  })
})

describe('what is asked', () => {
  test('names of images hold slashes and colons that nobody has escaped', async () => {
    const name = '127.0.0.1:5001/deep/er/img:c'
    const { ask, engine } = await testApi({
      images: {
        inspect: async () => ({}),
        history: async () => [],
        tag: async () => undefined,
        remove: async () => [],
        push: async () => undefined,
        distribution: async () => ({}),
      },
    })
    await ask(`/v1.47/images/${name}/json`)
    await ask(`/images/${encodeURIComponent(name)}/json`)
    await ask(`/images/${name}/history`)
    await ask(`/images/${name}/tag?repo=a%2Fb&tag=1`, { method: 'POST' })
    await ask(`/images/${name}/push?tag=c`, { method: 'POST' })
    await ask(`/images/${name}?force=1`, { method: 'DELETE' })
    await ask(`/distribution/${name}/json`)
    expect(engine.calls.map(({ method, args }) => [method, args[0]])).toEqual(
      ['inspect', 'inspect', 'history', 'tag', 'push', 'remove', 'distribution'].map((method) => [`images.${method}`, name]),
    )
    expect(engine.calls[3]?.args).toEqual([name, 'a/b', '1'])
    expect(engine.calls[5]?.args[1]).toEqual({ force: true, prune: true })
  })

  test('the longest names fit, and a malformed one is the client’s mistake', async () => {
    const { ask } = await testApi({ containers: { inspect: async (word) => ({ word }) } })
    const long = 'a'.repeat(2000)
    expect((await ask(`/containers/${long}/json`)).json()).toEqual({ word: long })
    expect((await ask('/containers//web/json')).json()).toEqual({ word: 'web' })
    expect((await ask('/containers/%2Fweb/json')).json()).toEqual({ word: 'web' })
    const { status, json } = await ask('/containers/%zz/json')
    expect([status, json()]).toEqual([400, { message: expect.any(String) }])
  })

  test('yes is whatever is not no', async () => {
    const { ask, engine } = await testApi({ containers: { list: async () => [] } })
    const words = { '1': true, true: true, True: true, yes: true, '0': false, false: false, no: false, none: false, '': false }
    for (const word of Object.keys(words)) await ask(`/containers/json?all=${word}`)
    expect(engine.calls.map(({ args }) => (args[0] as { all: boolean }).all)).toEqual(Object.values(words))
  })

  test('filters come as sets and as lists', async () => {
    const { ask, engine } = await testApi({ containers: { list: async () => [] } })
    const both = [
      { label: { 'a=b': true, c: true }, status: { exited: true } },
      { label: ['a=b', 'c'], status: ['exited'] },
    ]
    for (const filters of both) await ask(`/containers/json?filters=${encodeURIComponent(JSON.stringify(filters))}`)
    const expected = new Map([
      ['label', ['a=b', 'c']],
      ['status', ['exited']],
    ])
    expect(engine.calls.map(({ args }) => (args[0] as { filters: unknown }).filters)).toEqual([expected, expected])
    for (const wrong of ['x', '[]', '{"a":1}', '{"a":[1]}', '"a"']) {
      expect([wrong, (await ask(`/containers/json?filters=${encodeURIComponent(wrong)}`)).status]).toEqual([wrong, 400])
    }
  })

  test('numbers are numbers', async () => {
    const { ask, engine } = await testApi({ containers: { stop: async () => true, resize: async () => undefined } })
    await ask('/containers/web/stop?t=-1&signal=INT', { method: 'POST' })
    await ask('/containers/web/resize?h=24&w=80', { method: 'POST' })
    expect(engine.calls.map(({ args }) => args)).toEqual([
      ['web', { timeout: -1, signal: 'INT' }],
      ['web', 24, 80],
    ])
    for (const target of ['stop?t=soon', 'resize?h=24', 'resize?h=1.5&w=2']) {
      expect([target, (await ask(`/containers/web/${target}`, { method: 'POST' })).status]).toEqual([target, 400])
    }
  })

  test('bodies are JSON, say so, are no longer than anybody needs, and set nobody’s prototype', async () => {
    const { ask, engine } = await testApi({ containers: { create: async () => ({ Id: 'c', Warnings: [] }) } })
    const create = (body: string, type = 'application/json') =>
      ask('/containers/create?name=web&platform=linux%2Famd64', { method: 'POST', body, headers: { 'Content-Type': type } })
    expect((await create('{"Image":"busybox","__proto__":{"x":1}}', 'application/json; charset=utf-8')).status).toBe(201)
    expect(engine.calls.at(-1)?.args).toEqual([{ Image: 'busybox' }, { name: 'web', platform: 'linux/amd64' }])
    expect((await create('{"Image":"busybox"}', 'text/plain')).json()).toEqual({
      message: "unsupported Content-Type header (text/plain): must be 'application/json'",
    })
    for (const [body, status] of [
      ['', 400],
      ['{}', 400],
      ['[]', 400],
      ['{"Image":', 400],
      [`{"x":"${'x'.repeat(4 * 1024 * 1024)}"}`, 413],
    ] as const) {
      expect((await create(body)).status).toBe(status)
    }
    expect(engine.calls).toHaveLength(1)
  })

  test('a head that is too long, or no HTTP, is answered and closed', async () => {
    const { dial } = await testApi()
    for (const [head, status] of [
      [`GET /info HTTP/1.1\r\nX: ${'x'.repeat(200_000)}\r\n\r\n`, 431],
      ['\x16\x03\x01 no HTTP\r\n\r\n', 400],
    ] as const) {
      const wire = await dial()
      wire.send(head)
      expect(await wire.end()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    }
  })
})

describe('browsers', () => {
  const marks = [{ Origin: 'http://example.com' }, { 'Sec-Fetch-Site': 'cross-site' }, { 'User-Agent': 'Mozilla/5.0 (X11)' }]

  test('are refused over TCP, since any page can make them ask', async () => {
    const { listen, engine, ask } = await testApi({ containers: { start: async () => true } })
    const port = await freePort()
    await listen({ kind: 'tcp', host: '127.0.0.1', port })
    const start = (headers: Record<string, string>) =>
      askAt({ host: '127.0.0.1', port }, '/containers/web/start', { method: 'POST', headers })
    for (const headers of marks) expect((await start(headers)).status).toBe(403)
    expect(engine.calls).toEqual([])
    expect((await start({ 'User-Agent': 'Docker-Client/28.2.2 (linux)' })).status).toBe(204)
    // No browser reaches a unix socket.
    expect((await ask('/containers/web/start', { method: 'POST', headers: marks[0] as object as Record<string, string> })).status).toBe(204)
  })
})
