/** Where the workshop listens. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { listenAt, type Sockets } from '../../../lib/workshop/listen.js'
import { isLoopback, parsePlace, reachedBy, urlOf } from '../../../lib/workshop/place.js'
import { ask } from '../../support/workshop.js'

describe('as it is typed', () => {
  test.each<[string | undefined, string | undefined, object]>([
    [undefined, undefined, { address: 'localhost' }],
    [undefined, '8000', { address: 'localhost', port: 8000 }],
    ['0.0.0.0', undefined, { address: '0.0.0.0' }],
    ['0.0.0.0', '8000', { address: '0.0.0.0', port: 8000 }],
    ['0.0.0.0:8000', undefined, { address: '0.0.0.0', port: 8000 }],
    ['0.0.0.0:8000', '8000', { address: '0.0.0.0', port: 8000 }],
    ['localhost:8000', undefined, { address: 'localhost', port: 8000 }],
    ['::', undefined, { address: '::' }],
    ['fd00::1', undefined, { address: 'fd00::1' }],
    ['[::]:8000', undefined, { address: '::', port: 8000 }],
    ['[fd00::1]', undefined, { address: 'fd00::1' }],
  ])('%s %s', (listen, port, place) => {
    expect(parsePlace(listen, port)).toEqual(place)
  })

  test.each<[string | undefined, string | undefined, RegExp]>([
    ['', undefined, /'' is no place to listen/],
    ['everywhere', undefined, /'everywhere' is no place to listen/],
    ['lab.example:80', undefined, /is no place to listen/],
    ['1.2.3', undefined, /is no place to listen/],
    ['1.2.3.4.5', undefined, /is no place to listen/],
    [':8000', undefined, /is no place to listen/],
    ['[::', undefined, /is no place to listen/],
    ['http://0.0.0.0', undefined, /is no place to listen/],
    ['0.0.0.0:', undefined, /'' is no port/],
    ['0.0.0.0:http', undefined, /'http' is no port/],
    [undefined, '0', /--port: '0' is no port/],
    [undefined, '65536', /--port: '65536' is no port/],
    [undefined, '8e3', /--port: '8e3' is no port/],
    ['0.0.0.0:8000', '9000', /name two ports/],
  ])('%s %s is refused with a sentence', (listen, port, sentence) => {
    expect(() => parsePlace(listen, port)).toThrow(
      expect.objectContaining({ name: 'DrydockError', message: expect.stringMatching(sentence) }),
    )
  })

  test('what only this machine can reach needs no token', () => {
    const loopback = ['localhost', '127.0.0.1', '127.1.2.3', '::1'].map((address) => isLoopback({ address }))
    const others = ['0.0.0.0', '::', '192.168.1.5', 'fd00::1', '::ffff:127.0.0.1'].map((address) => isLoopback({ address }))
    expect([loopback, others]).toEqual([Array(4).fill(true), Array(5).fill(false)])
  })

  test('as it stands in an address', () => {
    expect(urlOf('::1', 7777)).toBe('http://[::1]:7777/')
    expect(urlOf('lab.example', 80)).toBe('http://lab.example:80/')
    expect(reachedBy({ address: 'localhost' })).toEqual(['127.0.0.1'])
    expect(reachedBy({ address: '192.0.2.1' })).toEqual(['192.0.2.1'])
    expect(reachedBy({ address: '0.0.0.0' })).toContain('127.0.0.1')
  })
})

describe('really', () => {
  const open: Sockets[] = []
  afterEach(() => Promise.all(open.splice(0).map((one) => one.close())))
  const listen = async (...args: Parameters<typeof parsePlace>) => {
    const sockets = await listenAt(parsePlace(...args), (_request, response) => response.end('here'))
    open.push(sockets)
    return sockets
  }

  test('at both addresses of the loopback', async () => {
    const { port } = await listen(undefined, undefined)
    expect((await ask(port, '/')).body).toBe('here')
    expect(await (await fetch(`http://localhost:${port}/`)).text()).toBe('here')
  })

  test('the usual port may be another when it is taken; one that was asked for may not', async () => {
    const first = await listen(undefined, undefined)
    const second = await listen(undefined, undefined)
    expect(second.port).not.toBe(first.port)
    expect(second.moved).toBe(true)
    await expect(listen(undefined, String(first.port))).rejects.toThrow(
      `port ${first.port} is taken, perhaps by another workshop page: name another with --port`,
    )
  })

  test('of two addresses of which one is taken none is kept', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '::1', resolve))
    const { port } = other.address() as AddressInfo
    await expect(listen(undefined, String(port))).rejects.toThrow(`port ${port} is taken`)
    await expect(ask(port, '/')).rejects.toThrow('ECONNREFUSED')
    await new Promise((resolve) => other.close(resolve))
  })

  test('an address of another machine is refused with a sentence', async () => {
    await expect(listen('192.0.2.1', undefined)).rejects.toThrow(
      'cannot listen on 192.0.2.1 port 7777: no interface of this machine has that address',
    )
  })
})
