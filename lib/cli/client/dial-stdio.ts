/** `drydock system dial-stdio`: standard input and output become a connection to the engine; that is how ssh:// addresses lead to it. */
import { finished } from 'node:stream/promises'
import { dial } from '../engine/dial.js'
import { GoCommand } from '../flags.js'
import { verb } from './verb.js'

/** Either direction ends on its own: what comes after the end of the input is still passed on. */
export const dialStdio = verb(
  (path) =>
    new GoCommand(path).description('Pass standard input and output on to the engine’s socket. Meant for ssh, not for people.').usage(''),
  async ({ session }) => {
    // Asked first: it is started when it is this user's own and does not run.
    const { endpoint } = await session.engine()
    const socket = await dial(endpoint)
    process.stdin.pipe(socket)
    socket.pipe(process.stdout, { end: false })
    socket.on('error', () => undefined)
    await finished(socket, { writable: false }).catch(() => undefined)
    return 0
  },
)
