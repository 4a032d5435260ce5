/** Joining: by oneself, with a zero; and the children of a member. */
import { clone3, execve } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT, until } from '../../01-namespaces/looks.js'
import { content, join, make, treeOf } from '../groups.js'

export async function members(stage: Stage): Promise<void> {
  const { bottle } = stage
  const group = `${treeOf(bottle, 'pids').path}/crew`
  const membersOf = () => (content(bottle.hostPath(`${group}/cgroup.procs`)) ?? '').split('\n').filter((line) => line !== '')
  const box = await stage.box()
  await box.together('A group, and a child', [...make(group), clone3(['pid'], { why: 'an ordinary child, outside of the group as yet' })])
  await stage.look('The group’s cgroup.procs', () => [{ label: 'members', value: membersOf().join(' ') || 'none' }])
  await box.step(...join(group))
  await stage.look('The group’s cgroup.procs (numbers as this machine counts)', () => [
    { label: 'members', value: membersOf().join(' ') || 'none', notice: true },
  ])

  const choices = ['only the shell', 'the shell and its two sleeps'] as const
  await stage.predict({
    question: 'The child becomes a shell that starts `sleep` twice. Nobody writes their numbers anywhere. Who is in the group?',
    choices,
    async measure() {
      await box.step(
        execve('/bin/sh', ['sh', '-c', 'sleep 1000 & sleep 1000 & wait'], ENVIRONMENT, { why: 'a shell, and two children of its own' }),
      )
      await until('the shell’s two children', () => childrenStarted(box.hostPid()))
      return membersOf().length > 1 ? choices[1] : choices[0]
    },
    because:
      'A process is born where its parent is, as with namespaces. There is no way out by having children, and that is what makes a limit a limit.',
  })
  await stage.look('The group now', () => [{ label: 'members', value: membersOf().join(' '), notice: true }])
}

/** Has the shell forked twice? Told by /proc, not by the group. */
function childrenStarted(hostPid: number): boolean {
  return (content(`/proc/${hostPid}/task/${hostPid}/children`) ?? '').trim().split(/\s+/).length >= 2
}
