/** The exercises of lesson 8. What each asks for stands with its hints; the checks look at the kernel, and ask the engine, for exactly that. */
import type { Exercise, Random } from '../../lib/tutor/lesson.js'
import { checkServer, serverSetting } from './checks/server.js'

export const exercises: readonly Exercise[] = [
  {
    id: 'server',
    title: 'A server',
    goal:
      'A server on a unix socket at `path`, for one caller. Root and the group with the number `group` may connect, and nobody else: the mode is 0660. Read the question, and answer it in HTTP with the status 200 and the body `text`. And keep a record of who ' +
      'asked: an empty directory in `log`, whose name is the process id that _the kernel_ says the caller has.',
    challenge: (random: Random) => ({
      path: `/run/${random.name()}.sock`,
      group: random.integer(1000, 60_000),
      log: `/${random.name()}`,
      asked: random.name(),
      text: random.name(),
    }),
    setting: serverSetting,
    check: checkServer,
    hints: [
      'A client gets ENOENT as long as there is no file, and ECONNREFUSED as long as nobody listens: `socket`, `bind_unix`, `listen`. Then `accept4` waits for him.',
      '`chmod(path, 0o660)` and `chown(path, -1, group)`, and both before `listen`: from then on anybody may be calling.',
      '`read(ref("caller"), 4096)`. Who closes a connection with something unread in it resets it, and the other side loses the answer too.',
      'A line `HTTP/1.1 200 OK`, headers, an empty line, the body; each line ends in `\\r\\n`. Without `Content-Length` the body ends with the connection: `close`.',
      '`getsockopt_peercred(ref("caller"), { keepPid: "pid" })`, and the tag `text` for a path with that number in it, as in the list of tools.',
    ],
  },
]
