/** The cable goes with the room, and what of all this is on the learner's own machine. */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { child, host, kill } from '../../../lib/index.js'
import { readRoutes } from '../../../lib/kernel/proc/net.js'
import { listProcDirectory } from '../../../lib/kernel/proc/read.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'

import { deviceRows, forwardsHere, networkOf } from '../looks.js'
import { bridge, cableOf, plugged } from '../net.js'

export async function goneWithIt(stage: Stage): Promise<void> {
  const { bottle } = stage
  const box = await stage.box('container')
  await box.together('A bridge, and a container at it', [...bridge(), ...plugged(1)])
  await stage.look('The host’s devices', async () => deviceRows(await networkOf(bottle, 1), '', ({ kind }) => kind === 'veth'))
  const choices = ['it stays: somebody has to delete it', 'it is gone'] as const
  await stage.predict({
    question: `The container’s only process is killed. The host’s end of the cable, ${cableOf(1).name}, is in the host’s own room. What becomes of it?`,
    choices,
    async measure() {
      await box.step(host(kill(child, 'kill', { why: 'nobody is in the room any more' })))
      await box.exited()
      // The kernel takes a namespace down a moment after its last process.
      const gone = await settled(async () => !(await networkOf(bottle, 1)).links.some(({ name }) => name === cableOf(1).name))
      return gone ? choices[1] : choices[0]
    },
    because:
      'A namespace that nothing holds is taken down with all that is in it, and a cable with one end is no cable. So an engine that was killed leaves no cables behind. ' +
      'Bridges and rules of the packet filter do stay: they lie in the host’s own namespace.',
  })
  await stage.look('The host’s devices', async () => deviceRows(await networkOf(bottle, 1)))
  await stage.look('On your own machine', () => [{ label: 'ip_forward', value: forwardsHere() }, ...defaultRoutes(), ...bridges()])
}

/** So many milliseconds are far more than taking a namespace down needs. */
const LONGEST = 5000

async function settled(holds: () => Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + LONGEST; Date.now() < end; await sleep(10)) if (await holds()) return true
  return false
}

const DEVICES = '/sys/class/net'

function defaultRoutes(): LookRow[] {
  const found = (readRoutes() ?? []).filter(({ prefixLength }) => prefixLength === 0)
  return found.map(({ gateway, device }) => ({
    label: 'default route',
    value: [gateway && `via ${gateway}`, `by ${device}`].filter(Boolean).join(' '),
  }))
}

/** Bridges, whoever made them, and what is plugged into each. */
function bridges(): LookRow[] {
  const found = (listProcDirectory(DEVICES) ?? []).filter((name) => existsSync(`${DEVICES}/${name}/bridge`))
  if (found.length === 0) return [{ label: 'bridges', value: 'none' }]
  return found.map((name) => {
    const ports = listProcDirectory(`${DEVICES}/${name}/brif`) ?? []
    return { label: `bridge ${name}`, value: ports.length > 0 ? `ports ${ports.join(', ')}` : 'nothing plugged in' }
  })
}
