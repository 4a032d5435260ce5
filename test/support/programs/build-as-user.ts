/** A build by an ordinary user's engine, as JSON: what it said, and what is in its image. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Engine } from '../../../lib/engine/index.js'
import { importImage } from '../../../lib/image/import.js'
import { packTree } from '../../../lib/image/pack/index.js'
import { parseReference } from '../../../lib/image/reference.js'
import { Store } from '../../../lib/image/store/index.js'
import { removeTrees } from '../../../lib/image/store/tree.js'
import { busyboxRoot } from '../full.js'
import { chunked, layerTar } from '../images.js'

const root = mkdtempSync(join(tmpdir(), 'drydock-engine-'))
const box = busyboxRoot()
await importImage(packTree([box.path]), { store: new Store(root), reference: parseReference('box') })
box.remove()
const engine = await Engine.open({ dataRoot: root })

const lines = [
  'FROM box AS first',
  'RUN echo made > /made && chmod 751 /made',
  'FROM box',
  'COPY --from=first /made /copied/',
  'COPY . /all/',
  'WORKDIR /deep/er',
  'RUN cat /copied/made /all/note && readlink /all/out && stat -c "%a %u:%g" /copied/made /all/note /deep/er && pwd',
]
const archive = layerTar({ Dockerfile: lines.join('\n'), note: 'noted\n', 'out -> /etc/hostname': '' })
let said = ''
const say = (text: string) => {
  said += text
  return undefined
}
const request = { tags: ['mine'], buildArgs: {}, labels: {}, cacheFrom: [], noCache: false, pull: false, remove: true, forceRemove: true }
const build = () =>
  engine.builds.build({ ...request, hostConfig: { NetworkMode: 'none' } }, chunked(archive), {
    say,
    complain: say,
    onProgress: () => undefined,
    tell: () => undefined,
    signal: new AbortController().signal,
  })
const image = await build()
const first = said
said = ''
const again = await build()
const left = readdirSync(join(root, 'overlay')).filter((name) => name.startsWith('.'))
await engine.close()
await removeTrees(['overlay', 'images', 'volumes', 'containers'].map((name) => join(root, name)))
rmSync(root, { recursive: true, force: true })
console.log(JSON.stringify({ said: first, same: again === image, hits: said.match(/Using cache/g)?.length, left }))
