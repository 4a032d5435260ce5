/** Out of a chroot, by four kinds of steps that any root can make. */
import { chdir, chroot, clone3, execve, host, mkdir, open } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT } from '../../01-namespaces/looks.js'
import { file, pointerRows, rootIsBottles, systemSeenBy } from '../looks.js'
import { makeWorld, WORLD } from '../world.js'

export async function outAgain(stage: Stage): Promise<void> {
  const { bottle } = stage
  makeWorld(bottle)
  const box = await stage.box('prisoner')
  await box.together('A prisoner, and a secret of the bottle outside', [
    ...host(file('/secret', 'the treasure is below the third plank\n')),
    clone3([]),
    chroot(WORLD),
    chdir('/'),
  ])
  await box.fails({ ...open('/secret', ['rdonly']), why: 'is it in sight?' }, 'ENOENT')
  await box.step(chdir('..', { why: 'up, and out?' }))
  await stage.look('The prisoner', () => pointerRows(box, 'cwd'))
  await stage.say(
    'It has not moved. At the root directory of a process `..` leads nowhere: the kernel compares the place where the walk is with the root pointer, and if they are ' +
      'the same it stays. It compares with that one place, and with no other.',
  )
  await box.step(
    mkdir('hole', 0o755, { why: 'a directory inside, to be a root in a moment' }),
    chroot('hole', { why: 'the root pointer goes down one step; the current directory does not come along' }),
  )
  await stage.look('The prisoner', () => pointerRows(box, 'root'))
  const up = ['it stays at /world, as before', 'it is at /world/hole', 'it is at /, outside'] as const
  await stage.predict({
    question:
      'The prisoner stands in `/world`, and its root is `/world/hole`, below it. It calls `chdir("..")`. Where is it then? (As the bottle names the places.)',
    choices: up,
    async measure() {
      await box.step(chdir('..', { why: 'the same call as before' }))
      const [, directory] = pointerRows(box)
      return directory?.value === '/' ? up[2] : directory?.value === '/world/hole' ? up[1] : up[0]
    },
    because:
      'The walk went up from `/world` and compared with `/world/hole` on the way. It does not lie on the way. There was no wall, only a mark in a place where it no longer passes.',
  })
  await box.step(
    chdir('..', { why: 'further up, as often as one likes: at the real root it stays by itself' }),
    chroot('.', { why: 'and the root pointer follows to here' }),
  )
  await stage.look('The prisoner', () => [
    ...pointerRows(box, 'root'),
    { label: 'its system', value: systemSeenBy(box.hostPid()) ?? 'none' },
    { label: 'its root is the bottle’s', value: rootIsBottles(bottle, box.hostPid()) ? 'yes' : 'no', notice: true },
  ])
  await box.step(execve('/bin/sh', ['sh', '-c', 'cat /secret'], ENVIRONMENT, { why: 'the bottle’s own shell' }))
  await box.exited()
  await stage.say(
    'No bug was used. The manual of chroot says that it is not meant to keep anybody in. One capability was needed, CAP_SYS_CHROOT, and it is one of the fourteen that ' +
      'Docker leaves to root in a container. So Docker’s wall has to be another one.',
  )
  await stage.exercise('breakOut')
}
