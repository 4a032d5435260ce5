/** Pushing: what is sent, what is not sent again, what the manifest is; to a registry in this process, and to the one that everybody runs. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { importImage } from '../../lib/image/import.js'
import type { Progress } from '../../lib/image/progress.js'
import { pullAll } from '../../lib/image/pull.js'
import { push, pushAll } from '../../lib/image/push.js'
import { parseReference } from '../../lib/image/reference.js'
import { shortDigest } from '../../lib/image/store/index.js'
import { tagImage } from '../../lib/image/tag.js'
import { MEDIA } from '../../lib/image/types.js'
import { DockerRegistry } from '../support/docker-registry.js'
import { chunked, gzipped, layerTar, pullFrom, type TestStore, testStore } from '../support/images.js'
import { registryClient } from '../support/registry-client.js'
import { digestOf, faults, RegistryServer } from '../support/registry-server.js'
import { requires } from '../support/requires.js'

let server: RegistryServer
let at: TestStore
let other: TestStore
beforeEach(async () => {
  server = await RegistryServer.start()
  at = testStore()
  other = testStore()
})
afterEach(async () => {
  await server.stop()
  await at.remove()
  await other.remove()
})

const base = layerTar({ 'etc/': '', 'etc/os-release': 'ID=tug\n' })
const top = layerTar({ 'etc/motd': 'ahoy\n' })

async function pushTo(host: string, name: string, all = false) {
  const said: Progress[] = []
  const reference = parseReference(`${host}/${name}`)
  const options = { store: at.store, registry: registryClient(`${host}/${name}`), onProgress: (one: Progress) => said.push(one) }
  const pushed = all ? await pushAll(reference, options) : [await push(reference, options)]
  return { pushed, said, layers: said.filter(({ id }) => id !== undefined).map(({ status }) => status) }
}

const uploads = () => server.asked('PUT', '/blobs/uploads/').length

describe('an image that was made here', () => {
  test('goes with its layers compressed, once, under a manifest in Docker’s form', async () => {
    const image = await importImage(chunked(base), { store: at.store, reference: parseReference(`${server.host}/fleet/box:v1`) })
    const { pushed, said } = await pushTo(server.host, 'fleet/box:v1')
    const [{ digest, size }] = pushed as [(typeof pushed)[0]]
    const { bytes = Buffer.alloc(0), mediaType } = server.manifests.get('fleet/box')?.get('v1') ?? {}
    expect([digest, size, mediaType]).toEqual([digestOf(bytes), bytes.length, MEDIA.dockerManifest])
    expect(bytes.toString()).toMatch(/^\{\n {3}"schemaVersion": 2,\n {3}"mediaType"/)
    expect(said[0]).toEqual({ status: `The push refers to repository [${server.host}/fleet/box]` })
    expect(said.slice(-2)).toEqual([
      { id: shortDigest(digestOf(base)), status: 'Pushed', progressDetail: {} },
      { status: `v1: digest: ${digest} size: ${size}` },
    ])
    expect((await at.store.find(image.id)).digests).toEqual([`${server.host}/fleet/box@${digest}`])
    const blobs = at.store.blobs.list().length
    const again = await pushTo(server.host, 'fleet/box:v1')
    expect([again.pushed[0]?.digest, again.layers, uploads()]).toEqual([digest, ['Preparing', 'Layer already exists'], 2])
    expect(at.store.blobs.list()).toHaveLength(blobs)
    const pulled = await pullFrom(server, 'fleet/box:v1', other.store)
    expect(pulled.image.id).toBe(image.id)
    expect((await at.store.collect()).blobs).toEqual([])
  })
})

describe('an image that was pulled', () => {
  test('goes as it came, and what the registry has elsewhere is mounted', async () => {
    const served = server.image('fleet/tug', 'latest', gzipped([base, top]))
    const { image } = await pullFrom(server, 'fleet/tug', at.store)
    await tagImage(at.store, image.id, `${server.host}/fleet/copy:v2`)
    const { pushed, layers } = await pushTo(server.host, 'fleet/copy:v2')
    expect(pushed[0]?.digest).toBe(served.descriptor.digest)
    expect(layers).toEqual(['Preparing', 'Preparing', 'Mounted from fleet/tug', 'Mounted from fleet/tug'])
    expect(uploads()).toBe(1) // the configuration
    expect((await pushTo(server.host, 'fleet/copy:v2')).layers.slice(2)).toEqual(['Layer already exists', 'Layer already exists'])
  })

  test('is sent where nothing of it is', async () => {
    server.image('fleet/tug', 'latest', gzipped([base, top]))
    const { image } = await pullFrom(server, 'fleet/tug', at.store)
    const elsewhere = await RegistryServer.start()
    await tagImage(at.store, image.id, `${elsewhere.host}/tug`)
    const { layers } = await pushTo(elsewhere.host, 'tug')
    expect(layers.filter((status) => status === 'Pushed')).toHaveLength(2)
    await elsewhere.stop()
  })
})

test('all tags of a repository are pushed, and pulled', async () => {
  for (const [tag, tar] of [
    ['one', base],
    ['two', top],
    ['three', base],
  ] as const) {
    await importImage(chunked(tar), {
      store: at.store,
      reference: parseReference(`${server.host}/fleet/box:${tag}`),
      created: '2024-01-01T00:00:00Z',
    })
  }
  expect((await pushTo(server.host, 'fleet/box', true)).pushed).toHaveLength(3)
  const pulled = await pullAll(parseReference(`${server.host}/fleet/box`), {
    store: other.store,
    registry: registryClient(`${server.host}/fleet/box`),
  })
  expect(pulled.map(({ status }) => status)).toEqual(['downloaded', 'downloaded', 'downloaded'])
  expect((await other.store.images()).flatMap(({ tags }) => tags).sort()).toEqual(
    ['one', 'three', 'two'].map((tag) => `${server.host}/fleet/box:${tag}`),
  )
})

test('what is not there, and what the registry refuses, is said in Docker’s words', async () => {
  await expect(pushTo(server.host, 'fleet/none')).rejects.toThrow(`An image does not exist locally with the tag: ${server.host}/fleet/none`)
  await importImage(chunked(base), { store: at.store, reference: parseReference(`${server.host}/fleet/box`) })
  server.misbehave(
    '/blobs/uploads/',
    faults.status(403, {}, { errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }] }),
  )
  await expect(pushTo(server.host, 'fleet/box')).rejects.toThrow(/denied: requested access to the resource is denied/)
  expect(at.strays()).toEqual([])
})

requires('command:docker-registry')('the registry that everybody runs takes it, mounts it, and gives it back', async () => {
  const registry = await DockerRegistry.start()
  try {
    const image = await importImage(chunked(base), { store: at.store, reference: parseReference(`${registry.host}/fleet/box:v1`) })
    const { pushed } = await pushTo(registry.host, 'fleet/box:v1')
    await tagImage(at.store, image.id, `${registry.host}/fleet/other`)
    expect((await pushTo(registry.host, 'fleet/other')).layers).toEqual(['Preparing', 'Mounted from fleet/box'])
    const pulled = await pullFrom(registry, 'fleet/box:v1', other.store)
    expect([pulled.image.id, pulled.digest]).toEqual([image.id, pushed[0]?.digest])
  } finally {
    await registry.stop()
  }
})
