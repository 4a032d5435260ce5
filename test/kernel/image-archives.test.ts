/** Images in archives: save and load in all forms there are, hostile archives, import and commit. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createState, readContainer } from '../../lib/container/index.js'
import { commitContainer } from '../../lib/image/commit.js'
import { historyOf } from '../../lib/image/history.js'
import { importImage } from '../../lib/image/import.js'
import { loadImages } from '../../lib/image/load.js'
import type { Progress } from '../../lib/image/progress.js'
import { pruneImages } from '../../lib/image/prune.js'
import { parseReference } from '../../lib/image/reference.js'
import { removeImage } from '../../lib/image/remove.js'
import { saveImages } from '../../lib/image/save.js'
import type { Image, Store } from '../../lib/image/store/index.js'
import { tagImage } from '../../lib/image/tag.js'
import { chunked, gzipped, layerTar, pullFrom, type TestStore, testStore } from '../support/images.js'
import { collect } from '../support/registry-client.js'
import { digestOf, RegistryServer } from '../support/registry-server.js'
import { specOf } from '../support/spec.js'

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
const name = (word: string) => ({ reference: parseReference(word) })
const box = (store: Store, word = 'box', changes: string[] = []) => importImage(chunked(base), { store, ...name(word), changes })
const save = async (...words: string[]) => collect(await saveImages(at.store, words))
const read = (image: Image, layer: number, path: string) => readFileSync(join(image.layers[layer] as string, path), 'utf8')

async function load(archive: Buffer | string, store = other.store): Promise<{ images: Image[]; said: string[] }> {
  const said: Progress[] = []
  const images = await loadImages(typeof archive === 'string' ? archive : chunked(archive), { store, onProgress: (one) => said.push(one) })
  return { images, said: said.filter(({ id }) => id === undefined).map(({ status }) => status) }
}

const nothing = ({ store, strays }: TestStore) =>
  expect([strays(), store.blobs.list(), store.layers.list(), store.records.ids(), store.tags.list()]).toEqual([[], [], [], [], []])

describe('save and load', () => {
  test('give the same image, by every digest, with its names', async () => {
    const served = server.image('fleet/tug', 'latest', gzipped([base, top]))
    const { image } = await pullFrom(server, 'fleet/tug', at.store)
    await tagImage(at.store, image.id, 'tug:v1')
    const archive = await save('tug:v1', `${server.host}/fleet/tug`)
    const { images, said } = await load(archive)
    expect(said).toEqual(['Loaded image: tug:v1', `Loaded image: ${server.host}/fleet/tug:latest`])
    expect(images.map(({ id, record }) => [id, record.manifest?.digest])).toEqual([[served.config.digest, served.descriptor.digest]])
    expect(read(images[0] as Image, 0, 'etc/motd')).toBe('ahoy\n')
    expect(await collect(await saveImages(other.store, ['tug:v1', `${server.host}/fleet/tug`]))).toEqual(archive)
    expect(other.strays()).toEqual([])
  })

  test('several images share what they share, and a name without a tag means all of the repository', async () => {
    const { id } = await box(at.store, 'box:one')
    await tagImage(at.store, id, 'box:two')
    await importImage(chunked(top), { store: at.store, ...name('box:three') })
    const { images, said } = await load(await save('box'))
    expect(said).toEqual(
      ['Loaded image: box:one', 'Loaded image: box:two', 'Loaded image: box:three'].sort((a, b) => said.indexOf(a) - said.indexOf(b)),
    )
    expect(images).toHaveLength(2)
  })

  test('by id there is no name', async () => {
    const { id } = await box(at.store)
    expect((await load(await save(id))).said).toEqual([`Loaded image ID: ${id}`])
  })

  test('a compressed archive, and one in small pieces, are read too', async () => {
    const { id } = await box(at.store)
    expect((await load(gzipSync(await save('box')))).images[0]?.id).toBe(id)
  })

  test('a name that another image had goes to the new one, which is said', async () => {
    const old = await importImage(chunked(top), { store: other.store, ...name('box') })
    await box(at.store)
    expect((await load(await save('box'))).said[0]).toBe(
      `The image box:latest already exists, renaming the old one with ID ${old.id} to empty string`,
    )
    expect((await other.store.find(old.id)).tags).toEqual([])
  })

  test('what is not there is said before the first byte', async () => {
    await expect(save('nosuch')).rejects.toThrow('No such image: nosuch:latest')
    nothing(at)
  })

  /** As docker wrote them until version 24: a directory a layer, the same layer as a link. */
  const oldArchive = () => {
    const config = Buffer.from(
      JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [base, top, base].map(digestOf) } }),
    )
    const manifest = [{ Config: 'c.json', RepoTags: ['old:v1'], Layers: ['a/layer.tar', 'b/layer.tar', 'c/layer.tar'] }]
    return layerTar({
      'c.json': config,
      'a/': '',
      'a/layer.tar': base,
      'b/layer.tar': top,
      'c/layer.tar -> ../a/layer.tar': '',
      'manifest.json': JSON.stringify(manifest),
    })
  }

  test('an archive of docker before 25, with a layer that is a link', async () => {
    const { images, said } = await load(oldArchive())
    expect(said).toEqual(['Loaded image: old:v1'])
    expect(images[0]?.layers).toHaveLength(3)
    expect(read(images[0] as Image, 0, 'etc/os-release')).toBe('ID=tug\n')
  })

  test('a layout in a directory', async () => {
    const { id } = await box(at.store)
    const directory = join(other.root, 'layout')
    mkdirSync(join(directory, 'blobs/sha256'), { recursive: true })
    const { readTar } = await import('../support/tar.js')
    for (const { path, type, content } of readTar(await save('box'))) {
      if (type === 'file' && path.toString() !== 'manifest.json') writeFileSync(join(directory, path.toString()), content)
    }
    const { images, said } = await load(directory)
    expect([images[0]?.id, said]).toEqual([id, ['Loaded image: box:latest']])
  })

  describe('hostile archives are refused, and leave nothing:', () => {
    const manifest = (Layers: string[], Config = 'c.json') => JSON.stringify([{ Config, RepoTags: ['evil:v1'], Layers }])
    const config = (...diffIds: string[]) =>
      JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: diffIds } })
    const cases: readonly (readonly [string, () => Buffer, RegExp])[] = [
      ['nothing at all', () => layerTar({}), /neither manifest.json nor index.json/],
      [
        'a path out of it',
        () => layerTar({ 'c.json': config(digestOf(base)), 'manifest.json': manifest(['../../../../etc/passwd']) }),
        /is not in it/,
      ],
      [
        'a link out of it',
        () => layerTar({ 'c.json': config(digestOf(base)), 'l -> /etc/passwd': '', 'manifest.json': manifest(['l']) }),
        /is not in it/,
      ],
      [
        'links in a circle',
        () => layerTar({ 'c.json': config(digestOf(base)), 'l -> m': '', 'm -> l': '', 'manifest.json': manifest(['l']) }),
        /is not in it/,
      ],
      [
        'another layer than it says',
        () => layerTar({ 'c.json': config(digestOf(top)), l: base, 'manifest.json': manifest(['l']) }),
        /wrong diff id/,
      ],
      [
        'fewer layers',
        () => layerTar({ 'c.json': config(digestOf(base), digestOf(top)), l: base, 'manifest.json': manifest(['l']) }),
        /don't match/,
      ],
      ['a manifest that is no JSON', () => layerTar({ 'manifest.json': '{' }), /no JSON/],
      ['a configuration that is a layer', () => layerTar({ l: base, 'manifest.json': manifest(['l'], 'l') }), /no JSON/],
      ['a half', () => layerTar({ 'c.json': config(digestOf(base)), l: base, 'manifest.json': manifest(['l']) }).subarray(0, 2000), /./],
      [
        'an index that names what is not there',
        () =>
          layerTar({ 'index.json': JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: 'x', digest: digestOf(top), size: 1 }] }) }),
        /no image/,
      ],
    ]
    for (const [what, archive, message] of cases) {
      test(what, async () => {
        await expect(load(archive())).rejects.toThrow(message)
        nothing(other)
      })
    }
  })
})

