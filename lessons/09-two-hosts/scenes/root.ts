/** What a port without TLS is worth: all of vm-1, for everybody; and how it is closed. */
import { chmod, connect_inet, host, ref, socket } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { newName } from '../../01-namespaces/looks.js'
import { file, statOf } from '../../04-rootfs/looks.js'
import { IMAGE } from '../../08-engine/image.js'
import { type } from '../commands.js'
import { AT_SOCKET, open, openEngine, PORT, type Running, remote, reopenEngine, stop, WARNINGS } from '../engine.js'
import { type TwoHosts, twoHosts } from '../ground.js'
import { readRows } from '../table.js'

const CALL = ref('call')

/** The host's own, made for it: where /etc cannot be layered, the learner's real one would stand there. */
export const secretFile = (hosts: TwoHosts): string => (hosts.on('vm-1').readOnly.includes('etc') ? '/run/shadow' : '/etc/shadow')

export async function rootForAll(stage: Stage): Promise<void> {
  const hosts = twoHosts(stage)
  const running = await openEngine(stage, open(hosts))
  if (!running) return
  const path = secretFile(hosts)
  const captain = newName('captain')
  const admin = await stage.box('vm-1, root', { on: hosts.on('vm-1') })
  await admin.together(`On vm-1, its root adds a user to ${path}, whom nobody else knows: ${captain}`, [
    ...host(file(path, `${captain}:!:19000:0:99999:7:::\n`, { append: true })),
    host(chmod(path, 0o600)),
  ])
  const stat = statOf(hosts.on('vm-1').hostPath(path))
  await stage.look(`On vm-1, ${path}`, () => [
    { label: 'mode', value: `0${((stat?.mode ?? 0) & 0o777).toString(8)}: its owner’s, who is root, and nobody else’s` },
  ])
  await type(stage, 'vm-2', ['drydock', 'run', '--rm', IMAGE, 'cat', path], remote(hosts))
  await stage.say('In a container of vm-1 that file is not there: it has a root of its own. But there is `-v`, and it takes any path.')
  const attack = ['drydock', 'run', '--rm', '-v', '/:/host', IMAGE, 'cat', `/host${path}`]
  const [refused, denied, given] = ['the engine refuses to give away /', 'cat may not read it', 'all of it'] as const
  await stage.predict({
    question: `Somebody on vm-2 has no account on vm-1, no password, no key. He types \`${attack.slice(0, 5).join(' ')} … cat /host${path}\`. What does he get?`,
    choices: [refused, denied, given],
    async measure() {
      const { code, text } = await type(stage, 'vm-2', attack, remote(hosts))
      return text.includes(captain) ? given : code === 125 ? refused : denied
    },
    because:
      'In lesson 8 somebody had to be in a group for this. Here he has to be on the network. And reading is the least of it: with `-v /:/host` he can _write_ there, a key into `/root/.ssh`, a line into `/etc/passwd`; with `--privileged --pid=host` he needs no file at all. There are programs that do nothing but search the internet for open ports 2375, to do just that.',
  })
  const left = await running.engine.all()
  await stage.look('What is left of him on vm-1', () => [
    { label: 'containers', value: String(left.length) },
    { label: 'the engine’s log', value: running.box.output().trim() || 'nothing' },
  ])
  await stage.exercise('errand')
  await closeIt(stage, running)
}

async function closeIt(stage: Stage, running: Running): Promise<void> {
  const hosts = twoHosts(stage)
  await stage.say('Close it. A container runs meanwhile, to see whether it minds.')
  await type(stage, 'vm-2', ['drydock', 'run', '-d', '--name', 'whale', IMAGE, 'sleep', '1000'], remote(hosts))
  await stop(running, 'the engine ends, and the kernel closes its port')
  await reopenEngine(stage, WARNINGS)
  await stage.look('Who listens on vm-1 now', () => readRows(hosts.on('vm-1')))
  const client = await stage.box('vm-2, by hand', { on: hosts.on('vm-2') })
  await client.step(socket('inet', 'stream', 0, { keep: CALL.ref }))
  await client.fails(connect_inet(CALL, hosts.address('vm-1'), PORT, { why: 'as before' }), 'ECONNREFUSED')
  await type(stage, 'vm-1', ['drydock', ...AT_SOCKET, 'ps', '--format', '{{.Names}}: {{.Status}}'])
  await stage.say('The container did not notice (lesson 8). But now nobody can work from vm-2 either, and that was the point.')
}
