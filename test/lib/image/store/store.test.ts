import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseReference } from '../../../../lib/image/reference.js'
import { type RemoveOptions, removeImage } from '../../../../lib/image/remove.js'
import { chainIds, recordOf, Store, sha256 } from '../../../../lib/image/store/index.js'
import { tagImage } from '../../../../lib/image/tag.js'
import { type Digest, MEDIA } from '../../../../lib/image/types.js'
import { deadOwner } from '../../../support/dead-owner.js'

let root = ''
let store: Store
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-store-'))
  store = new Store(root)
  store.prepare()
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** An image of these layers, as if it had been unpacked; each layer is a word. */
function image(words: readonly string[], name?: string, parent?: Digest): Digest {
  const blobs = words.map((word) => ({ mediaType: MEDIA.layer, digest: store.blobs.add(Buffer.from(word)), size: word.length }))
  const diffIds = blobs.map(({ digest }) => digest)
  chainIds(diffIds).forEach((chain, index, all) => {
    mkdirSync(store.layers.directory(chain), { recursive: true })
    const parent = all[index - 1]
    const record = { version: 1, diffId: diffIds[index], ...(parent && { parent }), size: 100, entries: 1 }
    writeFileSync(join(store.layers.directory(chain), '../layer.json'), JSON.stringify(record))
  })
  const created = `2024-01-0${words.length}T00:00:00Z`
  const config = { architecture: 'amd64', os: 'linux', created, rootfs: { type: 'layers', diff_ids: diffIds }, name: words.join() }
  const id = store.blobs.add(Buffer.from(JSON.stringify(config)))
  store.records.put(recordOf(store, id, blobs, diffIds, { ...(parent && { parent }) }))
  if (name !== undefined) store.tags.set(parseReference(name), id)
  return id
}

function container(id: string, image: { id: Digest; layers: readonly string[] }): void {
  mkdirSync(join(root, 'containers', id), { recursive: true })
  const spec = { id, name: `box-${id.slice(0, 3)}`, image: { name: 'box', ...image }, ephemeral: false }
  writeFileSync(join(root, 'containers', id, 'config.json'), JSON.stringify({ version: 1, created: '', spec }))
}

const ID = 'c0ffee'.padEnd(64, '0')
const none: RemoveOptions = { running: () => false }
const layersLeft = () => store.layers.list().length

