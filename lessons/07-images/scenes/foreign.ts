/** A distribution that is not the host's: pulled from the registry, unpacked, and run under the host's kernel. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { type Manifest, MEDIA } from '../../../lib/image/types.js'
import { clone3, execve, host, mkdir, mount, sethostname } from '../../../lib/index.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { PROC_FLAGS } from '../../01-namespaces/looks.js'
import { directories, layersOption, systemSeenBy } from '../../04-rootfs/looks.js'
import { leaveFor } from '../../04-rootfs/world.js'
import { ATLANTIS, atlantis, filledStorage, fromTheRoom, LIFEBOAT } from '../foreign.js'
import { ask, askLarge } from '../http.js'
import { digestOf, short } from '../image.js'
import { expect, openRegistry, PLACE } from '../registry.js'

const STORE = '/store'
const PATH = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin']

/** Programs by which one tells a family of distributions. */
const MANAGERS = ['apt-get', 'dpkg', 'dnf', 'yum', 'rpm', 'apk', 'pacman', 'zypper'] as const

const FROM_FILES = 'This registry has the files of your `npm run registry`.'
const FROM_ROOM = 'What is in this registry the tutor has fetched from the one in the room.'
const ABOUT_LIFEBOAT =
  'The image _lifeboat_ in it was put together from Debian’s packages of busybox and rpm: a small system of the other family, with rpm for its package manager.'
const ABOUT_ATLANTIS =
  'Nobody has run `npm run registry` here yet, so the image is one that the tutor has put together from programs of your machine. With `npm run registry` there would be one with rpm, and another release of Debian.'

export async function foreign(stage: Stage): Promise<void> {
  const { bottle } = stage
  const storage = filledStorage(bottle)
  const room = storage === undefined ? await fromTheRoom() : undefined
  const repository = storage !== undefined || room ? LIFEBOAT : ATLANTIS
  if (storage !== undefined) await openRegistry(stage, {}, storage)
  else await openRegistry(stage, { [`${repository}:latest`]: room ?? atlantis(bottle) })
  await stage.say(repository === LIFEBOAT ? `${storage === undefined ? FROM_ROOM : FROM_FILES} ${ABOUT_LIFEBOAT}` : ABOUT_ATLANTIS)
  const layers = await pull(stage, repository)
  const box = await stage.box('container')
  await box.together(
    'A container in it: namespaces, an overlay with an empty upper layer, proc, and away from the host’s tree',
    [
      host(directories(`${STORE}/upper`, `${STORE}/work`, `${STORE}/merged`)).map((step) => step),
      clone3(['mnt', 'pid', 'uts']),
      mount(null, '/', null, ['rec', 'private']),
      mount('overlay', `${STORE}/merged`, 'overlay', [], layersOption(bottle, layers, { upper: `${STORE}/upper`, work: `${STORE}/work` })),
      mkdir(`${STORE}/merged/proc`, 0o755, { allow: ['EEXIST'] }),
      mount('proc', `${STORE}/merged/proc`, 'proc', PROC_FLAGS),
      sethostname('fef492813149'),
      ...leaveFor(`${STORE}/merged`),
    ].flat(),
  )
  await stage.look('PRETTY_NAME in /etc/os-release', () => [
    { label: 'of the bottle, and so of your machine', value: systemSeenBy(bottle.pid) ?? 'none' },
    { label: 'of the container', value: systemSeenBy(box.hostPid()) ?? 'none', notice: true },
  ])
  const [kernel, system, both] = ['the kernel', 'the system', 'both'] as const
  await stage.predict({
    question:
      'A shell in the container asks for both: `uname -r`, and `. /etc/os-release; echo $PRETTY_NAME`. Which of the two is another one than on your machine?',
    choices: [kernel, system, both],
    async measure() {
      const script = `echo "kernel: $(uname -r)"; . /etc/os-release; echo "system: $PRETTY_NAME"; for m in ${MANAGERS.join(' ')}; do command -v $m >/dev/null && echo "has: $m"; done; ${repository === LIFEBOAT ? 'rpm --version; ' : ''}apt-get update; exec sleep 1000`
      await box.step(
        execve('/bin/sh', ['sh', '-c', script], PATH, {
          why: 'the shell of the image; it also looks for package managers, and tries the one of Debian',
        }),
      )
      await seen(() => box.output().includes('apt-get'))
      const [own, name] = [/^kernel: (.*)$/m.exec(box.output())?.[1], /^system: (.*)$/m.exec(box.output())?.[1]]
      const others = [own !== release(), name !== systemSeenBy(bottle.pid)]
      return others[0] && others[1] ? both : others[0] ? kernel : system
    },
    because: 'An image is files. The kernel is the one that was there before, and serves the shell of this system as it serves yours.',
  })
  await stage.look('Package managers', (): LookRow[] => {
    const inside = [...box.output().matchAll(/^has: (.*)$/gm)].map(([, name]) => name as string)
    const outside = MANAGERS.filter((name) =>
      ['/usr/bin', '/bin', '/usr/sbin', '/sbin'].some((place) => existsSync(bottle.hostPath(`${place}/${name}`))),
    )
    return [
      { label: 'on your machine', value: outside.join(' ') || 'none of those asked for' },
      { label: 'in the container', value: inside.join(' ') || 'none of those asked for', notice: true },
    ]
  })
  await stage.shell(box, [
    { command: 'cat /etc/os-release; uname -a', why: 'its name, and the kernel’s' },
    { command: 'apt-get update', why: 'not found: that is a program of another system' },
    { command: 'rpm --version', why: 'and this one is there, if the image has it' },
  ])
}

/** Manifest, blobs, sums; then each archive into a directory of its own. The topmost first, as an overlay wants them. */
async function pull(stage: Stage, repository: string): Promise<string[]> {
  const { bottle } = stage
  const box = await stage.box('client')
  await box.together('A place for layers, in memory', host([mkdir(STORE), mount('tmpfs', STORE, 'tmpfs', [], 'mode=755')]))
  const request = { path: `/v2/${repository}/manifests/latest`, headers: { Accept: `${MEDIA.manifest}, ${MEDIA.dockerManifest}` } }
  const manifest = JSON.parse(expect(await ask(box, PLACE, request, `the manifest of ${repository}`), 200).body.toString()) as Manifest
  const made: string[] = []
  for (const [number, { digest, size }] of manifest.layers.entries()) {
    const { body } = expect(
      await askLarge(box, PLACE, { path: `/v2/${repository}/blobs/${digest}` }, `layer ${short(digest)}, ${(size / 1e6).toFixed(1)} MB`),
      200,
    )
    if (digestOf(body) !== digest) throw new Error(`the registry has sent something else than ${digest}`)
    const [archive, place] = ['/layer.tar.gz', `${STORE}/${number}`]
    writeFileSync(bottle.hostPath(archive), body)
    mkdirSync(bottle.hostPath(place))
    const tar = await stage.box('tar')
    const options = bottle.rootless ? ['--no-same-owner', '--exclude=./dev/*'] : ['--numeric-owner']
    await tar.together(`tar unpacks it (there is no whiteout in it)`, [
      clone3([]),
      execve('/bin/sh', ['sh', '-c', `exec tar -xz ${options.join(' ')} -f ${archive} -C ${place}`], PATH),
    ])
    const { code } = await tar.exited()
    if (code !== 0) throw new Error(`tar has ended with ${code}: ${tar.output().trim()}`)
    rmSync(bottle.hostPath(archive))
    made.unshift(place)
  }
  return made
}

async function seen(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; !holds() && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 20))
}
