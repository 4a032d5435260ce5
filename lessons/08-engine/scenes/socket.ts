/** A server on a unix socket, call by call: the file, the queue, the connection, and who is at its other end. */
import {
  accept4,
  bind_unix,
  chmod,
  close,
  connect_unix,
  getsockopt_peercred,
  listen,
  read,
  ref,
  socket,
  unlink,
  write,
} from '../../../lib/index.js'
import { decodeUcred } from '../../../lib/kernel/ucred.js'
import type { Box, LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { statOf } from '../../04-rootfs/looks.js'

const PLACE = '/run/harbour.sock'
const REQUEST = 'GET /_ping HTTP/1.1\r\nHost: localhost\r\n\r\n'
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK'

export async function aSocket(stage: Stage): Promise<void> {
  const server = await stage.box('server')
  const client = await stage.box('client')
  await server.step(
    socket('unix', 'stream', 0, { keep: 'listener', why: 'one end of a connection to be; it has no name yet' }),
    bind_unix(ref('listener'), PLACE, { why: 'its name is a path, and a file of that name appears' }),
    chmod(PLACE, 0o660, { why: 'who may write to this file may connect: its owner and its group' }),
  )
  await stage.look(PLACE, () => fileRows(stage))
  await stage.say('The file is there. It has no content, and never will have: it is a name at which to knock. Somebody knocks.')
  await client.step(socket('unix', 'stream', 0, { keep: 'connection', why: 'the other end' }))
  await client.fails(connect_unix(ref('connection'), PLACE, { why: 'by the path' }), 'ECONNREFUSED')
  await server.step(
    listen(ref('listener'), 16, { why: 'from now on the kernel takes in callers, up to sixteen, until somebody has time for them' }),
  )
  await knock(stage, client)
  await whoIsIt(stage, server, client)
  await server.step(
    read(ref('caller'), 4096, { why: 'what has been lying there since' }),
    write(ref('caller'), ANSWER, { why: 'a line, some headers, an empty line, and two bytes that were announced' }),
    close(ref('caller'), { why: '“Connection: close”: one answer, and the end' }),
  )
  await client.step(read(ref('connection'), 4096, { why: 'it comes out here' }), close(ref('connection')))
  await stage.say('That is a server. An engine does this in a loop, and between `read` and `write` it does what was asked for.')
  await aStaleFile(stage, server, client)
  await stage.exercise('server')
}

async function knock(stage: Stage, client: Box): Promise<void> {
  const [refused, waits, both] = [
    'connect is refused, as before',
    'connect waits until the server accepts',
    'both succeed at once, and the kernel keeps the bytes',
  ] as const
  await stage.predict({
    question:
      'The server listens now, and does nothing else: it has not called `accept4`. The client connects again, and writes its question. What happens?',
    choices: [refused, waits, both],
    async measure() {
      const results = await client.step(
        connect_unix(ref('connection'), PLACE, { why: 'the same call once more' }),
        write(ref('connection'), REQUEST, { why: 'HTTP: a line, a header, an empty line' }),
      )
      // The server could not have helped: it makes a call only when the stage tells it to.
      return results.every(({ status }) => status === 'ok') ? both : refused
    },
    because:
      'To connect is a matter between the client and the kernel. So a program that listens early loses nobody while it is still getting ready; and that is how a socket can outlive the program behind it, if somebody else holds it open.',
  })
}

async function whoIsIt(stage: Stage, server: Box, client: Box): Promise<void> {
  await server.step(accept4(ref('listener'), { keep: 'caller', why: 'the next caller: a new descriptor, for this connection alone' }))
  await stage.say('Who is it? The request does not say. An engine wants to know all the same, and need not ask the caller.')
  const [result] = await server.step(
    getsockopt_peercred(ref('caller'), { why: 'who was it that called connect? the kernel has written it down' }),
  )
  const seen = decodeUcred(result?.outs[0] as Buffer)
  await stage.look('Compared', () => [
    { label: 'the kernel says', value: `process ${seen.pid}, user ${seen.uid}` },
    { label: 'the client is', value: `process ${client.shim.pid}, user 0 of this bottle`, notice: seen.pid === client.shim.pid },
  ])
}

async function aStaleFile(stage: Stage, server: Box, client: Box): Promise<void> {
  await stage.say('Now the server goes, as an engine does that is killed. The kernel closes its descriptors; the file is not its business.')
  await server.step(close(ref('listener'), { why: 'what the kernel does for a process that ends' }))
  await stage.look(PLACE, () => fileRows(stage))
  await client.step(socket('unix', 'stream', 0, { keep: 'connection' }))
  await client.fails(connect_unix(ref('connection'), PLACE, { why: 'the file is there, and nobody behind it' }), 'ECONNREFUSED')
  await server.step(socket('unix', 'stream', 0, { keep: 'listener', why: 'the server comes back' }))
  await server.fails(bind_unix(ref('listener'), PLACE, { why: 'the name is taken, by a file that leads nowhere' }), 'EADDRINUSE')
  await server.step(
    unlink(PLACE, { why: 'so every daemon removes the file first, when nobody answers there' }),
    bind_unix(ref('listener'), PLACE, { why: 'and makes it again' }),
  )
  await stage.say(
    'Keep the two errors in mind. `no such file` says that no engine was ever started there; `connection refused`, that one was, and is gone. docker makes one sentence of both: _Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?_',
  )
}

function fileRows(stage: Stage): LookRow[] {
  const stat = statOf(stage.bottle.hostPath(PLACE))
  if (!stat) return [{ label: PLACE, value: 'not there' }]
  return [
    { label: 'type', value: stat.isSocket() ? 'a socket (ls shows an s)' : 'something else' },
    { label: 'mode', value: `0${(stat.mode & 0o777).toString(8)}`, notice: true },
    { label: 'size', value: `${stat.size} bytes` },
  ]
}
