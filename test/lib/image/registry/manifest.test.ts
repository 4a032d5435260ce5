import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MEDIA } from '../../../../lib/image/types.js'
import { bytes, NO_CONFIG, registryClient } from '../../../support/registry-client.js'
import { digestOf, faults, RegistryServer, type ServedImage } from '../../../support/registry-server.js'

let server: RegistryServer
let image: ServedImage

beforeEach(async () => {
  server = await RegistryServer.start()
  image = server.image('fleet/tug', 'latest', { layers: [bytes(5000)] })
})
afterEach(() => server.stop())

const client = () => registryClient(`${server.host}/fleet/tug`)

describe('a manifest', () => {
  it('is fetched by tag and by digest, byte for byte, with all types accepted', async () => {
    for (const name of ['latest', image.descriptor.digest]) {
      expect(await client().manifest(name)).toEqual({ descriptor: image.descriptor, bytes: image.bytes })
    }
    const { accept } = server.asked('GET', '/manifests/')[0]?.headers ?? {}
    for (const type of [MEDIA.manifest, MEDIA.index, MEDIA.dockerManifest, MEDIA.dockerList]) expect(accept).toContain(type)
  })

  it('is looked up without being fetched', async () => {
    expect(await client().resolve('latest')).toEqual(image.descriptor)
    expect(server.asked('GET', '/manifests/')).toHaveLength(0)
    expect(await client().resolve('none')).toBeUndefined()
  })

  it('is told by its content where the server says nothing of it', async () => {
    server.misbehave('/manifests/', faults.status(200, { 'content-type': 'text/plain' }, image.bytes.toString()))
    expect((await client().manifest('latest')).descriptor).toEqual(image.descriptor)
  })

  it('that is not there is said in Docker’s words', async () => {
    const error = { status: 404, code: 'MANIFEST_UNKNOWN', stack: expect.any(String) }
    const registry = registryClient(`${server.host}/fleet/tug:none`)
    const message = `manifest for ${server.host}/fleet/tug:none not found: manifest unknown: manifest unknown`
    await expect(registry.manifest('none')).rejects.toMatchObject({ ...error, message })
    server.misbehave('/manifests/', faults.status(404, {}, '<html>not here</html>'))
    await expect(registry.manifest('none')).rejects.toMatchObject({ ...error, message })
  })

  it('with another digest than was asked for is refused', async () => {
    server.misbehave('/manifests/', faults.replace(Buffer.from('{"schemaVersion":2}')))
    const message = `manifest verification failed for digest ${image.descriptor.digest}`
    await expect(client().manifest(image.descriptor.digest)).rejects.toThrow(message)
    // By tag, it is the server's own header that does not hold.
    await expect(client().manifest('latest')).rejects.toThrow(message)
  })

  it('that is too large, or has no end, is refused', async () => {
    server.misbehave('/manifests/', faults.endless(), { times: 1 })
    await expect(client().manifest('latest')).rejects.toThrow('has more than 4194304 bytes')
  })

  it.each([
    ['DENIED', 403, "pull access denied for HOST/fleet/tug, repository does not exist or may require 'docker login': denied: no", 404],
    ['NAME_UNKNOWN', 404, 'repository HOST/fleet/tug not found: name unknown: no', 404],
    ['UNAUTHORIZED', 400, 'unauthorized: no', 500],
  ])('error %s is said as Docker says it', async (code, status, message, ours) => {
    server.misbehave('/manifests/', faults.status(status, {}, { errors: [{ code, message: 'no' }] }))
    const expected = { message: message.replace('HOST', server.host), status: ours, code }
    await expect(client().manifest('latest')).rejects.toMatchObject(expected)
  })

  it('never puts a stranger’s escape sequences on the terminal', async () => {
    const errors = [{ code: 'DENIED', message: `a\u001b[31m\r\nb\u202e${'x'.repeat(5000)}` }]
    server.misbehave('/manifests/', faults.status(403, {}, { errors }))
    const error = (await client()
      .manifest('latest')
      .catch((thrown: unknown) => thrown)) as Error
    expect(error.message).toMatch(/denied: a \[31m b x+…$/)
    expect(error.message.length).toBeLessThan(1300)
  })

  it('is read no further than a bound when it is an error without an end', async () => {
    server.misbehave('/manifests/', (response) => {
      response.writeHead(400)
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65536)));
      }
      response.on('drain', more)
      more()
    })
    await expect(client().manifest('latest')).rejects.toThrow('received unexpected HTTP status: 400 Bad Request')
  })

  it('keeps one connection', async () => {
    const registry = client()
    for (let round = 0; round < 3; round += 1) await registry.manifest('latest')
    expect(server.connections).toBe(1)
    registry.close()
  })
})

