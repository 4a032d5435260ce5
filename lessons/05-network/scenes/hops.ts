/** One hop of the whole way is broken, and nobody says which: one finds out by asking the nearest first. */
import { host, link_down, link_up, route_add, route_delete } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { random } from '../../../lib/tutor/random.js'
import { type Counters, countersOf, since } from '../looks.js'
import { bridge, cableOf, forward, HOST, internet, LAN, OWN, plugged, WAN } from '../net.js'
import { type Outcome, ping, pingSocket, probe } from '../ping.js'

/** What can be broken, in the order in which a packet would meet it. */
export const HOPS = [
  'the container has no route to there',
  'the container’s cable is dead',
  'the host does not pass packets on',
  'the other side does not know the way back',
] as const

/** `broken`: which of them. */
export async function hops(stage: Stage, broken = random.integer(0, HOPS.length - 1)): Promise<void> {
  const { bottle } = stage
  const box = await stage.box('container')
  await box.together('A bridge, a container with a default route, a host that forwards', [
    ...bridge(),
    ...plugged(1, { route: true }),
    ...forward(true),
    ...pingSocket(),
  ])
  const far = await stage.box('internet')
  await far.together('The machine somewhere else, which knows the way back', internet({ routeBack: true }))
  await ping(box, WAN.far, { send: 'all of it works …', receive: '… as the answer shows' })
  // By the boxes' shims and not on the stage: what it was is for the learner to find out.
  const breaking = [
    () => box.shim.run([route_delete(OWN, { to: 'default' })]),
    () => box.shim.run([host(link_down(HOST, cableOf(1).name))]),
    () => box.shim.run(forward(false)),
    () => far.shim.run([route_delete(OWN, { to: LAN.network })]),
  ][broken]
  await breaking?.()
  await stage.say('Now something has been broken, and you are not told what. The container asks again, and then it asks somebody nearer.')

  const read = () => ({ host: countersOf(bottle.pid), far: countersOf(far.hostPid()) })
  const before = read()
  const whole = await ping(box, WAN.far, { send: `to ${WAN.far}`, receive: 'is there an answer?' })
  const after = read()
  const counted = { host: since(before.host, after.host), far: since(before.far, after.far) }
  const near = await ping(box, LAN.gateway, { send: `to the host’s end of the cable, ${LAN.gateway}`, receive: 'is there an answer?' })
  await stage.look('What was seen', () => [
    { label: `to ${WAN.far}`, value: inWords(whole) },
    { label: `to ${LAN.gateway}`, value: inWords(near) },
    { label: 'host', value: `${counted.host.forOthers} thrown away as for others, ${counted.host.forwarded} passed on` },
    { label: 'internet', value: `${counted.far.echoes} echo requests came in, ${counted.far.replies} replies went out` },
  ])
  await stage.predict({
    question: 'From these four lines: what is broken?',
    choices: HOPS,
    measure: async () => diagnose(whole, near, counted),
    because:
      'One asks the nearest first, and goes outwards until somebody does not answer. At each hop there are two questions: does it get there, and does the answer know the way back?',
  })
  await stage.say('And to be sure, it is mended, and the container asks once more.')
  const mended = [
    () => box.together('A default route', [route_add(OWN, { to: 'default', via: LAN.gateway })]),
    () => box.together('The cable on', [host(link_up(HOST, cableOf(1).name))]),
    () => box.together('The switch on', forward(true)),
    () => far.together('A route back', [route_add(OWN, { to: LAN.network, via: WAN.host })]),
  ][broken]
  await mended?.()
  // The kernel notices a cable's carrier up to a second late, and a lost question for a hardware address is repeated after another.
  let again = await probe(box.shim, WAN.far)
  for (let more = 0; again !== 'reply' && more < 3; more++) again = await probe(box.shim, WAN.far)
  await stage.look('The same packet', () => [{ label: `to ${WAN.far}`, value: inWords(again), notice: true }])
}

const inWords = (outcome: Outcome) => (outcome === 'reply' ? 'a reply' : outcome === 'silence' ? 'silence' : `refused at once, ${outcome}`)

/** The first hop at which it ends. */
function diagnose(whole: Outcome, near: Outcome, { host: passed, far }: { host: Counters; far: Counters }): (typeof HOPS)[number] {
  if (whole !== 'reply' && whole !== 'silence') return HOPS[0]
  if (near !== 'reply') return HOPS[1]
  return passed.forwarded === 0 && far.echoes === 0 ? HOPS[2] : HOPS[3]
}
