import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Descriptor, MEDIA } from '../../../../lib/image/types.js'
import { bytes, collect, registryClient, SOON } from '../../../support/registry-client.js'
import { faults, RegistryServer } from '../../../support/registry-server.js'

const SIZE = 300_000
const content = bytes(SIZE, 'blob')
let server: RegistryServer
let blob: Descriptor

beforeEach(async () => {
  server = await RegistryServer.start()
  blob = server.blob('fleet/tug', content)
})
afterEach(() => server.stop())

const client = (options = {}) => registryClient(`${server.host}/fleet/tug`, options)
const ranges = () => server.asked('GET', '/blobs/').map(({ headers }) => headers.range)

describe('a blob', () => {
  it('is streamed whole, and from any byte on', async () => {
    expect((await collect(client().blob(blob))).equals(content)).toBe(true)
    expect((await collect(client().blob(blob, 1234))).equals(content.subarray(1234))).toBe(true)
    expect(ranges()).toEqual([undefined, 'bytes=1234-'])
  })

  it('of which nothing is missing is not asked for', async () => {
    expect(await collect(client().blob(blob, SIZE))).toHaveLength(0)
    expect(server.requests).toHaveLength(0)
  })

  it('is taken up where the connection broke', async () => {
    server.misbehave('/blobs/', faults.breakAfter(100_000), { times: 2 })
    expect((await collect(client().blob(blob))).equals(content)).toBe(true)
    expect(ranges()).toEqual([undefined, 'bytes=100000-', 'bytes=200000-'])
  })

  it('is taken up where the server stalled', async () => {
    server.misbehave('/blobs/', faults.stallAfter(70_000), { times: 1 })
    expect((await collect(client(SOON).blob(blob))).equals(content)).toBe(true)
    expect(ranges()).toEqual([undefined, 'bytes=70000-'])
  })

  it('is taken up where the server ended too early', async () => {
    server.misbehave('/blobs/', faults.endAfter(50_000), { times: 1 })
    expect((await collect(client().blob(blob))).equals(content)).toBe(true)
    expect(ranges()).toEqual([undefined, 'bytes=50000-'])
  })

  it('is right from a server that ignores ranges', async () => {
    server.misbehave('/blobs/', faults.breakAfter(100_000), { times: 1 })
    server.misbehave('/blobs/', faults.ignoreRange())
    expect((await collect(client().blob(blob))).equals(content)).toBe(true)
    expect((await collect(client().blob(blob, 299_999))).equals(content.subarray(299_999))).toBe(true)
  })

  it('is given up when it breaks again and again', async () => {
    server.misbehave('/blobs/', faults.breakAfter(10))
    await expect(collect(client().blob(blob))).rejects.toThrow(/^Get "http:.*": unexpected EOF$/)
    expect(ranges()).toEqual([undefined, 'bytes=10-', 'bytes=20-'])
  })

  it('is given up when the server stalls again and again', async () => {
    server.misbehave('/blobs/', faults.stallAfter(0))
    await expect(collect(client(SOON).blob(blob))).rejects.toThrow('i/o timeout: the server sends no more')
    server.behave()
    server.misbehave('/blobs/', faults.silence())
    await expect(collect(client(SOON).blob(blob))).rejects.toThrow('net/http: timeout awaiting response headers')
  })

  it('is not given up because its reader is slow', async () => {
    const chunks: Buffer[] = []
    for await (const chunk of client(SOON).blob(blob)) {
      if (chunks.length < 2) await new Promise((resolve) => setTimeout(resolve, SOON.timeouts.idle * 1.5))
      chunks.push(chunk)
    }
    expect(Buffer.concat(chunks).equals(content)).toBe(true)
    expect(ranges()).toEqual([undefined])
  })

  it('never has more bytes than its manifest says', async () => {
    server.misbehave('/blobs/', faults.endless())
    let got = 0
    const reading = (async () => {
      for await (const chunk of client().blob(blob)) got += chunk.length
    })()
    await expect(reading).rejects.toThrow(`the registry sends more than the ${SIZE} bytes that the manifest says`)
    expect(got).toBeLessThanOrEqual(SIZE)
  })

  it('of another size than its manifest says is refused before it comes', async () => {
    const words = `the registry has a blob of ${SIZE} bytes where the manifest says ${SIZE - 1}`
    await expect(collect(client().blob({ ...blob, size: SIZE - 1 }))).rejects.toThrow(words)
    await expect(collect(client().blob({ ...blob, size: SIZE - 1 }, 5))).rejects.toThrow(words)
  })

  it('from another place than was asked for is refused', async () => {
    server.misbehave('/blobs/', faults.status(206, { 'content-range': `bytes 0-9/${SIZE}` }, '0123456789'))
    await expect(collect(client().blob(blob, 5))).rejects.toThrow('sends the blob from byte 0 on and was asked from 5 on')
  })

  it('that is not there is said', async () => {
    const other = { ...blob, digest: `sha256:${'0'.repeat(64)}` as const }
    await expect(collect(client().blob(other))).rejects.toThrow('blob unknown: blob unknown to registry')
  })

  it('that lies elsewhere by its nature is refused', async () => {
    const foreign = { ...blob, mediaType: MEDIA.dockerForeignLayer, urls: ['https://example.com/layer'] }
    await expect(collect(client().blob(foreign))).rejects.toThrow('at https://example.com/layer: foreign layers are not supported')
    expect(server.requests).toHaveLength(0)
  })

  it('does not pile up in memory when its reader is slow', async () => {
    const large = server.blob('fleet/tug', Buffer.alloc(64 * 1024 * 1024, 'large'))
    const reader = client().blob(large)
    await reader.next()
    await new Promise((resolve) => setTimeout(resolve, 100))
    // What the server could not send is what nobody has taken; the kernel's buffers hold some megabytes.
    expect(server.asked('GET', large.digest)[0]?.status).toBe(0)
    await reader.return()
  })

  it('is stopped by its signal, while it comes and while one waits', async () => {
    const controller = new AbortController()
    server.misbehave('/blobs/', faults.stallAfter(10))
    const reading = collect(client({ signal: controller.signal }).blob(blob))
    setTimeout(() => controller.abort(), 50)
    await expect(reading).rejects.toThrow(/abort/i)

    const other = new AbortController()
    server.behave()
    server.misbehave('/blobs/', faults.status(503))
    const patience = { attempts: 3, first: 60_000, longest: 60_000 }
    const onWait = () => other.abort(new Error('enough'))
    await expect(collect(client({ signal: other.signal, patience, onWait }).blob(blob))).rejects.toThrow('enough')
  })
})

describe('a redirect', () => {
  it('is followed, to another host without what is only for the registry', async () => {
    const store = await RegistryServer.start()
    store.blob('fleet/tug', content)
    server.misbehave('/blobs/', faults.redirect(store.url))
    const registry = client({ credentials: async () => ({ username: 'mate', password: 'secret' }) })
    expect((await collect(registry.blob(blob, 9))).equals(content.subarray(9))).toBe(true)
    const [asked] = store.asked('GET', '/blobs/')
    expect(asked?.headers.authorization).toBeUndefined()
    expect(asked?.headers.range).toBe('bytes=9-')
    await store.stop()
  })

  it('that never ends is refused', async () => {
    server.misbehave('/blobs/', (response, _, request) => {
      response.writeHead(302, { location: `${request.url}?` })
      response.end()
    })
    await expect(collect(client().blob(blob))).rejects.toThrow('stopped after 10 redirects')
    expect(server.asked('GET', '/blobs/')).toHaveLength(11)
  })

  it('to what is no web address is refused', async () => {
    server.misbehave('/blobs/', faults.redirect('file:///etc/passwd'))
    await expect(collect(client().blob(blob))).rejects.toThrow('redirects to what is no web address')
  })
})
