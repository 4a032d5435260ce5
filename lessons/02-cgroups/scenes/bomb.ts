/** A fork bomb in a group with room for twelve. */
import { child, clone3, execve, host, kill } from '../../../lib/index.js'
import { readEvents, readUsage } from '../../../lib/primitives/cgroups/live.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT, until } from '../../01-namespaces/looks.js'
import { groupOf, join, LIMIT_FILE, make, put, treeOf } from '../groups.js'

const ROOM = 12
/** The first shell forks once, while there is room, and stays: it is process 1, whose end would be the end of the bomb. */
const BOMB = 'bomb() { bomb | bomb & }; (bomb) 2>/dev/null & exec sleep 1000'

export async function aBomb(stage: Stage): Promise<void> {
  const { bottle } = stage
  const { version, path } = treeOf(bottle, 'pids')
  const group = `${path}/crew`
  const crew = () => groupOf(bottle, 'crew')
  const box = await stage.box()
  await box.step(
    ...make(group, put(`${group}/${LIMIT_FILE.pids[version]}`, String(ROOM), `room for ${ROOM} processes and threads together`)),
  )
  await box.together('A child in a pid namespace of its own, so that its end is the end of all, that joins', [
    clone3(['pid']),
    ...join(group),
  ])

  const choices = [
    'the bomb is killed',
    'fork fails, with an error that a program can read',
    'the oldest processes make room for new ones',
  ] as const
  await stage.predict({
    question: `The child sets off the bomb. What happens to the process that would be the ${ROOM + 1}th?`,
    choices,
    async measure() {
      await box.step(execve('/bin/sh', ['sh', '-c', BOMB], ENVIRONMENT, { why: 'a function that starts itself twice' }))
      await until('a fork that was refused', () => (readEvents(crew()).pidsRefused?.value ?? 0) > 0)
      return (readUsage(crew()).pids?.value ?? 0) > ROOM ? choices[2] : choices[1]
    },
    because:
      'It is never made. fork and clone answer EAGAIN, “try again later”. The shells of the bomb say “Cannot fork” and go on trying.',
  })
  await stage.look('What the group has counted', () => {
    const refused = readEvents(crew()).pidsRefused
    return [
      { label: 'now in it', value: `${readUsage(crew()).pids?.value} of ${ROOM}` },
      { label: 'refused', value: `${refused?.value} times (${refused?.file}, max)`, notice: true },
    ]
  })
  await stage.say(
    'Your machine did not notice. Now the end: process 1 of the namespace is killed, and the kernel kills the others (lesson 1).',
  )
  await box.step(host(kill(child, 'kill', { why: 'one signal for all of them' })))
  await box.exited()
  await stage.look('And now', () => [{ label: 'in the group', value: `${readUsage(crew()).pids?.value ?? 0} processes`, notice: true }])
  await stage.exercise('fewProcesses')
}
