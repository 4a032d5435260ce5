/** The ipc namespace: drawers of one's own for messages, and a file system that shows the drawers of its mounter. */
import { clone3, close, host, mount, open, ref } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { namesSeenBy, newName } from '../looks.js'

const QUEUES = '/dev/mqueue'

export async function letters(stage: Stage): Promise<void> {
  const { bottle } = stage
  const name = newName('letters')
  const box = await stage.box()
  await box.step(
    host(
      open(`${QUEUES}/${name}`, ['creat', 'rdwr'], { mode: 0o600, keep: 'queue', why: 'a message queue of the bottle, made as a file' }),
    ),
    host(close(ref('queue'), { why: 'the queue stays, as a file would' })),
    clone3(['ipc', 'mnt'], { why: 'drawers and a mount table of its own' }),
  )
  const seen = () => [
    { label: 'the bottle', value: namesSeenBy(bottle.pid, QUEUES).join(' ') || 'no queue' },
    { label: 'the child', value: namesSeenBy(box.hostPid(), QUEUES).join(' ') || 'no queue', notice: true },
  ]
  const choices = ['an empty directory', 'the bottle’s queue'] as const
  await stage.predict({
    question: `The child is in a new ipc namespace. It looks into \`${QUEUES}\`. What is there?`,
    choices,
    measure: () => Promise.resolve(namesSeenBy(box.hostPid(), QUEUES).length > 0 ? choices[1] : choices[0]),
    because:
      'It is the mount that it got in the copy of the table, and a mount of this kind shows the drawers of whoever mounted it. ' +
      'You have met this rule with /proc.',
  })
  await box.step(
    mount(null, '/', null, ['rec', 'private'], null, { why: 'the mount to come is the child’s own affair' }),
    mount('mqueue', QUEUES, 'mqueue', ['nosuid', 'nodev', 'noexec'], null, { why: 'the file system of the queues, now from inside' }),
  )
  await stage.look(`What is in ${QUEUES}`, seen)
}