describe('an image is found', () => {
  it('by name, by name and digest, by id and its beginning, in Docker’s words when it is not', async () => {
    const id = image(['a'], 'box:latest')
    image(['b'], 'box:other')
    store.tags.set(parseReference(`box@${id}`), id)
    for (const word of [
      'box',
      'box:latest',
      'docker.io/library/box',
      `box@${id}`,
      `box:nothing@${id}`,
      id,
      id.slice(7),
      id.slice(7, 19),
      id.slice(0, 20),
    ]) {
      expect((await store.find(word)).id, word).toBe(id)
    }
    await expect(store.find('nosuch')).rejects.toThrow('No such image: nosuch:latest')
    await expect(store.find(`sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({ status: 404 })
    expect((await store.find('box')).digests).toEqual([`box@${id}`])
  })

  it('all of them are listed, the newest first, layers top first', async () => {
    image(['a'], 'one')
    image(['a', 'b'], 'two')
    const images = await store.images()
    expect(images.map(({ tags }) => tags)).toEqual([['two:latest'], ['one:latest']])
    expect(images[0]?.layers[1]).toBe(images[1]?.layers[0])
    expect(images[0]?.size).toBe(200)
  })

  it('names too long for a file are names too', async () => {
    const name = `registry.example:5000/${'a/'.repeat(100)}b:${'t'.repeat(128)}`
    const id = image(['a'])
    await tagImage(store, id, name)
    expect((await store.find(name)).tags).toEqual([name])
  })
})

describe('what is written', () => {
  it('only its owner reads', async () => {
    image(['a'], 'box')
    for (const path of ['blobs/sha256', 'blobs/incoming', 'images/records', 'images/tags', 'images/leases']) {
      expect(statSync(join(root, path)).mode & 0o777, path).toBe(0o700)
    }
    const [blob = ''] = readdirSync(join(root, 'blobs/sha256'))
    expect(statSync(join(root, 'blobs/sha256', blob)).mode & 0o777).toBe(0o600)
    expect(statSync(join(root, 'overlay')).mode & 0o777).toBe(0o710)
  })
})

describe('garbage', () => {
  it('is what no image has; what a living program leased is not, and what a dead one did is', async () => {
    image(['a', 'b'], 'box')
    const [a, b, c] = ['a', 'b', 'c'].map((word) => sha256(Buffer.from(word)))
    store.blobs.add(Buffer.from('c'))
    const lease = store.lease()
    await lease.add([c as Digest])
    expect(await store.collect()).toEqual({ blobs: [], layers: [], bytes: 0 })
    lease.release()
    writeFileSync(join(root, 'images/leases', deadOwner()), c as string)
    expect((await store.collect()).blobs).toEqual([c])
    expect([a, b].every((digest) => store.blobs.has(digest as Digest))).toBe(true)
    expect(readdirSync(join(root, 'images/leases'))).toEqual([])
  })

  it('what programs began that are gone goes, and layers with it that are on top first', async () => {
    image(['a', 'b', 'c'])
    for (const id of store.records.ids()) store.records.remove(id)
    mkdirSync(join(root, `overlay/.unpacking-${deadOwner()}/diff/deep`), { recursive: true })
    writeFileSync(join(root, 'blobs/incoming', 'ab'.repeat(32)), 'half')
    const { layers, blobs } = await store.collect()
    expect(layers).toEqual(chainIds(['a', 'b', 'c'].map((word) => sha256(Buffer.from(word)))).reverse())
    expect(blobs).toHaveLength(4)
    expect(['overlay', 'blobs/sha256', 'blobs/incoming', 'images/claims'].flatMap((path) => readdirSync(join(root, path)))).toEqual([])
  })

  it('an image that is held for a container keeps its layers until the container has them', async () => {
    const id = image(['a', 'b'], 'box')
    const { image: held, lease } = await store.hold('box')
    await removeImage(store, 'box', none)
    await store.collect()
    expect([held.id, layersLeft()]).toEqual([id, 2])
    container(ID, held)
    lease.release()
    await store.collect()
    expect(layersLeft()).toBe(2)
    await expect(store.hold('box')).rejects.toThrow('No such image: box:latest')
    expect(readdirSync(join(root, 'images/leases'))).toEqual([])
  })

  it('a container keeps its layers when its image is gone', async () => {
    const id = image(['a', 'b'], 'box')
    const { layers } = await store.find(id)
    container(ID, { id, layers })
    await removeImage(store, 'box', { ...none, force: true })
    expect(layersLeft()).toBe(2)
    await store.collect()
    expect(layersLeft()).toBe(2)
    rmSync(join(root, 'containers', ID), { recursive: true })
    await store.collect()
    expect(layersLeft()).toBe(0)
  })
})

describe('rmi', () => {
  it('takes a name away, and the image with the last one: untagged, deleted, layers from the top', async () => {
    const id = image(['a', 'b'], 'box')
    await tagImage(store, 'box', 'ship:v1')
    store.tags.set(parseReference(`box@${id}`), id)
    expect(await removeImage(store, 'box', none)).toEqual([{ Untagged: 'box:latest' }, { Untagged: `box@${id}` }])
    const chain = chainIds(['a', 'b'].map((word) => sha256(Buffer.from(word))))
    expect(await removeImage(store, 'ship:v1', none)).toEqual([
      { Untagged: 'ship:v1' },
      { Deleted: id },
      { Deleted: chain[1] },
      { Deleted: chain[0] },
    ])
    expect(store.blobs.list()).toEqual([])
  })

  it('leaves layers that others have', async () => {
    image(['a', 'b'], 'two')
    const one = image(['a'], 'one')
    expect(await removeImage(store, 'one', none)).toEqual([{ Untagged: 'one:latest' }, { Deleted: one }])
    expect(layersLeft()).toBe(2)
  })

  it('by id wants one repository, or force', async () => {
    const id = image(['a'], 'box')
    await tagImage(store, 'box', 'ship')
    await expect(removeImage(store, id.slice(7, 19), none)).rejects.toMatchObject({
      status: 409,
      message: `conflict: unable to delete ${id.slice(7, 19)} (must be forced) - image is referenced in multiple repositories`,
    })
    const removed = await removeImage(store, id.slice(7, 19), { ...none, force: true })
    expect(removed.map((one) => Object.keys(one)[0])).toEqual(['Untagged', 'Untagged', 'Deleted', 'Deleted'])
  })

  it('a container that uses it is in the way, in Docker’s words', async () => {
    const id = image(['a'], 'box')
    container(ID, { id, layers: (await store.find(id)).layers })
    const short = id.slice(7, 19)
    await expect(removeImage(store, 'box', none)).rejects.toThrow(
      `conflict: unable to remove repository reference "box" (must force) - container ${ID.slice(0, 12)} is using its referenced image ${short}`,
    )
    await expect(removeImage(store, id, none)).rejects.toThrow(
      `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${ID.slice(0, 12)}`,
    )
    await expect(removeImage(store, id, { force: true, running: () => true })).rejects.toThrow(
      `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${ID.slice(0, 12)}`,
    )
    expect(await removeImage(store, 'box', { ...none, force: true })).toEqual([{ Untagged: 'box:latest' }, { Deleted: id }])
  })

  it('an image from which another was committed stays; nameless, it goes with it', async () => {
    const base = image(['a'], 'base')
    const id = image(['a', 'b'], 'child', base)
    expect(await removeImage(store, 'base', none)).toEqual([{ Untagged: 'base:latest' }])
    await expect(removeImage(store, base, none)).rejects.toThrow('(cannot be forced) - image has dependent child images')
    const removed = await removeImage(store, 'child', none)
    expect(removed.slice(0, 3)).toEqual([{ Untagged: 'child:latest' }, { Deleted: id }, { Deleted: base }])
    expect(layersLeft()).toBe(0)
  })

  it('what is not there is said so', async () => {
    await expect(removeImage(store, 'nosuch', none)).rejects.toThrow('No such image: nosuch:latest')
  })
})
