/** From a tag down to the files, with every sum done again; and what it is good for: a byte that somebody changes. */
import { readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { type ImageConfig, type Index, type Manifest, MEDIA } from '../../../lib/image/types.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { ask } from '../http.js'
import { hull, REPOSITORY } from '../hull.js'
import { architecture, brief, digestOf, indexOf, short } from '../image.js'
import { expect, openRegistry, PLACE, publish, putManifest, storedAt } from '../registry.js'

const OTHER = architecture === 'amd64' ? 'arm64' : 'amd64'

export async function sums(stage: Stage): Promise<void> {
  await openRegistry(stage)
  const shim = await stage.bottle.shim()
  const images = [
    { image: hull(), architecture },
    { image: hull('for another kind of machine'), architecture: OTHER },
  ]
  for (const { image, architecture } of images) await publish(shim, PLACE, `${REPOSITORY}:${architecture}`, image)
  await putManifest(shim, PLACE, REPOSITORY, 'latest', indexOf(images))

  const box = await stage.box('client')
  const rows: LookRow[] = []
  const compare = (what: string, bytes: Buffer, wanted: string) => {
    const sum = digestOf(bytes)
    rows.push({ label: what, value: `${bytes.length} bytes, ${short(sum)} ${sum === wanted ? 'as named' : 'NOT as named'}` })
    return bytes
  }
  const get = async (kind: 'manifests' | 'blobs', reference: string, headers = {}) =>
    expect(await ask(box, PLACE, { path: `/v2/${REPOSITORY}/${kind}/${reference}`, headers }, `GET …/${kind}/${brief(reference)}`), 200)

  await stage.say(
    'This image was made for two kinds of machines. So its tag does not name a manifest, but a list of them, an _index_. The client picks the one for itself.',
  )
  const top = await get('manifests', 'latest', { Accept: `${MEDIA.index}, ${MEDIA.manifest}` })
  const index = JSON.parse(compare('index', top.body, top.headers['docker-content-digest'] ?? '').toString()) as Index
  await stage.look('The index', () =>
    index.manifests.map(({ digest, platform }) => ({
      label: `${platform?.os}/${platform?.architecture}`,
      value: short(digest),
      notice: platform?.architecture === architecture,
    })),
  )
  const own = index.manifests.find(({ platform }) => platform?.architecture === architecture)?.digest as string
  await stage.say('From here on one does not ask for names any more, but for digests. The manifest:')
  const manifest = JSON.parse(
    compare('manifest', (await get('manifests', own, { Accept: MEDIA.manifest })).body, own).toString(),
  ) as Manifest
  await stage.say('It names the config, and the layers:')
  const config = JSON.parse(
    compare('config', (await get('blobs', manifest.config.digest)).body, manifest.config.digest).toString(),
  ) as ImageConfig
  const layers: Buffer[] = []
  for (const [number, { digest }] of manifest.layers.entries())
    layers.push(compare(`layer ${number + 1}`, (await get('blobs', digest)).body, digest))
  await stage.look('Its sum, done again with sha256, and the name by which it was asked for', () => rows)
  await stage.look('The config: how a container of it begins, and the layers once more', () => [
    { label: 'Cmd', value: (config.config?.Cmd ?? []).join(' ') },
    { label: 'Env', value: (config.config?.Env ?? []).join(' ') },
    ...config.rootfs.diff_ids.map((id, number) => {
      const unpacked = digestOf(gunzipSync(layers[number] as Buffer))
      return {
        label: `diff_id ${number + 1}`,
        value: `${short(id)} ${unpacked === id ? 'is the sum of the layer, unzipped' : 'is another sum'}`,
        notice: true,
      }
    }),
  ])
  await stage.say(
    'Each of them is named by whoever points at it, and the name is the sum of its bytes. So who has the one digest at the top has, by it, every byte of every file below. The digest of the config is the _image id_ that `docker images` shows.',
  )

  const [notices, refuses, delivers] = [
    'the registry mends it',
    'the registry answers with an error',
    'it comes as it is, with status 200',
  ] as const
  const digest = manifest.layers[0]?.digest as string
  let sum = ''
  await stage.predict({
    question: 'Somebody gets at the registry’s disk, and changes one byte in a layer. Then it is asked for by its digest. What happens?',
    choices: [notices, refuses, delivers],
    async measure() {
      const path = stage.bottle.hostPath(storedAt(digest))
      const bytes = readFileSync(path)
      bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20)
      writeFileSync(path, bytes)
      const answer = await ask(box, PLACE, { path: `/v2/${REPOSITORY}/blobs/${digest}` }, `GET …/blobs/${brief(digest)}, once more`)
      sum = digestOf(answer.body)
      return answer.status !== 200 ? refuses : sum === digest ? notices : delivers
    },
    because:
      'It does not add up all that it sends; it is a server of files. The one who can notice is the one who knows what he asked for. A client that does not do the sum believes everybody on the way: the disk, the cache, the mirror in the classroom.',
  })
  await stage.look('What came', () => [
    { label: 'asked for', value: short(digest) },
    { label: 'its sum', value: short(sum), notice: true },
  ])
}
