/**
 * Your part of lesson 9. Each function returns a list of steps, which the tutor makes on vm-1 or on vm-2 (each goal says where) whenever you save this file; both
 * hosts are made anew for it, and so are the names and numbers.
 *
 * Your function itself runs on neither of the two, but on your own machine, which is not on their network: it cannot connect to vm-1, and is not meant to. Where it has to,
 * it gets a socket that leads there by way of vm-2.
 *
 * The tools of this lesson:
 *
 *     mkdir(path)     open(path, ['creat', 'wronly'], { mode: 0o644, keep: 'file' })     write(ref('file'), 'text')     close(ref('file'))
 *     socket('inet', 'stream', 0, { keep: 'port' })     bind_inet(ref('port'), address, port)     listen(ref('port'), 16)
 *     socket('unix', 'stream', 0, { keep: 'path' })     bind_unix(ref('path'), path)
 *     accept4(ref('port'), { keep: 'caller' })     read(ref('caller'), 4096)
 *
 * `ask(socket, 'GET', '/containers/json')` asks an engine, as in lesson 8; `request` of node:https does it with TLS.
 */
import { request } from 'node:https'
import { accept4, bind_inet, bind_unix, close, listen, mkdir, open, read, ref, type Step, socket, write } from '../../lib/index.js'
import { ask } from '../08-engine/ask.js'

interface Doors {
  table: string
  log: string
}

/**
 * A directory in `log` for each port at which somebody on vm-2 is let in.
 *
 * Here there is one for every port that stands in the table, as it stands there.
 */
export function doors({ table, log }: Doors): Step[] {
  const ports = new Set<string>()
  for (const line of table.trim().split('\n').slice(1)) {
    const [, local = ''] = line.trim().split(/\s+/)
    ports.add(local.split(':')[1] ?? '')
  }
  return [...ports].map((port) => mkdir(`${log}/${port}`))
}

interface Both {
  path: string
  address: string
  port: number
  text: string
}

/**
 * A server at `path` and at `port` of `address`, for one caller each.
 *
 * Here there are two sockets. One of them is heard by nobody but vm-1, and nobody is waited for at it.
 */
export function both({ path, port, text: body }: Both): Step[] {
  return [
    socket('unix', 'stream', 0, { keep: 'path' }),
    bind_unix(ref('path'), path),
    listen(ref('path'), 16),
    socket('inet', 'stream', 0, { keep: 'port' }),
    bind_inet(ref('port'), '127.0.0.1', port),
    listen(ref('port'), 16),
    accept4(ref('path'), { keep: 'caller' }),
    read(ref('caller'), 4096),
    write(ref('caller'), `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
    close(ref('caller')),
  ]
}

interface Errand {
  socket: string
  file: string
  answer: string
}

/**
 * What stands in `file` on vm-1, into the file `answer` on vm-2.
 *
 * Here a container is asked for it that has no such file, and what it says goes into the answer.
 */
export async function errand({ socket, file, answer }: Errand): Promise<Step[]> {
  const { body } = await ask(socket, 'POST', '/containers/create', {
    Image: 'lifeboat',
    Cmd: ['cat', file],
    HostConfig: { NetworkMode: 'none' },
  })
  const { Id } = body as { Id: string }
  await ask(socket, 'POST', `/containers/${Id}/start`)
  await ask(socket, 'POST', `/containers/${Id}/wait`)
  const said = (await ask(socket, 'GET', `/containers/${Id}/logs?stdout=1&stderr=1`)).body
  return [open(answer, ['creat', 'wronly'], { mode: 0o644, keep: 'file' }), write(ref('file'), String(said)), close(ref('file'))]
}

interface Verify {
  doors: string[]
  ca: string
  cert: string
  key: string
  container: string
  label: string
  secret: string
}

/**
 * A container `container` with the label, made by the engine of vm-1 and by nobody else.
 *
 * Here everybody is told about it who opens.
 */
export async function verify({ doors, container, label, secret }: Verify): Promise<Step[]> {
  const document = JSON.stringify({ Image: 'lifeboat', Cmd: ['true'], Labels: { [label]: secret } })
  for (const door of doors) {
    await new Promise<void>((resolve) => {
      const asked = request(
        {
          socketPath: door,
          method: 'POST',
          path: `/containers/create?name=${container}`,
          headers: { 'Content-Type': 'application/json', 'Content-Length': document.length },
          rejectUnauthorized: false,
        },
        (answer) => {
          console.log(door, answer.statusCode)
          answer.resume().on('end', resolve)
        },
      )
      asked.on('error', (error) => {
        console.log(door, error.message)
        resolve()
      })
      asked.end(document)
    })
  }
  return []
}
