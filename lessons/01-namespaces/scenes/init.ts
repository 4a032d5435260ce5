/** PID 1 of a namespace and signals: dropped without a handler, from inside always, from outside all but SIGKILL and SIGSTOP. */
import { clone3, execve, getpid, host, kill, pidfd_open, ref, setns } from '../../../lib/index.js'
import { readStatus } from '../../../lib/kernel/proc/status.js'
import { child } from '../../../lib/kernel/step.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT, procOf, until, within } from '../looks.js'

/** So long a process is watched before we say that a signal did nothing to it. One that kills needs far less than one of them. */
const PATIENCE = 300
/** And so long one whose end surely comes, on a slow machine too. */
const SURELY = 30_000

export async function firstProcess(stage: Stage): Promise<void> {
  const root = procOf(stage.bottle)
  const box = await stage.box('container')
  await box.together('A container whose PID 1 is sleep', [clone3(['pid']), execve('/bin/sleep', ['sleep', '1000'])])
  const lives = async (one: Box) => (await within(PATIENCE, one.exited())) === undefined

  const outside = ['it ends, as every sleep does that gets this signal', 'nothing: it goes on sleeping'] as const
  await stage.predict({
    question: 'The shim, outside, sends SIGTERM to sleep, as `docker stop` does. What happens?',
    choices: outside,
    async measure() {
      await box.step(host(kill(child, 'term', { why: 'the polite way to end a program' })))
      return (await lives(box)) ? outside[1] : outside[0]
    },
    because:
      'Ending is what the kernel does by default when a program has no handler for this signal. For PID 1 there are no defaults: without a handler ' +
      'the signal is dropped.',
  })
  await stage.look('The signals of sleep, in /proc/PID/status', () => {
    const signals = readStatus(box.childPid as number, root)?.signals
    const names = (set?: readonly string[]) => set?.join(', ') || 'none'
    return [
      { label: 'SigCgt (has a handler for)', value: names(signals?.caught.names), notice: true },
      { label: 'SigPnd, ShdPnd (still to come)', value: names(signals?.pending.names) },
    ]
  })

  await stage.say(
    'Now somebody inside tries. The second box enters the pid namespace of the first, as in a scene to come, and makes a child there.',
  )
  const inside = await stage.box('insider')
  await inside.together('A second process for the namespace', [
    pidfd_open(box.childPid as number, { keep: 'init' }),
    setns(ref('init'), ['pid']),
    clone3([]),
  ])
  await inside.step(getpid({ why: 'the number of the newcomer in there' }))
  const fatal = ['PID 1 dies, and everything with it', 'the call succeeds, and nothing happens', 'the call fails with EPERM'] as const
  await stage.predict({
    question: 'The insider is root. It sends SIGKILL, which nobody can catch or ignore, to process 1. What happens?',
    choices: fatal,
    async measure() {
      const [killed] = await inside.step(kill(1, 'kill', { why: 'the impolite way, from inside', allow: ['EPERM'] }))
      if (killed?.status !== 'ok') return fatal[2]
      return (await lives(box)) ? fatal[1] : fatal[0]
    },
    because: 'From inside, PID 1 cannot be killed at all. From outside only SIGKILL and SIGSTOP get through: the host has the last word.',
  })
  const ends = ['the insider goes on, adopted by the bottle’s PID 1', 'the insider is killed too'] as const
  await stage.predict({
    question: 'So the shim, outside, sends SIGKILL to sleep. sleep dies. What becomes of the insider?',
    choices: ends,
    async measure() {
      await box.step(host(kill(child, 'kill', { why: 'from outside, where the signal counts' })))
      await box.exited()
      return (await within(SURELY, inside.exited())) === undefined ? ends[0] : ends[1]
    },
    because:
      'When PID 1 ends, the kernel kills every other process of its namespace. This is how an engine ends a container: one signal, nobody left.',
  })

  await stage.say('A program that wants to be stopped politely installs a handler. In a shell that is `trap`.')
  const polite = await stage.box('polite')
  const script = 'trap "echo SIGTERM came, good bye; exit 3" TERM; echo ready; sleep 1000 & wait'
  await polite.together('A container whose PID 1 has a handler for SIGTERM', [
    clone3(['pid']),
    execve('/bin/sh', ['sh', '-c', script], ENVIRONMENT),
  ])
  await until('the trap', () => polite.output().includes('ready'))
  await polite.step(host(kill(child, 'term', { why: 'the same signal as at the beginning' })))
  await polite.exited()
}
