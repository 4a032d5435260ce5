/**
 * A connection to a running container, through the socket of its shim's monitor (native/PROTOCOL.md): one stream for its input and
 * output, and one to control it.
 */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { connected } from './control.js'
import { drained } from './drained.js'
import { type Exit, FROM_SHIM, frameHeader, onFrames, readExit, signalBody, sizeBody, TO_SHIM } from './frames.js'
import { Pieces } from './unframe.js'

interface Events {
  /** 1 stdout (or the terminal), 2 stderr. */
  output: [stream: 1 | 2, bytes: Buffer]
  exit: [exit: Exit]
  /** The output has ended, or the shim is gone. */
  end: []
}

const STDIN = 1
const STDOUT = 2
const STDERR = 4

export class Attachment extends EventEmitter<Events> {
  readonly #streams: Socket
  readonly #control: Socket
  readonly #pieces = new Pieces()
  #ended = false

  private constructor(streams: Socket, control: Socket, terminal: boolean) {
    super()
    this.#streams = streams
    this.#control = control
    streams.on('data', (bytes) => (terminal ? this.emit('output', 1, bytes) : this.#unframe(bytes)))
    // All output has come; or the shim was killed.
    for (const event of ['end', 'close']) streams.once(event, () => this.#end())
    streams.on('error', () => undefined)
    const read = (type: number, body: Buffer) => {
      if (type !== FROM_SHIM.exit) return undefined
      const exit = readExit(body)
      return () => void this.emit('exit', exit)
    }
    onFrames(control, read, () => this.close())
    control.on('error', () => undefined)
  }

  /** `terminal`: the container has one, and its output is not framed. Rejects when nobody listens at the path. */
  static async open(path: string, options: { terminal: boolean; stdin: boolean }): Promise<Attachment> {
    const [streams, control] = await Promise.all([connected(path), connected(path)])
    const attachment = new Attachment(streams, control, options.terminal)
    const flags = STDOUT | (options.terminal ? 0 : STDERR) | (options.stdin ? STDIN : 0)
    streams.write(Buffer.concat([frameHeader(TO_SHIM.attach, 1), Buffer.from([flags])]))
    control.write(frameHeader(TO_SHIM.control, 0))
    return attachment
  }

  stdin(bytes: Uint8Array): boolean {
    return this.#streams.write(bytes)
  }

  async drained(): Promise<void> {
    if (this.#streams.destroyed || this.#streams.writableLength === 0) return
    await drained(this.#streams)
  }

  closeStdin(): void {
    this.#streams.end()
  }

  resize(rows: number, columns: number): void {
    this.#send(TO_SHIM.resize, sizeBody(rows, columns))
  }

  signal(number: number): void {
    this.#send(TO_SHIM.signal, signalBody(number))
  }

  close(): void {
    this.#streams.destroy()
    this.#control.destroy()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.emit('end')
  }

  #send(type: number, body: Uint8Array): void {
    if (!this.#control.destroyed) this.#control.write(Buffer.concat([frameHeader(type, body.length), body]))
  }

  #unframe(chunk: Buffer): void {
    for (const { stream, bytes } of this.#pieces.of(chunk)) this.emit('output', stream === 2 ? 2 : 1, bytes)
  }
}
