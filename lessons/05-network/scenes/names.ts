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

  const tried = ['yes: the network works', 'no'] as const
  await stage.predict({
    question: `The machine at ${WAN.far} is called \`${NAME}\`. A program in the container asks for that name. Does it get the address? (Its \`/etc/resolv.conf\` was copied from a host, as it is on many: \`nameserver ${STUB}\`.)`,
    choices: tried,
    measure: async () => ((await lookUp(stage, box, STUB)) === 0 ? tried[0] : tried[1]),
    because:
      `/etc/resolv.conf says whom to ask: ${STUB}. On the host a program listens there. But 127.… is always one’s own loopback, and in the container’s nobody listens. ` +
      'This is what people see who say that the network does not work in the container; the network has not been asked yet.',
  })

  await stage.say('Asking for a name is one packet, and so is the answer. Let somebody at the other side listen, and ask him by hand.')
  await far.step(...serverSocket())
  await box.step(
    socket('inet', 'dgram', 0, { keep: ASK.ref, why: 'single messages (UDP); no right is needed for these' }),
    setsockopt_rcvtimeo(ASK, 2000),
    sendto(ASK, question(NAME), WAN.far, DNS_PORT, { shown: `{who is ${NAME}?}`, why: 'the question, to the one who should know' }),
  )
  const [asked] = await far.step(awaitQuestion())
  if (asked) await far.step(reply(asked, NAMES))
  const [told] = await box.step(recvfrom(ASK, LONGEST, { why: 'the answer' }))
  await stage.look('What it says', () => [
    { label: NAME, value: (told && readAnswer((told.outs[0] as Buffer).subarray(0, Number(told.ret)))) ?? 'not known', notice: true },
  ])

  await stage.say(
    'That is a name server, all of it. So the container’s file should name this one, and then the same program may try again.',
  )
  const questions: string[] = []
  void serve(far.shim, NAMES, ({ name, type }) => questions.push(`${name}, ${TYPES[type] ?? `type ${type}`}`))
  await stage.predict({
    question: `With \`nameserver ${WAN.far}\` in the file: does the program get the address?`,
    choices: tried,
    measure: async () => ((await lookUp(stage, box, WAN.far)) === 0 ? tried[0] : tried[1]),
    because:
      'Nothing in the network has changed, only one line of a file. An engine writes this file for every container and mounts it on /etc/resolv.conf.',
  })
  await stage.look('What the name server was asked', () =>
    questions.length > 0 ? questions.map((value, index) => ({ label: String(index + 1), value })) : [{ label: 'questions', value: 'none' }],
  )
}

/** Types of records that programs ask for. */
const TYPES: Readonly<Record<number, string>> = { 1: 'IPv4 address (A)', 28: 'IPv6 address (AAAA)' }

/** A program in the container's network that asks for the name, with a file that names this server. Its exit status. */
async function lookUp(stage: Stage, container: Box, server: string): Promise<number> {
  const box = await stage.box('program')
  await box.together(`A process in the container’s network, whose /etc/resolv.conf says nameserver ${server}`, [
    open(`/proc/${container.childPid}/ns/net`, ['rdonly'], { keep: 'room' }),
    clone3(['mnt']),
    setns(ref('room'), ['net']),
    mount(null, '/', null, ['rec', 'private']),
    ...resolvConf(stage.bottle, server),
  ])
  const ask = (path: string) =>
    execve(path, ['getent', 'hosts', NAME], ENVIRONMENT, { why: 'it asks as every program does: by the C library' })
  await box.step(ask(findCommand('getent') ?? '/usr/bin/getent'))
  return (await box.exited()).code
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
