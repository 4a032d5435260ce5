/** Pulling from a registry in this process, that behaves and that does not: what is in the store afterwards, what was fetched, what was said. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parsePlatform } from '../../lib/image/platform.js'
import { removeImage } from '../../lib/image/remove.js'
import { shortDigest } from '../../lib/image/store/index.js'
import { type Digest, MEDIA } from '../../lib/image/types.js'
import { bigLayer, gzipped, layerTar, PATIENT, pullFrom, type TestStore, testStore } from '../support/images.js'
import { bytes } from '../support/registry-client.js'
import { faults, RegistryServer } from '../support/registry-server.js'

let server: RegistryServer
let at: TestStore
beforeEach(async () => {
  server = await RegistryServer.start()
  at = testStore()
})
afterEach(async () => {
  await server.stop()
  await at.remove()
})

const base = layerTar({ 'etc/': '', 'etc/os-release': 'ID=tug\n' })
const top = layerTar({ 'etc/motd': 'ahoy\n' })
const tug = () => server.image('fleet/tug', 'latest', gzipped([base, top]))
const fetched = (digest: Digest) => server.asked('GET', `/blobs/${digest}`).length
const fileIn = (layer: string | undefined, path: string) => readFileSync(join(layer as string, path), 'utf8')
const nothing = () =>
  expect([at.strays(), at.store.blobs.list(), at.store.layers.list(), at.store.records.ids(), at.store.tags.list()]).toEqual([
    [],
    [],
    [],
    [],
    [],
  ])

describe('an image', () => {
  test('is pulled: blobs as they came, layers unpacked, named by tag and by digest', async () => {
    const served = tug()
    const { image, status, digest, said } = await pullFrom(server, 'fleet/tug', at.store)
    expect([image.id, status, digest]).toEqual([served.config.digest, 'downloaded', served.descriptor.digest])
    expect(image.tags).toEqual([`${server.host}/fleet/tug:latest`])
    expect(image.digests).toEqual([`${server.host}/fleet/tug@${served.descriptor.digest}`])
    expect(fileIn(image.layers[0], 'etc/motd')).toBe('ahoy\n')
    expect(fileIn(image.layers[1], 'etc/os-release')).toBe('ID=tug\n')
    expect(at.store.blobs.list().sort()).toEqual([served.descriptor, served.config, ...served.layers].map((one) => one.digest).sort())
    expect(image.size).toBe('ID=tug\nahoy\n'.length)
    expect(at.strays()).toEqual([])
    expect(said[0]).toEqual({ id: 'latest', status: 'Pulling from fleet/tug' })
    const short = shortDigest(served.layers[0]?.digest as Digest)
    const line = [...new Set(said.filter(({ id }) => id === short).map((one) => one.status))]
    expect(line).toEqual(['Pulling fs layer', 'Downloading', 'Verifying Checksum', 'Download complete', 'Extracting', 'Pull complete'])
    expect(said.slice(-2)).toEqual([
      { status: `Digest: ${served.descriptor.digest}` },
      { status: `Status: Downloaded newer image for ${server.host}/fleet/tug:latest` },
    ])
  })

  test('that is here is not fetched again, and layers that are here are not either', async () => {
    const served = tug()
    await pullFrom(server, 'fleet/tug', at.store)
    const again = await pullFrom(server, 'fleet/tug', at.store)
    expect(again.status).toBe('up to date')
    expect(again.said.at(-1)?.status).toBe(`Status: Image is up to date for ${server.host}/fleet/tug:latest`)
    const other = layerTar({ 'etc/motd': 'hello\n' })
    const barge = server.image('fleet/barge', 'latest', gzipped([base, other]))
    const { said } = await pullFrom(server, 'fleet/barge', at.store)
    expect(said).toContainEqual({ id: shortDigest(served.layers[0]?.digest as Digest), status: 'Already exists', progressDetail: {} })
    for (const { digest } of [...served.layers, served.config, ...barge.layers]) expect(fetched(digest)).toBe(1)
  })

  test('whose tag has moved takes the name along, and the old one keeps its digest alone', async () => {
    const old = tug()
    await pullFrom(server, 'fleet/tug', at.store)
    server.image('fleet/tug', 'latest', gzipped([base]))
    const { status } = await pullFrom(server, 'fleet/tug', at.store)
    expect(status).toBe('downloaded')
    expect(await at.store.find(old.config.digest)).toMatchObject({
      tags: [],
      digests: [`${server.host}/fleet/tug@${old.descriptor.digest}`],
    })
  })

  test('by digest has no tag', async () => {
    const { descriptor } = tug()
    const { image, said } = await pullFrom(server, `fleet/tug@${descriptor.digest}`, at.store)
    expect([image.tags, image.digests]).toEqual([[], [`${server.host}/fleet/tug@${descriptor.digest}`]])
    expect(said.at(-1)?.status).toBe(`Status: Downloaded newer image for ${server.host}/fleet/tug@${descriptor.digest}`)
  })

  test('of which two layers are the same is fetched once for both', async () => {
    const served = server.image('fleet/twin', 'latest', gzipped([base, top, base]))
    const { image } = await pullFrom(server, 'fleet/twin', at.store)
    expect(new Set(image.layers).size).toBe(3)
    expect(fileIn(image.layers[0], 'etc/os-release')).toBe('ID=tug\n')
    expect(fetched(served.layers[0]?.digest as Digest)).toBe(1)
  })

  test('goes with its name, blobs and layers', async () => {
    tug()
    await pullFrom(server, 'fleet/tug', at.store)
    await removeImage(at.store, `${server.host}/fleet/tug`, { running: () => false })
    nothing()
  })
})

describe('an index', () => {
  const platform = (word: string) => parsePlatform(word)
  const fleet = () => {
    const made = (word: string, content: string) => {
      const { os, architecture, variant } = platform(word)
      const config = { os, architecture, ...(variant && { variant }) }
      const { descriptor } = server.image('fleet/all', undefined, { layers: [layerTar({ arch: content })], config })
      return { descriptor, platform: platform(word) }
    }
    return server.index(
      'fleet/all',
      'latest',
      ['linux/amd64', 'linux/arm/v6', 'linux/arm64/v8', 'linux/s390x'].map((word) => made(word, word)),
    )
  }

  test('has an image for each machine; its own digest is the one that is told', async () => {
    const { digest } = fleet()
    for (const [asked, got] of [
      ['linux/amd64', 'linux/amd64'],
      ['arm64', 'linux/arm64/v8'],
      ['linux/arm/v7', 'linux/arm/v6'],
      ['linux/s390x', 'linux/s390x'],
    ] as const) {
      const pulled = await pullFrom(server, 'fleet/all', at.store, { platform: platform(asked) })
      expect(pulled.digest).toBe(digest)
      expect(fileIn(pulled.image.layers[0], 'arch')).toBe(got)
    }
  })

  test('that has none for this one is refused in Docker’s words', async () => {
    fleet()
    await expect(pullFrom(server, 'fleet/all', at.store, { platform: platform('linux/riscv64') })).rejects.toThrow(
      'no matching manifest for linux/riscv64 in the manifest list entries',
    )
    nothing()
  })
})

describe('the network', () => {
  test('that breaks loses nothing: the next pull goes on where it stopped', async () => {
    const served = server.image('fleet/big', 'latest', gzipped([bigLayer(300_000, 'a')]))
    const [layer] = served.layers
    server.misbehave(`/blobs/${layer?.digest}`, faults.breakAfter(100_000))
    await expect(pullFrom(server, 'fleet/big', at.store)).rejects.toThrow(/unexpected EOF/)
    expect(at.strays()).toEqual([`blobs/incoming/${layer?.digest.slice(7)}`])
    server.behave()
    await pullFrom(server, 'fleet/big', at.store)
    expect(server.asked('GET', `/blobs/${layer?.digest}`).at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d+-$/)
    expect(at.strays()).toEqual([])
  })

  test('what was kept and is damaged is fetched anew', async () => {
    const served = server.image('fleet/big', 'latest', gzipped([bigLayer(300_000, 'a')]))
    const [layer] = served.layers
    server.misbehave(`/blobs/${layer?.digest}`, faults.breakAfter(100_000))
    await expect(pullFrom(server, 'fleet/big', at.store)).rejects.toThrow()
    server.behave()
    const { writeFileSync } = await import('node:fs')
    writeFileSync(join(at.root, at.strays()[0] as string), bytes(50_000))
    await pullFrom(server, 'fleet/big', at.store)
    expect(server.asked('GET', `/blobs/${layer?.digest}`).at(-1)?.headers.range).toBeUndefined()
  })

  test('a pull that is told to stop stops, and leaves what it has to the next one', async () => {
    const served = server.image('fleet/big', 'latest', gzipped([bigLayer(300_000, 'a')]))
    server.misbehave(`/blobs/${served.layers[0]?.digest}`, faults.stallAfter(100_000))
    const stop = new AbortController()
    const onProgress = ({ status }: { status: string }) => {
      if (status === 'Downloading') stop.abort(new Error('stopped'))
    }
    await expect(pullFrom(server, 'fleet/big', at.store, { signal: stop.signal, onProgress })).rejects.toThrow('stopped')
    expect(readdirSync(join(at.root, 'overlay'))).toEqual([])
    expect(at.strays()).toHaveLength(1)
  })
})

test('a layer that is refused ends the others at once, also those that a registry is slow with', async () => {
  const served = server.image('fleet/mixed', 'latest', { layers: [bigLayer(300_000, 'a'), bytes(5000, 'noise')] })
  server.misbehave(`/blobs/${served.layers[0]?.digest}`, faults.stallAfter(100_000))
  const begun = performance.now()
  await expect(pullFrom(server, 'fleet/mixed', at.store, { timeouts: PATIENT })).rejects.toThrow()
  expect(performance.now() - begun).toBeLessThan(PATIENT.idle / 2)
})

describe('a hostile registry leaves nothing behind:', () => {
  const cases: readonly (readonly [string, (served: ReturnType<typeof tug>) => void, RegExp])[] = [
    [
      'bytes that are not the blob',
      ({ layers }) => server.misbehave(`/blobs/${layers[1]?.digest}`, faults.corrupt()),
      /verification failed|damaged/,
    ],
    ['a blob without end', ({ layers }) => server.misbehave(`/blobs/${layers[1]?.digest}`, faults.endless()), /./],
    ['another configuration', ({ config }) => server.misbehave(`/blobs/${config.digest}`, faults.replace(Buffer.from('{}'))), /./],
  ]
  for (const [name, misbehave, message] of cases) {
    test(name, async () => {
      misbehave(tug())
      await expect(pullFrom(server, 'fleet/tug', at.store)).rejects.toThrow(message)
      await at.store.collect()
      nothing()
    })
  }

  test('a layer that is not what the configuration says', async () => {
    server.image('fleet/liar', 'latest', {
      layers: [base, top],
      diffIds: [gzipped([base]).diffIds[0] as Digest, `sha256:${'0'.repeat(64)}`],
    })
    await expect(pullFrom(server, 'fleet/liar', at.store)).rejects.toThrow(/wrong diff id calculated on extraction/)
    // What has come of the other layer is kept for whoever wants it next, until somebody tidies up.
    await at.store.collect()
    nothing()
  })

  test('more layers than the configuration has', async () => {
    server.image('fleet/liar', 'latest', { layers: [base, top], diffIds: [gzipped([base]).diffIds[0] as Digest] })
    await expect(pullFrom(server, 'fleet/liar', at.store)).rejects.toThrow("layers from manifest don't match image configuration")
    nothing()
  })

  test('a layer that is no archive', async () => {
    server.image('fleet/liar', 'latest', { layers: [base, bytes(5000, 'noise')] })
    await expect(pullFrom(server, 'fleet/liar', at.store)).rejects.toThrow()
    // What has come of the other layer is kept for another try.
    await at.store.collect()
    nothing()
  })

  test('schema 1', async () => {
    const old = Buffer.from(JSON.stringify({ schemaVersion: 1, name: 'fleet/old', tag: 'latest', fsLayers: [], history: [] }))
    server.manifest('fleet/old', 'latest', old, 'application/vnd.docker.distribution.manifest.v1+prettyjws')
    await expect(pullFrom(server, 'fleet/old', at.store)).rejects.toThrow(/schema 1/)
    nothing()
  })

  test('an artifact that is no image', async () => {
    const config = server.blob('fleet/chart', Buffer.from('{"name":"chart"}'), 'application/vnd.cncf.helm.config.v1+json')
    const layers = [server.blob('fleet/chart', base, 'application/vnd.cncf.helm.chart.content.v1.tar+gzip')]
    server.manifest('fleet/chart', 'latest', { schemaVersion: 2, mediaType: MEDIA.manifest, config, layers }, MEDIA.manifest)
    await expect(pullFrom(server, 'fleet/chart', at.store)).rejects.toThrow('invalid rootfs in image configuration')
    nothing()
  })
})
