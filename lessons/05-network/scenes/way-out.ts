/** The default route, and a host that is no router: from an error that one sees to a silence that only the counters explain. */
import { route_add } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { type Counters, countersOf, networkOf, routeRows, since } from '../looks.js'
import { bridge, forward, internet, LAN, OWN, plugged, WAN } from '../net.js'
import { ping, pingSocket, pings } from '../ping.js'

export async function defaultRoute(stage: Stage): Promise<void> {
  const { bottle } = stage
  const box = await stage.box('container')
  await box.together('A bridge with an address, as before, on a host that forwards nothing', [...bridge(), ...forward(false)])
  await box.together('A container at it', plugged(1))
  const far = await stage.box('internet')
  await far.together('A machine somewhere else, and the host’s cable to it', internet())
  await box.together('A socket to ping with', pingSocket())
  await pings(box, LAN.gateway, 'reply', { send: 'the host, as the container knows it', receive: 'so far it works' })

  const choices = ['the reply comes', 'the packet goes out, and no answer comes', 'the kernel refuses to send it'] as const
  await stage.predict({
    question: `The container sends to ${WAN.far}, which is at the host’s other cable. What happens?`,
    choices,
    async measure() {
      const outcome = await ping(box, WAN.far, { send: 'to a machine that is not at this cable' })
      return outcome === 'reply' ? choices[0] : outcome === 'silence' ? choices[1] : choices[2]
    },
    because:
      'The only route that the container has is the one to its own cable, which came with its address. Nobody has told it where all else is.',
  })
  await stage.look('Routes', async () => [
    ...routeRows(await networkOf(bottle, box.childPid as number), 'container'),
    ...routeRows(await networkOf(bottle, 1), 'host'),
  ])
  await stage.say('So it is told. First, a mistake that everybody makes once: the address of a router that is not at one’s own cable.')
  await box.fails(
    {
      ...route_add(OWN, { to: 'default', via: WAN.host }),
      why: 'the host has this address too; but is it one that the container can reach?',
    },
    'ENETUNREACH',
  )
  await box.step(
    route_add(OWN, { to: 'default', via: LAN.gateway }, { why: 'whatever has no route of its own goes to this neighbour; he will know' }),
  )
  await stage.look('Routes', async () => routeRows(await networkOf(bottle, box.childPid as number), 'container'))
  await pings(box, WAN.far, 'silence', { send: 'the same packet: this time it is sent', receive: 'and now?' })
  await stage.say(
    'It has got worse: before there was an error, and now there is silence. But it is a step forward. The packet has left the room. Where is it?',
  )
}

export async function router(stage: Stage): Promise<void> {
  const { bottle } = stage
  const box = await stage.box('container')
  await box.together('The bridge, a container with a default route, and the switch off', [
    ...bridge(),
    ...plugged(1, { route: true }),
    ...forward(false),
  ])
  const far = await stage.box('internet')
  await far.together('The machine somewhere else; this time it knows a way back', internet({ routeBack: true }))
  await box.together('A socket to ping with', pingSocket())

  const read = () => ({ host: countersOf(bottle.pid), far: countersOf(far.hostPid()) })
  let before = read()
  const choices = ['still in the container', 'on the host', `at ${WAN.far}, whose answer was lost`] as const
  await stage.predict({
    question: 'The packet is sent, and there is silence. Where did it end?',
    choices,
    async measure() {
      before = read()
      await pings(box, WAN.far, 'silence', { send: 'out by the default route', receive: 'no answer is coming' })
      const after = read()
      if (since(before.far, after.far).echoes > 0) return choices[2]
      return since(before.host, after.host).forOthers > 0 ? choices[1] : choices[0]
    },
    because:
      'The host got a packet that is for somebody else. A computer is not a router, so it throws such packets away, and says nothing: the silence of ip_forward=0 has cost people days. ' +
      'But it counts them.',
  })
  const counted = () => {
    const after = read()
    return rows(since(before.host, after.host), since(before.far, after.far))
  }
  await stage.look('Counted meanwhile, in /proc/PID/net/snmp', counted)
  await stage.say(
    'Each network namespace has the switch for itself. An engine turns it on for the host, and that is one of the few things that it changes there for good.',
  )
  await box.step(...forward(true))
  before = read()
  await pings(box, WAN.far, 'reply', { send: 'the same packet', receive: 'look at the ttl: every router takes one away' })
  await stage.look('Counted meanwhile', counted)
  await stage.exercise('gateway')
}

function rows(host: Counters, far: Counters) {
  return [
    { label: 'host: InReceives', value: `${host.received} came in` },
    { label: 'host: InAddrErrors', value: `${host.forOthers} for others, thrown away`, notice: host.forOthers > 0 },
    { label: 'host: ForwDatagrams', value: `${host.forwarded} passed on`, notice: host.forwarded > 0 },
    { label: 'internet: InEchos', value: `${far.echoes} echo requests came in`, notice: far.echoes > 0 },
  ]
}
