/** Nothing listens, and how one sees that; a port by hand; and what the kernel knows of who comes through it. */
import { accept4, bind_inet, close, connect_inet, getsockopt_peercred, listen, read, ref, socket, write } from '../../../lib/index.js'
import { SENDER_BUFFER } from '../../../lib/kernel/calls/internet.js'
import { decodeEndpoint, showEndpoint } from '../../../lib/kernel/endpoint.js'
import { decodeUcred } from '../../../lib/kernel/ucred.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { findCommand } from '../../../lib/tutor/packages.js'
import { type } from '../commands.js'
import { openEngine, PORT, WARNINGS } from '../engine.js'
import { type TwoHosts, twoHosts } from '../ground.js'
import { linesIn, rawRows, readRows, tableOf } from '../table.js'

const [LISTENER, CALLER, CALL] = [ref('listener'), ref('caller'), ref('call')]

export async function aDoor(stage: Stage): Promise<void> {
  const hosts = twoHosts(stage)
  if (!(await openEngine(stage, WARNINGS, { image: false }))) return
  await stage.say('An engine runs on vm-1, as in lesson 8: it listens at its file. Who listens at a port there?')
  const ss = findCommand('ss') !== undefined
  if (ss) await type(stage, 'vm-1', ['ss', '-ltnp'])
  await stage.look('On vm-1, /proc/net/tcp, the first columns', () => rawRows(hosts.on('vm-1')))
  await stage.say(
    `A heading, and nothing below it. ${ss ? '`ss` and `netstat` print this very file, or ask the kernel for the same by netlink.' : '`ss` and `netstat` (neither needs to be installed for this) print the same.'} The whole network stack of vm-1 has no door to the street. Somebody on vm-2 tries all the same.`,
  )
  const client = await stage.box('vm-2, by hand', { on: hosts.on('vm-2') })
  const address = hosts.address('vm-1')
  await client.step(socket('inet', 'stream', 0, { keep: CALL.ref, why: 'one end of a connection (TCP)' }))
  await client.fails(connect_inet(CALL, address, PORT, { why: 'is anybody there?' }), 'ECONNREFUSED')
  await stage.say(
    'A _refusal_, and at once: the kernel of vm-1 itself has answered that nobody listens. (Silence would be something else: a firewall, a wrong address, a machine that is off.)',
  )
  const server = await listenByHand(stage, hosts)
  await whoComes(stage, hosts, server, client)
  await stage.exercise('doors')
  await stage.exercise('both')
}

async function listenByHand(stage: Stage, hosts: TwoHosts): Promise<Box> {
  const address = hosts.address('vm-1')
  const bottle = hosts.on('vm-1')
  const server = await stage.box('vm-1, by hand', { on: bottle })
  await server.step(
    socket('inet', 'stream', 0, { keep: LISTENER.ref, why: 'the same call as for a unix socket, with another family' }),
    bind_inet(LISTENER, address, PORT, { why: 'instead of a path: an address of this host, and a number' }),
    listen(LISTENER, 16, { why: 'from now on the kernel of vm-1 answers' }),
  )
  await stage.look('On vm-1, /proc/net/tcp, the first columns', () => rawRows(bottle))
  const [line] = linesIn(tableOf(bottle))
  const [hex = ''] = (line?.written.local ?? '').split(':')
  const backwards = address.split('.').reverse().join('.')
  const choices = [backwards, address] as const
  await stage.predict({
    question: `Eight hexadecimal digits, \`${hex}\`, two for each number of the address. \`${hex.slice(0, 2)}\` is ${Number.parseInt(hex.slice(0, 2), 16)}, and \`${hex.slice(6)}\` is ${Number.parseInt(hex.slice(6), 16)}. Which address is it?`,
    choices,
    measure: async () => line?.local.address ?? 'none',
    because: `The kernel prints the four bytes as _one number_, and on this processor the first byte of a number is its lowest: so they stand backwards. The port behind the colon does not: \`0947\` is ${0x0947}. And \`0A\` is the state, LISTEN; \`01\` would be a connection that stands.`,
  })
  await stage.look('The same line, read', () => readRows(bottle))
  return server
}

/** Lesson 8 asked the kernel who had called, and got a process and a user. */
async function whoComes(stage: Stage, hosts: TwoHosts, server: Box, client: Box): Promise<void> {
  await client.step(
    connect_inet(CALL, hosts.address('vm-1'), PORT, { why: 'the same call as before' }),
    write(CALL, 'it is me', { why: 'anybody can say that' }),
  )
  const seen = { pid: 0, uid: NOBODY_AT_ALL, from: 'none' }
  const [process, user, address] = ['a process', 'a user', 'an address, and nothing else'] as const
  await stage.predict({
    question: 'What does the kernel of vm-1 know of who is at the other end?',
    choices: [process, user, address],
    async measure() {
      const [accepted] = await server.step(accept4(LISTENER, { keep: CALLER.ref, why: 'whoever it is' }))
      const [asked] = await server.step(getsockopt_peercred(CALLER, { why: 'in lesson 8 this told the process and the user' }))
      const from = decodeEndpoint(accepted?.outs[SENDER_BUFFER.accept4] as Buffer)
      const { pid, uid } = decodeUcred(asked?.outs[0] as Buffer)
      Object.assign(seen, { pid, uid, from: from ? showEndpoint(from) : 'none' })
      return pid > 0 ? process : uid !== NOBODY_AT_ALL ? user : address
    },
    because:
      'The other end is in another kernel’s hands, and a packet has no owner. So a port can have no mode, no owner and no group either: whom the packets reach is in. Everything that lesson 8 had for a lock was made of the file’s permissions. (And an address is what the sender writes on the packet.)',
  })
  await stage.look('What vm-1 knows', () => [
    { label: 'process', value: seen.pid === 0 ? '0, which is none' : String(seen.pid) },
    { label: 'user', value: seen.uid === NOBODY_AT_ALL ? '-1, which is none' : String(seen.uid) },
    { label: 'address', value: seen.from, notice: true },
  ])
  await stage.look('On vm-1, read', () => readRows(hosts.on('vm-1')))
  await stage.look('On vm-2, read', () => readRows(hosts.on('vm-2')))
  await server.step(read(CALLER, 100), close(CALLER))
  await client.step(close(CALL))
}

/** (uid_t) -1, which no user can have. */
const NOBODY_AT_ALL = 0xffffffff