describe('import', () => {
  test('makes an image of a tar, compressed or not, with changes', async () => {
    const changes = [
      'CMD ["/bin/sh", "-l"]',
      'ENV A=1 B="two words"',
      'EXPOSE 80 53/udp',
      'LABEL harbour=north',
      'USER mate',
      'WORKDIR /srv',
      'WORKDIR log',
    ]
    const image = await importImage(Readable.from([gzipSync(base)]), { store: at.store, ...name('box'), changes, message: 'by hand' })
    expect(image.config.config).toEqual({
      Cmd: ['/bin/sh', '-l'],
      Env: ['A=1', 'B=two words'],
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      Labels: { harbour: 'north' },
      User: 'mate',
      WorkingDir: '/srv/log',
    })
    expect(image.record.layers[0]?.blob.digest).toBe(digestOf(base))
    expect(historyOf(at.store, image)).toMatchObject([{ id: image.id, comment: 'by hand', size: 7, tags: ['box:latest'] }])
  })

  test('of what is no archive leaves nothing', async () => {
    await expect(importImage(chunked(Buffer.alloc(3000, 'x')), { store: at.store })).rejects.toThrow()
    nothing(at)
    await expect(importImage(chunked(base), { store: at.store, changes: ['RUN true'] })).rejects.toThrow(
      'run is not a valid change command',
    )
    nothing(at)
  })
})

