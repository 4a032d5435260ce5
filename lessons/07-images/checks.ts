/** The checks of lesson 7's exercises: what is on the disk, and what the registry answers. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Bottle } from '../../lib/bottle.js'
import { type ImageConfig, type Manifest, MEDIA } from '../../lib/image/types.js'
import { clone3, mkdir, mount } from '../../lib/index.js'
import { hostPidOf } from '../../lib/tutor/host-pid.js'
import type { Setting, Trial } from '../../lib/tutor/lesson.js'
import { contentOf, filesBelow, isWhiteout, layersOption, sameFile, statOf } from '../04-rootfs/looks.js'
import { askQuietly } from './http.js'
import { digestOf, type Image, imageOf, short } from './image.js'
import { proxyTo } from './proxy.js'
import { publish, quietRegistry, storedAt } from './registry.js'
import { type Entry, entries, type NewEntry, pack } from './tar.js'

const SOCKET = { path: '/registry.sock' } as const

/** The layers' directories are on a file system of their own: see the scene. */
async function inMemory(bottle: Bottle, place: string): Promise<void> {
  const shim = await bottle.shim()
  await shim.run([mkdir(place), mount('tmpfs', place, 'tmpfs', [], 'mode=755')])
}

type Words<Name extends string> = Readonly<Record<Name, string>>

export async function checkInside(trial: Trial): Promise<void> {
  const { bottle } = trial
  const { root, path, text, house, file, way } = trial.challenge as Words<'root' | 'path' | 'text' | 'house' | 'file' | 'way'>
  for (const place of [root, `${root}/${house}`, `/${house}`]) mkdirSync(bottle.hostPath(place))
  symlinkSync(`/${house}`, bottle.hostPath(`${root}/${way}`))
  writeFileSync(bottle.hostPath(`/${house}/${file}`), 'mine\n')
  // A program may be at work yet that the steps have begun.
  await (await trial.run()).settle()
  const outside = contentOf(bottle.hostPath(`/${house}/${file}`))
  trial.expect(outside === 'mine\n', `/${house}/${file}, a file outside of ${root}, has been changed`, 1)
  trial.expect(statOf(bottle.hostPath(`${root}/${way}`))?.isSymbolicLink() === true, `the link ${way} in ${root} is not there any more`, 3)
  const inside = contentOf(bottle.hostPath(`${root}/${house}/${file}`))
  const found = inside === undefined ? 'is not there' : `has ${JSON.stringify(inside.slice(0, 40))} in it`
  trial.expect(inside?.trimEnd() === text, `${root}/${house}/${file} (to which ${path} leads, seen from inside) ${found}`, 2)
}

/** `opaque`: the attribute’s name depends on who one is. */
export const layerSetting = async (bottle: Bottle): Promise<Setting> => ({
  given: { opaque: `${bottle.rootless ? 'user' : 'trusted'}.overlay.opaque` },
  close: async () => undefined,
})

export async function checkLayer(trial: Trial): Promise<void> {
  const { bottle } = trial
  const { place, first, second, gone, anew, file, other, text } = trial.challenge as Words<
    'place' | 'first' | 'second' | 'gone' | 'anew' | 'file' | 'other' | 'text'
  >
  await inMemory(bottle, place)
  const at = (...parts: string[]) => bottle.hostPath(parts.join('/'))
  for (const one of [first, second, `${first}/${anew}`, `${place}/merged`]) mkdirSync(at(one))
  writeFileSync(at(first, gone), 'old\n')
  writeFileSync(at(first, anew, 'old'), 'old\n')
  // A program may be at work yet that the steps have begun.
  await (await trial.run()).settle()
  trial.expect(contentOf(at(first, gone)) === 'old\n' && existsSync(at(first, anew, 'old')), 'the first layer has been changed', 1)
  trial.expect(isWhiteout(statOf(at(second, gone))), `${gone} in the second layer is ${kindOf(at(second, gone))}, not the device 0:0`, 2)
  trial.expect(
    statOf(at(second, anew))?.isDirectory() === true,
    `${anew} in the second layer is ${kindOf(at(second, anew))}, not a directory`,
    3,
  )
  const shim = await bottle.shim()
  const options = layersOption(bottle, [second, first])
  await shim.run([
    clone3(['mnt']),
    mount(null, '/', null, ['rec', 'private']),
    mount('overlay', `${place}/merged`, 'overlay', ['rdonly'], options),
  ])
  const merged = `/proc/${hostPidOf(bottle, shim.childPid as number)}/root${place}/merged`
  trial.expect(!readdirSync(merged).includes(gone), `an overlay of the two layers still shows ${gone}`, 2)
  const below = statOf(`${merged}/${anew}`)?.isDirectory() ? readdirSync(`${merged}/${anew}`) : []
  trial.expect(below.length === 0, `in an overlay of the two layers ${anew} has ${below.join(', ')} in it`, 3)
  trial.expect(contentOf(`${merged}/${file}`)?.trimEnd() === text, `${file} in the overlay has not the text that was asked for`, 4)
  trial.expect(sameFile(at(second, file), at(second, other)), `${file} and ${other} in the second layer are not two names of one file`, 4)
}

