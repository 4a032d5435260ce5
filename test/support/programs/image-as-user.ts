/** An image's life as whoever runs this, in a data root of one's own: `image-as-user DATA-ROOT NAME`. Prints what there was on the way. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { loadImages } from '../../../lib/image/load.js'
import { pull } from '../../../lib/image/pull.js'
import { parseReference } from '../../../lib/image/reference.js'
import { removeImage } from '../../../lib/image/remove.js'
import { saveImages } from '../../../lib/image/save.js'
import { Store } from '../../../lib/image/store/index.js'
import { PATIENT } from '../images.js'
import { registryClient } from '../registry-client.js'

const [root = '', name = ''] = process.argv.slice(2)
const store = new Store(root)
const { image } = await pull(parseReference(name), { store, registry: registryClient(name, { timeouts: PATIENT }) })
const owners = ['etc', 'etc/secret', 'home'].map((path) => {
  const { uid, mode } = statSync(join(image.layers[0] as string, path))
  return [uid, (mode & 0o7777).toString(8)]
})
const other = new Store(join(root, 'other'))
const [loaded] = await loadImages(await saveImages(store, [image.id]), { store: other })
const removed = await removeImage(other, image.id, { running: () => false })
await removeImage(store, name, { running: () => false })
const left = ['overlay', 'blobs/sha256', 'blobs/incoming', 'images/records'].flatMap((path) => readdirSync(join(root, path)))
process.stdout.write(JSON.stringify({ uid: process.geteuid?.(), owners, same: loaded?.id === image.id, removed: removed.length, left }))
