/** What Docker’s words for all this come to: docker diff made by hand, and the steps of the primitive that the engine uses. */
import { join } from 'node:path'
import { clone3, execve, host, mount } from '../../../lib/index.js'
import { showStep } from '../../../lib/kernel/show.js'
import { MASKED_PATHS, presentPaths, rootfs } from '../../../lib/primitives/rootfs/index.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { ENVIRONMENT, until } from '../../01-namespaces/looks.js'
import { contentOf, directories, filesBelow, isWhiteout, layersOption, mountRows, mountsOf, statOf } from '../looks.js'
import { leaveFor, makeWorld, WORLD } from '../world.js'

const SHIP = '/ship'

export async function dockersWords(stage: Stage): Promise<void> {
  const { bottle } = stage
  makeWorld(bottle)
  const first = await stage.box('container')
  const script = 'echo more >> /etc/group; echo boat > /root/boat; rm /etc/passwd; touch /tmp/done; exec sleep 1000'
  await first.together('A container over /world; its shell adds a file, changes one and removes one', [
    ...host(directories(SHIP, `${SHIP}/diff`, `${SHIP}/work`, `${SHIP}/merged`)),
    clone3(['mnt', 'pid']),
    mount(null, '/', null, ['rec', 'private']),
    mount('overlay', `${SHIP}/merged`, 'overlay', [], layersOption(bottle, [WORLD], { upper: `${SHIP}/diff`, work: `${SHIP}/work` })),
    ...leaveFor(`${SHIP}/merged`),
    execve('/bin/sh', ['sh', '-c', script], ENVIRONMENT),
  ])
  await until('the changes', () => contentOf(`/proc/${first.hostPid()}/root/tmp/done`) !== undefined)
  await stage.look('docker diff: a walk through upper, beside lower', () =>
    changes(bottle.hostPath(`${SHIP}/diff`), bottle.hostPath(WORLD)),
  )
  await stage.say(
    'A whiteout is D. What is below as well is C, for changed, also a directory in which something happened. The rest is A, for added. This is the whole of `docker diff`, and `docker commit` packs the same directory into a layer.',
  )

  await stage.say('And this is how drydock does it. The same layers, the same calls, and a few more:')
  const { steps } = rootfs({
    root: { kind: 'overlay', lower: [WORLD], upper: `${SHIP}/diff`, work: `${SHIP}/work`, target: `${SHIP}/merged` },
    maskedPaths: presentPaths(MASKED_PATHS),
    rootless: bottle.rootless,
  })
  const phases = [...new Set(steps.map(({ phase }) => phase ?? ''))]
  await stage.look('The primitive rootfs, with which drydock makes every container: its steps', () => [
    { label: 'calls in all', value: String(steps.length) },
    ...phases.map((phase) => ({
      label: `in the phase ${phase}`,
      value: counted(steps.filter((step) => step.phase === phase).map(({ call }) => call)),
    })),
    ...steps.filter(({ phase }) => phase === 'root').map((step) => ({ label: 'root', value: showStep(step) })),
  ])
  const second = await stage.box('whole')
  await second.together('All of them', [clone3(['mnt', 'pid', 'net', 'ipc', 'uts']), ...steps])
  await stage.look('What the container has mounted', () => mountRows(mountsOf(second.hostPid()), 40))
}

/** As docker diff prints it: A added, C changed, D deleted. */
function changes(upper: string, lower: string): LookRow[] {
  return filesBelow(upper).map(({ path, stat }) => {
    const below = statOf(join(lower, path)) !== undefined
    return { label: isWhiteout(stat) ? 'D' : below ? 'C' : 'A', value: `/${path}` }
  })
}

/** `3 mount, 2 openat` */
function counted(calls: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const call of calls) counts.set(call, (counts.get(call) ?? 0) + 1)
  return [...counts].map(([call, count]) => `${count} ${call}`).join(', ')
}