describe('an index', () => {
  const amd64 = { os: 'linux', architecture: 'amd64' }

  it('leads to the manifest that is chosen', async () => {
    const other = server.image('fleet/tug', undefined, { layers: [bytes(10)], config: { architecture: 'arm64' } })
    const index = server.index('fleet/tug', 'many', [
      { descriptor: other.descriptor, platform: { os: 'linux', architecture: 'arm64' } },
      { descriptor: image.descriptor, platform: amd64 },
    ])
    const found = await client().find('many', ({ manifests }) => manifests.find((one) => one.platform?.architecture === 'amd64') as never)
    expect(found.top.descriptor).toEqual(index)
    expect(found.chosen.descriptor).toEqual(image.descriptor)
    expect(found.manifest).toEqual(image.manifest)
    expect(found.entry?.platform).toEqual(amd64)
  })

  const first = ({ manifests }: { manifests: readonly unknown[] }) => manifests[0] as never
  const indexOf = (digest: string, size = 100) =>
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.index, manifests: [{ mediaType: MEDIA.index, digest, size }] }))

  it('that names itself is refused, whatever it says of its digest', async () => {
    const own = `sha256:${'a'.repeat(64)}`
    const loop = indexOf(own)
    // By tag, with a header that lies; the digest that it names is then its own.
    server.misbehave('/manifests/', (response) => {
      response.writeHead(200, { 'content-type': MEDIA.index })
      response.end(loop)
    })
    await expect(client().find('loop', first)).rejects.toThrow(`manifest verification failed for digest ${own}`)
  })

  it('nested too deep is refused', async () => {
    let below = server.manifest('fleet/tug', undefined, indexOf(image.descriptor.digest), MEDIA.index)
    for (let depth = 0; depth < 20; depth += 1) below = server.manifest('fleet/tug', 'deep', indexOf(below.digest, below.size), MEDIA.index)
    await expect(client().find('deep', first)).rejects.toThrow('the image index is nested more than 4 deep')
    expect(server.asked('GET', '/manifests/')).toHaveLength(4)
  })

  it('that is wrong about the size of what it names is refused', async () => {
    server.manifest('fleet/tug', 'wrong', { schemaVersion: 2, manifests: [{ ...image.descriptor, size: 7 }] }, MEDIA.index)
    await expect(client().find('wrong', first)).rejects.toThrow(`has ${image.bytes.length} bytes where the index says 7`)
  })
})

describe('a config', () => {
  it('is fetched whole and verified', async () => {
    const config = await client().config(image.config)
    expect(JSON.parse(config.toString())).toMatchObject({ architecture: 'amd64', rootfs: { type: 'layers' } })
    server.misbehave(image.config.digest, faults.corrupt())
    const words = `image config verification failed for digest ${image.config.digest}`
    await expect(client().config(image.config)).rejects.toThrow(words)
    await expect(client().config({ ...image.config, size: 2 ** 30 })).rejects.toThrow('has more than 4194304 bytes')
  })
})

