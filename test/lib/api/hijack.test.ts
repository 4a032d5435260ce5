import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { frame } from '../../../lib/api/frames.js'
import type { AttachOptions } from '../../../lib/engine/types.js'
import { DrydockError } from '../../../lib/kernel/errors.js'
import { deferred, testApi } from '../../support/api.js'
import { fakeStreams } from '../../support/fake-engine.js'

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n'

const post = (target: string, headers = '', body = '') => `POST ${target} HTTP/1.1\r\nHost: docker\r\n${headers}\r\n${body}`

const postJson = (target: string, document: object, headers = '', behind = '') => {
  const body = JSON.stringify(document)
  return post(target, `${headers}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`, body + behind)
}

/** What a program reads until its end. */
async function all(program: Readable): Promise<string> {
  const chunks: Buffer[] = []
  program.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(program, 'end')
  return Buffer.concat(chunks).toString()
}

/** An API with one container, whose streams the test holds. */
async function attachable(tty = false) {
  const { stream, program } = fakeStreams()
  const asked = deferred<AttachOptions>()
  const api = await testApi({
    containers: {
      attach: async (_word, options) => {
        asked.resolve(options)
        return { tty, stream }
      },
      inspect: async () => ({ State: { Running: true, Paused: false } }),
    },
    execs: {
      inspect: async (id) => ({ ID: id, ContainerID: 'c1', OpenStdin: true, ProcessConfig: { tty } }),
      start: async () => ({ tty, stream }),
    },
  })
  return { ...api, stream, program, asked: asked.promise }
}

