/** What a directory of files lacks to be a system: /dev, /proc, /sys; device nodes, and who may make them. */
import {
  chdir,
  child,
  clone3,
  close,
  execve,
  host,
  mknod,
  mount,
  open,
  pivot_root,
  read,
  ref,
  type Step,
  setresgid,
  setresuid,
  text,
  umount2,
  unlink,
  write,
} from '../../../lib/index.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT, idsSeenBy, PROC_FLAGS, shortList } from '../../01-namespaces/looks.js'
import { contentOf, statOf } from '../looks.js'
import { leaveFor, makeWorld, WORLD } from '../world.js'

/** Of Linux, for ever: devices.txt of its documentation. */
const NULL = [1, 3] as const
const ZERO = [1, 5] as const

export async function whatIsMissing(stage: Stage): Promise<void> {
  const { bottle } = stage
  makeWorld(bottle)
  const first = await stage.box('bare')
  await first.together('A container in /world', [clone3(['mnt', 'pid']), ...intoOwnMount(), ...leaveFor(WORLD)])
  const [nothing, line, error] = ['nothing, as ever', 'the line', 'an error: no such device'] as const
  await stage.predict({
    question: 'A shell in this container does `echo lost > /dev/null`, and then `cat /dev/null`. What does cat print?',
    choices: [nothing, line, error],
    async measure() {
      const script = 'echo lost > /dev/null; cat /dev/null; ls -l /dev; ps'
      await first.step(
        execve('/bin/sh', ['sh', '-c', script], ENVIRONMENT, { why: 'a shell; at the end it lists /dev, and asks ps for processes' }),
      )
      await first.exited()
      const output = first.output()
      return /^lost$/m.test(output) ? line : contentOf(bottle.hostPath(`${WORLD}/dev/null`)) === undefined ? error : nothing
    },
    because:
      '/dev of an image is an empty directory, and a redirection makes the file that it does not find. It was an ordinary file, and kept what it was given. And `ps` has nowhere to read.',
  })
  await stage.say(
    'What is in `/proc`, `/sys` and `/dev` is not files but the kernel itself, and cannot be packed into an image. An engine mounts the first two, and fills the third.',
  )
  const second = await stage.box('container')
  await second.together('Another container; not yet inside', [
    host(unlink(`${WORLD}/dev/null`)),
    clone3(['mnt', 'pid', 'net']),
    ...intoOwnMount(),
  ])
  await second.step(
    mount('proc', `${WORLD}/proc`, 'proc', PROC_FLAGS, null, { why: 'shows the processes of whoever’s pid namespace mounts it: lesson 1' }),
    mount('sysfs', `${WORLD}/sys`, 'sysfs', [...PROC_FLAGS, 'rdonly'], null, {
      why: 'shows the devices of the net namespace; read-only, because its files are switches of the machine',
    }),
    mount('tmpfs', `${WORLD}/dev`, 'tmpfs', ['nosuid'], 'mode=755', {
      why: 'an empty one in memory, so that nothing of it gets into the image’s files',
    }),
  )
  await nodes(stage, second)
  await second.together('And in', leaveFor(WORLD))
  await stage.look('In the container', () => [
    { label: '/proc has the processes', value: shortList(idsSeenBy(second.hostPid())) },
    {
      label: '/dev/null is',
      value: statOf(`/proc/${second.hostPid()}/root/dev/null`)?.isCharacterDevice() ? 'a character device' : 'something else',
      notice: true,
    },
  ])
  await second.step(
    open('/dev/null', ['wronly'], { keep: 'null', why: 'and it works, too' }),
    write(ref('null'), 'lost', { why: 'four bytes, taken and forgotten' }),
    close(ref('null')),
  )
  await stage.shell(second, [
    { command: 'cat /etc/os-release; uname -r', why: 'another system, the same kernel' },
    { command: 'cat /proc/self/mountinfo', why: 'all mounts that there are for you: try to find one that you have not seen being made' },
    { command: 'ls -l /dev; ps', why: 'the devices of this container, and its processes' },
  ])
  await tooLate(stage)
}