describe('commit', () => {
  function container(image: Image, id = 'c0ffee'.padEnd(64, '0')) {
    const spec = {
      ...specOf({ layers: image.layers, argv: ['/bin/sh', '-c', 'make'] }),
      id,
      image: { name: 'box', id: image.id, layers: image.layers },
    }
    mkdirSync(join(at.root, 'names'), { recursive: true })
    return createState(at.root, {
      version: 1,
      created: '2024-01-01T00:00:00Z',
      spec: { ...spec, env: ['A=2'], cwd: '/srv', user: 'mate', ephemeral: false },
    })
  }

  test('makes a layer of what has changed, and a configuration of how it was started', async () => {
    const image = await box(at.store, 'box', ['ENTRYPOINT ["/bin/sh"]', 'LABEL a=b'])
    const { upper } = container(image)
    writeFileSync(join(upper, 'new'), 'file')
    chmodSync(join(upper, 'new'), 0o4755)
    symlinkSync('new', join(upper, 'link'))
    const stored = readContainer(at.root, 'c0ffee'.padEnd(64, '0'))
    const options = { store: at.store, author: 'mate', message: 'made', changes: ['ENV C=3'], created: '2024-02-03T00:00:00Z' }
    const made = await commitContainer(stored as NonNullable<typeof stored>, { ...options, ...name('made:v1') })
    expect(made.config).toMatchObject({
      author: 'mate',
      config: { Entrypoint: ['/bin/sh'], Cmd: ['-c', 'make'], Env: ['A=2', 'C=3'], WorkingDir: '/srv', User: 'mate', Labels: { a: 'b' } },
      history: [{}, { author: 'mate', comment: 'made', created_by: '/bin/sh -c make' }],
    })
    expect([made.tags, made.layers.slice(1), made.record.parent]).toEqual([['made:v1'], image.layers, image.id])
    expect(read(made, 0, 'new')).toBe('file')
    expect(readdirSync(made.layers[0] as string).sort()).toEqual(['link', 'new'])
    // The same changes are the same layer, and here the same image.
    expect((await commitContainer(stored as NonNullable<typeof stored>, options)).id).toBe(made.id)
    await expect(removeImage(at.store, image.id, { running: () => false })).rejects.toThrow('image has dependent child images')
    expect(at.strays()).toEqual([])
  })

  test('of no change adds no layer', async () => {
    const image = await box(at.store)
    container(image)
    const stored = readContainer(at.root, 'c0ffee'.padEnd(64, '0'))
    const made = await commitContainer(stored as NonNullable<typeof stored>, { store: at.store })
    expect(made.layers).toEqual(image.layers)
    expect(made.config.history?.at(-1)).toMatchObject({ empty_layer: true })
  })
})

describe('prune', () => {
  test('takes the nameless; with all, what no container uses; and says what it was worth', async () => {
    const running = () => false
    const old = await box(at.store)
    await importImage(chunked(top), { store: at.store, ...name('box') })
    const { removed, reclaimed } = await pruneImages(at.store, { running })
    expect(removed).toEqual([{ Deleted: old.id }, { Deleted: old.record.layers[0]?.chainId }])
    expect(reclaimed).toBeGreaterThanOrEqual(7)
    expect((await pruneImages(at.store, { running, all: true, filters: ['until=1h'] })).removed).toEqual([])
    expect((await pruneImages(at.store, { running, all: true, filters: ['label=none'] })).removed).toEqual([])
    expect((await pruneImages(at.store, { running, all: true, filters: ['label!=none'] })).removed).toHaveLength(3)
    nothing(at)
  })
})
