/** An address that nobody outside knows, and a host that lends its own. */
import type { Stage } from '../../../lib/tutor/lesson.js'
import { countersOf, networkOf, routeRows, since } from '../looks.js'
import { addressOf, bridge, forward, internet, plugged, WAN } from '../net.js'
import { MASQUERADE, runNft, TABLE } from '../nft.js'
import { ping, pingSocket, pings, seen } from '../ping.js'

export async function masquerade(stage: Stage): Promise<void> {
  const box = await stage.box('container')
  await box.together('The bridge, a container with a default route, and a host that forwards', [
    ...bridge(),
    ...plugged(1, { route: true }),
    ...forward(true),
  ])
  const far = await stage.box('internet')
  await far.together('The machine somewhere else. It knows its own network, and no way to yours', internet())
  await far.together('It has a socket on which it sees the echo requests that come in', pingSocket('echo'))
  await box.together('A socket to ping with', pingSocket())
  await stage.look('Routes', async () => routeRows(await networkOf(stage.bottle, far.childPid as number), 'internet'))

  const before = countersOf(far.hostPid())
  const choices = ['the reply comes', 'the packet does not arrive', 'the packet arrives, and the reply does not'] as const
  await stage.predict({
    question: `The host forwards. The container sends to ${WAN.far}. What happens?`,
    choices,
    async measure() {
      const outcome = await ping(box, WAN.far, { send: 'through the host, which is a router now', receive: 'and the answer?' })
      const arrived = since(before, countersOf(far.hostPid())).echoes > 0
      return outcome === 'reply' ? choices[0] : arrived ? choices[2] : choices[1]
    },
    because: `It is delivered, and it says that it comes from ${addressOf(1)}. The other side wants to answer and has no route there: thousands of networks use the same private addresses, so no router in the world knows them.`,
  })
  await far.step(seen('what has come in there?'))
  await stage.look('Counted at the other side', () => {
    const { echoes, replies } = since(before, countersOf(far.hostPid()))
    return [
      { label: 'InEchos', value: `${echoes} echo requests came in` },
      { label: 'OutEchoReps', value: `${replies} echo replies went out`, notice: true },
    ]
  })
  await stage.say('So the host must lend its own address. That is a rule of the packet filter, and `nft` is the program that writes rules.')
  await runNft(stage, MASQUERADE, 'a table, a chain at the place where packets leave, and one rule in it')
  await pings(box, WAN.far, 'reply', { send: 'the same packet from the same container', receive: 'the answer comes to the container' })
  await far.step(seen('and from whom did it come, over there?'))
  await stage.say(
    `The packet has left the container with one sender and arrived with another. The host remembers what it has changed, and undoes it in the answers. ` +
      'This is called *masquerade*, and its kernel part *connection tracking*.',
  )
  const list = [`list table ip ${TABLE}`]
  const counts = ['one', 'two', 'four, with the answers'] as const
  await pings(box, WAN.far, 'reply', { send: 'and another one', receive: 'answered as well' })
  await stage.predict({
    question: 'The rule has a counter. Two packets were sent, and two answers came. How many has it counted?',
    choices: counts,
    async measure() {
      const counted = Number(/counter packets (\d+)/.exec(await runNft(stage, list, 'what is in the table now?'))?.[1])
      return counts[counted === 1 ? 0 : counted === 2 ? 1 : 2]
    },
    because:
      'Only the first packet of a conversation asks the rules; what they said is remembered for the others, and turned round for the answers. (After half a ' +
      'minute of silence a conversation of pings is forgotten, and the next packet is a first one again.)',
  })
}
