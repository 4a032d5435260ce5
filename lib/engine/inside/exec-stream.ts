/** The streams of an exec, for whoever started it: what its shim sends and takes, and an end that comes when the exit code is known. */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { DetachKeys } from '../keys.js'

export interface ExecStreamOptions {
  /** Connected to the shim's monitor already. */
  readonly socket: Socket
  /** Whether what is written goes to the program; otherwise it is nobody's. */
  readonly stdin: boolean
  /** Keys that leave, watched for when there are some. */
  readonly keys: Uint8Array
  /** The keys were struck: the output ends, the program hears nothing of it. */
  readonly onDetach: () => void
  /** Resolves when all is known of its end, and no sooner does the output end. */
  readonly ended: Promise<void>
}

export class ExecStream extends Duplex {
  readonly #socket: Socket
  readonly #stdin: boolean
  readonly #keys: DetachKeys | undefined
  readonly #onDetach: () => void
  #over = false

  constructor({ socket, stdin, keys, onDetach, ended }: ExecStreamOptions) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#stdin = stdin
    this.#keys = keys.length > 0 ? new DetachKeys(keys) : undefined
    this.#onDetach = onDetach
    socket.on('data', (bytes) => {
      if (!this.push(bytes)) socket.pause()
    })
    const over = () => void ended.then(() => this.#finish())
    // One that said nothing may have come to its end before anybody listened; a shim that was killed says no end.
    if (socket.readableEnded || socket.destroyed) over()
    for (const event of ['end', 'close']) socket.once(event, over)
    socket.on('error', () => undefined)
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.#stdin || this.#over) return done()
    const { through, detached } = this.#keys?.pass(chunk) ?? { through: chunk, detached: false }
    if (detached) {
      this.#onDetach()
      this.#finish()
      return done()
    }
    // What is written to one that has ended is lost, and no error: it may end at any moment.
    if (through.length === 0 || !this.#socket.writable) return done()
    this.#socket.write(through, () => done())
  }

  override _final(done: () => void): void {
    if (this.#stdin) this.#socket.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#over = true
    this.#socket.destroy()
    done(error)
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.push(null)
    this.#socket.destroy()
  }
}
