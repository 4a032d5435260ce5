/** A bridge is a switch: two containers at it, what it learns, and that it needs no address for that. */
import { address_add, bridge_add, host, link_set, ref, rtnetlink_socket } from '../../../lib/index.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { deviceRows, type Network, neighbourRows, networkOf } from '../looks.js'
import { addressOf, BRIDGE, cableOf, ETH0, HOST, LAN, plugged } from '../net.js'
import { ping, pingSocket, pings } from '../ping.js'

export async function theSwitch(stage: Stage): Promise<void> {
  const { bottle } = stage
  const one = await stage.box('one')
  await one.step(
    rtnetlink_socket({ keep: 'bridge.net', why: 'a line to the kernel about the host’s network' }),
    bridge_add(ref('bridge.net'), { name: BRIDGE.name, index: BRIDGE.index, up: true }, { why: 'a switch without a socket in use, on' }),
  )
  const [made, , ...rest] = plugged(1)
  const cloned = plugged(1)[1]
  if (!made || !cloned) return
  const [laid, ...settled] = rest
  await one.together('A child with a network of its own', [made, cloned])
  if (laid) {
    await one.step({
      ...laid,
      why: 'a cable in one go: one end is born in the child’s room, the other is up and plugged into the bridge (master)',
    })
  }
  await one.together(`Its loopback, its address ${addressOf(1)}, its end on`, settled)
  const other = await stage.box('other')
  await other.together(`Another container in the same way, ${addressOf(2)}`, plugged(2))
  await stage.look('The host’s devices', async () =>
    deviceRows(await networkOf(bottle, 1), '', ({ master, kind }) => master !== undefined || kind === 'bridge'),
  )

  await one.together('A socket to ping with', pingSocket())
  const choices = ['yes', 'no: the bridge has no address, so nobody can pass through it'] as const
  await stage.predict({
    question: `The bridge has no address, and the host has no route to either of them. Does ${addressOf(1)} reach ${addressOf(2)}?`,
    choices,
    async measure() {
      return (await ping(one, addressOf(2), { send: 'to the other container', receive: 'is there an answer?' })) === 'reply'
        ? choices[0]
        : choices[1]
    },
    because:
      'A switch passes frames from port to port and looks at hardware addresses only. Internet addresses mean nothing to it, and it needs none. ' +
      'What came in at a port it remembers, and next time it sends there only.',
  })
  await stage.look('What the bridge has learnt', async () => learnt(await networkOf(bottle, 1)))
  await stage.look('What the container has learnt', () => neighbourRows(one.hostPid(), 'one'))

  await stage.say('And the host? It has the switch in its room, but no cable to it.')
  await pings(one, LAN.gateway, 'silence', {
    send: 'there is a route for 10.5.0.…, so the packet is sent',
    receive: 'nobody has the address',
  })
  await stage.look('Whom the container has asked for', () => neighbourRows(one.hostPid(), 'one'))
  await one.step(
    host(
      address_add(
        HOST,
        BRIDGE,
        `${LAN.gateway}/24`,
        {},
        {
          why: 'an address on the bridge itself: the bridge is a device of the host too, as if the host were plugged into its own switch',
        },
      ),
    ),
  )
  await one.together('A socket to ping with, of the host’s', pingSocket('echo_reply', 'host'))
  await pings(one, addressOf(1), 'reply', { actor: 'host', send: 'the host asks the container', receive: 'and gets an answer' })
  await stage.say(
    'That is all that `docker0` is: a bridge with an address. At every `docker run` a cable is laid from it into a new room, and the end in the room is called ' +
      '`eth0`. Nothing in the kernel knows that name or the word Docker.',
  )
  // The packet that found nobody has waited for the host's hardware address, and may have been answered just now.
  await one.together('A fresh socket to ping with; in the old one a late answer may lie', pingSocket())
  await stage.say('Pull one plug, and look at what the error is now.')
  await one.step(host(link_set(HOST, cableOf(2).name, { master: null }, { why: 'out of the switch; the cable is still there, and on' })))
  await pings(one, addressOf(2), 'silence', {
    send: 'to the other container, whose hardware address it knows',
    receive: 'no error, just silence',
  })
  await one.step(host(link_set(HOST, cableOf(2).name, { master: BRIDGE }, { why: 'in again' })))
  await pings(one, addressOf(2), 'reply', { send: 'once more', receive: 'and it is there' })
  await stage.shell(one, [
    { command: 'ip neighbour', why: 'whom this container knows' },
    { command: `ping -c 2 ${addressOf(2)}`, why: 'the other container' },
    { command: `ip link show ${ETH0.name}`, why: 'the @if… behind the name is the number of the other end' },
  ])
  await stage.exercise('bridge')
}

/** Hardware addresses that came in at a port, without those of the ports themselves. */
function learnt({ forwarding, links }: Network): LookRow[] {
  const nameOf = (port: number) => links.find(({ index }) => index === port)?.name ?? String(port)
  const rows = forwarding
    .filter(({ own, bridge }) => !own && bridge === BRIDGE.index)
    .map(({ mac, port }) => ({ label: mac, value: `is behind port ${nameOf(port)}`, notice: true }))
  return rows.length > 0 ? rows : [{ label: BRIDGE.name, value: 'nothing' }]
}
