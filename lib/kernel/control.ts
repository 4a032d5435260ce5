/** Connections to the socket of a container's monitor (native/PROTOCOL.md): one that controls it, and those of its streams. */
import { EventEmitter } from 'node:events'
import { fstatSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { DrydockError } from './errors.js'
import { type Exit, FROM_SHIM, frameHeader, onFrames, readExit, signalBody, sizeBody, TO_SHIM } from './frames.js'

const STDIN = 1
const STDOUT = 2
const STDERR = 4
const HELD = 8

interface Wanted {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
}

interface Events {
  exit: [exit: Exit]
  end: []
}

/** The CONTROL connection of somebody who did not start the container. */
export class Control extends EventEmitter<Events> {
  readonly #socket: Socket
  #pid = 0
  #exit: Exit | undefined
  #ended = false

  private constructor(socket: Socket) {
    super()
    this.#socket = socket
    onFrames(
      socket,
      (type, body) => this.#read(type, body),
      // As if nobody were there.
      () => socket.destroy(),
    )
    socket.on('error', () => undefined)
    for (const event of ['end', 'close']) socket.once(event, () => this.#end())
  }

  /** Resolves when the shim has answered; rejects when nobody listens there. */
  static async open(path: string): Promise<Control> {
    const socket = await connected(path)
    const control = new Control(socket)
    socket.write(frameHeader(TO_SHIM.control, 0))
    await new Promise<void>((resolve, reject) => {
      control.once('end', () => reject(new DrydockError(`the shim at ${path} ended before it said hello`)))
      control.#helloed = resolve
    })
    return control
  }

  #helloed: (() => void) | undefined

  /** The shim's process id, as its own pid namespace has it. */
  get shimPid(): number {
    return this.#pid
  }

  /** It is known already how the program ended. */
  get over(): boolean {
    return this.#exit !== undefined
  }

  /** How the program ended; undefined when the shim was lost before it could say so. */
  get exited(): Promise<Exit | undefined> {
    if (this.#exit || this.#ended) return Promise.resolve(this.#exit)
    return new Promise((resolve) => {
      this.once('exit', resolve)
      this.once('end', () => resolve(this.#exit))
    })
  }

  /** Resolves when the shim has undone what was to be undone, or is gone. */
  get ended(): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise((resolve) => {
      this.once('end', () => resolve())
    })
  }

  resize(rows: number, columns: number): void {
    this.#send(TO_SHIM.resize, sizeBody(rows, columns))
  }

  signal(number: number): void {
    this.#send(TO_SHIM.signal, signalBody(number))
  }

  close(): void {
    this.#socket.destroy()
  }

  #send(type: number, body: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(Buffer.concat([frameHeader(type, body.length), body]))
  }

  #read(type: number, body: Buffer): (() => void) | undefined {
    if (type === FROM_SHIM.hello) {
      const pid = body.readUInt32LE(4)
      return () => {
        this.#pid = pid
        this.#helloed?.()
      }
    }
    if (type !== FROM_SHIM.exit) return undefined
    const exit = readExit(body)
    return () => {
      this.#exit = exit
      this.emit('exit', exit)
    }
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.emit('end')
    this.#socket.destroy()
  }
}

/**
 * The container's streams: what is read is its output, framed as Docker has it or bare with a terminal; what is written its stdin, and an end of
 * that the end of its stdin. Resolves when the shim will find it before any output that comes later. Rejects when nobody listens at the path.
 */
export const openStreams = (path: string, wanted: Wanted): Promise<Socket> => attached(path, wanted, 0)

/** Streams whose output waits, and their stdin with it, until somebody has said where it goes. */
export interface HeldStreams {
  readonly socket: Socket
  /**
   * Into a socket of this process, to which nothing else may be written from now on: past this process, and faster so. Without one, or when the shim may
   * not have it, `socket` brings the output. It ends with the output in any case. Whoever asks closes the other socket.
   */
  deliver(to?: Sink): Promise<void>
}

/** A socket of this process. Its number may be another's as soon as it is closed, so there is more to know it by. */
export interface Sink {
  readonly fd: number
  readonly inode: bigint
}

export const sinkOf = (fd: number): Sink => ({ fd, inode: fstatSync(fd, { bigint: true }).ino })

export async function holdStreams(path: string, wanted: Wanted): Promise<HeldStreams> {
  const socket = await attached(path, wanted, HELD)
  return { socket, deliver: (to) => deliver(socket, to) }
}

async function deliver(socket: Socket, { fd, inode }: Sink = { fd: -1, inode: 0n }): Promise<void> {
  const body = Buffer.alloc(12)
  body.writeInt32LE(fd)
  body.writeBigUInt64LE(inode, 4)
  socket.write(Buffer.concat([frameHeader(TO_SHIM.deliver, body.length), body]))
  await new Promise<void>((resolve) => {
    const read = () => {
      // Which of both it is, and the output behind it.
      if (socket.read(1) === null && !socket.readableEnded && !socket.destroyed) return
      for (const event of ['readable', 'end', 'close']) socket.off(event, read)
      resolve()
    }
    for (const event of ['readable', 'end', 'close']) socket.on(event, read)
    read()
  })
}

async function attached(path: string, wanted: Wanted, more: number): Promise<Socket> {
  const socket = await connected(path)
  const flags = (wanted.stdin ? STDIN : 0) | (wanted.stdout ? STDOUT : 0) | (wanted.stderr ? STDERR : 0) | more
  const failed = (cause: Error) => new DrydockError(`the container does not answer: ${cause.message}`, { cause })
  await new Promise<void>((resolve, reject) => {
    socket.write(Buffer.concat([frameHeader(TO_SHIM.attach, 1), Buffer.from([flags])]), (error) =>
      error ? reject(failed(error)) : resolve(),
    )
  })
  return socket
}

export function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, allowHalfOpen: true })
    socket.once('connect', () => resolve(socket))
    socket.once('error', (cause) => reject(new DrydockError(`the container does not answer: ${cause.message}`, { cause })))
  })
}