describe('attach', () => {
  test('with an upgrade is answered by 101, with the type of its version and nothing else', async () => {
    for (const [version, tty, type] of [
      ['/v1.41', false, 'raw'],
      ['/v1.42', false, 'multiplexed'],
      ['/v1.47', true, 'raw'],
      ['', false, 'multiplexed'],
    ] as const) {
      const { dial, program } = await attachable(tty)
      const wire = await dial()
      wire.send(post(`${version}/containers/c1/attach?stream=1&stdout=1`, UPGRADE))
      const head = await wire.until(/\r\n\r\n/)
      expect(head).toBe(
        `HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.${type}-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
      )
      program.end()
      await wire.end()
    }
  })

  test('without one is answered by a 200 that has no length and ends with the connection, whatever was asked for', async () => {
    const { dial, program } = await attachable()
    const wire = await dial()
    wire.send(post('/containers/c1/attach?stream=1&stdout=1', 'Connection: keep-alive\r\n'))
    expect(await wire.until(/\r\n\r\n/)).toBe('HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n')
    program.end(frame(1, Buffer.from('hi')))
    expect((await wire.end()).endsWith('\x01\0\0\0\0\0\0\x02hi')).toBe(true)
  })

  test('sends its head alone, before output that is there already', async () => {
    const { dial, program } = await attachable()
    program.write(frame(1, Buffer.from('early')))
    const wire = await dial()
    const request = post('/containers/c1/attach?stream=1&stdout=1&logs=1', UPGRADE)
    const write = vi.spyOn(Socket.prototype, 'write')
    onTestFinished(() => write.mockRestore())
    wire.send(request)
    await wire.until(/early/)
    const written = write.mock.calls.map(([bytes]) => String(bytes)).filter((text) => text !== request)
    expect(written).toEqual([expect.stringMatching(/^HTTP.*\r\n\r\n$/s), expect.stringMatching(/early$/)])
  })

  test('keeps a client waiting for what follows unless it is known to read on where the head ended', async () => {
    const pauses: unknown[] = []
    const timer = vi.spyOn(globalThis, 'setTimeout')
    onTestFinished(() => timer.mockRestore())
    for (const client of [
      'Docker-Client/28.2.2 (linux)',
      'Go-http-client/1.1',
      'drydock/1.0.0',
      'docker-sdk-python/5.0.3',
      'docker-compose/1.29.2',
    ]) {
      const { dial, program } = await attachable()
      const wire = await dial()
      timer.mockClear()
      wire.send(post('/containers/c1/attach?stream=1&stdout=1', `${UPGRADE}User-Agent: ${client}\r\n`))
      program.end(frame(1, Buffer.from('out')))
      expect(await wire.end()).toMatch(/out$/)
      pauses.push([client.split('/')[0], timer.mock.calls.some(([, delay]) => delay === 10)])
    }
    expect(Object.fromEntries(pauses as [string, boolean][])).toEqual({
      'Docker-Client': false,
      'Go-http-client': false,
      drydock: false,
      'docker-sdk-python': true,
      'docker-compose': true,
    })
  })

  test('goes on with output when the client has ended its side, and ends after all of it', async () => {
    const { dial, program } = await attachable()
    const wire = await dial()
    wire.send(post('/containers/c1/attach?stream=1&stdout=1', UPGRADE))
    wire.socket.end()
    await wire.until(/\r\n\r\n/)
    const big = Buffer.alloc(300_000, 'x')
    program.write(frame(1, big))
    program.end(frame(2, Buffer.from('last')))
    const all = await wire.end()
    expect(all.length).toBe(all.indexOf('\r\n\r\n') + 4 + 8 + big.length + 8 + 4)
    expect(all.endsWith('last')).toBe(true)
  })

  test('ends the program’s stdin with the client’s side', async () => {
    const { dial, program, asked } = await attachable()
    const wire = await dial()
    wire.send(post('/containers/c1/attach?stream=1&stdin=1&stdout=1&detachKeys=ctrl-a', UPGRADE, 'with the head, '))
    await wire.until(/\r\n\r\n/)
    wire.socket.end('and behind it')
    expect(await all(program)).toBe('with the head, and behind it')
    program.end('bye')
    expect(await wire.end()).toMatch(/bye$/)
    expect(await asked).toEqual({ stdin: true, stdout: true, stderr: false, stream: true, logs: false, detachKeys: 'ctrl-a' })
  })

  test('takes stdin behind a plain request too, in the same chunk and in later ones, whatever it looks like', async () => {
    const { dial, program, engine } = await attachable()
    const wire = await dial()
    const looksLikeARequest = 'POST /containers/c1/kill HTTP/1.1\r\nContent-Length: 100000\r\n\r\n'
    wire.send(postJson('/containers/c1/attach?stream=1&stdin=1&stdout=1', { stream: true, stdin: true }, '', looksLikeARequest))
    await wire.until(/\r\n\r\n/)
    wire.socket.end('GET /info HTTP/1.1\r\n\r\n')
    expect(await all(program)).toBe(`${looksLikeARequest}GET /info HTTP/1.1\r\n\r\n`)
    program.end()
    await wire.end()
    expect(engine.calls.map(({ method }) => method)).toEqual(['containers.attach'])
  })

  test('finds stdin behind a head that came in pieces', async () => {
    const { dial, program } = await attachable()
    const wire = await dial()
    const text = postJson('/containers/c1/attach?stream=1&stdin=1&stdout=1', { stream: true }, '', 'typed')
    const cut = text.indexOf('\r\n\r\n') + 2
    wire.send(text.slice(0, cut))
    // The server has read it when another connection that began later was answered.
    const other = await dial()
    other.send('HEAD /_ping HTTP/1.1\r\nHost: docker\r\n\r\n')
    await other.until(/\r\n\r\n/)
    wire.send(text.slice(cut))
    await wire.until(/\r\n\r\n/)
    const [typed] = await once(program, 'data')
    expect(String(typed)).toBe('typed')
  })

  test('fails as any request, with Api-Version, and closes', async () => {
    const { dial } = await testApi({
      containers: {
        attach: () => Promise.reject(new DrydockError('No such container: c1', { status: 404 })),
      },
    })
    for (const headers of [UPGRADE, '']) {
      const wire = await dial()
      wire.send(post('/v1.41/containers/c1/attach?stream=1', headers))
      const all = await wire.end()
      expect(all).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/)
      expect(all).toMatch(/^Api-Version: 1\.47\r$/m)
      expect(all).toMatch(/\r\n\r\n\{"message":"No such container: c1"\}\n$/)
    }
  })

  test('lets go of the streams when a client goes that has ended its side before', async () => {
    for (const headers of [UPGRADE, '']) {
      const { dial, stream } = await attachable()
      const wire = await dial()
      wire.send(post('/containers/c1/attach?stream=1&stdin=1&stdout=1', headers))
      await wire.until(/\r\n\r\n/)
      wire.socket.end()
      wire.socket.once('finish', () => wire.socket.destroy())
      if (!stream.destroyed) await once(stream, 'close')
    }
  })

  test('lets go of the streams when the client vanishes, and takes no more than the client does', async () => {
    const { dial, program, stream } = await attachable()
    const wire = await dial()
    wire.send(post('/containers/c1/attach?stream=1&stdin=1&stdout=1', UPGRADE))
    await wire.until(/\r\n\r\n/)
    wire.socket.pause()
    // More than sockets and streams hold: the program is held back.
    const chunk = Buffer.alloc(65536)
    let written = 0
    while (written < 64 && program.write(chunk)) {
      written++
      await new Promise(setImmediate)
    }
    const closed = once(stream, 'close')
    expect(written).toBeLessThan(64)
    wire.socket.destroy()
    await closed
  })
})

describe('exec start', () => {
  test('takes its body of so many bytes, then stdin; its 101 has Api-Version', async () => {
    for (const headers of [UPGRADE, '']) {
      const { dial, program, engine } = await attachable(true)
      const wire = await dial()
      wire.send(postJson('/v1.47/exec/e1/start', { Tty: true, ConsoleSize: [24, 80] }, headers, 'exit 5\r'))
      const [typed] = await once(program, 'data')
      expect(String(typed)).toBe('exit 5\r')
      program.end('# ')
      const all = await wire.end()
      expect(all).toMatch(headers ? /^HTTP\/1\.1 101 UPGRADED\r\n/ : /^HTTP\/1\.1 200 OK\r\n/)
      expect(all).toMatch(/^Api-Version: 1\.47\r$/m)
      expect(all).toMatch(/\r\n\r\n# $/)
      expect(engine.calls.find(({ method }) => method === 'execs.start')?.args).toEqual([
        'e1',
        { Detach: false, Tty: true, ConsoleSize: [24, 80] },
      ])
    }
  })

  test('waits for a body that comes behind its head, in pieces', async () => {
    const { dial, program, engine } = await attachable()
    const wire = await dial()
    const text = postJson('/exec/e1/start', { Tty: false }, UPGRADE, 'in')
    const cut = text.length - 8
    wire.send(text.slice(0, cut))
    const other = await dial()
    other.send('HEAD /_ping HTTP/1.1\r\nHost: docker\r\n\r\n')
    await other.until(/\r\n\r\n/)
    expect(engine.calls).toEqual([])
    wire.send(text.slice(cut))
    const [typed] = await once(program, 'data')
    expect(String(typed)).toBe('in')
  })

  test('sends the head before the program is started', async () => {
    const { stream, program } = fakeStreams()
    const started = deferred()
    const { dial } = await testApi({
      containers: { inspect: async () => ({ State: { Running: true } }) },
      execs: {
        inspect: async () => ({ ContainerID: 'c1', ProcessConfig: { tty: false } }),
        start: async () => {
          await started.promise
          return { tty: false, stream }
        },
      },
    })
    const wire = await dial()
    wire.send(postJson('/exec/e1/start', {}, UPGRADE))
    await wire.until(/\r\n\r\n/)
    started.resolve()
    program.end(frame(1, Buffer.from('out')))
    expect(await wire.end()).toMatch(/out$/)
  })

  test('alone is a plain 200 without anything', async () => {
    const { engine, ask } = await testApi({
      execs: { inspect: async () => ({ ContainerID: 'c1', ProcessConfig: {} }), start: async () => undefined },
    })
    const { status, text, headers } = await ask('/v1.47/exec/e1/start', { method: 'POST', body: { Detach: true } })
    expect([status, text, headers['content-length']]).toEqual([200, '', '0'])
    expect(engine.calls.at(-1)?.args).toEqual(['e1', { Detach: true, Tty: false }])
  })

  test('tells in the stream why the program could not be executed: the status is sent already', async () => {
    const message =
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "nope": executable file not found in $PATH'
    const { dial } = await testApi({
      containers: { inspect: async () => ({ State: { Running: true } }) },
      execs: {
        inspect: async () => ({ ContainerID: 'c1', ProcessConfig: { tty: false } }),
        start: () => Promise.reject(new DrydockError(message, { status: 400 })),
      },
    })
    const wire = await dial()
    wire.send(postJson('/exec/e1/start', {}, UPGRADE))
    const all = await wire.end()
    expect(all.slice(all.indexOf('\r\n\r\n') + 4)).toBe(frame(1, Buffer.from(`${message}\r\n`)).toString('latin1'))
  })

  test('is refused with a status where that is sure beforehand', async () => {
    const states = [{ Running: false }, { Running: true, Paused: true }]
    const messages = ['Container c1 is not running', 'Container c1 is paused, unpause the container before exec']
    for (const [index, State] of states.entries()) {
      const { ask } = await testApi({
        containers: { inspect: async () => ({ State }) },
        execs: { inspect: async () => ({ ContainerID: 'c1', ProcessConfig: {} }) },
      })
      const { status, json } = await ask('/exec/e1/start', { method: 'POST', body: {} })
      expect([status, json()]).toEqual([409, { message: messages[index] }])
    }
  })

  test('refuses a body that is no JSON, too long, or of no length', async () => {
    const { dial, ask } = await testApi()
    expect((await ask('/exec/e1/start', { method: 'POST', body: '{', headers: { 'Content-Type': 'application/json' } })).status).toBe(400)
    expect((await ask('/exec/e1/start', { method: 'POST', body: '{}', headers: { 'Content-Type': 'text/plain' } })).status).toBe(400)
    for (const [headers, status] of [
      ['Content-Type: application/json\r\nContent-Length: 99999999\r\n', 413],
      ['Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n', 411],
    ] as const) {
      const wire = await dial()
      wire.send(post('/exec/e1/start', UPGRADE + headers))
      expect(await wire.end()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    }
  })
})

test('an upgrade that is not for us is declined, and the request answered', async () => {
  const { dial } = await testApi({ system: { info: async () => ({ ID: 'x' }) }, containers: { pause: async () => undefined } })
  const wire = await dial()
  wire.send('GET /info HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n')
  expect(await wire.until(/"ID":"x"/)).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  // The connection goes on.
  wire.send(post('/containers/c1/pause', 'Content-Length: 0\r\n'))
  await wire.until(/HTTP\/1\.1 204/)
})
