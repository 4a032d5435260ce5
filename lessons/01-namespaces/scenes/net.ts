/** The net namespace: no copy, but an empty room with one device, which is switched off. */
import { clone3, loopbackUp } from '../../../lib/index.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { addressesOf, devicesOf } from '../looks.js'

export async function emptyNetwork(stage: Stage): Promise<void> {
  const { bottle } = stage
  const box = await stage.box()
  const choices = ['those of the bottle, in a copy', 'a loopback that works', 'a loopback that is down', 'none at all'] as const
  await stage.predict({
    question: 'A child in a new net namespace: which network devices does it have?',
    choices,
    async measure() {
      await box.step(clone3(['net'], { why: 'a network stack of its own' }))
      const [devices, addresses] = [devicesOf(box.hostPid()), addressesOf(box.hostPid())]
      if (devices.length === 0) return choices[3]
      if (devices.join() !== 'lo') return choices[0]
      return addresses.length > 0 ? choices[1] : choices[2]
    },
    because: 'It cannot even talk to itself: 127.0.0.1 is an address of the loopback, and the loopback has it only while it is up.',
  })
  const seen = () => [
    ...rowsOf('your machine', process.pid),
    ...rowsOf('the bottle', bottle.pid),
    ...rowsOf('the child', box.hostPid(), true),
  ]
  await stage.look('Devices, and addresses that are answered', seen)
  await box.step(...loopbackUp())
  await stage.look('Devices, and addresses that are answered', seen)
}

function rowsOf(who: string, hostPid: number, notice = false): LookRow[] {
  const devices = devicesOf(hostPid).join(' ') || 'no device'
  return [{ label: who, value: `${devices}; ${addressesOf(hostPid).join(' ') || 'no address'}`, notice }]
}
