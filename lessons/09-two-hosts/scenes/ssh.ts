/** No port of the engine's at all: what goes through ssh, and through it, where there is an sshd. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { clone3 } from '../../../lib/index.js'
import { sentenceOf } from '../../../lib/kernel/errors.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { findCommand, installHint } from '../../../lib/tutor/packages.js'
import { contentOf } from '../../04-rootfs/looks.js'
import { question } from '../../08-engine/http.js'
import { program, quietly, type } from '../commands.js'
import { AT_SOCKET, openEngine, untilOpen, WARNINGS } from '../engine.js'
import { type TwoHosts, twoHosts } from '../ground.js'
import { readRows } from '../table.js'

/** On both hosts, in memory. */
const PLACE = '/run/keys'

export async function bySsh(stage: Stage): Promise<void> {
  const hosts = twoHosts(stage)
  // Docker's client asks docker over there, which looks for its engine in one place.
  const asDocker = findCommand('docker') ? ['-H', 'unix:///var/run/docker.sock'] : []
  if (!(await openEngine(stage, [...asDocker, ...WARNINGS], { image: false }))) return
  await stage.say(
    'The engine on vm-1 has its file and nothing else. There is a command that does hardly anything: it opens that file, and passes on what comes in at its stdin, and what comes back to its stdout. On vm-1:',
  )
  const ping = question('GET', '/_ping').replaceAll('\r\n', '\\r\\n')
  await type(stage, 'vm-1', ['sh', '-c', `printf '${ping}' | drydock ${AT_SOCKET.join(' ')} system dial-stdio`])
  await stage.say(
    'HTTP through a pipe. And ssh is a program that lays such a pipe between two machines, encrypted, to somebody who has shown who he is. So `DOCKER_HOST=ssh://root@vm-1` means: run `ssh root@vm-1 drydock system dial-stdio`, and take its stdin and stdout for the socket. (Docker’s own client asks for `docker system dial-stdio` over there.)',
  )
  const lacks = cannot()
  if (lacks !== undefined) return stage.say(lacks)
  await through(stage, hosts)
}

/** Why ssh cannot be shown here; undefined when it can. */
function cannot(): string | undefined {
  const absent = ['sshd', 'ssh', 'ssh-keygen'].filter((name) => findCommand(name) === undefined)
  if (absent.length > 0)
    return `It cannot be shown here, since there is no ${absent.join(', no ')} on your machine (\`${installHint(absent)}\`). Between two machines there nearly always is.`
  if (process.geteuid?.() === 0) return undefined
  return 'It cannot be shown to you: sshd becomes other users before it speaks to anybody, and wants to be root for that. To see it, run the lesson with sudo.'
}

async function through(stage: Stage, hosts: TwoHosts): Promise<void> {
  await stage.say(
    'There is an sshd on your machine, so vm-1 gets one for this scene, with a key of its own, and vm-2 a key that it lets in.',
  )
  const port = 22
  await keys(hosts)
  const server = await stage.box('sshd on vm-1', { on: hosts.on('vm-1') })
  const command = [findCommand('sshd') as string, '-D', '-e', '-f', `${PLACE}/sshd_config`]
  await server.together('sshd', [clone3([]), program(hosts, 'vm-1', command)])
  try {
    await untilOpen(hosts, server, port)
  } catch (error) {
    return stage.say(`It does not start here, and so it cannot be shown: ${sentenceOf(error)}`)
  }
  await stage.look('Who listens on vm-1', () => readRows(hosts.on('vm-1')))
  const settings = { DOCKER_HOST: `ssh://root@${hosts.address('vm-1')}`, HOME: hosts.record('vm-2').home }
  await type(stage, 'vm-2', ['drydock', 'info', '--format', '{{.Name}}'], settings)
  if (findCommand('docker')) await type(stage, 'vm-2', ['docker', 'info', '--format', '{{.Name}}'], settings)
  await stage.say(
    'One door, which is there anyhow, is watched, and knows keys, users and a log. For most people this is the right way; certificates are for programs, and for engines that many clients use all day long.',
  )
}

/** A key for vm-1, which vm-2 knows; and one for vm-2, which vm-1 lets in. */
async function keys(hosts: TwoHosts): Promise<void> {
  const [one, two] = [hosts.on('vm-1'), hosts.on('vm-2')]
  for (const [bottle, name] of [
    [one, 'vm-1'],
    [two, 'vm-2'],
  ] as const) {
    mkdirSync(bottle.hostPath(PLACE), { mode: 0o700 })
    await quietly(hosts, name, ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', `${PLACE}/key`])
    mkdirSync(bottle.hostPath(`${hosts.record(name).home}/.ssh`), { mode: 0o700, recursive: true })
  }
  const publicKey = (bottle: typeof one) => contentOf(bottle.hostPath(`${PLACE}/key.pub`)) ?? ''
  const write = (bottle: typeof one, path: string, content: string) => writeFileSync(bottle.hostPath(path), content, { mode: 0o600 })
  const home = hosts.record('vm-2').home
  mkdirSync(one.hostPath('/run/sshd'), { mode: 0o755, recursive: true })
  write(one, `${PLACE}/authorized_keys`, publicKey(two))
  write(one, `${PLACE}/sshd_config`, SERVER.replace('ADDRESS', hosts.address('vm-1')))
  write(two, `${home}/.ssh/known_hosts`, `${hosts.address('vm-1')} ${publicKey(one)}`)
  write(two, `${home}/.ssh/config`, CONFIG)
}

/** sshd_config(5). */
const SERVER = `ListenAddress ADDRESS
HostKey ${PLACE}/key
AuthorizedKeysFile ${PLACE}/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
LogLevel ERROR
`

/** ssh_config(5). */
const CONFIG = `IdentityFile ${PLACE}/key
BatchMode yes
`
