/** A second image that stands on the first one’s layer; what the registry is asked for tells what is fetched. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import type { Manifest } from '../../../lib/image/types.js'
import { MEDIA } from '../../../lib/image/types.js'
import type { Box, LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { until } from '../../01-namespaces/looks.js'
import { ask } from '../http.js'
import { LOWER } from '../hull.js'
import { digestOf, imageOf, short } from '../image.js'
import { askedFor, expect, openRegistry, PLACE } from '../registry.js'
import { pack } from '../tar.js'

/** Where this client keeps what it has fetched: a file a blob, and its name is its digest. */
const BLOBS = '/blobs'

export async function alreadyThere(stage: Stage): Promise<void> {
  const base = pack(LOWER)
  const flag = (colour: string) => imageOf([base, pack([{ path: 'flag', type: 'file', content: `${colour}\n` }])])
  await openRegistry(stage, { 'harbour/red:latest': flag('red'), 'harbour/blue:latest': flag('blue') })
  mkdirSync(stage.bottle.hostPath(BLOBS))
  const box = await stage.box('client')
  await stage.say(
    `This client keeps every blob that it has fetched as a file in \`${BLOBS}\`, named by its digest. Before it asks for one it looks whether that file is there.`,
  )
  const red = await pull(stage, box, 'harbour/red')
  await stage.look('docker pull harbour/red', () => red.rows)
  const [all, one, two] = ['3: the config and both layers', '1: the layer that is new', '2: the config and the layer that is new'] as const
  const blue = { rows: [] as LookRow[], lines: [] as string[] }
  await stage.predict({
    question: 'Now `harbour/blue`, which was built on the same files as `red`. How many blobs does the registry get asked for?',
    choices: [all, one, two],
    async measure() {
      const { rows, asked } = await pull(stage, box, 'harbour/blue')
      // The registry writes its log when it has answered.
      const lines = () => askedFor(stage.bottle).filter((line) => line.startsWith('GET /v2/harbour/blue/'))
      await until('the last line of the registry’s log', () => lines().length >= asked)
      Object.assign(blue, { rows, lines: lines() })
      const blobs = blue.lines.filter((line) => line.includes('/blobs/'))
      return blobs.length === 3 ? all : blobs.length === 1 ? one : two
    },
    because:
      'The same files give the same archive, the same bytes the same sum, and the same sum is the same name. Nobody had to tell the two images of each other. The config is new, since it lists other layers.',
  })
  await stage.look('docker pull harbour/blue', () => blue.rows)
  await stage.look('What the registry was asked in that time', () =>
    blue.lines.map((line) => ({
      label: line.split(' ')[0] ?? '',
      value: line
        .split(' ')
        .slice(1)
        .join(' ')
        .replace(/[0-9a-f]{52}(?= )/, '…'),
    })),
  )
  await stage.say(
    'So the words `Already exists` are no cache that may be stale. They say: a file with these bytes is here. And it is why ten images of one base take the room of the base once, on the disk and on the wire.',
  )
  await stage.exercise('pull')
}

interface Pulled {
  readonly rows: LookRow[]
  /** Requests that were made. */
  readonly asked: number
}

/** Manifest, then each blob that is not there, verified before it gets its name. */
async function pull(stage: Stage, box: Box, repository: string): Promise<Pulled> {
  const title = `the manifest of ${repository}`
  const path = `/v2/${repository}/manifests/latest`
  const manifest = JSON.parse(
    expect(await ask(box, PLACE, { path, headers: { Accept: MEDIA.manifest } }, title), 200).body.toString(),
  ) as Manifest
  const rows: LookRow[] = []
  let asked = 1
  for (const { digest } of [...manifest.layers, manifest.config]) {
    const place = stage.bottle.hostPath(`${BLOBS}/${digest.slice('sha256:'.length)}`)
    const layer = digest !== manifest.config.digest
    if (existsSync(place)) {
      rows.push({ label: short(digest), value: 'Already exists', notice: true })
      continue
    }
    asked++
    const { body } = expect(await ask(box, PLACE, { path: `/v2/${repository}/blobs/${digest}` }, `the blob ${short(digest)}`), 200)
    if (digestOf(body) !== digest) throw new Error(`the registry has sent something else than ${digest}`)
    writeFileSync(`${place}.part`, body)
    renameSync(`${place}.part`, place)
    if (layer) rows.push({ label: short(digest), value: 'Pull complete' })
  }
  return { rows, asked }
}
