/**
 * A terminal inside: a pty whose shim stands in a bottle, so that what it clones has the pty as its stdio.
 *
 *     node-pty ── shim A, on the host: opens a connection back to us, enters the bottle, clones
 *                  └─ shim B, in the bottle: serves that connection; it can make pid namespaces, which A, having entered one
 *                     for its children only, cannot (pid_namespaces(7): EINVAL)
 *
 * It is nobody's controlling terminal: a program that wants its keys as signals, or job control, begins with setsid and TIOCSCTTY.
 */
import { randomBytes } from 'node:crypto'
import { on, once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { IPty } from 'node-pty'
import { dup3, ioctl_tiocnotty, open } from '../kernel/calls/files.js'
import { clone3, execveat } from '../kernel/calls/process.js'
import { connect_unix, socket } from '../kernel/calls/sockets.js'
import { SHIM_PATH } from '../kernel/constants.js'
import { DrydockError } from '../kernel/errors.js'
import { runDirectory } from '../kernel/places.js'
import { Shim } from '../kernel/shim.js'
import { host, ref, type Step } from '../kernel/step.js'

export interface TerminalSize {
  readonly cols: number
  readonly rows: number
}

export interface Terminal {
  readonly pty: IPty
  /** The shim inside: its steps are made in the bottle. */
  readonly shim: Shim
}

/** Where shim B finds its connection: far from the descriptors that a plan opens. */
const CONNECTION = 201

/** Start a shim on a fresh pty inside the bottle that `enter` leads into; `become` are the child's first steps there. */
export async function openTerminal(size: TerminalSize, enter: readonly Step[], become: readonly Step[]): Promise<Terminal> {
  const path = join(runDirectory(), `terminal-${process.pid}-${randomBytes(4).toString('hex')}.sock`)
  const server = createServer({ pauseOnConnect: true })
  server.listen(path)
  await once(server, 'listening')
  try {
    const { spawn } = await import('node-pty') // a native module: loaded when the first terminal is wanted
    const pty = spawn(SHIM_PATH, ['--connect', path], { ...size, name: process.env.TERM ?? 'xterm-256color', env: {} })
    const connections = on(server, 'connection')
    const outer = await nextShim(connections, pty)
    try {
      await outer.run([
        ...host([
          open(SHIM_PATH, ['path'], { keep: 'shim' }),
          socket('unix', 'stream', 0, { keep: 'connection' }),
          connect_unix(ref('connection'), path),
          ioctl_tiocnotty(0, { why: 'free for a session inside: who has it as controlling terminal there gets its keys' }),
        ]),
        ...host(enter),
        clone3([]),
        ...become,
        dup3(ref('connection'), CONNECTION),
        execveat(ref('shim'), ['shim', '--fd', String(CONNECTION)]),
      ])
      const shim = await nextShim(connections, pty)
      shim.once('ended', () => void outer.rollback())
      return { pty, shim }
    } catch (error) {
      await outer.rollback()
      throw error
    }
  } finally {
    server.close()
    rmSync(path, { force: true })
  }
}

/** The shim behind the next connection, those that were made before this was called included. */
async function nextShim(connections: AsyncIterator<unknown[]>, pty: IPty): Promise<Shim> {
  const ended = new Promise<never>((_, reject) => pty.onExit(() => reject(new DrydockError('the shim on the terminal ended at once'))))
  ended.catch(() => undefined)
  const next = await Promise.race([connections.next(), ended])
  return Shim.over((next.value as [Socket])[0].resume())
}