function kindOf(path: string): string {
  const stat = statOf(path)
  if (!stat) return 'not there'
  return stat.isDirectory()
    ? 'a directory'
    : stat.isFile()
      ? 'an ordinary file'
      : stat.isCharacterDevice()
        ? 'another device'
        : 'something else'
}

/** A registry with two images of random content. In one of them a byte of a layer was changed on the registry’s disk. */
export async function pullSetting(bottle: Bottle, challenge: Trial['challenge']): Promise<Setting> {
  await quietRegistry(bottle, SOCKET.path)
  const images = challenge.images as readonly string[]
  const shim = await bottle.shim()
  for (const name of images) await publish(shim, SOCKET, `${name}:latest`, pullable(name, challenge))
  const damaged = pullable(challenge.damaged as string, challenge).layers[1]?.descriptor.digest as string
  const path = bottle.hostPath(storedAt(damaged))
  const bytes = readFileSync(path)
  // The time in the head of a gzip file: it stays as long, it unzips, to the same archive, and only the sum tells.
  bytes.writeUInt8(bytes.readUInt8(4) ^ 0x55, 4)
  writeFileSync(path, bytes)
  mkdirSync(bottle.hostPath(challenge.place as string))
  const proxy = await proxyTo(bottle.hostPath(SOCKET.path))
  // Which of them it is nobody is told.
  return { given: { registry: proxy.url, damaged: 'one of them' }, close: () => proxy.close() }
}

const lowerOf = (name: string, { kept, gone, text }: Trial['challenge']): NewEntry[] => [
  { path: 'etc', type: 'dir' },
  { path: `etc/${kept}`, type: 'file', mode: 0o640, content: `${text} of ${name}\n` },
  { path: `etc/${gone}`, type: 'file', content: 'old\n' },
  { path: 'bin', type: 'dir' },
  { path: 'bin/tool', type: 'file', mode: 0o755, content: '#!/bin/sh\n' },
]

const upperOf = (name: string, { gone, second }: Trial['challenge']): NewEntry[] => [
  { path: 'etc', type: 'dir' },
  { path: `etc/.wh.${gone}`, type: 'file' },
  { path: `etc/${second}`, type: 'file', mode: 0o600, content: `upper of ${name}\n` },
  { path: `etc/${second}-too`, type: 'link', target: `etc/${second}` },
]

const pullable = (name: string, challenge: Trial['challenge']): Image =>
  imageOf([pack(lowerOf(name, challenge)), pack(upperOf(name, challenge))])

