/**
 * Your part of lesson 8. Each function returns a list of steps, which the tutor runs in a bottle of their own whenever you save this file; then it looks
 * at the kernel there, and asks the engine. Names and numbers are new at every try.
 *
 * The tools of this lesson:
 *
 *     socket('unix', 'stream', 0, { keep: 'listener' })     bind_unix(ref('listener'), path)     listen(ref('listener'), 16)
 *     chmod(path, 0o660)     chown(path, -1, group)     accept4(ref('listener'), { keep: 'caller' })
 *     getsockopt_peercred(ref('caller'), { keepPid: 'pid' })     mkdir(text`/directory/${ref('pid')}`)
 *     read(ref('caller'), 4096)     write(ref('caller'), 'text')     close(ref('caller'))
 *     open(path, ['creat', 'wronly'], { mode: 0o644, keep: 'file' })     and write and close for that one
 *
 * `create`, `plant` and `attach` ask an engine besides, which is your function's own work: `ask(socket, 'GET', '/containers/json')` gives the status and the document
 * (read it, in lessons/08-engine/ask.ts: it is thirty lines), and `request` of node:http what `ask` is too simple for.
 */
import { request } from 'node:http'
import { accept4, bind_unix, close, listen, mkdir, open, ref, type Step, socket, write } from '../../lib/index.js'
import { ask } from './ask.js'

interface Server {
  path: string
  group: number
  log: string
  text: string
}

/**
 * A server at `path` for one caller, whom root and the group `group` may be. It answers with `text`, and has made a directory in `log` that is named by
 * the caller's process id.
 *
 * A beginning is made. It lets in whom it should not, and it does not listen to what it is asked.
 */
export function server({ path, text: answer }: Server): Step[] {
  return [
    socket('unix', 'stream', 0, { keep: 'listener' }),
    bind_unix(ref('listener'), path),
    listen(ref('listener'), 16),
    accept4(ref('listener'), { keep: 'caller' }),
    write(ref('caller'), `${answer}\n`),
    close(ref('caller')),
  ]
}

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

/**
 * A container of the image `lifeboat` that runs `sleep` for `seconds`, with that name, host name, variable and label.
 *
 * Here one is made, with half of what was asked for. It does not run.
 */
export async function create({ socket, name, hostname, seconds }: Create): Promise<Step[]> {
  const { status, body } = await ask(socket, 'POST', `/containers/create?name=${name}`, {
    Image: 'lifeboat',
    Cmd: ['sleep', String(seconds)],
    Hostname: hostname,
  })
  console.log(status, body)
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

/**
 * A file `file` with the content `text` in the directory `directory` of the container `container`, which does not run.
 *
 * Here the engine is asked about the container, and a file is written to a directory of that name: the host's, and not the container's.
 */
export async function plant({ socket, container, directory, file, text }: Plant): Promise<Step[]> {
  const { body } = await ask(socket, 'GET', `/containers/${container}/json`)
  console.log(Object.keys(body as object))
  return [
    mkdir(directory),
    open(`${directory}/${file}`, ['creat', 'wronly'], { mode: 0o644, keep: 'file' }),
    write(ref('file'), text),
    close(ref('file')),
  ]
}

interface Attach {
  socket: string
  container: string
  word: string
  answer: string
}

/**
 * Tell the container `word`, and that this was all; what it says on its stdout then goes into the file `answer`.
 *
 * Here the connection is made, and closed at once: nobody says anything.
 */
export async function attach({ socket, container, word, answer }: Attach): Promise<Step[]> {
  const path = `/containers/${container}/attach?stream=1&stdin=1&stdout=1&stderr=1`
  const asked = request({ socketPath: socket, method: 'POST', path, headers: { Connection: 'Upgrade', Upgrade: 'tcp' } })
  const said = await new Promise<string>((resolve, reject) => {
    asked.on('upgrade', (_response, connection) => {
      console.log(`${word} should be told to ${container} now`)
      connection.destroy()
      resolve('')
    })
    asked.on('error', reject)
    asked.end()
  })
  return [open(answer, ['creat', 'wronly'], { mode: 0o644, keep: 'file' }), write(ref('file'), said), close(ref('file'))]
}
