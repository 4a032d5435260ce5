/** What the options of docker run come to: the steps of the primitive that this lesson has been about. */

import { showStep } from '../../../lib/kernel/show.js'
import { cgroups } from '../../../lib/primitives/cgroups/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'

const OPTIONS = { memory: 64 * 1024 * 1024, cpus: 0.5, pids: 100 }

export async function dockerWrites(stage: Stage): Promise<void> {
  const { bottle } = stage
  const fragment = cgroups({ path: 'box', ...OPTIONS }, bottle.cgroup.inside)
  const limits = fragment.steps.filter(({ call }) => call === 'mkdirat' || call === 'write')
  await stage.look('docker run --memory 64m --cpus 0.5 --pids-limit 100', () => [
    { label: 'calls in all', value: String(fragment.steps.length) },
    ...limits.map((step) => ({ label: step.actor ?? '', value: showStep(step) })),
  ])
  for (const warning of fragment.warnings) await stage.say(warning)
  const box = await stage.box()
  await box.together(
    'The same, made',
    fragment.steps.filter(({ phase }) => phase === 'prepare'),
  )
}
