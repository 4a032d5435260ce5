/** Solutions of lesson 9. Others are just as good: the checks look at what is there in the end, not at the way. */
import { request } from 'node:https'
import { accept4, bind_inet, bind_unix, close, listen, mkdir, open, read, ref, type Step, socket, write } from '../../lib/index.js'
import { ask } from '../08-engine/ask.js'

interface Doors {
  table: string
  log: string
}

/** LISTEN, at an address that is not one of the loopback's: of 127.0.0.0/8, whose first byte comes last. Two listeners may share a port. */
export function doors({ table, log }: Doors): Step[] {
  const ports = new Set<number>()
  for (const line of table.trim().split('\n').slice(1)) {
    const [, local = '', , state] = line.trim().split(/\s+/)
    const [address = '', port = ''] = local.split(':')
    if (state === '0A' && !address.endsWith('7F')) ports.add(Number.parseInt(port, 16))
  }
  return [...ports].map((port) => mkdir(`${log}/${port}`))
}

interface Both {
  path: string
  address: string
  port: number
  text: string
}

/** Both listen before anybody is waited for; who comes to the second meanwhile waits in the kernel. */
export function both({ path, address, port, text: body }: Both): Step[] {
  const serve = (listener: string) => [
    accept4(ref(listener), { keep: 'caller' }),
    read(ref('caller'), 4096),
    write(ref('caller'), `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`),
    close(ref('caller')),
  ]
  return [
    socket('unix', 'stream', 0, { keep: 'path' }),
    bind_unix(ref('path'), path),
    listen(ref('path'), 16),
    socket('inet', 'stream', 0, { keep: 'port' }),
    bind_inet(ref('port'), address, port),
    listen(ref('port'), 16),
    ...serve('path'),
    ...serve('port'),
  ]
}

interface Errand {
  socket: string
  file: string
  answer: string
}

/** The path in Binds is the engine's: whoever may ask it reads what its root may read. */
export async function errand({ socket, file, answer }: Errand): Promise<Step[]> {
  const { body } = await ask(socket, 'POST', '/containers/create', {
    Image: 'lifeboat',
    Cmd: ['cat', '/asked-for'],
    Tty: true,
    HostConfig: { Binds: [`${file}:/asked-for:ro`], NetworkMode: 'none' },
  })
  const { Id } = body as { Id: string }
  await ask(socket, 'POST', `/containers/${Id}/start`)
  await ask(socket, 'POST', `/containers/${Id}/wait`)
  const said = String((await ask(socket, 'GET', `/containers/${Id}/logs?stdout=1`)).body)
  return [
    open(answer, ['creat', 'wronly'], { mode: 0o644, keep: 'file' }),
    write(ref('file'), said.replaceAll('\r\n', '\n')),
    close(ref('file')),
  ]
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

/** Whoever cannot show a certificate of our authority for this name hears nothing: Node hangs up, and the next one is tried. */
export async function verify({ doors, ca, cert, key, container, label, secret }: Verify): Promise<Step[]> {
  const document = JSON.stringify({ Image: 'lifeboat', Cmd: ['true'], Labels: { [label]: secret } })
  for (const door of doors) {
    const status = await new Promise<number | undefined>((resolve) => {
      const asked = request(
        {
          ...{ socketPath: door, servername: 'vm-1', ca, cert, key, agent: false },
          method: 'POST',
          path: `/containers/create?name=${container}`,
          headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(document) },
        },
        (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        },
      )
      asked.on('error', () => resolve(undefined))
      asked.end(document)
    })
    if (status === 201) break
  }
  return []
}
