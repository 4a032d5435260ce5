/** A quota of processor time: never more than a fifth of a processor, however idle the machine is. */
import { setTimeout as sleep } from 'node:timers/promises'
import { child, clone3, execve, host, kill } from '../../../lib/index.js'
import { readEvents } from '../../../lib/primitives/cgroups/live.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT } from '../../01-namespaces/looks.js'
import { content, groupOf, join, limitCpu, make, treeOf } from '../groups.js'

const PERCENT = 20
const WATCHED = 1000

export async function aFifth(stage: Stage): Promise<void> {
  const { bottle } = stage
  const group = `${treeOf(bottle, 'cpu').path}/crew`
  const box = await stage.box()
  await box.step(...make(group, limitCpu(bottle, group, PERCENT)))
  await box.together('A child that joins', [clone3(['pid']), ...join(group)])

  const choices = ['all of a processor: nobody else wants it', 'about a fifth of one', 'half, as a compromise'] as const
  let share = 0
  await stage.predict({
    question: 'In the group runs an endless loop, alone on an idle machine. How much of a processor does it get in the next second?',
    choices,
    async measure() {
      await box.step(execve('/bin/sh', ['sh', '-c', 'while :; do :; done'], ENVIRONMENT, { why: 'a program that is never content' }))
      share = await shareOf(box.hostPid())
      return share < 0.35 ? choices[1] : share < 0.65 ? choices[2] : choices[0]
    },
    get because() {
      return `It got ${(share * 100).toFixed(0)} % (by the clock in /proc/PID/stat). A quota is a ceiling, also when the house is empty. What shares out a *full* machine are weights, another file: cpu.shares or cpu.weight.`
    },
  })
  await stage.look('What the group has counted', () => {
    const { periods, throttledPeriods, throttledTime } = readEvents(groupOf(bottle, 'crew'))
    return [
      { label: 'periods', value: `${periods?.value} (${periods?.file}, nr_periods)` },
      { label: 'stopped in', value: `${throttledPeriods?.value} of them (nr_throttled)`, notice: true },
      { label: 'stood still for', value: `${((throttledTime?.value ?? 0) / 1e9).toFixed(2)} s` },
    ]
  })
  await box.step(host(kill(child, 'kill', { why: 'enough' })))
  await box.exited()
  await stage.exercise('slow')
}

/** Ticks of processor time are hundredths of a second (USER_HZ, proc(5)). */
async function shareOf(hostPid: number): Promise<number> {
  // User and system time are the 14th and 15th field; the second is a name in parentheses that may hold anything.
  const used = () => {
    const fields = (content(`/proc/${hostPid}/stat`) ?? '').replace(/^.*\) /s, '').split(' ')
    return Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  }
  const [before, began] = [used(), performance.now()]
  await sleep(WATCHED)
  return (used() - before) / 100 / ((performance.now() - began) / 1000)
}
