import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { inspectContainers } from '../../../lib/doctor/left-containers.js'
import { inspectImages, removeImageThing } from '../../../lib/doctor/left-images.js'
import { ownerName } from '../../../lib/image/owner.js'
import { Store } from '../../../lib/image/store/index.js'
import { deadOwner } from '../../support/dead-owner.js'

const HEX = 'ab'.repeat(32)
let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-left-'))
  new Store(root).prepare()
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const layer = (name: string) => {
  mkdirSync(join(root, 'overlay', name, 'diff/etc'), { recursive: true })
  writeFileSync(join(root, 'overlay', name, 'diff/etc/motd'), 'hello')
}
const file = (name: string, content = '') => writeFileSync(join(root, name), content)
const found = () => inspectImages(root).map(({ kind, name }) => `${kind} ${name.slice(root.length + 1)}`)

it('what is whole is no leftover: layers, blobs, records, and the layers of images are no containers’', () => {
  layer(HEX)
  file(`overlay/${HEX}/layer.json`, JSON.stringify({ version: 1, diffId: `sha256:${HEX}`, size: 5, entries: 2 }))
  file(`blobs/sha256/${HEX}`)
  file(`images/records/${HEX}.json`)
  file('images/tags/docker.io%2Flibrary%2Fbox%3Alatest')
  expect(found()).toEqual([])
  expect(inspectContainers({ running: new Set(), serving: new Set(), reason: () => undefined }, root)).toEqual([])
})

it('what a living pull has in hand is left, and what a dead one had is found and removed', async () => {
  for (const who of [ownerName(), deadOwner()]) {
    layer(`.unpacking-${who}`)
    layer(`.removing-${who}`)
    mkdirSync(join(root, `images/.loading-${who}`))
    file(`images/leases/${who}`)
    file(`images/claims/names.owner-${who}`)
    file(`images/tags/.new-${who}`)
  }
  file(`blobs/incoming/${HEX}`)
  file(`blobs/incoming/${HEX}.owner-${ownerName()}`)
  file(`blobs/incoming/${'cd'.repeat(32)}`)
  file(`blobs/incoming/${'cd'.repeat(32)}.owner-${deadOwner()}`)
  const all = inspectImages(root)
  expect(
    all
      .map(({ name }) => name)
      .filter((name) => !name.includes('-1-'))
      .map((name) => name.slice(root.length + 1)),
  ).toEqual([`blobs/incoming/${'cd'.repeat(32)}`])
  expect(all.map(({ kind }) => kind).sort()).toEqual(['file', 'file', 'file', 'file', 'layer', 'layer', 'layer', 'lease'])
  for (const one of all) expect(await removeImageThing(one, root)).toBeUndefined()
  expect(found()).toEqual([])
})
