/** Where a path begins: the root pointer and the current directory of a process, and what chroot does to them. */
import { chdir, chroot, clone3, close, host, mkdir, open, ref } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { directories, file, mountRows, mountsOf, pointerRows, pointers } from '../looks.js'

export async function twoPointers(stage: Stage): Promise<void> {
  const { bottle } = stage
  const box = await stage.box()
  await box.together(
    'A file at the top of the bottle’s tree, and two directories',
    host([...file('/note', 'hello\n'), ...directories('/hold', '/cabin')]),
  )
  await box.step(
    clone3([], { why: 'an ordinary child: its pointers are copies of the shim’s' }),
    chdir('/cabin', { why: 'the pointer that everybody knows; paths without a “/” in front begin there' }),
  )
  await stage.look('The links in /proc/PID of the child', () => pointerRows(box, 'cwd'))
  await box.step(mkdir('shelf', 0o755, { why: 'a path that begins at the current directory' }))

  const [both, rootOnly, table] = ['both pointers', 'the root pointer alone', 'its table of mounts'] as const
  const before = pointers(box.hostPid())
  await stage.predict({
    question: 'The child calls `chroot("/hold")`. What has changed then?',
    choices: [both, rootOnly, table],
    async measure() {
      await box.step(chroot('/hold', { why: 'the other pointer: where paths begin that start with a “/”' }))
      const after = pointers(box.hostPid())
      if (after.table !== before.table) return table
      return after.directory === before.directory ? rootOnly : both
    },
    because:
      'chroot moves one pointer of one process. The process goes on standing where it stood, and that is now outside of what it calls “/”. Keep that in mind.',
  })
  await stage.look('The links in /proc/PID of the child', () => pointerRows(box, 'root'))

  const [absolute, relative, neither] = ['the first', 'the second', 'neither: the file is outside'] as const
  await stage.predict({
    question: 'Which path leads the child to the file `/note` of the bottle now: `/note`, or `../note`?',
    choices: [absolute, relative, neither],
    async measure() {
      const [first] = await box.step(open('/note', ['rdonly'], { allow: ['ENOENT'], keep: 'first', why: 'from the root pointer on' }))
      const [second] = await box.step(
        open('../note', ['rdonly'], { allow: ['ENOENT'], keep: 'second', why: 'from the current directory on' }),
      )
      if (second?.status === 'ok') await box.step(close(ref('second')))
      return first?.status === 'ok' ? absolute : second?.status === 'ok' ? relative : neither
    },
    because:
      'A path is walked from one of the two pointers. The second walk never passes the place where the root pointer is, so nothing stops it.',
  })
  await stage.look('Mounts in /proc/PID/mountinfo', () => [
    { label: 'the bottle’s', value: String(mountsOf(bottle.pid).length) },
    { label: 'shown for the child', value: String(mountsOf(box.hostPid()).length), notice: true },
    ...mountRows(mountsOf(box.hostPid()), 3),
  ])
  await stage.say(
    'The table is the same one. mountinfo leaves out what does not lie below the root of the process that it is about; that something is not shown does not mean that it is not there.',
  )
}
