/** What ps sees is what /proc shows, and /proc shows the pid namespace of whoever mounted it. */
import { clone3, execve, getpid, mount, readlink } from '../../../lib/index.js'
import { textOf } from '../../../lib/kernel/result.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT, idsSeenBy, PROC_FLAGS, shortList } from '../looks.js'

export async function ownProc(stage: Stage): Promise<void> {
  const box = await stage.box()
  await box.step(clone3(['pid', 'mnt'], { why: 'process ids and a mount table of its own' }), getpid({ why: 'the child is process 1' }))
  const seen = () => [{ label: '/proc has', value: shortList(idsSeenBy(box.hostPid())), notice: true }]

  const [self] = await box.step(readlink('/proc/self', { why: 'the link that leads every reader to its own directory in /proc' }))
  const choices = ['itself alone', 'all the processes of the bottle'] as const
  await stage.predict({
    question: `The child is process 1, and its /proc says that it is process ${self ? textOf(self) : '?'}. What would \`ps\` list in there?`,
    choices,
    measure: () => Promise.resolve(idsSeenBy(box.hostPid()).length > 1 ? choices[1] : choices[0]),
    because: 'The mount came along in the copy of the mount table. It is still the bottle’s /proc and shows the bottle’s processes.',
  })
  await stage.look('The child’s /proc', seen)
  await box.step(
    mount(null, '/', null, ['rec', 'private'], null, {
      why: 'nothing mounted from here on shall be seen outside; the next scene shows why',
    }),
    mount('proc', '/proc', 'proc', PROC_FLAGS, null, {
      why: 'a new /proc on top of the old; it belongs to the pid namespace of its mounter',
    }),
  )
  await stage.look('The child’s /proc', seen)
  await box.step(readlink('/proc/self', { why: 'now the two agree' }))
  await stage.shell(box, [
    { command: 'ls /proc', why: 'how many processes do you see? One of them is your shell' },
    { command: 'ps -ef', why: 'reads the same directory (where ps is installed)' },
    { command: 'umount /proc; ls /proc', why: 'takes the upper /proc away: the one below was there all the time' },
  ])
  await box.step(
    execve('/bin/sh', ['sh', '-c', 'echo "I am process $$, and I see:" /proc/[0-9]*'], ENVIRONMENT, { why: 'a program says it itself' }),
  )
  await box.exited()
}
