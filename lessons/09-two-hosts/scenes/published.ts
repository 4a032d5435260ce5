/** `-p`: a port, but of which machine? */
import {
  accept4,
  bind_inet,
  connect_inet,
  listen,
  pidfd_open,
  read,
  ref,
  setns,
  setsockopt_rcvtimeo,
  socket,
  write,
} from '../../../lib/index.js'
import { SENDER_BUFFER } from '../../../lib/kernel/calls/internet.js'
import { errnoOf } from '../../../lib/kernel/constants.js'
import { decodeEndpoint, showEndpoint } from '../../../lib/kernel/endpoint.js'
import { DrydockError } from '../../../lib/kernel/errors.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { IMAGE } from '../../08-engine/image.js'
import { type } from '../commands.js'
import { open, openEngine, remote } from '../engine.js'
import { twoHosts } from '../ground.js'

const [OUTSIDE, INSIDE] = [8080, 80]
const [SERVER, VISITOR, CALL] = [ref('server'), ref('visitor'), ref('call')]

export async function whosePort(stage: Stage): Promise<void> {
  const hosts = twoHosts(stage)
  const running = await openEngine(stage, open(hosts))
  if (!running) return
  await type(stage, 'vm-2', ['drydock', 'run', '-d', '--name', 'web', '-p', `${OUTSIDE}:${INSIDE}`, IMAGE, 'sleep', '1000'], remote(hosts))
  const { Pid } = (await running.engine.inspect('web')).State
  await stage.say(
    'A container with nothing in it but `sleep`. The server in it we make ourselves: a process goes into the container’s network, as in lesson 5.',
  )
  const web = await stage.box('in the network of web', { on: hosts.on('vm-1') })
  await web.step(
    pidfd_open(Pid, { keep: 'container', why: 'a name for the first process of web that cannot come to mean another' }),
    setns(ref('container'), ['net'], { why: 'into its network, and nothing else of it' }),
    socket('inet', 'stream', 0, { keep: SERVER.ref }),
    bind_inet(SERVER, '0.0.0.0', INSIDE, { why: `port ${INSIDE}, of the container` }),
    listen(SERVER, 16),
  )
  await type(stage, 'vm-2', ['drydock', 'port', 'web'], remote(hosts))
  const client = await stage.box('vm-2, by hand', { on: hosts.on('vm-2') })
  const [local, far, both] = ['at 127.0.0.1, where it was typed', `at ${hosts.address('vm-1')}, which is vm-1`, 'at both'] as const
  await stage.predict({
    question: `\`-p ${OUTSIDE}:${INSIDE}\` was typed on vm-2. Somebody on vm-2 connects to port ${OUTSIDE} of 127.0.0.1, and then of ${hosts.address('vm-1')}. Where is an answer?`,
    choices: [local, far, both],
    async measure() {
      const [one, two] = [await reached(client, '127.0.0.1'), await reached(client, hosts.address('vm-1'))]
      if (!one && !two) throw new DrydockError(`port ${OUTSIDE} was to be published, and nobody answers there`)
      return one && two ? both : one ? local : far
    },
    because:
      'A port is published on the host on which the container runs: the rule for it (lesson 5) is in the packet filter of vm-1. Whoever has always worked with an engine on his own machine looks for it at localhost.',
  })
  const [, accepted] = await web.step(
    setsockopt_rcvtimeo(SERVER, 2000),
    accept4(SERVER, { keep: VISITOR.ref, why: 'who has come?' }),
    write(VISITOR, 'ahoy\n', { why: 'from the container on vm-1' }),
  )
  await client.step(read(CALL, 100, { why: 'on vm-2' }))
  const from = decodeEndpoint(accepted?.outs[SENDER_BUFFER.accept4] as Buffer)
  await stage.look('Who has come, as the container sees it', () => [
    { label: 'address', value: from ? showEndpoint(from) : 'unknown', notice: true },
    { label: 'vm-2 is', value: hosts.address('vm-2') },
  ])
}

/** On a fresh socket, which is kept when it worked. */
async function reached(client: Box, address: string): Promise<boolean> {
  const results = await client.step(
    socket('inet', 'stream', 0, { keep: CALL.ref }),
    connect_inet(CALL, address, OUTSIDE, { allow: ['ECONNREFUSED'], why: address === '127.0.0.1' ? 'vm-2 itself' : 'vm-1' }),
  )
  return errnoOf(results[1]?.errno ?? 0).name !== 'ECONNREFUSED'
}
