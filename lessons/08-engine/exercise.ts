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
 */
import { accept4, bind_unix, close, listen, ref, type Step, socket, write } from '../../lib/index.js'

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
