/** Freeze and thaw: a counter that stops, and what a killed process does in the ice. */
import { setTimeout as sleep } from 'node:timers/promises'
import { child, clone3, execve, host, kill } from '../../../lib/index.js'
import { DrydockError } from '../../../lib/kernel/errors.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT, until, within } from '../../01-namespaces/looks.js'
import { content, FROZEN, frozen, join, LIMIT_FILE, make, put, treeOf } from '../groups.js'

/** It writes a number that grows, ten times a second or so, into a file of the bottle: each below the last, so that there is a whole one at any moment. */
const COUNTER = 'i=0; while :; do i=$((i+1)); echo $i >> /tmp/count; sleep 0.05; done'
const WATCHED = 400
/** Who is killed and can die is gone at once; so many milliseconds are for a slow machine. */
const SURELY = 30_000
/** Looks, ten milliseconds apart: after so many the kernel is told again, and after so many more it is given up. */
const AGAIN = 50
const LONGEST = 3000

export async function ice(stage: Stage): Promise<void> {
  const { bottle } = stage
  const { version, path } = treeOf(bottle, 'freezer')
  const group = `${path}/crew`
  const file = `${group}/${LIMIT_FILE.freezer[version]}`
  const count = () => Number(content(bottle.hostPath('/tmp/count'))?.split('\n').at(-1) ?? 0)
  const box = await stage.box()
  await box.together('A group, and in it a child that counts', [
    ...make(group),
    clone3(['pid']),
    ...join(group),
    execve('/bin/sh', ['sh', '-c', COUNTER], ENVIRONMENT),
  ])
  await until('the first numbers', () => count() > 2)
  await stage.look('The counter, twice', async () => {
    const first = count()
    await sleep(WATCHED)
    return [
      { label: 'now', value: String(first) },
      { label: 'a moment later', value: String(count()) },
    ]
  })

  await box.step(...host(put(file, FROZEN[version].on, 'the word that stops everybody in the group')))
  await allStand(stage, box, file)
  await stage.look('The counter, twice again', async () => {
    const first = count()
    await sleep(WATCHED)
    return [
      { label: 'now', value: String(first) },
      { label: 'a moment later', value: String(count()), notice: true },
    ]
  })

  const choices = ['it is gone at once, as always', 'it stays until the ice melts'] as const
  await stage.predict({
    question: 'We send SIGKILL to the frozen process. What becomes of it?',
    choices,
    async measure() {
      await box.step(host(kill(child, 'kill', { why: 'the signal that nobody can refuse' })))
      const exit = await within(version === 1 ? WATCHED : SURELY, box.shim.exited)
      return exit === undefined ? choices[1] : choices[0]
    },
    because:
      version === 1
        ? 'In version 1 a frozen process takes no signal at all: it would have to run to die. In version 2 they have changed this, and a killed process dies in the ice.'
        : 'In version 2 a frozen process can still be killed. In version 1 it could not: it would have had to run to die, and stayed until the group was thawed.',
  })
  // In one go: with the write the process is free to die, and its shim ends with it.
  await box.together('The ice melts', host(put(file, FROZEN[version].off, 'the other word')))
  await box.exited()
  await stage.exercise('stop')
}

/** Version 1 may say FREEZING for ever when a process was being forked as the word was written; runc writes it again, too. */
async function allStand({ bottle }: Stage, box: Box, file: string): Promise<void> {
  const { on } = FROZEN[treeOf(bottle, 'freezer').version]
  for (let look = 1; !frozen(bottle, 'crew'); look++) {
    if (look > LONGEST) throw new DrydockError('the group did not stand still within thirty seconds')
    await sleep(10)
    if (look % AGAIN > 0) continue
    await box.step(...host(put(file, on, 'somebody who was being forked at that very moment still runs, so the word once more')))
  }
}