/** Device nodes by mknod, where that is allowed, and by a bind mount where not. */
async function nodes(stage: Stage, box: Box): Promise<void> {
  const [made, refused] = ['yes', 'no: EPERM'] as const
  const node = `${WORLD}/dev/null`
  await stage.say(
    'A _device node_ is a file with no content: only a type and two numbers. The first says which driver the kernel asks when the file is opened, the second which of its devices. The name says nothing; ' +
      'number 1:3 is the one that swallows everything, wherever it lies and whatever it is called.',
  )
  if (!stage.bottle.rootless) {
    await box.step(
      mknod(node, 'ifchr', 0o666, NULL, {
        why: 'type, mode and numbers: character device 1:3 (of the mode, the umask takes some bits away)',
      }),
      mknod(`${WORLD}/dev/sea`, 'ifchr', 0o666, ZERO, { why: '1:5, under a name that no manual knows' }),
      open(`${WORLD}/dev/sea`, ['rdonly'], { keep: 'sea' }),
      read(ref('sea'), 4, { why: 'zeros: it is the device that is called /dev/zero elsewhere' }),
      close(ref('sea')),
    )
  }
  const other = stage.bottle.rootless ? box : await stage.box('user namespace')
  if (other !== box) {
    await other.together('A child that is root of a user namespace of its own', [clone3(['user', 'mnt']), ...asRoot()])
    await other.together('With mounts of its own, and an empty tmpfs', [
      mount(null, '/', null, ['rec', 'private']),
      mount('tmpfs', `${WORLD}/dev`, 'tmpfs', ['nosuid'], 'mode=755'),
    ])
  }
  await stage.predict({
    question: `${other === box ? 'Your bottle is in a user namespace, and you are root in it.' : 'A child that is root in a user namespace, with all capabilities in it, does the same.'} May it make the node?`,
    choices: [made, refused],
    async measure() {
      const [answer] = await other.step(mknod(node, 'ifchr', 0o666, NULL, { allow: ['EPERM'], why: 'the node 1:3' }))
      return answer?.status === 'ok' ? made : refused
    },
    because:
      'With mknod one could make a node for the disk of the machine, and read it past all permissions. So the kernel wants CAP_MKNOD in the *first* user namespace, and no other will do.',
  })
  await other.step(
    open(node, ['creat', 'wronly'], { mode: 0o666, keep: 'place', why: 'so an empty file is made …' }),
    close(ref('place')),
    mount('/dev/null', node, null, ['bind'], null, {
      why: '… and the node that is there already is mounted on it: one that somebody with the right has made',
    }),
  )
}

/** proc after the old root has gone. */
async function tooLate(stage: Stage): Promise<void> {
  await stage.say('When is all that done? Before pivot_root. Root could do it later, but root in a user namespace finds a door closed:')
  const box = await stage.box('late')
  await box.together('A container in a user namespace, which has left the old root', [
    clone3(['user', 'mnt', 'pid']),
    ...asRoot(),
    ...intoOwnMount(),
    chdir(WORLD),
    pivot_root('.', '.'),
    umount2('.', ['detach']),
    chdir('/'),
  ])
  await box.fails({ ...mount('proc', '/proc', 'proc', PROC_FLAGS), why: 'its own proc, of its own pid namespace' }, 'EPERM')
  await stage.say(
    'Somebody may have covered parts of the host’s proc for a reason. So the kernel lets a user namespace mount a new one only while it can see one with nothing on it, and that one has just been taken off the table.',
  )
}

/** Mounts private, and a mount of its own for the world. */
const intoOwnMount = (): Step[] => [mount(null, '/', null, ['rec', 'private']), mount(WORLD, WORLD, null, ['bind', 'rec'])]

/** One id, root’s, and the child takes it. */
const asRoot = (): Step[] => [
  ...host(
    ['uid_map', 'gid_map'].flatMap((map) => [
      open(text`/proc/${child}/${map}`, ['wronly'], { keep: 'map' }),
      write(ref('map'), '0 0 1\n'),
      close(ref('map')),
    ]),
  ),
  setresgid(0, 0, 0),
  setresuid(0, 0, 0),
]
