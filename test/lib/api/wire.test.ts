/** What comes over a connection that is no request, or more than one: read in one way or not at all. RFC 9112. */
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { limitConnections, mostConnections } from '../../../lib/api/connections.js'
import { deferred, dial as dialAt, testApi } from '../../support/api.js'
import { fakeStreams } from '../../support/fake-engine.js'

const START = 'POST /containers/web/start HTTP/1.1\r\nHost: docker\r\n\r\n'
const post = (...headers: string[]) => `POST /containers/web/pause HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`
const api = () =>
  testApi({
    containers: { pause: async () => undefined, start: async () => true, inspect: async (word) => ({ word }) },
    system: { info: async () => ({ ID: 'x' }) },
  })

describe('what two programs could read in two ways', () => {
  const heads: Readonly<Record<string, readonly [text: string, status: number]>> = {
    'without a Host': [post('X: y'), 400],
    'with two Hosts': [post('Host: a', 'Host: b'), 400],
    'with two lengths': [post('Host: a', 'Content-Length: 5', 'Content-Length: 50'), 400],
    'with the same length twice': [post('Host: a', 'Content-Length: 5', 'Content-Length: 5'), 400],
    'with lengths in a list': [post('Host: a', 'Content-Length: 5, 5'), 400],
    'with a length below nothing': [post('Host: a', 'Content-Length: -1'), 400],
    'with a length in hexadecimal': [post('Host: a', 'Content-Length: 0x5'), 400],
    'with a length and chunks': [post('Host: a', 'Content-Length: 5', 'Transfer-Encoding: chunked'), 400],
    'chunked and compressed': [post('Host: a', 'Transfer-Encoding: gzip, chunked'), 400],
    'chunked in other letters': [post('Host: a', 'Transfer-Encoding: xchunked'), 400],
    'chunked in HTTP/1.0': ['POST /containers/web/pause HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    'with a blank before the colon': [post('Host : a'), 400],
    'with a header over two lines': [post('Host: a', 'X: y', ' z'), 400],
    'with a control character in a header': [post('Host: a', 'User-Agent: \u001b[2J'), 400],
    'with a carriage return in a header': [post('Host: a', 'User-Agent: a\rX: y'), 400],
    'of another version': ['GET /info HTTP/3.7\r\nHost: a\r\n\r\n', 505],
    'of another protocol': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    'with a method that is none': ['BREW /info HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  }

  for (const [what, [text, status]] of Object.entries(heads)) {
    test(`${what}: is refused in a sentence, and nothing behind it is done`, async () => {
      const { dial, engine } = await api()
      const wire = await dial()
      wire.send(text + START)
      const [head = '', body = ''] = (await wire.end()).split('\r\n\r\n')
      expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      expect(head).toMatch(/^content-type: application\/json$/im)
      expect(head).toMatch(/^connection: close$/im)
      expect(JSON.parse(body)).toEqual({ message: expect.stringMatching(/^[^\p{Cc}]+$/u) })
      expect(engine.calls).toEqual([])
    })
  }

  test('chunks that are none end the request', async () => {
    const { dial, engine } = await api()
    const wire = await dial()
    wire.send(
      `POST /containers/create HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n${START}`,
    )
    expect(await wire.end()).toMatch(/^HTTP\/1\.1 400 /)
    expect(engine.calls).toEqual([])
  })
})

test('what is no request of ours has a status of its own', async () => {
  const { dial } = await api()
  for (const [text, status] of [
    ['CONNECT docker:80 HTTP/1.1\r\nHost: docker\r\n\r\n', 405],
    [post('Host: a', 'Expect: the-unexpected'), 417],
    [`GET /info HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(200_000)}\r\n\r\n`, 431],
  ] as const) {
    const wire = await dial()
    wire.send(text)
    expect(await wire.until(/\}\n$/)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*"message":`, 's'))
  }
})

test('an address in its whole form is as good as its path', async () => {
  const { ask } = await api()
  expect((await ask('http://docker/v1.47/containers/web/json')).json()).toEqual({ word: 'web' })
})

describe('requests of one connection', () => {
  test('are answered one after the other, the next one begun when the last is done', async () => {
    const first = deferred()
    const order: string[] = []
    const { dial } = await testApi({
      containers: {
        pause: async () => {
          order.push('first begun')
          await first.promise
          order.push('first done')
        },
        start: async () => {
          order.push('second begun')
          return true
        },
      },
    })
    const wire = await dial()
    wire.send(post('Host: a') + START + START)
    await dial().then((other) => {
      other.send('GET /_ping HTTP/1.1\r\nHost: a\r\n\r\n')
      return other.until(/OK/)
    })
    expect(order).toEqual(['first begun'])
    first.resolve()
    await wire.until(/(204 No Content.*){3}/s)
    expect(order).toEqual(['first begun', 'first done', 'second begun', 'second begun'])
  })

  test('are not begun without end: who sends too many without an answer is cut off', async () => {
    const { dial, engine } = await testApi({ containers: { pause: () => new Promise(() => undefined) } })
    const wire = await dial()
    wire.send(post('Host: a').repeat(300))
    await wire.end()
    expect(engine.calls.length).toBe(1)
  })

  for (const upgrade of ['', 'Connection: Upgrade\r\nUpgrade: tcp\r\n']) {
    test(`do not become the input of a program that is attached behind them (${upgrade === '' ? 'plain' : 'upgraded'})`, async () => {
      const { stream, program } = fakeStreams()
      const read: Buffer[] = []
      program.on('data', (chunk: Buffer) => read.push(chunk))
      const { dial, engine } = await testApi({
        containers: { pause: async () => undefined, start: async () => true, attach: async () => ({ tty: false, stream }) },
      })
      const wire = await dial()
      wire.send(`${post('Host: a')}POST /containers/web/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n${START}`)
      if (upgrade === '') {
        expect(await wire.end()).toMatch(/^HTTP\/1\.1 204 .*HTTP\/1\.1 400 .*sent alone/s)
        expect(engine.calls.map(({ method }) => method)).toEqual(['containers.pause'])
      } else {
        await wire.until(/^HTTP\/1\.1 204 .*HTTP\/1\.1 101 /s)
        wire.socket.end()
        await new Promise((resolve) => program.once('end', resolve))
        expect(engine.calls.map(({ method }) => method)).toEqual(['containers.pause', 'containers.attach'])
      }
      expect(Buffer.concat(read).toString()).toBe(upgrade === '' ? '' : START)
    })
  }
})

test('the body of an exec’s start may be longer than what comes at once, with an upgrade and without', async () => {
  for (const upgrade of ['', 'Connection: Upgrade\r\nUpgrade: tcp\r\n']) {
    const { dial } = await testApi({ execs: { inspect: async (id) => Promise.reject(new Error(id)) } })
    const wire = await dial()
    const body = JSON.stringify({ Detach: true, Padding: 'x'.repeat(1_000_000) })
    wire.send(
      `POST /exec/e1/start HTTP/1.1\r\nHost: a\r\n${upgrade}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    expect(await wire.until(/\}\n$/)).toMatch(/^HTTP\/1\.1 500 .*"message":"e1"/s)
  }
})

describe('words of a client', () => {
  const nasty = 'a\r\nX-Injected: yes\r\n\r\n\u001b[2J\u202e'

  test('are told again as they print, and never as lines or headers', async () => {
    const { ask, said } = await testApi({
      containers: { inspect: async (word) => Promise.reject(new TypeError(`what of ${word}?`)) },
    })
    const { status, headers, text, json } = await ask(`/containers/${encodeURIComponent(nasty)}/json`)
    expect([status, headers['x-injected']]).toEqual([500, undefined])
    expect(json()).toEqual({ message: 'what of a\\r\\nX-Injected: yes\\r\\n\\r\\n\\u001b[2J\\u202e?' })
    for (const one of ['\u001b', '\u202e']) expect(text).not.toContain(one)
    expect(said).toHaveLength(1)
  })

  test('are told again in part when they were many', async () => {
    const { ask } = await api()
    const { json } = await ask(`/containers/json?filters=${'['.repeat(50_000)}`)
    const { message } = json() as { message: string }
    expect(message.length).toBeLessThanOrEqual(2000)
    expect(message).toMatch(/^invalid filter: \[+… \(\d+ characters more\) …/)
  })

  test('of credentials that are none are passed over in a header, and refused in a body', async () => {
    const { ask, engine } = await testApi({
      images: { distribution: async () => ({}) },
      system: { login: async () => ({ Status: '', IdentityToken: '' }) },
    })
    const headers = (auth: unknown) => ({ 'X-Registry-Auth': Buffer.from(JSON.stringify(auth)).toString('base64') })
    for (const auth of [[1], { username: {} }, { registrytoken: 'a\r\nX: y' }, 'x', null])
      await ask('/distribution/x/json', { headers: headers(auth) })
    expect(engine.calls.map(({ args }) => args[1])).toEqual([undefined, undefined, undefined, undefined, undefined])
    for (const body of [{ username: {} }, { identitytoken: 'a\nb' }])
      expect((await ask('/auth', { method: 'POST', body })).status).toBe(400)
  })
})

describe('connections', () => {
  test('are as many as descriptors allow', () => {
    expect([Number.POSITIVE_INFINITY, 1_048_576, 1024, 10].map(mostConnections)).toEqual([1000, 1000, 256, 8])
  })

  test('that are idle make room, the oldest first; those with a request under way stay', async () => {
    const waiting = deferred()
    const begun = deferred()
    const refused: Socket[] = []
    const server = createServer(async (request, response) => {
      if (request.url === '/wait') {
        begun.resolve()
        await waiting.promise
      }
      response.end('done')
    })
    limitConnections(server, 3, (socket) => {
      refused.push(socket)
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const dial = () => dialAt({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
    const busy = await dial()
    busy.send('GET /wait HTTP/1.1\r\nHost: a\r\n\r\n')
    await begun.promise
    const slow = await dial()
    slow.send('GET / HTTP/1.1\r\nHost:')
    const used = await dial()
    used.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await used.until(/done/)
    // Each makes the one go that has been idle the longest.
    for (const goes of [slow, used]) {
      const next = await dial()
      next.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await next.until(/done/)
      await goes.end()
    }
    waiting.resolve()
    await busy.until(/done/)
    expect(refused).toEqual([])
  })

  test('that are all at work leave no room', async () => {
    const server = createServer(() => undefined)
    const refused = deferred<Socket>()
    limitConnections(server, 2, (socket) => {
      refused.resolve(socket)
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const dial = () => dialAt({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
    for (const _ of [1, 2]) {
      const wire = await dial()
      const begun = new Promise((resolve) => server.once('request', resolve))
      wire.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await begun
    }
    expect(await (await dial()).end()).toBe('')
    expect((await refused.promise).destroyed).toBe(true)
  })
})
