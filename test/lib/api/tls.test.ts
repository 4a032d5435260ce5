/** TCP with TLS: who is let in, and that streams end as they do elsewhere. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { request } from 'node:https'
import { type ConnectionOptions, connect } from 'node:tls'
import { describe, expect, onTestFinished } from 'vitest'
import { frame } from '../../../lib/api/frames.js'
import { ask, testApi } from '../../support/api.js'
import { authority, type Certificate } from '../../support/certificates.js'
import { fakeStreams, freePort } from '../../support/fake-engine.js'
import { requires } from '../../support/requires.js'

const test = requires('command:openssl')

interface Who extends Partial<Certificate> {
  readonly ca: string
}

/** An API that lets in whom `ours` has signed. */
async function served(nouns: Parameters<typeof testApi>[0] = {}, verify = true) {
  const [ours, theirs] = [authority('ours'), authority('theirs')]
  const api = await testApi(nouns)
  const port = await freePort()
  await api.listen({ kind: 'tcp', host: '127.0.0.1', port, tls: { ...ours.sign('engine'), ...(verify && { ca: ours.ca }) } })
  const ping = (who: Who, headers: Record<string, string> = {}) =>
    new Promise<number>((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path: '/_ping', agent: false, headers, ...who }, (response) => {
        response.resume()
        resolve(response.statusCode as number)
      })
      sent.once('error', reject)
      sent.end()
    })
  return { ...api, ours, theirs, port, ping }
}

describe('with an authority', () => {
  test('only its clients are let in', async () => {
    const { ours, theirs, port, ping, engine } = await served()
    const { ca } = ours
    expect(await ping({ ca, ...ours.sign('client') })).toBe(200)
    expect(await ping({ ca })).toBe(403)
    expect(await ping({ ca, ...theirs.sign('client') })).toBe(403)
    // And the client finds out when it is another engine.
    await expect(ping({ ca: theirs.ca, ...ours.sign('client') })).rejects.toThrow(/certificate/)
    expect(await ask({ host: '127.0.0.1', port }, '/_ping')).toMatchObject({
      status: 400,
      text: 'Client sent an HTTP request to an HTTPS server.\n',
    })
    expect(engine.calls).toEqual([])
  })

  test('a browser with a certificate is as good as any client', async () => {
    const { ours, ping } = await served()
    expect(await ping({ ca: ours.ca, ...ours.sign('client') }, { Origin: 'https://example.com' })).toBe(200)
  })

  test('streams have two ends: output goes on after the client’s', async () => {
    const { stream, program } = fakeStreams()
    const { ours, port } = await served({ containers: { attach: async () => ({ tty: false, stream }) } })
    const options = { host: '127.0.0.1', port, ca: ours.ca, ...ours.sign('client'), allowHalfOpen: true }
    const socket = connect(options as ConnectionOptions)
    onTestFinished(() => void socket.destroy())
    await once(socket, 'secureConnect')
    socket.write('POST /containers/c1/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(socket, 'data')
    socket.end('typed')
    const typed: Buffer[] = []
    program.on('data', (chunk: Buffer) => typed.push(chunk))
    await once(program, 'end')
    expect(Buffer.concat(typed).toString()).toBe('typed')
    const big = Buffer.alloc(200_000, 'x')
    program.write(frame(1, big))
    program.end(frame(1, Buffer.from('last')))
    await once(socket, 'end')
    const all = Buffer.concat(chunks)
    expect(all.length - all.indexOf('\r\n\r\n') - 4).toBe(8 + big.length + 8 + 4)
  })
})

test('without an authority everybody is let in, but for browsers', async () => {
  const { ours, ping } = await served({}, false)
  expect(await ping({ ca: ours.ca })).toBe(200)
  expect(await ping({ ca: ours.ca }, { Origin: 'https://example.com' })).toBe(403)
})

test('a port that is taken, or an address that is nobody’s, is said', async () => {
  const { listen } = await testApi()
  const port = await freePort()
  const other = createServer().listen(port, '127.0.0.1')
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  await expect(listen({ kind: 'tcp', host: '127.0.0.1', port })).rejects.toThrow(`cannot listen on 127.0.0.1:${port}: somebody else does`)
  await expect(listen({ kind: 'tcp', host: '192.0.2.1', port })).rejects.toThrow(/no interface of this machine has that address/)
  await expect(listen({ kind: 'unix', path: '/nosuch/x.sock' })).rejects.toThrow(/its directory does not exist/)
})
