/** What stands between an engine and the kernel; and what would stand there if a container were a virtual machine. */
import { readFileSync } from 'node:fs'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { until } from '../../01-namespaces/looks.js'
import { openEngine } from '../engine.js'
import { IMAGE } from '../image.js'
import { commandOf, lineageRows, processesInside } from '../looks.js'

const SLEEPERS = 3

export async function whatDrivesIt(stage: Stage): Promise<void> {
  const { bottle } = stage
  const running = await openEngine(stage)
  if (!running) return
  const { box, engine } = running
  const script = `${'sleep 1000 & '.repeat(SLEEPERS - 1)}cat /proc/version; exec sleep 1000`
  const id = await engine.run({ Image: IMAGE, Cmd: ['sh', '-c', script] }, 'guest')
  const { Pid } = (await engine.inspect(id)).State
  await until('the start of all of them', () => processesInside(bottle, Pid).filter(({ comm }) => comm === 'sleep').length === SLEEPERS)
  await stage.look('Who has made whom, from the container upwards', () => lineageRows(bottle, Pid, box.childPid))
  const choices = ['none: they are inside', 'one: the container', `${SLEEPERS}: every one of them`] as const
  await stage.predict({
    question: `\`guest\` has started ${SLEEPERS} processes \`sleep\`. How many of them stand in the host’s list of processes?`,
    choices,
    async measure() {
      const seen = processesInside(bottle, Pid).length
      return seen === 0 ? choices[0] : seen === 1 ? choices[1] : choices[2]
    },
    because:
      'A virtual machine would be one line there, a program that plays a computer, and what runs in it the host could only guess. A container is its processes.',
  })
  await stage.look('Processes', () =>
    processesInside(bottle, Pid).map((process) => ({
      label: `pid ${process.pid} of the host`,
      value: `${process.inside} inside: ${commandOf(process)}`,
    })),
  )
  const own = readFileSync('/proc/version', 'utf8').trim()
  const seen = (await engine.logs(id)).trim()
  await stage.look('/proc/version', () => [
    { label: 'on your machine', value: own.slice(0, 56) },
    { label: 'in the container', value: seen === own ? 'the same, to the last letter' : seen.slice(0, 56), notice: true },
  ])
}
