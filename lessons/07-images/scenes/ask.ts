/** The first questions, call by call: is a registry there, what is under this name, and may I. */
import type { Manifest } from '../../../lib/image/types.js'
import { MEDIA } from '../../../lib/image/types.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { ask, askByHand, headOf } from '../http.js'
import { hull, NAME, REPOSITORY } from '../hull.js'
import { brief, short } from '../image.js'
import { expect, openRegistry, PLACE, strictRegistry } from '../registry.js'

/** As a block of code in the words that are shown. */
const block = (text: string, language = '') => `\n\n\`\`\`${language}\n${text.replaceAll('\r', '').trimEnd()}\n\`\`\`\n`

export async function askForIt(stage: Stage): Promise<void> {
  const request = { path: `/v2/${REPOSITORY}/manifests/latest`, headers: { Accept: MEDIA.manifest } }
  const image = hull()
  const registry = await openRegistry(stage, { [NAME]: image })
  const box = await stage.box('client')
  await stage.say(
    'First of all: is anybody there, and does he speak the protocol? The path for that is `/v2/`. This is what will be sent:' +
      block(headOf({ path: '/v2/' }, PLACE)),
  )
  expect(await askByHand(box, PLACE, { path: '/v2/' }), 200)
  await stage.say(
    `Two braces, and a header with the version. Now the question that every pull begins with: what is \`${REPOSITORY}\` with the tag \`latest\`? The header \`Accept\` says which kinds of documents one can read.${block(headOf(request, PLACE))}`,
  )
  const bytes = [...image.layers, image.config].reduce((sum, { descriptor }) => sum + descriptor.size, 0)
  const [disk, archive, list] = ['an image of a disk', 'an archive with all files', 'a short text that names other things'] as const
  await stage.predict({
    question: 'What comes back?',
    choices: [disk, archive, list],
    async measure() {
      const answer = expect(await askByHand(box, PLACE, request), 200)
      const manifest = JSON.parse(answer.body.toString()) as Manifest
      await stage.say(`The body, with line breaks put in, and digests cut:${block(brief(JSON.stringify(manifest, null, 2)), 'json')}`)
      await stage.look('What it names', () => [
        { label: 'kind', value: manifest.mediaType ?? '' },
        { label: 'config', value: `${short(manifest.config.digest)}, ${manifest.config.size} bytes` },
        ...manifest.layers.map(({ digest, size }, index) => ({ label: `layer ${index + 1}`, value: `${short(digest)}, ${size} bytes` })),
        { label: 'Docker-Content-Digest', value: short(answer.headers['docker-content-digest'] ?? ''), notice: true },
      ])
      return answer.body.length < 4096 && manifest.layers.length > 0 ? list : answer.body.includes('ustar') ? archive : disk
    },
    because: `It is JSON, and it has none of the image’s files in it: a list of three blobs, ${bytes} bytes together, each with its kind, its size and its _digest_. What they are is the next scene’s.`,
  })
  await stage.say('Where is the database in which a registry looks such things up? There is none. Its disk is:')
  await stage.look('Files of the registry', () => [
    { label: 'the tag', value: `…/repositories/${REPOSITORY}/_manifests/tags/latest/current/link` },
    { label: 'every blob', value: '…/blobs/sha256/1a/1a2b3c…/data' },
  ])
  await stage.shell(registry, [
    { command: 'find /registry -type f', why: 'all that a registry is' },
    { command: 'cat $(find /registry -name link | grep latest/current)', why: 'a tag: 71 characters' },
    { command: 'cat /registry.log | tail -3', why: 'what it was asked' },
  ])
}

/** The same, where one must show something at the door. */
export async function token(stage: Stage): Promise<void> {
  await strictRegistry(stage, { [NAME]: hull() })
  const box = await stage.box('client')
  const path = `/v2/${REPOSITORY}/manifests/latest`
  await stage.say(
    'Another registry, which lets nobody in without a token. One asks all the same, as every client does, since only so one learns what it wants:',
  )
  const refused = expect(await askByHand(box, PLACE, { path }), 401)
  const wanted = refused.headers['www-authenticate'] ?? ''
  const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(wanted)?.[1] ?? ''
  await stage.look('The header Www-Authenticate', () => [
    { label: 'realm', value: `${field('realm')}: who gives out tokens` },
    { label: 'service', value: `${field('service')}: for whom it shall be` },
    { label: 'scope', value: `${field('scope')}: what for`, notice: true },
  ])
  await stage.say(
    'A client goes to that address now, with service and scope in the query, and with the password of `docker login` if there is one. What it gets is a long word, signed, that is good for some minutes and for this scope: ' +
      'a _bearer token_. Whoever bears it gets in. So it must go to this registry and to no other, not even to one to which this registry sends the client on.',
  )
  const answer = await ask(
    box,
    PLACE,
    { path, headers: { Authorization: 'Bearer of-this-lesson', Accept: MEDIA.manifest } },
    'The same question, with a token',
  )
  await stage.look('And now', () => [
    { label: 'status', value: String(answer.status), notice: true },
    { label: 'it says that it is', value: short(answer.headers['docker-content-digest'] ?? '') },
  ])
  await stage.say(
    '(This registry believes every token: it is set up with `auth: silly`, which docker-registry has for trying out. A serious one checks the signature.)',
  )
}
