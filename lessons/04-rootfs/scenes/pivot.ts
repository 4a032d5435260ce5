/** pivot_root: refused with EINVAL and EBUSY, made right; then the climb once more, and a rope that was forgotten. */
import { chdir, chroot, clone3, close, fchdir, host, mount, open, pivot_root, read, ref, umount2 } from '../../../lib/index.js'
import { errnoOf } from '../../../lib/kernel/constants.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { file, mountRows, mountsOf, pointerRows, rootIsBottles, systemSeenBy } from '../looks.js'
import { climb, enter, makeWorld, WORLD } from '../world.js'

export async function refusals(stage: Stage): Promise<void> {
  const { bottle } = stage
  makeWorld(bottle)
  const box = await stage.box('container')
  await box.step(
    host(
      mount(null, '/', null, ['rec', 'shared'], null, {
        why: 'a bottle’s mounts begin private; make them as systemd leaves those of a host',
      }),
    ),
    clone3(['mnt'], { why: 'a table of mounts of its own, since this call changes the table itself' }),
    chdir(WORLD, { why: 'pivot_root wants to know two places: the new root, and where to put the old one; “.” serves for both' }),
  )
  await box.fails({ ...pivot_root('.', '.'), why: 'the first try' }, 'EINVAL')
  await stage.say(
    'EINVAL, "invalid argument": it is said of half a dozen things, and this time it is the propagation. The root mount is shared, so this change of the tree would have to happen in ' +
      'every copy of it, the bottle’s own included. The kernel refuses that. You know the remedy from lesson 1.',
  )
  await box.step(mount(null, '/', null, ['rec', 'private'], null, { why: 'out of all groups: now the table is really the child’s own' }))
  const second = await box.fails({ ...pivot_root('.', '.'), why: 'the second try' }, 'EBUSY', 'EINVAL')
  const busy = errnoOf(second.errno).name === 'EBUSY'
  await stage.say(
    `${busy ? 'EBUSY' : 'EINVAL again, for another reason'}: pivot_root exchanges *mounts*. \`/world\` is a plain directory on the root mount, and a mount cannot be exchanged for a part of itself. ` +
      (busy
        ? '(A plain directory on some other mount, such as `/tmp/world`, gets EINVAL again: "no mount point".) '
        : '(Root of the machine would get EBUSY here. In a user namespace, where you are, the root mount is locked to its place besides, and this the kernel asks first.) ') +
      'The remedy looks odd: the directory is mounted on itself.',
  )
  await box.step(
    mount(WORLD, WORLD, null, ['bind', 'rec'], null, { why: 'the same files at the same place; but from here on it is a mount' }),
    chdir(WORLD, { why: '“.” was the directory below; walk in again, onto the mount' }),
  )
  await box.fails(
    {
      ...pivot_root('.', '/'),
      why: 'could the old root stay where it is? The place for it must be inside the new one, or nobody could reach it to unmount it',
    },
    'EBUSY',
  )
  await stage.look('Mounts in /proc/PID/mountinfo', () => [
    { label: 'all', value: String(mountsOf(box.hostPid()).length) },
    { label: 'of these on “/”', value: String(mountsOf(box.hostPid()).filter(({ mountPoint }) => mountPoint === '/').length) },
  ])
  await box.step(pivot_root('.', '.', { why: 'once more: the new root becomes “/”, and the old one is put on top of it' }))
  await stage.look('Mounts in /proc/PID/mountinfo', () => mountRows(mountsOf(box.hostPid()), 5))
  const choices = ['one', 'two: the old root stays below', 'as many as before, but hidden'] as const
  await stage.predict({
    question:
      'The old tree, with every mount of the bottle, lies on “/” now, on top of the new one. `umount2(".", detach)` takes it off. How many mounts are left to the child?',
    choices,
    async measure() {
      await box.step(
        umount2('.', ['detach'], { why: 'the old root goes, with everything mounted below it' }),
        chdir('/', { why: 'and “.” is in the new tree again' }),
      )
      const left = mountsOf(box.hostPid()).length
      return left === 1 ? choices[0] : left === 2 ? choices[1] : choices[2]
    },
    because:
      'One file system, and nothing around it. These mounts are not hidden from the child: in its table they do not exist. The bottle, which has another table, has not noticed.',
  })
  await stage.look('Who sees what', () => [
    { label: 'the bottle', value: `${mountsOf(bottle.pid).length} mounts, ${systemSeenBy(bottle.pid) ?? 'no os-release'}` },
    {
      label: 'the child',
      value: `${mountsOf(box.hostPid()).length} mount, ${systemSeenBy(box.hostPid()) ?? 'no os-release'}`,
      notice: true,
    },
  ])
}

