/** Out of memory: a limit of 16 MiB, and a program that touches 128. */
import { clone3, execve } from '../../../lib/index.js'
import { readEvents, readUsage } from '../../../lib/primitives/cgroups/live.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT } from '../../01-namespaces/looks.js'
import { groupOf, join, limitMemory, make, treeOf } from '../groups.js'

const MIB = 1024 * 1024
const SIGKILL = 9

export async function outOfMemory(stage: Stage): Promise<void> {
  const { bottle } = stage
  const group = `${treeOf(bottle, 'memory').path}/crew`
  const box = await stage.box()
  await box.step(...make(group, limitMemory(bottle, group, 16 * MIB)))
  await box.together('A child that joins, as before', [clone3(['pid']), ...join(group)])

  const choices = ['it is told that there is no memory, and says so', 'it gets what it asks for', 'it is killed'] as const
  await stage.predict({
    question: '`dd bs=128M` fills a buffer of 128 MiB in a group that may have 16. What becomes of it?',
    choices,
    async measure() {
      await box.step(
        execve('/bin/dd', ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=128M', 'count=1'], ENVIRONMENT, {
          why: 'a program that touches every page of a large buffer',
        }),
      )
      const { code, signal } = await box.exited()
      return signal === SIGKILL ? choices[2] : code === 0 ? choices[1] : choices[0]
    },
    because:
      'The kernel had promised the memory when dd asked for it, as it nearly always does. When the pages were touched there were none left in the group, and ' +
      'a page fault cannot return an error. So somebody in the group has to go, and the kernel sends the signal that nobody can refuse.',
  })
  await stage.look('What the group has counted', () => {
    const { oomKills, memoryLimitHits } = readEvents(groupOf(bottle, 'crew'))
    const { memoryPeak } = readUsage(groupOf(bottle, 'crew'))
    return [
      { label: 'killed', value: `${oomKills?.value ?? 'not counted by this kernel'} (${oomKills?.file ?? ''})`, notice: true },
      // Where swap is limited too, some kernels count no failures of either limit, and a nought here would deny what was seen.
      ...(memoryLimitHits?.value ? [{ label: 'limit reached', value: `${memoryLimitHits.value} times (${memoryLimitHits.file})` }] : []),
      ...(memoryPeak ? [{ label: 'most ever used', value: `${(memoryPeak.value / MIB).toFixed(1)} MiB (${memoryPeak.file})` }] : []),
    ]
  })
  await stage.say('This is what `OOMKilled: true` in `docker inspect` means, and exit code 137: 128 and the number of the signal.')
  await stage.exercise('smallMemory')
}
