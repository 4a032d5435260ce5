/** A new network namespace: not even the way to oneself is there. */
import { clone3, link_up } from '../../../lib/index.js'
import { LOOPBACK } from '../../../lib/kernel/netlink/device.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { deviceRows, networkOf, routeRows } from '../looks.js'
import { LAN, OWN, ownLine } from '../net.js'
import { ping, pingSocket, pings } from '../ping.js'

const SELF = '127.0.0.1'

export async function emptyRoom(stage: Stage): Promise<void> {
  const { bottle } = stage
  const box = await stage.box()
  await box.step(clone3(['net'], { why: 'a network of its own, and nothing else of its own' }))
  const look = () => networkOf(bottle, box.childPid as number)
  await stage.look('The child’s devices', async () => deviceRows(await look()))
  await stage.say('A ping is a socket and two calls. First the socket.')
  await box.step(...pingSocket())
  const choices = [
    'the reply comes: nobody needs a network to talk to himself',
    'the packet goes out, and no answer comes',
    'the kernel refuses to send it',
  ] as const
  await stage.predict({
    question: `The child sends an echo request to ${SELF}, that is to itself. What happens?`,
    choices,
    async measure() {
      const outcome = await ping(box, SELF, { send: 'one packet, to whoever has this address', receive: 'and the wait for an answer' })
      return outcome === 'reply' ? choices[0] : outcome === 'silence' ? choices[1] : choices[2]
    },
    because:
      `ENETUNREACH: there is no route to ${SELF}. Even this address is the address of a device, the loopback, and the loopback has it only while it is on. ` +
      'An error that comes at once is the best of all network errors: your own kernel says it, and nothing has left.',
  })
  await stage.say('So the light is switched on.')
  await box.step(ownLine(), link_up(OWN, LOOPBACK, { why: 'the loopback on; the kernel gives it 127.0.0.1 by itself' }))
  await pings(box, SELF, 'reply', { send: 'the same packet again', receive: 'it has come in where it went out' })
  await stage.look('The child’s network now', async () => {
    const network = await look()
    return [...deviceRows(network, '', ({ name }) => name === 'lo'), ...routeRows(network, 'routes to others')]
  })
  await pings(box, LAN.gateway, 'ENETUNREACH', { send: 'and anybody else? there is no route, and no cable for one' })
  await stage.shell(box, [
    { command: 'ip address', why: 'the same in the words of the ip program' },
    { command: `ping -c 1 ${SELF}`, why: 'the program that makes these calls' },
  ])
}
