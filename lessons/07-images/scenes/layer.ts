/** A layer, entry by entry: from the archive to a directory on the disk by one’s own calls, and then seen through an overlay. */
import { gunzipSync } from 'node:zlib'
import { type Manifest, MEDIA } from '../../../lib/image/types.js'
import { chmod, clone3, close, execve, host, link, mkdir, mknod, mount, open, ref, type Step, setxattr, write } from '../../../lib/index.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT } from '../../01-namespaces/looks.js'
import { directories, layerRows, layersOption, statOf } from '../../04-rootfs/looks.js'
import { ask } from '../http.js'
import { hull, NAME, REPOSITORY } from '../hull.js'
import { brief } from '../image.js'
import { expect, openRegistry, PLACE } from '../registry.js'
import { type Entry, entries } from '../tar.js'

/** A tmpfs of its own: on the bottle’s directories the kernel may have an overlay already, and those take no whiteouts. */
const STORE = '/store'
const FIRST = `${STORE}/first`
const SECOND = `${STORE}/second`

export async function layer(stage: Stage): Promise<void> {
  const { bottle } = stage
  await openRegistry(stage, { [NAME]: hull() })
  const box = await stage.box('client')
  const get = async (path: string, headers = {}) =>
    expect(await ask(box, PLACE, { path: `/v2/${REPOSITORY}/${path}`, headers }, `GET …/${brief(path)}`), 200).body
  const manifest = JSON.parse((await get('manifests/latest', { Accept: MEDIA.manifest })).toString()) as Manifest
  const archives: Entry[][] = []
  for (const { digest } of manifest.layers) archives.push(entries(gunzipSync(await get(`blobs/${digest}`))))
  const [lower = [], upper = []] = archives
  await stage.look('In the first archive', () => lower.map(row))
  await stage.look('In the second', () => upper.map(row))
  await stage.say(
    'First a place for them: a directory a layer. We do the first one call by call; of most files there is only to say what `tar` says of them.',
  )
  await box.together(
    'Directories, on a file system in memory',
    host([mkdir(STORE), mount('tmpfs', STORE, 'tmpfs', [], 'mode=755'), ...directories(FIRST, SECOND)]),
  )
  const helm = lower.find(({ path }) => path === 'bin/helm') as Entry
  await box.together(
    'Directories and files of the first layer, but for one',
    lower.filter((one) => one !== helm && one.type !== 'link').flatMap((one) => made(FIRST, one)),
  )
  await box.step(
    open(`${FIRST}/${helm.path}`, ['creat', 'excl', 'wronly'], {
      mode: 0o600,
      keep: 'file',
      why: 'a new file; nobody else may look while it is half done',
    }),
    write(ref('file'), helm.content, { why: 'the bytes from the archive' }),
    close(ref('file')),
    chmod(`${FIRST}/${helm.path}`, helm.mode, { why: 'the mode last: writing takes a setuid bit away' }),
    link(`${FIRST}/bin/helm`, `${FIRST}/bin/wheel`, { why: 'one file, two names: the archive has its content once' }),
  )
  await stage.look('The two names', () => {
    const [one, other] = [statOf(bottle.hostPath(`${FIRST}/bin/helm`)), statOf(bottle.hostPath(`${FIRST}/bin/wheel`))]
    return [
      { label: 'the same inode', value: one?.ino === other?.ino ? 'yes' : 'no', notice: true },
      { label: 'names of it', value: String(one?.nlink) },
    ]
  })

  await stage.say(
    'Now the second. Its entry `cargo/.wh.coal` is an empty file, and no container shall ever see it: an archive has no way to say that something is _not_ there, so the ones who invented layers made a mark. ' +
      'Overlayfs has another mark for the same, which you know from lesson 4. Somebody must translate.',
  )
  await box.together(
    'Its ordinary files',
    upper.filter(({ path }) => !path.includes('.wh.')).flatMap((one) => made(SECOND, one)),
  )
  await box.step(
    mknod(`${SECOND}/cargo/coal`, 'ifchr', 0, [0, 0], {
      why: '.wh.coal: “coal” is gone. Device 0:0, which no driver has; even root of a user namespace may make it',
    }),
    setxattr(`${SECOND}/log`, `${bottle.rootless ? 'user' : 'trusted'}.overlay.opaque`, 'y', {
      why: '.wh..wh..opq: of the directory “log” nothing below shines through',
    }),
  )
  await stage.look(`The second layer on the disk`, () => layerRows(bottle.hostPath(SECOND)))
  const [both, none, third] = ['1912 and today', 'today', 'nothing'] as const
  await stage.predict({
    question: 'An overlay of the two. What is in `log` there?',
    choices: [both, none, third],
    async measure() {
      const options = layersOption(bottle, [SECOND, FIRST])
      const reader = await stage.box('container')
      await reader.together('A child with the two layers as one directory', [
        host(mkdir(`${STORE}/merged`)),
        clone3(['mnt']),
        mount(null, '/', null, ['rec', 'private']),
        mount('overlay', `${STORE}/merged`, 'overlay', ['rdonly'], options),
      ])
      await reader.step(
        execve('/bin/sh', ['sh', '-c', `cd ${STORE}/merged; cat motd; echo cargo: *; echo cargo/*; echo log/*`], ENVIRONMENT),
      )
      await reader.exited()
      const log = /^(log\/.*)$/m.exec(reader.output())?.[1] ?? ''
      return log.includes('1912') ? both : log.includes('today') ? none : third
    },
    because:
      'The attribute says that the directory begins here. And `cargo` is empty: the device covers what has its name. The coal is still in the first layer, and is downloaded by everybody who pulls this image: twelve tons.',
  })
  await stage.exercise('layer')
}

/** One entry, made below a directory; what is there already, as a directory may be, is left. */
function made(root: string, { path, type, mode, content }: Entry): Step[] {
  const place = `${root}/${path}`
  if (type === 'dir') return [host(mkdir(place, mode))]
  return host([open(place, ['creat', 'excl', 'wronly'], { mode, keep: 'file' }), write(ref('file'), content), close(ref('file'))])
}

function row({ path, type, mode, target, content }: Entry): LookRow {
  const what =
    type === 'link'
      ? `another name of ${target}`
      : type === 'dir'
        ? 'directory'
        : `${mode.toString(8)}, ${JSON.stringify(content.toString().slice(0, 24))}`
  return { label: path, value: what, notice: path.includes('.wh.') || type === 'link' }
}
