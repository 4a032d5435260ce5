import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Descriptor, MEDIA } from '../../../../lib/image/types.js'
import { bytes, registryClient, SOON } from '../../../support/registry-client.js'
import { bearerAuth, digestOf, faults, RegistryServer, type StartOptions } from '../../../support/registry-server.js'

const content = bytes(200_000, 'layer')
const descriptor: Descriptor = { mediaType: MEDIA.layerGzip, digest: digestOf(content), size: content.length }

let server: RegistryServer
const start = async (options: StartOptions = {}) => {
  await server?.stop()
  server = await RegistryServer.start(options)
}
beforeEach(() => start())
afterEach(() => server.stop())

const credentials = async () => ({ username: 'mate', password: 'secret' })
const client = (options = {}) => registryClient(`${server.host}/fleet/tug`, { credentials, ...options })
/** In pieces of an odd size, counted. */
function source(from: Buffer = content): { open: () => AsyncIterable<Buffer>; opened: () => number } {
  let opened = 0
  const open = async function* () {
    opened += 1
    for (let at = 0; at < from.length; at += 7777) yield from.subarray(at, at + 7777)
  }
  return { open, opened: () => opened }
}
const stored = () => server.blobs.get('fleet/tug')?.get(descriptor.digest)?.equals(content)

describe('a blob', () => {
  it('is sent in one', async () => {
    expect(await client().hasBlob(descriptor)).toBe(false)
    await client().putBlob(descriptor, source().open)
    expect(stored()).toBe(true)
    expect(await client().hasBlob(descriptor)).toBe(true)
    expect(server.requests.map(({ method }) => method).filter((method) => method !== 'GET')).toEqual(['HEAD', 'POST', 'PUT', 'HEAD'])
  })

  it('is sent again from its beginning when the connection breaks', async () => {
    const { open, opened } = source()
    server.misbehave('/uploads/', faults.hangUp(), { method: 'PUT', times: 1 })
    server.misbehave('/uploads/', faults.status(503), { method: 'PUT', times: 1 })
    await client().putBlob(descriptor, open)
    expect(stored()).toBe(true)
    expect(opened()).toBe(3)
  })

  it('is sent in pieces where a whole one is too large', async () => {
    await start({ largestBody: 8 * 1024 * 1024 })
    const large = Buffer.alloc(20 * 1024 * 1024 + 5, 'large')
    await client().putBlob({ ...descriptor, digest: digestOf(large), size: large.length }, source(large).open)
    expect(server.blobs.get('fleet/tug')?.get(digestOf(large))?.equals(large)).toBe(true)
    const ranges = server.asked('PATCH').map(({ headers }) => headers['content-range'])
    expect(ranges).toEqual(['0-8388607', '8388608-16777215', '16777216-20971524'])
  })

  it('is sent in pieces where who finds it too large hangs up', async () => {
    const large = Buffer.alloc(9 * 1024 * 1024, 'large')
    server.misbehave('/uploads/', faults.hangUp(), { method: 'PUT', times: 1 })
    await client().putBlob({ ...descriptor, digest: digestOf(large), size: large.length }, source(large).open)
    expect(server.asked('PATCH')).toHaveLength(2)
  })

  it('that is something else than was promised is refused', async () => {
    const lie = { ...descriptor, digest: digestOf(Buffer.from('other')) }
    const refused = 'digest invalid: provided digest did not match uploaded content'
    await expect(client().putBlob(lie, source().open)).rejects.toThrow(refused)
    for (const [size, found] of [
      [content.length + 1, '200000'],
      [content.length - 1, 'more'],
    ] as const) {
      const words = `what is sent should have ${size} bytes and has ${found}`
      await expect(client().putBlob({ ...descriptor, size }, source().open)).rejects.toThrow(words)
    }
  })

  it('that cannot be read fails with its own reason', async () => {
    const open = async function* () {
      yield content.subarray(0, 10)
      throw new Error('disk on fire')
    }
    await expect(client().putBlob(descriptor, open)).rejects.toThrow('disk on fire')
  })

  it('is not waited for when the registry stalls, and is when its reader is slow', async () => {
    server.misbehave('/uploads/', faults.silence(), { method: 'PUT' })
    await expect(client(SOON).putBlob(descriptor, source().open)).rejects.toThrow('net/http: timeout awaiting response headers')
    server.behave()
    const slow = async function* () {
      yield content.subarray(0, 10)
      await new Promise((resolve) => setTimeout(resolve, SOON.timeouts.idle * 1.5))
      yield content.subarray(10)
    }
    await client(SOON).putBlob(descriptor, slow)
    expect(stored()).toBe(true)
  })

  it('goes where the registry says, without the password', async () => {
    const store = await RegistryServer.start()
    await start({ auth: bearerAuth({ user: 'mate', password: 'secret' }) })
    server.misbehave('/uploads/', (response) => {
      response.writeHead(202, { location: `${store.url}/v2/fleet/tug/blobs/uploads/there?a=b` })
      response.end()
    })
    await expect(client().putBlob(descriptor, source().open)).rejects.toThrow('blob upload unknown')
    const [asked] = store.asked('PUT')
    expect(asked?.path).toBe(`/v2/fleet/tug/blobs/uploads/there?a=b&digest=${encodeURIComponent(descriptor.digest)}`)
    expect(asked?.headers.authorization).toBeUndefined()
    await store.stop()
  })

  it('is taken from another repository when the registry has it there', async () => {
    server.blob('fleet/barge', content)
    expect(await client().mountBlob(descriptor, 'fleet/barge')).toBe(true)
    expect(stored()).toBe(true)
    expect(await client().mountBlob(descriptor, 'fleet/canoe')).toBe(false)
    // The upload that it began instead is called off.
    expect(server.asked('DELETE')).toHaveLength(1)
  })

  it('asks for the scopes that a push and a mount need', async () => {
    await start({ auth: bearerAuth({ user: 'mate', password: 'secret' }) })
    server.blob('fleet/barge', content)
    expect(await client().mountBlob(descriptor, 'fleet/barge')).toBe(true)
    const query = new URL(server.asked('GET', '/token')[0]?.path ?? '', server.url).searchParams
    expect(query.getAll('scope')).toEqual(['repository:fleet/tug:pull,push', 'repository:fleet/barge:pull'])
  })
})

describe('a manifest', () => {
  it('is sent under a tag, or under its digest', async () => {
    const manifest = Buffer.from('{"schemaVersion":2}')
    const digest = digestOf(manifest)
    expect(await client().putManifest(manifest, MEDIA.manifest, 'v1')).toEqual({ mediaType: MEDIA.manifest, digest, size: manifest.length })
    await client().putManifest(manifest, MEDIA.dockerManifest)
    expect(server.manifests.get('fleet/tug')?.get('v1')?.bytes.equals(manifest)).toBe(true)
    expect(server.asked('PUT').map(({ path, headers }) => [path, headers['content-type']])).toEqual([
      ['/v2/fleet/tug/manifests/v1', MEDIA.manifest],
      [`/v2/fleet/tug/manifests/${digest}`, MEDIA.dockerManifest],
    ])
  })

  it('that may not be sent is said as Docker says it', async () => {
    server.misbehave(
      '/manifests/',
      faults.status(403, {}, { errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }] }),
    )
    await expect(client().putManifest(Buffer.from('{}'), MEDIA.manifest, 'v1')).rejects.toThrow(
      /^denied: requested access to the resource is denied$/,
    )
  })
})