export async function noWayOut(stage: Stage): Promise<void> {
  const { bottle } = stage
  makeWorld(bottle)
  const secret = host(file('/secret', 'the treasure is below the third plank\n'))
  const box = await stage.box('container')
  await box.together('A container in /world, by pivot_root this time; and the secret outside', [
    ...secret,
    clone3(['mnt']),
    ...enter(WORLD),
  ])
  const [out, back] = ['at the bottle’s root, as before', 'at the root of its own world'] as const
  await stage.predict({
    question:
      'The container goes the way of the prisoner: `mkdir`, `chroot` into it, `chdir("..")` three times, `chroot(".")`. Where is its root then?',
    choices: [out, back],
    async measure() {
      await box.together('The climb', climb('hole'))
      return rootIsBottles(bottle, box.hostPid()) ? out : back
    },
    because:
      'It did climb out of the hole, up to the top of the tree. This time the top of the tree is the top of `/world`. There is nothing above.',
  })
  await stage.look('The container', () => [
    ...pointerRows(box, 'root'),
    { label: 'its system', value: systemSeenBy(box.hostPid()) ?? 'none', notice: true },
  ])
  await box.fails({ ...open('/secret', ['rdonly']), why: 'is the secret in sight?' }, 'ENOENT')
  await aRope(stage)
  await stage.exercise('ownRoot')
}

/** A descriptor from before, which names a directory of the tree that is gone. */
async function aRope(stage: Stage): Promise<void> {
  await stage.say(
    'One thing more. A second container is made in the same way; but before it goes it has opened a directory, and forgets to close it.',
  )
  const box = await stage.box('careless')
  await box.together('A container with a descriptor of the old root', [
    clone3(['mnt']),
    open('/', ['path', 'directory'], { keep: 'rope' }),
    ...enter(WORLD),
  ])
  const choices = ['nothing: that tree is gone', 'to the old root, and to the secret'] as const
  await stage.predict({
    question: 'The old root was unmounted, and the descriptor is still open. Where does it lead?',
    choices,
    async measure() {
      const [there] = await box.step(
        fchdir(ref('rope'), { allow: ['ENOENT', 'ESTALE'], why: 'to the directory that the descriptor names' }),
      )
      if (there?.status !== 'ok') return choices[0]
      const [found] = await box.step(
        open('secret', ['rdonly'], { allow: ['ENOENT'], keep: 'secret', why: 'no “/” in front: from the current directory on' }),
      )
      if (found?.status !== 'ok') return choices[0]
      await box.step(read(ref('secret'), 100, { why: 'and what does it say?' }), close(ref('secret')))
      return choices[1]
    },
    because:
      'Off the table is not gone: a mount lives as long as somebody holds it. One forgotten descriptor is a rope over the wall, and such ropes were found in Docker more than once (CVE-2024-21626 is the ' +
      'best known). So an engine has every descriptor closed at the execve.',
  })
  await box.step(chroot('.', { why: 'and with it the root pointer can follow' }))
  await stage.look('The careless one', () => [
    { label: 'its root is the bottle’s', value: rootIsBottles(stage.bottle, box.hostPid()) ? 'yes' : 'no', notice: true },
  ])
}
