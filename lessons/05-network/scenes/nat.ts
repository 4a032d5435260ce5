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
    const { echoes, noRoute } = since(before, countersOf(far.hostPid()))
    return [
      { label: 'InEchos', value: `${echoes} echo requests came in` },
      { label: 'OutNoRoutes', value: `${noRoute} packets of its own that no route led anywhere`, notice: noRoute > 0 },
    ]
  })
  await stage.say('So the host must lend its own address. That is a rule of the packet filter, and `nft` is the program that writes rules.')
  await runNft(stage, MASQUERADE, 'a table, a chain at the place where packets leave, and one rule in it')
  await pings(box, WAN.far, 'reply', { send: 'the same packet from the same container', receive: 'the answer comes to the container' })
  await far.step(seen('and from whom did it come, over there?'))
  await stage.say(
    `The packet has left the container with one sender and arrived with another. The host remembers what it has changed, and undoes it in the answers. ` +
      'This is called *masquerade*, and its kernel part *connection tracking*. The rule has counted:',
  )
  await runNft(stage, [`list table ip ${TABLE}`], 'what is in the table now?')
  await stage.say(
    'It says one packet, and so it will after ten more of the same conversation: only the first of a conversation asks the rules, and the others are treated alike.',
  )
}
