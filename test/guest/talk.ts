/**
 * A line to a guest that is up:
 *
 *     here                              guest (inside/serve.sh)
 *     base64 of a script  ──────────►   runs it
 *                         ◄──────────   STATUS base64 of its output, base64 of its errors
 *     .                   ──────────►   goes on with what it was started for
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { createInterface, type Interface } from 'node:readline'
import { DrydockError } from '../../lib/kernel/errors.js'

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export class Talk {
  /** The socket to which the machine is to connect. */
  readonly path: string
  readonly #server: Server
  readonly #connected: Promise<[Socket, Interface]>
  #gone: (error: DrydockError) => void = () => undefined
  readonly #end: Promise<never>

  private constructor(path: string, server: Server) {
    this.path = path
    this.#server = server
    this.#end = new Promise((_, reject) => {
      this.#gone = reject
    })
    // Nobody may be waiting when the guest ends.
    this.#end.catch(() => undefined)
    this.#connected = once(server, 'connection').then(([socket]: Socket[]) => {
      const line = socket as Socket
      line.on('error', () => undefined)
      line.once('close', () => this.hangUp())
      return [line, createInterface({ input: line })]
    })
  }

  static async open(path: string): Promise<Talk> {
    const server = createServer().listen(path)
    await once(server, 'listening')
    return new Talk(path, server)
  }

  /** Run a script to its end, as root. Rejects when the guest ends before. */
  async on(script: string): Promise<Said> {
    const [socket, lines] = await Promise.race([this.#connected, this.#end])
    const answer = once(lines, 'line') as Promise<[string]>
    socket.write(`${Buffer.from(script).toString('base64')}\n`)
    const [text] = await Promise.race([answer, this.#end])
    const [code, stdout = '', stderr = ''] = text.split(' ')
    return { code: Number(code), stdout: decoded(stdout), stderr: decoded(stderr) }
  }

  /** There is no more to say: the guest goes on. */
  async finish(): Promise<void> {
    const [socket] = await Promise.race([this.#connected, this.#end])
    socket.write('.\n')
  }

  /** The guest has ended, or has never been. */
  hangUp(): void {
    this.#gone(new DrydockError('the guest ended while it was spoken to'))
    this.#server.close()
  }
}

const decoded = (text: string): string => Buffer.from(text, 'base64').toString()