export async function checkPull(trial: Trial): Promise<void> {
  const { bottle, challenge } = trial
  const images = challenge.images as readonly string[]
  const place = challenge.place as string
  await trial.run()
  const damaged = await damagedOf(bottle, images, challenge)
  for (const name of images) {
    const root = bottle.hostPath(`${place}/${name}`)
    if (name === damaged) {
      const left = statOf(root)?.isDirectory() ? filesBelow(root).filter(({ stat }) => !stat.isDirectory()) : []
      trial.expect(
        left.length === 0,
        `of ${name}, one of whose layers has not the sum that it was asked for by, there is ${left.map(({ path }) => path).join(', ')}`,
        2,
      )
      continue
    }
    const at = (path: string) => `${root}/${path}`
    const { kept, gone, second, text } = challenge as Words<'kept' | 'gone' | 'second' | 'text'>
    trial.expect(
      contentOf(at(`etc/${kept}`)) === `${text} of ${name}\n`,
      `${place}/${name}/etc/${kept} ${contentOf(at(`etc/${kept}`)) === undefined ? 'is not there' : 'has not its content'}`,
      1,
    )
    trial.expect(
      contentOf(at(`etc/${second}`)) === `upper of ${name}\n`,
      `${place}/${name}/etc/${second}, of the second layer, ${contentOf(at(`etc/${second}`)) === undefined ? 'is not there' : 'has not its content'}`,
      3,
    )
    // Of what is not there that is said above, and nothing else.
    trial.expect(
      statOf(at(`etc/${second}`)) === undefined || sameFile(at(`etc/${second}`), at(`etc/${second}-too`)),
      `etc/${second} and etc/${second}-too in ${name} are not two names of one file`,
      5,
    )
    trial.expect(statOf(at(`etc/${gone}`)) === undefined, `etc/${gone} is there in ${name}, and the second layer says that it is gone`, 4)
    const marks = statOf(root)?.isDirectory() ? filesBelow(root).filter(({ path }) => path.includes('.wh.')) : []
    trial.expect(marks.length === 0, `${name} has a file ${marks[0]?.path}: that is a mark, and no file`, 4)
    const mode = (statOf(at(`etc/${kept}`))?.mode ?? 0o640) & 0o777
    trial.expect(mode === 0o640, `etc/${kept} in ${name} has the mode ${mode.toString(8)}, and the archive says 640`, 6)
  }
}

/** By the sums of what the registry has on its disk. */
async function damagedOf(bottle: Bottle, images: readonly string[], challenge: Trial['challenge']): Promise<string | undefined> {
  const shim = await bottle.shim()
  for (const name of images) {
    for (const { descriptor } of pullable(name, challenge).layers) {
      const { body } = await askQuietly(shim, SOCKET, { path: `/v2/${name}/blobs/${descriptor.digest}` })
      if (digestOf(body) !== descriptor.digest) return name
    }
  }
  return undefined
}

export async function pushSetting(bottle: Bottle): Promise<Setting> {
  await quietRegistry(bottle, SOCKET.path)
  const proxy = await proxyTo(bottle.hostPath(SOCKET.path))
  return { given: { registry: proxy.url }, close: () => proxy.close() }
}

export async function checkPush(trial: Trial): Promise<void> {
  const { repository, tag, path, text, command } = trial.challenge as Words<'repository' | 'tag' | 'path' | 'text' | 'command'>
  await trial.run()
  const shim = await trial.bottle.shim()
  const get = (what: string) =>
    askQuietly(shim, SOCKET, { path: `/v2/${repository}/${what}`, headers: { Accept: `${MEDIA.manifest}, ${MEDIA.dockerManifest}` } })
  const answer = await get(`manifests/${tag}`)
  trial.expect(answer.status === 200, `the registry has no ${repository}:${tag}: it answers ${answer.status}`, 1)
  if (answer.status !== 200) return
  const manifest = JSON.parse(answer.body.toString()) as Manifest
  const config = JSON.parse((await get(`blobs/${manifest.config.digest}`)).body.toString()) as ImageConfig
  trial.expect(
    config.config?.Cmd?.join(' ') === command,
    `its config says Cmd ${JSON.stringify(config.config?.Cmd ?? null)}, not ["${command}"]`,
    4,
  )
  const found: Entry[] = []
  const ids: string[] = []
  for (const { digest } of manifest.layers) {
    const archive = unzipped((await get(`blobs/${digest}`)).body)
    ids.push(archive === undefined ? 'not zipped' : digestOf(archive))
    found.push(...(archive === undefined ? [] : entriesOf(archive)))
  }
  const file = found.find((one) => one.path === path)
  trial.expect(file !== undefined, `there is no ${path} in its layers; there is ${found.map((one) => one.path).join(', ') || 'nothing'}`, 3)
  if (file) trial.expect(file.content.toString().trimEnd() === text, `${path} in it has not the text that was asked for`, 3)
  const said = config.rootfs?.diff_ids ?? []
  trial.expect(
    said.join() === ids.join(),
    `its diff_ids are ${said.map(short).join(', ') || 'missing'}, and the sums of its layers, unzipped, are ${ids.map(short).join(', ')}`,
    5,
  )
}

function unzipped(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes)
  } catch {
    return undefined
  }
}

function entriesOf(archive: Buffer): Entry[] {
  try {
    return entries(archive)
  } catch {
    return []
  }
}
