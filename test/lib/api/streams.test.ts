/** Answers that take their time: their heads come at once, and the engine is told when the client goes. */
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { frame } from '../../../lib/api/frames.js'
import type { EngineEvent, LogOptions, Transfer, Waited } from '../../../lib/engine/types.js'
import { DrydockError } from '../../../lib/kernel/errors.js'
import { deferred, testApi } from '../../support/api.js'

const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: docker\r\n\r\n`
const post = (target: string) => `POST ${target} HTTP/1.1\r\nHost: docker\r\nContent-Length: 0\r\n\r\n`

/** What is in the chunks of a chunked body, so far. */
const chunked = (text: string) =>
  [...text.slice(text.indexOf('\r\n\r\n') + 2).matchAll(/\r\n([0-9a-f]+)\r\n/g)].map(([head, length = '0'], _at, all) => {
    const start = text.indexOf(head, text.indexOf('\r\n\r\n') + 2) + head.length
    return all.length > 0 ? text.slice(start, start + Number.parseInt(length, 16)) : ''
  })

describe('wait', () => {
  test('answers its head as soon as the waiting is registered, and the code when it is over', async () => {
    const over = deferred<Waited>()
    const { dial, engine } = await testApi({ containers: { wait: async () => ({ end: over.promise }) } })
    const wire = await dial()
    wire.send(post('/v1.47/containers/c1/wait?condition=removed'))
    const head = await wire.until(/\r\n\r\n/)
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(head).toMatch(/^Transfer-Encoding: chunked\r$/m)
    over.resolve({ StatusCode: 7 })
    expect(await wire.until(/\r\n0\r\n\r\n$/)).toMatch(/\{"StatusCode":7\}\n/)
    expect(engine.calls[0]?.args.slice(0, 2)).toEqual(['c1', 'removed'])
  })

  test('has a status when there is nothing to wait for', async () => {
    const { ask } = await testApi({
      containers: { wait: () => Promise.reject(new DrydockError('No such container: c1', { status: 404 })) },
    })
    expect((await ask('/containers/c1/wait', { method: 'POST' })).status).toBe(404)
    const { status, json } = await ask('/containers/c1/wait?condition=soon', { method: 'POST' })
    expect([status, json()]).toEqual([400, { message: 'invalid condition: "soon"' }])
  })

  test('ends when the client goes', async () => {
    const aborted = deferred<string>()
    const { dial } = await testApi({
      containers: {
        wait: async (_word, condition, signal) => ({
          end: new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => {
              aborted.resolve(condition)
              reject(new DrydockError('context canceled'))
            })
          }),
        }),
      },
    })
    const wire = await dial()
    wire.send(post('/containers/c1/wait'))
    await wire.until(/\r\n\r\n/)
    wire.socket.destroy()
    expect(await aborted.promise).toBe('not-running')
  })
})

describe('events', () => {
  const event = (Action: string): EngineEvent => ({
    Type: 'container',
    Action,
    Actor: { ID: 'c1', Attributes: {} },
    scope: 'local',
    time: 1,
    timeNano: 1_000_000_000,
  })

  test('have their head at once, a line each when it happens, and an end', async () => {
    const [first, second] = [deferred(), deferred()]
    const { dial, engine } = await testApi({
      events: {
        stream: async function* () {
          await first.promise
          yield event('create')
          await second.promise
          yield event('start')
        },
      },
    })
    const wire = await dial()
    wire.send(get('/v1.47/events?since=1795452289&until=1795452294.5&filters={"type":["container"]}'))
    expect(await wire.until(/\r\n\r\n/)).toMatch(/^Content-Type: application\/json\r$/m)
    first.resolve()
    expect(chunked(await wire.until(/create/))).toEqual([`${JSON.stringify(event('create'))}\n`])
    second.resolve()
    await wire.until(/start.*\r\n0\r\n\r\n$/s)
    expect(engine.calls[0]?.args[0]).toMatchObject({
      since: 1_795_452_289_000_000_000n,
      until: 1_795_452_294_500_000_000n,
      filters: new Map([['type', ['container']]]),
    })
  })

  test('end for the engine when the client goes', async () => {
    const over = deferred()
    const { dial } = await testApi({
      events: {
        stream: async function* ({ signal }) {
          try {
            yield event('create')
            await once(signal, 'abort')
          } finally {
            over.resolve()
          }
        },
      },
    })
    const wire = await dial()
    wire.send(get('/events'))
    await wire.until(/create/)
    wire.socket.destroy()
    await over.promise
  })

  test('are held back by a client that does not read', async () => {
    let made = 0
    const { dial } = await testApi({
      events: {
        stream: async function* ({ signal }) {
          while (!signal.aborted) {
            made++
            yield { ...event('create'), from: 'x'.repeat(10_000) }
          }
        },
      },
    })
    const wire = await dial()
    wire.send(get('/events'))
    await once(wire.socket, 'data')
    wire.socket.pause()
    // Until nothing more is made: the sockets are full.
    let before = -1
    while (before !== made) {
      before = made
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    }
    expect(made).toBeLessThan(1000)
  })

  test('of a time that ends before it begins are refused', async () => {
    const { ask } = await testApi({ events: { stream: async function* () {} } })
    expect((await ask('/events?since=2&until=1')).status).toBe(400)
    expect((await ask('/events?since=10m')).json()).toEqual({
      message: 'invalid value for \'since\': "10m" is no time in seconds since 1970',
    })
  })
})

describe('logs', () => {
  test('have the type of their version, come as they are, and end for the engine when the client goes', async () => {
    for (const [version, tty, type] of [
      ['1.41', false, 'raw'],
      ['1.47', false, 'multiplexed'],
      ['1.47', true, 'raw'],
    ] as const) {
      const stream = new PassThrough()
      const asked = deferred<LogOptions>()
      const { dial } = await testApi({
        containers: {
          logs: async (_word, options) => {
            asked.resolve(options)
            return { tty, stream }
          },
        },
      })
      const wire = await dial()
      wire.send(get(`/v${version}/containers/c1/logs?follow=1&stdout=1&timestamps=1&tail=5&since=1.5`))
      expect(await wire.until(/\r\n\r\n/)).toContain(`Content-Type: application/vnd.docker.${type}-stream\r\n`)
      stream.write(frame(1, Buffer.from('line')))
      await wire.until(/line/)
      const { signal, ...options } = await asked.promise
      expect(options).toEqual({
        stdout: true,
        stderr: false,
        follow: true,
        timestamps: true,
        details: false,
        tail: 5,
        since: 1_500_000_000n,
      })
      wire.socket.destroy()
      await once(signal as AbortSignal, 'abort')
      if (!stream.destroyed) await once(stream, 'close')
    }
  })

  test('of no stream are a mistake; all of them is no number', async () => {
    const { ask, engine } = await testApi({ containers: { logs: async () => ({ tty: false, stream: Readable.from([]) }) } })
    const { status, json } = await ask('/containers/c1/logs')
    expect([status, json()]).toEqual([400, { message: 'Bad parameters: you must choose at least one stream' }])
    await ask('/containers/c1/logs?stderr=1&tail=all')
    expect(engine.calls[0]?.args[1]).not.toHaveProperty('tail')
  })

  test('that break off are seen to: the last chunk does not come', async () => {
    const stream = new PassThrough()
    const { dial, said } = await testApi({ containers: { logs: async () => ({ tty: false, stream }) } })
    const wire = await dial()
    wire.send(get('/containers/c1/logs?stdout=1'))
    await wire.until(/\r\n\r\n/)
    stream.write('half')
    await wire.until(/half/)
    stream.destroy(new Error('the disk is gone'))
    expect(await wire.end()).not.toMatch(/\r\n0\r\n\r\n$/)
    expect(said).toEqual(['warn an answer broke off: the disk is gone'])
  })
})

describe('stats', () => {
  test('are one document alone, or a line each until the client goes', async () => {
    const { ask, dial } = await testApi({
      containers: {
        inspect: async () => ({}),
        stats: async function* (_word, { stream, signal }) {
          for (let count = 1; !signal?.aborted; count++) {
            yield { count }
            if (!stream) return
            if (count === 2 && signal) await once(signal, 'abort')
          }
        },
      },
    })
    const { headers, json } = await ask('/containers/c1/stats?stream=0')
    expect([headers['content-length'], json()]).toEqual(['12', { count: 1 }])
    const wire = await dial()
    wire.send(get('/containers/c1/stats'))
    await wire.until(/\{"count":1\}\n.*\{"count":2\}\n/s)
  })

  test('of nothing are 404 in either way', async () => {
    const missing = () => new DrydockError('No such container: c1', { status: 404 })
    const { ask } = await testApi({
      containers: {
        inspect: () => Promise.reject(missing()),
        // biome-ignore lint/correctness/useYield: it fails before there is anything to tell.
        stats: async function* () {
          throw missing()
        },
      },
    })
    expect((await ask('/containers/c1/stats?stream=0')).status).toBe(404)
    expect((await ask('/containers/c1/stats')).status).toBe(404)
  })
})

describe('progress', () => {
  test('is a document a line with CR LF behind it, with docker’s bars', async () => {
    const { ask, engine } = await testApi({
      images: {
        pull: async (_request, { onProgress }) => {
          onProgress({ id: '1', status: 'Pulling from alp' })
          onProgress({ id: '449fb31b8acb', status: 'Pulling fs layer', progressDetail: {} })
          onProgress({ id: '449fb31b8acb', status: 'Downloading', progressDetail: { current: 32768, total: 1085649 } })
          onProgress({ id: '449fb31b8acb', status: 'Pushing', progressDetail: { current: 3584, total: 2 } })
          onProgress({ status: 'Status: Downloaded newer image for alp:1' })
        },
      },
    })
    const auth = Buffer.from(JSON.stringify({ username: 'u', password: 'p' })).toString('base64url')
    const { status, headers, text } = await ask('/v1.47/images/create?fromImage=alp&tag=1', {
      method: 'POST',
      headers: { 'X-Registry-Auth': auth },
    })
    expect([status, headers['content-type'], headers['transfer-encoding']]).toEqual([200, 'application/json', 'chunked'])
    // Captured from docker 28.5 (which writes > as >).
    expect(text.split('\r\n')).toEqual([
      '{"status":"Pulling from alp","id":"1"}',
      '{"status":"Pulling fs layer","progressDetail":{},"id":"449fb31b8acb"}',
      '{"status":"Downloading","progressDetail":{"current":32768,"total":1085649},"progress":"[=>                                                 ]  32.77kB/1.086MB","id":"449fb31b8acb"}',
      '{"status":"Pushing","progressDetail":{"current":3584,"total":2},"progress":"[==================================================>]  3.584kB","id":"449fb31b8acb"}',
      '{"status":"Status: Downloaded newer image for alp:1"}',
      '',
    ])
    expect(engine.calls[0]?.args[0]).toEqual({ image: 'alp', tag: '1', all: false })
    expect(engine.calls[0]?.args[1]).toHaveProperty('auth', { username: 'u', password: 'p' })
  })

  test('is of all tags only where neither tag nor digest was named, and an empty login is none', async () => {
    const { ask, engine } = await testApi({ images: { pull: async () => undefined } })
    for (const name of ['busybox', 'busybox:1', 'localhost:5000/busybox', `busybox@sha256:${'a'.repeat(64)}`]) {
      await ask(`/images/create?fromImage=${encodeURIComponent(name)}`, { method: 'POST', headers: { 'X-Registry-Auth': 'e30=' } })
    }
    expect(engine.calls.map(({ args }) => (args[0] as { all: boolean }).all)).toEqual([true, false, true, false])
    expect(engine.calls.every(({ args }) => !('auth' in (args[1] as Transfer)))).toBe(true)
  })

  test('that fails before its first line has a status, later a line of its own', async () => {
    const fail = () => new DrydockError('manifest for a:b not found: manifest unknown', { status: 404 })
    const { ask } = await testApi({
      images: {
        pull: () => Promise.reject(fail()),
        push: async (_name, _request, { onProgress }) => {
          onProgress({ status: 'The push refers to repository [x/y]' })
          throw fail()
        },
        load: () => Promise.reject(fail()),
      },
    })
    const pulled = await ask('/images/create?fromImage=a&tag=b', { method: 'POST' })
    expect([pulled.status, pulled.json()]).toEqual([404, { message: fail().message }])
    const line = `${JSON.stringify({ errorDetail: { message: fail().message }, error: fail().message })}\r\n`
    const pushed = await ask('/images/x/y/push?tag=b', { method: 'POST' })
    expect([pushed.status, pushed.text]).toEqual([200, `{"status":"The push refers to repository [x/y]"}\r\n${line}`])
    const loaded = await ask('/images/load', { method: 'POST', body: 'tar' })
    expect([loaded.status, loaded.text]).toEqual([200, line])
  })

  test('of a push ends with what was pushed; of a load with docker’s lines; of an import with the id', async () => {
    const bodies: string[] = []
    const read = async (body: Readable) => {
      const chunks: Buffer[] = []
      for await (const chunk of body) chunks.push(chunk as Buffer)
      bodies.push(Buffer.concat(chunks).toString())
    }
    const { ask, engine } = await testApi({
      images: {
        push: async () => ({ Tag: 'c', Digest: 'sha256:15', Size: 735 }),
        load: async (archive, { say }) => {
          await read(archive)
          say('Loaded image: img:c')
        },
        import: async (_source, body) => {
          await read(body)
          return 'sha256:36'
        },
      },
    })
    expect((await ask('/images/img/push?tag=c', { method: 'POST' })).json()).toEqual({
      progressDetail: {},
      aux: { Tag: 'c', Digest: 'sha256:15', Size: 735 },
    })
    const headers = { 'Content-Type': 'application/x-tar' }
    const loaded = await ask('/images/load?quiet=1', { method: 'POST', body: 'an archive', headers })
    expect(loaded.text).toBe('{"stream":"Loaded image: img:c\\n"}\r\n')
    const target = '/images/create?fromSrc=-&repo=imp&tag=1&message=m&changes=CMD+sh&changes=USER+1'
    expect((await ask(target, { method: 'POST', body: 'a tree' })).text).toBe('{"status":"sha256:36"}\r\n')
    expect(bodies).toEqual(['an archive', 'a tree'])
    expect(engine.calls[2]?.args[0]).toBe('-')
    expect(engine.calls[2]?.args[2]).toEqual({ repo: 'imp', tag: '1', message: 'm', changes: ['CMD sh', 'USER 1'] })
  })

  test('ends for the engine when the client goes', async () => {
    const aborted = deferred()
    const { dial } = await testApi({
      images: {
        pull: async (_request, { onProgress, signal }) => {
          onProgress({ status: 'Pulling' })
          await once(signal, 'abort')
          aborted.resolve()
          throw new DrydockError('interrupted')
        },
      },
    })
    const wire = await dial()
    wire.send(post('/images/create?fromImage=a&tag=b'))
    await wire.until(/Pulling/)
    wire.socket.destroy()
    await aborted.promise
  })

  test('is left out for a client that does not read, and what matters is not', async () => {
    const stalled = deferred()
    const { dial } = await testApi({
      images: {
        pull: async (_request, { onProgress }) => {
          for (let at = 1; at <= 200_000; at++) onProgress({ id: 'layer', status: 'Downloading', progressDetail: { current: at } })
          onProgress({ id: 'layer', status: 'Pull complete', progressDetail: {} })
          stalled.resolve()
        },
      },
    })
    const wire = await dial()
    wire.send(post('/images/create?fromImage=a&tag=b'))
    await stalled.promise
    const text = await wire.until(/Pull complete.*\r\n0\r\n\r\n$/s)
    expect(text.match(/Downloading/g)?.length).toBeLessThan(100_000)
  })
})

describe('archives', () => {
  const stat = { name: 'g.txt', size: 5, mode: 420, mtime: '2026-11-23T16:44:42Z', linkTarget: '' }
  // Captured from docker 28.5.
  const header = 'eyJuYW1lIjoiZy50eHQiLCJzaXplIjo1LCJtb2RlIjo0MjAsIm10aW1lIjoiMjAyNi0xMS0yM1QxNjo0NDo0MloiLCJsaW5rVGFyZ2V0IjoiIn0='

  test('of a container tell what is at the path', async () => {
    const { ask, engine } = await testApi({
      containers: {
        stat: async () => stat,
        read: async () => ({ stat, archive: Readable.from([Buffer.from('tar')]) }),
        export: async () => Readable.from([Buffer.from('tree')]),
      },
    })
    const head = await ask('/containers/web/archive?path=%2Ftmp%2Fg.txt', { method: 'HEAD' })
    expect([head.status, head.headers['x-docker-container-path-stat']]).toEqual([200, header])
    const got = await ask('/containers/web/archive?path=%2Ftmp%2Fg.txt')
    expect([got.headers['x-docker-container-path-stat'], got.headers['content-type'], got.text]).toEqual([
      header,
      'application/x-tar',
      'tar',
    ])
    const tree = await ask('/containers/web/export')
    expect([tree.headers['content-type'], tree.text]).toEqual(['application/octet-stream', 'tree'])
    expect(engine.calls.slice(0, 2).map(({ args }) => args)).toEqual([
      ['web', '/tmp/g.txt'],
      ['web', '/tmp/g.txt'],
    ])
    expect((await ask('/containers/web/archive')).status).toBe(400)
  })

  test('for a container are passed on as they come, of any type and size', async () => {
    let bytes = 0
    const { ask, engine } = await testApi({
      containers: {
        write: async (_word, _path, archive) => {
          for await (const chunk of archive) bytes += (chunk as Buffer).length
        },
      },
    })
    const body = Buffer.alloc(6 * 1024 * 1024)
    const target = '/containers/web/archive?noOverwriteDirNonDir=true&copyUIDGID=1&path=%2Ftmp'
    const { status, text } = await ask(target, { method: 'PUT', body, headers: { 'Content-Type': 'text/plain' } })
    expect([status, text, bytes]).toEqual([200, '', body.length])
    expect(engine.calls[0]?.args[3]).toEqual({ noOverwriteDirNonDir: true, copyUidGid: true })
  })

  test('that nobody takes do not keep the answer back', async () => {
    const { ask } = await testApi({
      containers: { write: () => Promise.reject(new DrydockError('Could not find the file /nope in container web', { status: 404 })) },
    })
    const { status, json } = await ask('/containers/web/archive?path=%2Fnope', { method: 'PUT', body: Buffer.alloc(2 * 1024 * 1024) })
    expect([status, json()]).toEqual([404, { message: 'Could not find the file /nope in container web' }])
  })

  test('of images hold all that are named', async () => {
    const { ask, engine } = await testApi({ images: { save: async () => Readable.from([Buffer.from('images')]) } })
    expect((await ask('/images/get?names=a%3A1&names=b%2Fc')).text).toBe('images')
    expect((await ask('/images/b/c/get')).text).toBe('images')
    expect(engine.calls.map(({ args }) => args)).toEqual([[['a:1', 'b/c']], [['b/c']]])
  })
})
