/** A veth pair: two devices, of which each receives what the other sends; one of them goes into the child's namespace. */
import { address_add, clone3, host, link_set, link_up, loopbackUp, veth_add } from '../../../lib/index.js'
import { readNetDev } from '../../../lib/kernel/proc/net.js'
import { child } from '../../../lib/kernel/step.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { deviceRows, neighbourRows, networkOf } from '../looks.js'
import { HOST, hostLine, LAN, OWN, ownLine } from '../net.js'
import { pingSocket, pings } from '../ping.js'

const NEAR = { index: 101, name: 'veth1' } as const
const FAR = { index: 102, name: 'veth2' } as const
const MOVED = { index: FAR.index, name: 'eth0' } as const

export async function cable(stage: Stage): Promise<void> {
  const { bottle } = stage
  const box = await stage.box()
  await box.step(hostLine())
  await box.together('A child with a network of its own, its loopback on', [clone3(['net']), ...loopbackUp(), ownLine()])
  await box.step(host(veth_add(HOST, { ...NEAR, peer: { ...FAR } }, { why: 'a cable, both ends of which are still in the host’s room' })))
  const onHost = async () => deviceRows(await networkOf(bottle, 1), 'host', isCable)
  const inside = async () => deviceRows(await networkOf(bottle, box.childPid as number), 'child', isCable)
  await stage.look('The host’s devices', onHost)

  const choices = ['both ends, as before', 'one end', 'none: a cable is one thing, and it is in the child now'] as const
  await stage.predict({
    question: `One end, ${FAR.name}, is handed into the child’s network and called eth0 there. What does the host still have?`,
    choices,
    async measure() {
      await box.step(
        host(
          link_set(
            HOST,
            FAR,
            { netns: { pid: child }, name: MOVED.name },
            { why: 'a device is in one network namespace at a time; it moves' },
          ),
        ),
      )
      const left = (await networkOf(bottle, 1)).links.filter(isCable)
      return left.length === 2 ? choices[0] : left.length === 1 ? choices[1] : choices[2]
    },
    because:
      'The two ends are two devices. Each knows the number of the other, and in which network namespace it is; that is all that makes them a cable.',
  })
  await stage.look('Both rooms', async () => [...(await onHost()), ...(await inside())])
  await stage.say('Now addresses, and the switch at each end. The child first.')
  await box.step(
    address_add(
      OWN,
      MOVED,
      '10.5.0.2/24',
      {},
      { why: 'the child is 10.5.0.2, and everybody whose address begins with 10.5.0 is at this cable' },
    ),
    link_up(OWN, MOVED, { why: 'this end is on' }),
  )
  await stage.look('Is there light at the socket?', async () => [...(await onHost()), ...(await inside())])
  await box.step(
    host(link_up(HOST, NEAR, { why: 'the other end on: only now does anything pass' })),
    host(address_add(HOST, NEAR, `${LAN.gateway}/24`, {}, { why: `the host is ${LAN.gateway} at this cable` })),
  )
  await stage.look('Is there light at the socket?', async () => [...(await onHost()), ...(await inside())])
  await box.together('A socket to ping with', pingSocket())
  await pings(box, LAN.gateway, 'reply', { send: 'through the cable', receive: 'the host’s kernel has answered; no program had to' })
  await stage.look('Who has which hardware address?', () => [
    ...neighbourRows(box.hostPid(), 'child'),
    ...neighbourRows(bottle.pid, 'host'),
  ])
  await stage.look('What the two ends have counted', () => [
    ...traffic('host', bottle.pid, NEAR.name),
    ...traffic('child', box.hostPid(), MOVED.name),
  ])
  await stage.say(
    'There are more packets than the two that you know of. Before the first one to a neighbour the kernel asks all who are at the cable: “who has ' +
      '10.5.0.1?” That is ARP, and its answers are what you saw above. (The others are IPv6, which introduces itself wherever it comes.)',
  )
  await stage.exercise('cable')
}

const isCable = ({ name }: { name: string }) => name !== 'lo'

function traffic(who: string, hostPid: number, device: string): LookRow[] {
  const found = readNetDev(hostPid)?.find(({ name }) => name === device)
  return found ? [{ label: `${who}: ${device}`, value: `${found.sent.packets} sent, ${found.received.packets} received` }] : []
}
