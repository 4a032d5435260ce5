import { createServer, type IncomingHttpHeaders } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HttpClient } from '../../../../lib/image/registry/http.js'
import { proxyFor } from '../../../../lib/image/registry/proxy.js'
import { DockerRegistry } from '../../../support/docker-registry.js'
import { RegistryServer } from '../../../support/registry-server.js'
import { requires } from '../../../support/requires.js'

describe('proxyFor', () => {
  const environment = {
    HTTPS_PROXY: 'http://proxy:3128',
    http_proxy: 'proxy:8080',
    NO_PROXY: 'example.com, .below.org,only.net:5000, 10.0.0.0/8,192.168.1.7,[fd00::1]:5000',
  }
  it.each([
    ['https://registry-1.docker.io/v2/', 'http://proxy:3128/'],
    ['http://room:5000/v2/', 'http://proxy:8080/'],
    ['https://localhost:5000/', undefined],
    ['http://127.0.0.9:5000/', undefined],
    ['http://[::1]:5000/', undefined],
    ['https://example.com/', undefined],
    ['https://a.example.com:5000/', undefined],
    ['https://badexample.com/', 'http://proxy:3128/'],
    ['https://below.org/', 'http://proxy:3128/'],
    ['https://a.below.org/', undefined],
    ['https://only.net:5000/', undefined],
    ['https://only.net/', 'http://proxy:3128/'],
    ['https://10.9.8.7/', undefined],
    ['https://11.9.8.7/', 'http://proxy:3128/'],
    ['https://192.168.1.7:5000/', undefined],
    ['https://[fd00::1]:5000/', undefined],
    ['https://[fd00::1]/', 'http://proxy:3128/'],
  ])('%s: %s', (address, proxy) => {
    expect(proxyFor(new URL(address), environment)?.href).toBe(proxy)
  })

  it('knows everything and nothing, and its limits', () => {
    expect(proxyFor(new URL('https://a.b/'), {})).toBeUndefined()
    expect(proxyFor(new URL('https://a.b/'), { HTTPS_PROXY: 'http://c', no_proxy: '*' })).toBeUndefined()
    expect(() => proxyFor(new URL('https://a.b/'), { HTTPS_PROXY: 'socks5://c:1080' })).toThrow('proxy c:1080 is no http:// proxy')
  })
})

describe('a proxy', () => {
  /** It takes each name for the server behind it, and remembers who was asked for. */
  let asked: { what: string; headers: IncomingHttpHeaders }[]
  let target: string
  let proxy: ReturnType<typeof createServer>
  let sockets: Socket[]
  const before = { ...process.env }

  beforeEach(async () => {
    asked = []
    sockets = []
    proxy = createServer((request, response) => {
      asked.push({ what: `${request.method} ${request.url}`, headers: request.headers })
      response.end('{}')
    })
    proxy.on('connect', (request, socket: Socket) => {
      asked.push({ what: `${request.method} ${request.url}`, headers: request.headers })
      if (target === '') return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      const behind = connect(Number(target.split(':')[1]), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
        behind.pipe(socket).pipe(behind)
      })
      for (const one of [socket, behind]) one.on('error', () => undefined)
      sockets.push(socket, behind)
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const address = `http://mate:sea%20salt@127.0.0.1:${(proxy.address() as AddressInfo).port}`
    Object.assign(process.env, { HTTP_PROXY: address, HTTPS_PROXY: address, NO_PROXY: '' })
  })
  afterEach(async () => {
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
    for (const socket of sockets) socket.destroy()
    proxy.closeAllConnections()
    await new Promise((resolve) => proxy.close(resolve))
  })

  const basic = `Basic ${Buffer.from('mate:sea salt').toString('base64')}`

  it('passes on what is asked without TLS', async () => {
    const http = new HttpClient()
    const response = await http.request({
      method: 'GET',
      url: new URL('http://registry.invalid:5000/v2/?a=b'),
      headers: { authorization: 'x' },
    })
    expect(await response.text(100)).toBe('{}')
    expect(asked[0]).toMatchObject({
      what: 'GET http://registry.invalid:5000/v2/?a=b',
      headers: { host: 'registry.invalid:5000', 'proxy-authorization': basic, authorization: 'x' },
    })
    http.close()
  })

  it('that refuses is said', async () => {
    target = ''
    const http = new HttpClient()
    const words = 'Get "https://registry.invalid/v2/": proxyconnect tcp: 403 Forbidden'
    await expect(http.request({ method: 'GET', url: new URL('https://registry.invalid/v2/') })).rejects.toThrow(words)
    http.close()
  })

  it('is not asked for loopback', async () => {
    const server = await RegistryServer.start()
    const http = new HttpClient()
    expect((await http.request({ method: 'GET', url: new URL(`${server.url}/v2/`) })).status).toBe(200)
    expect(asked).toEqual([])
    http.close()
    await server.stop()
  })

  requires('command:docker-registry', 'command:openssl')('makes a tunnel for what is asked with TLS', async () => {
    const registry = await DockerRegistry.start({ tls: true })
    target = registry.host
    const { createSecureContext } = await import('node:tls')
    const secureContext = createSecureContext({ ca: registry.certificate })
    const http = new HttpClient({ tls: () => ({ rejectUnauthorized: false, secureContext }) })
    const url = new URL('https://registry.invalid:5001/v2/')
    for (let round = 0; round < 2; round += 1) {
      const response = await http.request({ method: 'GET', url })
      expect(await response.text(100)).toBe('{}')
    }
    // One tunnel for both.
    expect(asked).toMatchObject([{ what: 'CONNECT registry.invalid:5001', headers: { 'proxy-authorization': basic } }])
    expect(asked[0]?.headers.authorization).toBeUndefined()
    http.close()
    await registry.stop()
  })
})