describe('a document', () => {
  const config = { mediaType: MEDIA.config, digest: digestOf(Buffer.alloc(0)), size: 0 }
  it.each<[string, unknown, string, string]>([
    ['that could be either', { layers: [], config, manifests: [] }, MEDIA.manifest, 'is an index too'],
    ['that says that it is another', { mediaType: MEDIA.index, layers: [], config }, MEDIA.manifest, `should be '${MEDIA.manifest}'`],
    [
      'with no digest',
      { layers: [{ ...config, digest: 'sha256:../../etc/passwd' }], config },
      MEDIA.manifest,
      'layers has no sha256 digest',
    ],
    ['with a size of its own kind', { layers: [{ ...config, size: -1 }], config }, MEDIA.manifest, 'layers has no size'],
    ['without layers', { config }, MEDIA.manifest, 'has no layers'],
    ['that is no object', [], MEDIA.manifest, 'is no JSON object'],
    [
      'of the first schema',
      { schemaVersion: 1 },
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
      'schema 1 is no longer supported',
    ],
    ['of another kind', {}, 'application/octet-stream', 'has no layers'],
  ])('%s is refused', async (_, content, mediaType, message) => {
    server.manifest('fleet/tug', 'wrong', Buffer.from(JSON.stringify(content)), mediaType)
    await expect(client().find('wrong', () => config)).rejects.toThrow(message)
  })
})

describe('a mirror', () => {
  it('is for Docker Hub alone', async () => {
    const mirror = await RegistryServer.start()
    const config = { ...NO_CONFIG, mirrors: [mirror.url] }
    await registryClient(`${server.host}/fleet/tug`, { config }).manifest('latest')
    expect(mirror.requests).toHaveLength(0)
    await mirror.stop()
  })

  it('is asked first, and the next one when it cannot', async () => {
    const [broken, lying, good] = [await RegistryServer.start(), await RegistryServer.start(), await RegistryServer.start()]
    broken.misbehave('/', faults.status(503))
    const layer = bytes(3000)
    const served = good.image('library/tug', 'latest', { layers: [layer] })
    lying.misbehave('/manifests/', faults.replace(Buffer.from('{}'), { 'docker-content-digest': served.descriptor.digest }))
    const mirrors = ['http://127.0.0.1:1', broken.url, lying.url, good.url]
    const registry = registryClient('tug', { config: { ...NO_CONFIG, mirrors } })
    expect((await registry.manifest(served.descriptor.digest)).bytes).toEqual(served.bytes)
    const chunks: Buffer[] = []
    for await (const chunk of registry.blob(served.layers[0] as never)) chunks.push(chunk)
    expect(Buffer.concat(chunks)).toEqual(layer)
    for (const one of [broken, lying, good]) await one.stop()
  })

  it('that should have answered is named where Docker Hub cannot be reached', async () => {
    const mirror = await RegistryServer.start()
    const before = process.env.HTTPS_PROXY
    // Nobody listens there: the way to Docker Hub is blocked, whatever this machine can reach.
    process.env.HTTPS_PROXY = 'http://127.0.0.1:1'
    try {
      const registry = registryClient('tug', { config: { ...NO_CONFIG, mirrors: [mirror.url] } })
      const words = `Get "https://registry-1.docker.io/v2/": dial tcp 127.0.0.1:1: connect: connection refused (mirror ${mirror.host}: manifest unknown`
      await expect(registry.manifest('latest')).rejects.toThrow(words)
    } finally {
      if (before === undefined) delete process.env.HTTPS_PROXY
      else process.env.HTTPS_PROXY = before
      await mirror.stop()
    }
  })
})

describe('the tags of a repository', () => {
  it('are read page by page', async () => {
    for (const tag of ['a', 'b', 'c', 'd', 'e']) server.image('fleet/all', tag, { layers: [] })
    expect(await registryClient(`${server.host}/fleet/all`).tags()).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(server.asked('GET', '/tags/list')).toHaveLength(3)
  })

  it('of none that is there are Docker’s error, and of another host’s none', async () => {
    await expect(registryClient(`${server.host}/fleet/none`).tags()).rejects.toThrow(/repository .*fleet\/none not found/)
    server.misbehave('/tags/list', faults.replace(Buffer.from('{"tags":["x"]}'), { link: '<http://127.0.0.2:1/v2/x>; rel="next"' }))
    expect(await client().tags()).toEqual(['x'])
  })

  it('are a list, or refused', async () => {
    server.misbehave('/tags/list', faults.replace(Buffer.from('[]')))
    await expect(client().tags()).rejects.toThrow("the registry's list of tags is none")
  })
})
