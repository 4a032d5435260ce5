/** /proc/meminfo knows nothing of cgroups; and limits may add up to more than there is. */
import { clone3, execve } from '../../../lib/index.js'
import { parseMeminfo, readMeminfo } from '../../../lib/kernel/proc/meminfo.js'
import { readLimits } from '../../../lib/primitives/cgroups/live.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT } from '../../01-namespaces/looks.js'
import { content, groupOf, join, LIMIT_FILE, limitMemory, make, treeOf } from '../groups.js'

const MIB = 1024 * 1024

export async function whatFreeSays(stage: Stage): Promise<void> {
  const { bottle } = stage
  const group = `${treeOf(bottle, 'memory').path}/crew`
  const box = await stage.box()
  await box.together('A child in a group of 32 MiB', [
    ...make(group, limitMemory(bottle, group, 32 * MIB)),
    clone3(['pid']),
    ...join(group),
  ])
  const total = readMeminfo().get('MemTotal') ?? 0
  const choices = ['32 MiB', `all that this machine has: ${Math.round(total / 1024)} MiB`] as const
  await stage.predict({
    question: 'The child reads MemTotal in /proc/meminfo. What does it find?',
    choices,
    async measure() {
      await box.step(
        execve('/bin/sh', ['sh', '-c', 'head -n 3 /proc/meminfo'], ENVIRONMENT, { why: 'the first lines of the file that free reads' }),
      )
      await box.exited()
      const seen = parseMeminfo(box.output()).get('MemTotal') ?? 0
      return seen <= 32 * 1024 ? choices[0] : choices[1]
    },
    because:
      '/proc/meminfo tells of the machine, for whoever asks. There is no memory namespace. A program that wants to know its limit must look ' +
      'into its cgroup, and many do by now.',
  })
}

export async function noReservation(stage: Stage): Promise<void> {
  const { bottle } = stage
  const { version, path } = treeOf(bottle, 'memory')
  const total = (readMeminfo().get('MemTotal') ?? 0) * 1024
  const names = ['first', 'second', 'third']
  const box = await stage.box()
  const choices = ['all three', 'the first; then the memory is given away', 'none: somebody else needs some'] as const
  await stage.predict({
    question: `Three groups, and each is given a limit of all the memory there is, ${Math.round(total / MIB)} MiB. How many of them get it?`,
    choices,
    async measure() {
      await box.together(
        'Three groups with the whole machine each',
        names.flatMap((name) => make(`${path}/${name}`, limitMemory(bottle, `${path}/${name}`, total))),
      )
      const given = names.filter((name) => readLimits(groupOf(bottle, name)).memory?.value === total - (total % 4096)).length
      return given === names.length ? choices[0] : given === 0 ? choices[2] : choices[1]
    },
    because:
      'A limit is a ceiling over what a group may take. It gives nobody anything, and it keeps nothing back. When all three come for it at once, the machine itself runs out.',
  })
  await stage.look('The three limits', () =>
    names.map((name) => ({ label: name, value: content(bottle.hostPath(`${path}/${name}/${LIMIT_FILE.memory[version]}`)) ?? '' })),
  )
}
