/** A published port: the way in, which is a rule that changes the other end of the address. */
import { accept4, bind_inet, connect_inet, listen, read, recvfrom, ref, setsockopt_rcvtimeo, socket, write } from '../../../lib/index.js'
import { errnoOf } from '../../../lib/kernel/constants.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { addressOf, bridge, forward, internet, plugged, WAN } from '../net.js'
import { published, runNft, TABLE } from '../nft.js'

const [OUTSIDE, INSIDE] = [8080, 80]
const [SERVER, CALL, VISITOR] = [ref('server'), ref('call'), ref('visitor')]

export async function publish(stage: Stage): Promise<void> {
  const box = await stage.box('container')
  await box.together('A container with a way out, on a host that forwards', [...bridge(), ...plugged(1, { route: true }), ...forward(true)])
  const far = await stage.box('internet')
  await far.together('A visitor somewhere else; he knows the host, and no way to the container', internet())
  await stage.say(`In the container a server begins to listen on port ${INSIDE}.`)
  await box.step(
    socket('inet', 'stream', 0, { keep: SERVER.ref, why: 'a socket for connections (TCP)' }),
    bind_inet(SERVER, '0.0.0.0', INSIDE, { why: `port ${INSIDE} of this network namespace; every namespace has one` }),
    listen(SERVER, 16, { why: 'from here on its kernel takes connections' }),
  )
  await far.step(socket('inet', 'stream', 0, { keep: CALL.ref, why: 'the visitor’s socket' }))

  await far.fails(
    { ...connect_inet(CALL, addressOf(1), INSIDE), why: 'by the container’s own address, which means nothing out here' },
    'ENETUNREACH',
  )
  const choices = ['it works: the host knows the container', 'refused', 'silence'] as const
  await stage.predict({
    question: `The visitor connects to the host, ${WAN.host}, port ${OUTSIDE}. What is the answer?`,
    choices,
    async measure() {
      const call = connect_inet(CALL, WAN.host, OUTSIDE, { allow: ['ECONNREFUSED', 'ETIMEDOUT'], why: 'to the host, whom he can reach' })
      const [called] = await far.step(call)
      return called?.status === 'ok' ? choices[0] : errnoOf(called?.errno ?? 0).name === 'ECONNREFUSED' ? choices[1] : choices[2]
    },
    because:
      'A packet for the host is for the host. Nobody listens there on that port, and its kernel says so. How should it know that the container is meant?',
  })
  await stage.say(
    'By a rule. Masquerade changed who a packet comes from, after its route was chosen. This one changes where it goes, before that.',
  )
  await runNft(stage, published(OUTSIDE, addressOf(1), INSIDE), 'what -p 8080:80 comes to')
  await far.step(
    socket('inet', 'stream', 0, { keep: CALL.ref, why: 'a fresh socket' }),
    connect_inet(CALL, WAN.host, OUTSIDE, { why: 'the same address and the same port' }),
    write(CALL, 'good day\n', { why: 'something to say' }),
  )
  await box.step(
    setsockopt_rcvtimeo(SERVER, 2000),
    accept4(SERVER, { keep: VISITOR.ref, why: 'who has come? the kernel has answered him already' }),
    read(VISITOR, 100, { why: 'what does he say?' }),
    write(VISITOR, 'ahoy\n', { why: 'and an answer' }),
  )
  await far.step(recvfrom(CALL, 100, { why: 'which comes from the host, as far as the visitor can tell' }))
  await runNft(stage, [`list table ip ${TABLE}`], 'the rule, and what it has counted')
  await stage.say(
    `The server saw the visitor’s real address: only the destination was changed. A firewall that closes port ${OUTSIDE} of the host does not see these packets at all, for they are not the host’s: ` +
      'they are passed on. That surprises people whose published ports are open although their firewall says no.',
  )
  await stage.exercise('publish')
}
