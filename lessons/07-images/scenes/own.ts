/** An image from a directory: pack, add up, push; what a registry refuses; and a tag that moves. */

import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { MEDIA } from '../../../lib/image/types.js'
import { host } from '../../../lib/index.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { newName } from '../../01-namespaces/looks.js'
import { directories, file, filesBelow } from '../../04-rootfs/looks.js'
import { type Answer, ask } from '../http.js'
import { hull, NAME, REPOSITORY } from '../hull.js'
import { architecture, type Blob, blob, digestOf, json, short } from '../image.js'
import { expect, openRegistry, PLACE, publish, uploadPath } from '../registry.js'
import { type NewEntry, pack } from '../tar.js'

const MINE = 'mine/first'
const DIRECTORY = '/ship'

export async function own(stage: Stage): Promise<void> {
  const { bottle } = stage
  await openRegistry(stage)
  const box = await stage.box('builder')
  const note = newName('note')
  await box.together(
    `A directory ${DIRECTORY} with what shall be in the image`,
    host([...directories(DIRECTORY, `${DIRECTORY}/etc`), ...file(`${DIRECTORY}/etc/motd`, `${note}\n`)]),
  )
  const archive = pack(
    filesBelow(bottle.hostPath(DIRECTORY)).map(({ path, stat }): NewEntry => {
      if (stat.isDirectory()) return { path, type: 'dir', mode: stat.mode & 0o7777 }
      return { path, type: 'file', mode: stat.mode & 0o7777, content: readFileSync(bottle.hostPath(`${DIRECTORY}/${path}`)) }
    }),
  )
  const layer = blob(gzipSync(archive), MEDIA.layerGzip)
  const config = json(
    { architecture, os: 'linux', config: { Cmd: ['/bin/sh'] }, rootfs: { type: 'layers', diff_ids: [digestOf(archive)] } },
    MEDIA.config,
  )
  const manifest = json(
    { schemaVersion: 2, mediaType: MEDIA.manifest, config: config.descriptor, layers: [layer.descriptor] },
    MEDIA.manifest,
  )
  await stage.look('All that makes it an image', () => [
    { label: 'layer', value: `the directory as an archive, zipped: ${layer.bytes.length} bytes, ${short(layer.descriptor.digest)}` },
    { label: 'config', value: `${config.bytes.length} bytes of JSON, ${short(config.descriptor.digest)}` },
    { label: 'manifest', value: `${manifest.bytes.length} bytes of JSON, ${short(manifest.descriptor.digest)}` },
  ])
  await stage.say(
    'No time is in them, and no name of a machine; so whoever packs the same files again gets the same digests. Now to the registry. The manifest first, for it is what counts?',
  )
  const unknown = await put(box, manifest, 'latest')
  await stage.look('The registry', () => [{ label: String(unknown.status), value: codeOf(unknown), notice: true }])
  await stage.say(
    'It takes no manifest whose blobs it does not have: what it lists must be complete. So from the bottom up. An upload is opened with POST, and the answer says where to.',
  )
  const [takes, refuses] = ['it takes them, under the digest that I said', 'it refuses them'] as const
  const wrong = digestOf(Buffer.from(note))
  await stage.predict({
    question: 'One sends the layer, and says a wrong digest with it. What does the registry do?',
    choices: [takes, refuses],
    async measure() {
      const answer = await upload(box, layer, wrong)
      await stage.look('The registry', () => [{ label: String(answer.status), value: codeOf(answer) || 'created', notice: true }])
      return answer.status === 201 ? takes : refuses
    },
    because:
      'When something comes in, it does add up. Only so can the name of a blob be its sum; and what is there already under that name nobody can replace by something else.',
  })
  for (const one of [layer, config]) expect(await upload(box, one, one.descriptor.digest), 201)
  const accepted = expect(await put(box, manifest, 'latest'), 201)
  const answer = expect(await ask(box, PLACE, { path: `/v2/${MINE}/manifests/latest`, headers: { Accept: MEDIA.manifest } }), 200)
  await stage.look('And back', () => [
    { label: 'it was taken as', value: short(accepted.headers['docker-content-digest'] ?? '') },
    { label: 'and comes as', value: short(digestOf(answer.body)), notice: true },
  ])
  await stage.exercise('push')
}

/** Two requests: where to, and the bytes with the digest that they are said to have. */
async function upload(box: Box, { bytes, descriptor }: Blob, digest: string): Promise<Answer> {
  const kind = descriptor.mediaType === MEDIA.config ? 'config' : 'layer'
  const opened = expect(
    await ask(box, PLACE, { method: 'POST', path: `/v2/${MINE}/blobs/uploads/` }, `POST …/blobs/uploads/: where to with the ${kind}?`),
    202,
  )
  const request = {
    method: 'PUT',
    path: `${uploadPath(opened)}&digest=${digest}`,
    headers: { 'Content-Type': 'application/octet-stream' },
    body: bytes,
  } as const
  return ask(box, PLACE, request, `PUT …?digest=${short(digest)}`)
}

const put = (box: Box, { bytes, descriptor }: Blob, tag: string): Promise<Answer> =>
  ask(
    box,
    PLACE,
    { method: 'PUT', path: `/v2/${MINE}/manifests/${tag}`, headers: { 'Content-Type': descriptor.mediaType }, body: bytes },
    `PUT …/manifests/${tag}`,
  )

const codeOf = (answer: Answer): string => /"code":"(\w+)"/.exec(answer.body.toString())?.[1] ?? ''

export async function tags(stage: Stage): Promise<void> {
  await openRegistry(stage, { [NAME]: hull('monday') })
  const box = await stage.box('client')
  const digest = async (reference: string, title: string) =>
    (await ask(box, PLACE, { path: `/v2/${REPOSITORY}/manifests/${reference}`, headers: { Accept: MEDIA.manifest } }, title)).headers[
      'docker-content-digest'
    ] ?? 'none'
  const monday = await digest('latest', 'Monday: what is latest?')
  await stage.say('In the night somebody builds the image again, with one line changed, and pushes it under the same tag.')
  await publish(await stage.bottle.shim(), PLACE, NAME, hull('tuesday'))
  const [refused, same, moved] = ['the push was refused: the tag was taken', 'the same as on Monday', 'another image'] as const
  let tuesday = ''
  await stage.predict({
    question: 'Tuesday. The same question, the same words: `latest`. What does one get?',
    choices: [refused, same, moved],
    async measure() {
      tuesday = await digest('latest', 'Tuesday: what is latest?')
      return tuesday === monday ? same : tuesday === 'none' ? refused : moved
    },
    because:
      'A tag is a file with a digest in it, and has been written again. It says no more than what somebody has meant last, with `latest` and with `1.2.3` alike.',
  })
  const old = await digest(monday, 'And what was latest on Monday, by its digest?')
  await stage.look('The digests', () => [
    { label: 'latest, on Monday', value: short(monday) },
    { label: 'latest, on Tuesday', value: short(tuesday), notice: true },
    { label: 'Monday’s, asked for by digest', value: old === monday ? `${short(old)}, as it was` : old },
  ])
  await stage.say(
    `A digest cannot move. Who wants the same tomorrow as today writes \`${REPOSITORY}@${short(monday)}\`, in full, and gets those bytes or an error.`,
  )
}
