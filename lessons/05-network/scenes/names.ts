/** Names: the network works and nothing does, because nobody can be asked; then by hand, and by a program. */
import { lstatSync } from 'node:fs'
import type { Bottle } from '../../../lib/bottle.js'
import {
  clone3,
  close,
  execve,
  mount,
  open,
  recvfrom,
  ref,
  type Step,
  sendto,
  setns,
  setsockopt_rcvtimeo,
  socket,
  unlink,
  write,
} from '../../../lib/index.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { findCommand } from '../../../lib/tutor/packages.js'
import { ENVIRONMENT } from '../../01-namespaces/looks.js'
import { awaitQuestion, DNS_PORT, LONGEST, question, readAnswer, reply, serve, serverSocket } from '../dns.js'
import { bridge, forward, internet, plugged, WAN } from '../net.js'
import { pingSocket, pings } from '../ping.js'

const NAME = 'www.harbour.test'
const NAMES = { [NAME]: WAN.far } as const
/** Where a program on the host itself (systemd-resolved) takes questions on many machines. */
const STUB = '127.0.0.53'
const ASK = ref('ask')

export async function names(stage: Stage): Promise<void> {
  const box = await stage.box('container')
  await box.together('A container with a way out', [...bridge(), ...plugged(1, { route: true }), ...forward(true)])
  const far = await stage.box('internet')
  await far.together('The machine somewhere else, which knows the way back', internet({ routeBack: true }))
  await box.together('A socket to ping with', pingSocket())
  await pings(box, WAN.far, 'reply', { send: 'by address', receive: 'the network works, all of it' })

  const getent = findCommand('getent')
  if (getent === undefined)
    await stage.say('The program `getent` is not installed here, so no program asks, and all of it is done by hand.')
  else await asProgram(stage, box, getent)
  await byHand(stage, box, far)
  if (getent !== undefined) await asProgramAgain(stage, box, far, getent)
}

const FOUND = ['yes', 'no'] as const

async function asProgram(stage: Stage, box: Box, getent: string): Promise<void> {
  await stage.predict({
    question:
      `The machine at ${WAN.far} is called \`${NAME}\`. A program in the container asks for that name. Does it get the address? (Its \`/etc/resolv.conf\` ` +
      `is a copy of what stands on many hosts: \`nameserver ${STUB}\`.)`,
    choices: FOUND,
    measure: () => lookUp(stage, box, STUB, getent),
    because:
      `\`/etc/resolv.conf\` says whom to ask: ${STUB}. On the host a program listens there. But 127.… is always one’s own loopback, and in the container’s nobody listens. ` +
      'People who see this say that the network does not work in the container. The network has not been asked yet.',
  })
}

async function byHand(stage: Stage, box: Box, far: Box): Promise<void> {
  await stage.say('Asking for a name is one packet, and so is the answer. Let somebody at the other side listen, and ask him by hand.')
  await far.step(...serverSocket())
  await box.step(
    socket('inet', 'dgram', 0, { keep: ASK.ref, why: 'single messages (UDP); no right is needed for these' }),
    setsockopt_rcvtimeo(ASK, 2000, { why: 'as long as the question may stay without an answer' }),
    sendto(ASK, question(NAME), WAN.far, DNS_PORT, { shown: `{who is ${NAME}?}`, why: 'the question, to the one who should know' }),
  )
  const [asked] = await far.step(awaitQuestion())
  if (asked) await far.step(reply(asked, NAMES))
  const [told] = await box.step(recvfrom(ASK, LONGEST, { why: 'the answer' }))
  await stage.look('What it says', () => [
    { label: NAME, value: (told && readAnswer((told.outs[0] as Buffer).subarray(0, Number(told.ret)))) ?? 'not known', notice: true },
  ])
  await stage.say('That is a name server, all of it.')
}

async function asProgramAgain(stage: Stage, box: Box, far: Box, getent: string): Promise<void> {
  const questions: string[] = []
  void serve(far.shim, NAMES, ({ name, type }) => questions.push(`${name}, ${TYPES[type] ?? `type ${type}`}`))
  await stage.predict({
    question: `The same program, and a file that says \`nameserver ${WAN.far}\`. Does it get the address now?`,
    choices: FOUND,
    measure: () => lookUp(stage, box, WAN.far, getent),
    because:
      'Nothing in the network has changed, only one line of a file. An engine writes this file for every container, and mounts it on `/etc/resolv.conf`.',
  })
  await stage.look('What the name server was asked', () =>
    questions.length > 0 ? questions.map((value, index) => ({ label: String(index + 1), value })) : [{ label: 'questions', value: 'none' }],
  )
}

/** Types of records that programs ask for. */
const TYPES: Readonly<Record<number, string>> = { 1: 'IPv4 address (A)', 28: 'IPv6 address (AAAA)' }

/** A program in the container's network that asks for the name, with a file that names this server: does it find the address? */
async function lookUp(stage: Stage, container: Box, server: string, getent: string): Promise<(typeof FOUND)[number]> {
  const box = await stage.box('program')
  await box.together(`A process in the container’s network, whose /etc/resolv.conf says nameserver ${server}`, [
    open(`/proc/${container.childPid}/ns/net`, ['rdonly'], { keep: 'room' }),
    clone3(['mnt']),
    setns(ref('room'), ['net']),
    mount(null, '/', null, ['rec', 'private']),
    ...resolvConf(stage.bottle, server),
  ])
  await box.step(execve(getent, ['getent', 'hosts', NAME], ENVIRONMENT, { why: 'it asks as every program does: by the C library' }))
  const { code } = await box.exited()
  return code === 0 ? FOUND[0] : FOUND[1]
}

/** The file, mounted where programs look for it, as engines do. Where there is only a link that leads nowhere, a file is put in its place. */
function resolvConf(bottle: Bottle, server: string): Step[] {
  const [own, place] = [`/run/resolv.conf`, '/etc/resolv.conf']
  const make = (path: string, text: string) => [
    open(path, ['creat', 'trunc', 'wronly'], { mode: 0o644, keep: 'conf' }),
    write(ref('conf'), text),
    close(ref('conf')),
  ]
  const isFile = lstatSync(bottle.hostPath(place), { throwIfNoEntry: false })?.isFile() ?? false
  const room = isFile ? [] : [unlink(place, { allow: ['ENOENT'] }), ...make(place, '# a place to mount on')]
  return [...make(own, `nameserver ${server}\n`), ...room, mount(own, place, null, ['bind'])]
}
