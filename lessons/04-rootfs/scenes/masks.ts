/** Files of /proc and /sys that are in no namespace: covered, made read-only; and who could take the covers off. */
import { capset, clone3, close, mount, open, read, ref, umount2 } from '../../../lib/index.js'
import { textOf } from '../../../lib/kernel/result.js'
import { MASKED_PATHS, type PresentPath, presentPaths, READ_ONLY_PATHS } from '../../../lib/primitives/rootfs/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { PROC_FLAGS } from '../../01-namespaces/looks.js'
import { boundOf } from '../../03-capabilities/looks.js'
import { mountsOf } from '../looks.js'
import { leaveFor, makeWorld, WORLD } from '../world.js'

const SYSCTL = '/proc/sys/kernel/core_pattern'

export async function covered(stage: Stage): Promise<void> {
  const { bottle } = stage
  makeWorld(bottle)
  const present = presentPaths(MASKED_PATHS)
  await stage.look('What Docker covers, as far as this machine has it', () => [
    ...present.map(({ path, kind }) => ({ label: path, value: kind })),
    {
      label: 'read-only',
      value: presentPaths(READ_ONLY_PATHS)
        .map(({ path }) => path)
        .join(' '),
    },
  ])
  const secret = present.find(({ path, kind }) => kind === 'file' && path.startsWith('/proc/') && path !== '/proc/kcore')
  const drawer = present.find(({ path, kind }) => kind === 'directory' && (path.startsWith('/proc/') || path.startsWith('/sys/')))
  const box = await stage.box('container')
  await box.together('A container in /world, with a proc and a sysfs', [
    clone3(['mnt', 'pid', 'net', 'ipc', 'uts']),
    mount(null, '/', null, ['rec', 'private']),
    mount(WORLD, WORLD, null, ['bind', 'rec']),
    mount('proc', `${WORLD}/proc`, 'proc', PROC_FLAGS),
    mount('sysfs', `${WORLD}/sys`, 'sysfs', [...PROC_FLAGS, 'rdonly']),
    // Covers for files are bound from here.
    mount('tmpfs', `${WORLD}/dev`, 'tmpfs', ['nosuid', 'noexec'], 'mode=755'),
    open(`${WORLD}/dev/null`, ['creat', 'wronly'], { mode: 0o666, keep: 'place' }),
    close(ref('place')),
    mount('/dev/null', `${WORLD}/dev/null`, null, ['bind']),
    ...leaveFor(WORLD),
  ])
  if (secret) await hide(stage, box, secret)
  if (drawer)
    await box.step(
      mount('tmpfs', drawer.path, 'tmpfs', ['rdonly'], 'size=0', { why: `a directory, ${drawer.path}, is covered with an empty one` }),
    )
  await box.step(
    mount('/proc/sys', '/proc/sys', null, ['bind', 'rec'], null, {
      why: 'the switches of the kernel: mounted on themselves, to be a mount of their own …',
    }),
    mount(null, '/proc/sys', null, ['bind', 'remount', 'rdonly', ...PROC_FLAGS], null, { why: '… which can be read-only' }),
  )
  await box.fails(
    {
      ...open(SYSCTL, ['wronly']),
      why: 'what program the machine runs when a process crashes: by this file a container could have one run outside',
    },
    'EROFS',
    'EACCES',
  )
  await stage.look('Covers in the container’s mountinfo', () =>
    mountsOf(box.hostPid())
      .filter(({ mountPoint }) => [secret?.path, drawer?.path, '/proc/sys'].includes(mountPoint))
      .map(({ mountPoint, fsType, root, options }) => ({ label: mountPoint, value: `${fsType}, ${root}, ${options[0]}` })),
  )

  const [off, held] = ['it is off, and the file can be written', 'EPERM: it stays'] as const
  await stage.predict({
    question: 'The container’s root is still user 0 with all its capabilities. It unmounts the cover of `/proc/sys`. What happens?',
    choices: [off, held],
    async measure() {
      const [taken] = await box.step(umount2('/proc/sys', [], { allow: ['EPERM'], why: 'what was mounted can be unmounted' }))
      return taken?.status === 'ok' ? off : held
    },
    because:
      'A cover is a mount like any other, and whoever holds CAP_SYS_ADMIN over the table of mounts takes it off. Masks alone protect nothing.',
  })
  const rest = boundOf(bottle).filter((one) => one !== 'sys_admin')
  await box.together('The cover again; and the process gives up CAP_SYS_ADMIN, which is not among Docker’s fourteen', [
    mount('/proc/sys', '/proc/sys', null, ['bind', 'rec']),
    mount(null, '/proc/sys', null, ['bind', 'remount', 'rdonly', ...PROC_FLAGS]),
    capset({ effective: rest, permitted: rest, inheritable: [] }),
  ])
  await box.fails({ ...umount2('/proc/sys'), why: 'now?' }, 'EPERM')
  await stage.say(
    'So the parts of a container hold each other: the mounts hide, and that the capability is missing holds the mounts. This is what `--privileged` gives back together.',
  )
}

/** A file that reads as empty. */
async function hide(stage: Stage, box: Awaited<ReturnType<Stage['box']>>, { path }: PresentPath): Promise<void> {
  const [empty, same, error] = ['nothing: an empty file', 'what it read before', 'an error'] as const
  await stage.predict({
    question: `\`/dev/null\` is mounted on the file \`${path}\`. What does the container’s root read there?`,
    choices: [empty, same, error],
    async measure() {
      await box.step(
        mount('/dev/null', path, null, ['bind'], null, { why: 'a file is covered with another one; that it is a device does not matter' }),
      )
      const [opened] = await box.step(open(path, ['rdonly'], { keep: 'masked', allow: ['EACCES', 'EPERM'] }))
      if (opened?.status !== 'ok') return error
      const [got] = await box.step(read(ref('masked'), 100), close(ref('masked')))
      return got && textOf(got) === '' ? empty : same
    },
    because: 'The file below is not changed and not closed. There is only no path to it any more.',
  })
}
