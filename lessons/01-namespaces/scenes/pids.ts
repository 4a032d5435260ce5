/** The pid namespace: one process with several numbers, and what cannot be named cannot be killed. */
import { clone3, execve, getpid, getppid, kill } from '../../../lib/index.js'
import { readProcess } from '../../../lib/kernel/proc/processes.js'
import { readStatus } from '../../../lib/kernel/proc/status.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { procOf } from '../looks.js'

export async function twoPids(stage: Stage): Promise<void> {
  const { bottle } = stage
  await stage.say('First without the namespace. A *victim* runs in the bottle; an *intruder* is a container that is not isolated.')
  const victim = await stage.box('victim')
  const sleeper = execve('/bin/sleep', ['sleep', '1000'])
  await victim.together('A process of the bottle that sleeps', [clone3([]), sleeper])
  const intruder = await stage.box('intruder')
  await intruder.step(
    clone3([], { why: 'the intruder, in its parent’s pid namespace' }),
    kill(victim.childPid as number, 'kill', { why: 'it knows the victim’s number, and root may signal anybody' }),
  )
  await victim.exited()
  await stage.say('The victim is dead. Now the same with a pid namespace around the intruder.')

  const second = await stage.box('second victim')
  await second.together('Another process of the bottle that sleeps', [clone3([]), sleeper])
  const box = await stage.box('container')
  const [cloned] = await box.step(clone3(['pid'], { why: 'the child is the first process of a new pid namespace' }))
  const number = String(cloned?.ret)
  const choices = [number, '1', '0'] as const
  await stage.predict({
    question: `clone3 has told the shim that its child is process ${number}. The child asks for its own pid. What is the answer?`,
    choices,
    async measure() {
      const [asked] = await box.step(getpid({ why: 'who does the child think it is?' }))
      return String(asked?.ret)
    },
    because: 'Each namespace counts from 1. The child has both numbers: getpid answers with the innermost, clone3 with that of its caller.',
  })
  await stage.look('The line NSpid of /proc/PID/status: a column for each namespace, from the reader’s inwards', () => [
    { label: 'the bottle reads', value: columns(readStatus(box.childPid as number, procOf(bottle))), notice: true },
    { label: 'your machine reads', value: columns(readStatus(box.hostPid())) },
  ])
  await stage.say(
    'One process, and two pids in the bottle’s eyes. Your machine counts one more, because the bottle is itself made with a pid namespace.',
  )
  await box.step(getppid({ why: 'its parent is outside, where no number of this namespace reaches' }))
  await box.fails({ ...kill(second.childPid as number, 'kill'), why: 'the same attack with the same number' }, 'ESRCH')

  await box.step(execve('/bin/sleep', ['sleep', '2000'], [], { why: 'the container gets something to do' }))
  await stage.look('The process list of your machine', () => {
    const process = readProcess(box.hostPid())
    return [{ label: `pid ${process?.pid}`, value: process?.commandLine.join(' ') ?? 'gone', notice: true }]
  })
  await stage.say(
    'There it stands, like any other: `ps` on your machine lists it. A virtual machine would not be so open about what it runs.',
  )
}

const columns = (status: ReturnType<typeof readStatus>) => (status?.nsPids ?? []).join('   ')
