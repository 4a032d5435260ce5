/** Solutions of lesson 8. Others are just as good: the checks look at what is there in the end, not at the way. */
import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  accept4,
  bind_unix,
  chmod,
  chown,
  close,
  getsockopt_peercred,
  listen,
  mkdir,
  open,
  read,
  ref,
  type Step,
  socket,
  text,
  write,
} from '../../lib/index.js'
import { ask } from './ask.js'

interface Server {
  path: string
  group: number
  log: string
  text: string
}

/** The file has its mode before anybody can call; the record is made before the answer, so that whoever has one is in it. */
export function server({ path, group, log, text: answer }: Server): Step[] {
  return [
    socket('unix', 'stream', 0, { keep: 'listener' }),
    bind_unix(ref('listener'), path),
    chmod(path, 0o660),
    chown(path, -1, group),
    listen(ref('listener'), 16),
    accept4(ref('listener'), { keep: 'caller' }),
    getsockopt_peercred(ref('caller'), { keepPid: 'pid' }),
    mkdir(text`${log}/${ref('pid')}`),
    read(ref('caller'), 4096),
    write(ref('caller'), `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(answer)}\r\nConnection: close\r\n\r\n${answer}`),
    close(ref('caller')),
  ]
}

const file = (path: string, content: string): Step[] => [
  open(path, ['creat', 'wronly', 'trunc'], { mode: 0o644, keep: 'file' }),
  write(ref('file'), content),
  close(ref('file')),
]

interface Create {
  socket: string
  name: string
  hostname: string
  seconds: number
  variable: string
  value: string
  label: string
  text: string
}

/** Two requests: a record of what it is to be, and a process. */
export async function create({ socket, name, hostname, seconds, variable, value, label, text }: Create): Promise<Step[]> {
  await ask(socket, 'POST', `/containers/create?name=${name}`, {
    Image: 'lifeboat',
    Cmd: ['sleep', String(seconds)],
    Hostname: hostname,
    Env: [`${variable}=${value}`],
    Labels: { [label]: text },
    HostConfig: { NetworkMode: 'none' },
  })
  await ask(socket, 'POST', `/containers/${name}/start`)
  return []
}

interface Plant {
  socket: string
  container: string
  other: string
  directory: string
  file: string
  text: string
}

/** The engine says where the layer is; in it the paths are those of the container. */
export async function plant({ socket, container, directory, file: name, text }: Plant): Promise<Step[]> {
  const { body } = await ask(socket, 'GET', `/containers/${container}/json`)
  const { UpperDir } = (body as { GraphDriver: { Data: { UpperDir: string } } }).GraphDriver.Data
  return file(`${UpperDir}${directory}/${name}`, text)
}

interface Attach {
  socket: string
  container: string
  word: string
  answer: string
}

/** One connection: what is written is stdin, its end is the end of stdin; what comes back are pieces of two streams. */
export async function attach({ socket, container, word, answer }: Attach): Promise<Step[]> {
  const path = `/containers/${container}/attach?stream=1&stdin=1&stdout=1&stderr=1`
  const asked = request({ socketPath: socket, method: 'POST', path, headers: { Connection: 'Upgrade', Upgrade: 'tcp' } })
  const connected = new Promise<[Duplex, Buffer]>((resolve, reject) => {
    asked.on('upgrade', (_response, connection, first) => resolve([connection, first]))
    asked.on('error', reject)
  })
  asked.end()
  const [connection, first] = await connected
  connection.end(`${word}\n`)
  const parts = [first]
  for await (const part of connection) parts.push(part)
  return file(answer, stdoutIn(Buffer.concat(parts)))
}

function stdoutIn(bytes: Buffer): string {
  const HEAD = 8
  const pieces: Buffer[] = []
  for (let at = 0; at + HEAD <= bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4)
    if (bytes.readUInt8(at) === 1) pieces.push(bytes.subarray(at + HEAD, at + HEAD + length))
    at += HEAD + length
  }
  return Buffer.concat(pieces).toString()
}
