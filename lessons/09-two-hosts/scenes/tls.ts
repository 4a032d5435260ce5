/** The port again, with certificates: who is not let in, who is, and that a client wants to know whom it talks to as well. */
import { close, connect_inet, read, ref, socket, write } from '../../../lib/index.js'
import { textOf } from '../../../lib/kernel/result.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { question } from '../../08-engine/http.js'
import { CLIENT, carry, MADE, make, makeQuietly, secured } from '../certificates.js'
import { type Settings, type } from '../commands.js'
import { openEngine, reopenEngine, stop, TLS_PORT, tcp, WARNINGS } from '../engine.js'
import { type TwoHosts, twoHosts } from '../ground.js'
import { readRows } from '../table.js'

const CALL = ref('call')
const NAME = ['drydock', 'info', '--format', '{{.Name}}'] as const

/** What a client on vm-2 is told once. */
export const verified = (hosts: TwoHosts): Settings => ({
  DOCKER_HOST: tcp(hosts, TLS_PORT),
  DOCKER_TLS_VERIFY: '1',
  DOCKER_CERT_PATH: CLIENT,
})

export async function certificates(stage: Stage): Promise<void> {
  const hosts = twoHosts(stage)
  await stage.say('On vm-1:')
  await make(stage)
  await stage.say(
    'Three pairs: a certificate, which one may show to everybody, and a key, which one keeps. The first pair (`ca`) signs the other two and is then put away.',
  )
  const running = await openEngine(stage, [...secured(hosts), ...WARNINGS])
  if (!running) return
  await stage.look('Who listens on vm-1', () => readRows(hosts.on('vm-1')))
  await stage.say(`A port again, and again open to the whole network: everybody can connect. By hand, as before, on vm-2:`)
  await plainly(stage)
  await type(stage, 'vm-2', NAME, { DOCKER_HOST: tcp(hosts, TLS_PORT) })
  await stage.say('That was no TLS. Now vm-2 gets the certificate of the authority, and nothing else: with it, it can tell who vm-1 is.')
  await carry(stage, ['ca.pem'])
  const [let_in, hung, asked] = ['the answer: all is encrypted now', 'silence', 'a refusal: who are you?'] as const
  await stage.predict({
    question: 'The client on vm-2 speaks TLS, and believes vm-1. What does it get?',
    choices: [let_in, hung, asked],
    async measure() {
      const { code, text } = await type(stage, 'vm-2', NAME, verified(hosts))
      return code === 0 ? let_in : /certificate/.test(text) ? asked : hung
    },
    because:
      'To encrypt is one thing and to know each other is another. A web shop lets in everybody, and shows that it is itself; that is one certificate. Here who comes in is root, so both have to show one: `--tlsverify` of the engine. With `--tls` alone it would be a locked tunnel to an open door.',
  })
  await carry(stage, ['cert.pem', 'key.pem'])
  await type(stage, 'vm-2', NAME, verified(hosts))
  await stage.say('And vm-1 has written down who was not let in:')
  running.box.hear()
  await stop(running, 'the engine of vm-1 ends')
  await theOther(stage)
  await stage.exercise('verify')
}

/** HTTP to a port that expects TLS. */
async function plainly(stage: Stage): Promise<void> {
  const hosts = twoHosts(stage)
  const box = await stage.box('vm-2, by hand', { on: hosts.on('vm-2') })
  const results = await box.step(
    socket('inet', 'stream', 0, { keep: CALL.ref }),
    connect_inet(CALL, hosts.address('vm-1'), TLS_PORT, { why: 'the kernel of vm-1 says yes' }),
    write(CALL, question('GET', '/_ping'), { why: 'in plain letters' }),
    read(CALL, 4096, { why: 'and what does the engine say?' }),
    close(CALL),
  )
  await stage.look('The answer', () => {
    const lines = textOf(results[3] as (typeof results)[number])
      .trim()
      .split('\r\n')
    return [
      { label: 'first line', value: lines[0] ?? '' },
      { label: 'last line', value: lines.at(-1) ?? '', notice: true },
    ]
  })
}

/** The same host, the same port, the same name; another authority. */
async function theOther(stage: Stage): Promise<void> {
  const hosts = twoHosts(stage)
  await stage.say(
    'Now the other way round. Somebody has got hold of the address of vm-1: on a network that is not hard. He runs an engine there, and has made certificates for the same name: with `drydock tls`, as you have, and so with an authority of his own.',
  )
  const his = `${MADE}-of-another`
  await makeQuietly(hosts, his)
  await reopenEngine(stage, [...secured(hosts, his), ...WARNINGS])
  const [talks, refused, warns] = ['it talks to him', 'it refuses', 'it warns, and talks to him'] as const
  await stage.predict({
    question: 'The client on vm-2 does what it did before. What happens?',
    choices: [talks, refused, warns],
    async measure() {
      const { code, text } = await type(stage, 'vm-2', NAME, verified(hosts))
      return code !== 0 ? refused : text.trim() === 'vm-1' ? talks : warns
    },
    because:
      'A name can be claimed, and an address too. What cannot is the signature: it takes the key of the authority, and that is on neither host. So the client hangs up before it has said a word, and what would have been in it (passwords in `-e`, whole directories in `build`) stays with it. For this alone a certificate of the engine is worth the trouble.',
  })
}
