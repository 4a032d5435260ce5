/** Volumes: bind mounts of directories and files; read-only, and two ways to believe wrongly that it is. */
import { clone3, close, host, mount, mount_setattr, open, ref, rename, type Step, umount2 } from '../../../lib/index.js'
import { mountAt } from '../../../lib/kernel/proc/mountinfo.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { contentOf, directories, file, mountsOf } from '../looks.js'
import { leaveFor, makeWorld, WORLD } from '../world.js'

const CARGO = '/cargo'
const INSIDE = `${WORLD}/mnt`

export async function volumes(stage: Stage): Promise<void> {
  makeWorld(stage.bottle)
  const box = await stage.box('container')
  await box.together('A directory of the bottle, with something mounted in it, and a container on its way into /world', [
    ...host([...directories(CARGO, `${CARGO}/cabin`), ...file(`${CARGO}/list`, 'rum\n'), mount('tmpfs', `${CARGO}/cabin`, 'tmpfs')]),
    clone3(['mnt']),
    mount(null, '/', null, ['rec', 'private']),
    mount(WORLD, WORLD, null, ['bind', 'rec']),
  ])
  const [readOnly, writable] = ['it is refused: EROFS', 'it works'] as const
  await stage.predict({
    question:
      '`mount` is called with two flags, `bind` and `rdonly`, to show `/cargo` inside, read-only. It returns 0. Then the child opens a file there for writing. What happens?',
    choices: [readOnly, writable],
    async measure() {
      await box.step(
        mount(CARGO, INSIDE, null, ['bind', 'rec', 'rdonly'], null, { why: 'shown at a second place, and read-only, so it seems' }),
      )
      return (await opens(box, `${INSIDE}/list`)) ? writable : readOnly
    },
    because:
      'mount(2) is many calls in one, and with `bind` it looks at no flag but `rec`. It says nothing about the others. Settings take a second call.',
  })
  await box.step(
    mount(null, INSIDE, null, ['bind', 'remount', 'rdonly', 'nosuid'], null, {
      why: 'the second call: new settings for this mount, not for its file system; all of them, so what shall stay (nosuid) is said again',
    }),
  )
  await box.fails({ ...open(`${INSIDE}/list`, ['wronly']), why: 'now?' }, 'EROFS')
  await box.step(
    host(
      open(`${CARGO}/list`, ['wronly'], {
        keep: 'list',
        why: 'and from outside? It is a property of the mount, and the bottle has another one',
      }),
    ),
    host(close(ref('list'))),
  )

  await stage.predict({
    question:
      'In `/cargo/cabin` a tmpfs is mounted. The child opens a new file in `cabin`, below the place that is read-only. What happens?',
    choices: [readOnly, writable],
    async measure() {
      return (await opens(box, `${INSIDE}/cabin/stowaway`, true)) ? writable : readOnly
    },
    because:
      'Another mount, with settings of its own. The one call changed one mount; what was mounted below came along with `rec`, and stayed writable.',
  })
  await box.step(
    mount_setattr(INSIDE, { set: ['rdonly'], recursive: true }, { why: 'Linux 5.12: this mount and all below it, at once, or none' }),
  )
  await box.fails({ ...open(`${INSIDE}/cabin/another`, ['creat', 'wronly'], { mode: 0o644 }), why: 'and now?' }, 'EROFS')
  await stage.look('In the child’s mountinfo', () =>
    mountsOf(box.hostPid())
      .filter(({ mountPoint }) => mountPoint.startsWith(INSIDE))
      .map(({ mountPoint, options, fsType, root }) => ({ label: mountPoint, value: `${options[0]}, ${root} of a ${fsType}` })),
  )
  await aFile(stage, box)
  await stage.exercise('readOnlyVolume')
}

/** One file on another, which is how a container gets its /etc/hosts; and what becomes of it when the file is replaced. */
async function aFile(stage: Stage, box: Box): Promise<void> {
  const inside = '/etc/hosts'
  await box.together('A file of the bottle', host(file('/hosts', '127.0.0.1 old\n')))
  await box.step(mount('/hosts', `${WORLD}${inside}`, null, ['bind'], null, { why: 'a file on a file: both must be there' }))
  await box.together('And into /world', leaveFor(WORLD))
  const seen = () => contentOf(`/proc/${box.hostPid()}/root${inside}`)?.trim() ?? 'nothing'
  const [fresh, stale] = ['the new file', 'the old file'] as const
  await stage.predict({
    question:
      'Outside, the file is replaced as careful programs and many editors do it: a new one is written, and renamed over the old. What does the container read?',
    choices: [fresh, stale],
    async measure() {
      await box.together('A new file beside it', host(file('/hosts.new', '127.0.0.1 new\n')))
      await box.step(host(rename('/hosts.new', '/hosts', { why: 'the name means the new file from here on' })))
      return seen().endsWith('new') ? fresh : stale
    },
    because:
      'A mount holds the file, not its name. Whoever mounts single files and wonders why a changed configuration does not arrive has met this.',
  })
  await stage.look('/etc/hosts', () => [
    { label: 'in the container', value: seen(), notice: true },
    { label: 'outside', value: contentOf(stage.bottle.hostPath('/hosts'))?.trim() ?? '' },
    { label: 'its mount in the container', value: mountAt(mountsOf(box.hostPid()), inside)?.root ?? 'none' },
  ])
  await box.step(umount2(inside, [], { why: 'whoever may unmount sees what is below, by the way: the image’s own file' }))
}

/** Tries to open for writing, and says whether it worked. */
async function opens(box: Box, path: string, create = false): Promise<boolean> {
  const step: Step = open(path, [...(create ? (['creat'] as const) : []), 'wronly'], {
    mode: create ? 0o644 : 0,
    keep: 'tried',
    allow: ['EROFS'],
    why: 'for writing',
  })
  const [result] = await box.step(step)
  if (result?.status !== 'ok') return false
  await box.step(close(ref('tried')))
  return true
}
