/**
 * The streams of a container as a client has them. They may be there before what they lead to: who attaches to a container that does not run yet gets them
 * at once, and the program's own behind them as soon as there are some; what is written meanwhile waits. What was printed before can come first, and keys
 * can be watched for that leave without ending anything. Where nothing comes first, output can go from the shim into a client's socket past this process.
 */
import { Duplex, type Readable } from 'node:stream'
import { type HeldStreams, holdStreams, openStreams, type Sink, sinkOf } from '../../kernel/control.js'
import { DetachKeys } from '../keys.js'

export interface Wanted {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
}

/** As the shim gives them. Whoever has something to say first does not need to choose where the rest goes. */
export type Source = Pick<HeldStreams, 'socket'> & Partial<HeldStreams>

export interface StreamsOptions {
  readonly wanted: Wanted
  /** It comes first, and all of it. */
  readonly past?: Readable
  /** Keys that leave; empty: none do. */
  readonly keys?: Uint8Array
  readonly onDetach?: () => void
  /** It waits for its source no more. */
  readonly onSettled?: (self: Streams) => void
}

export class Streams extends Duplex {
  readonly wanted: Wanted
  readonly #options: StreamsOptions
  readonly #keys: DetachKeys
  #past: Readable | undefined
  #source: Duplex | undefined
  #listening = false
  #asked = false
  #sink: Sink | undefined
  #held: Source | undefined
  /** There is none, or none any more. */
  #over = false
  #detached = false
  #waiting: (() => void)[] = []

  constructor(options: StreamsOptions) {
    super({ allowHalfOpen: true })
    this.wanted = options.wanted
    this.#options = options
    this.#keys = new DetachKeys(options.keys ?? new Uint8Array())
    this.#past = options.past
    this.#past?.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) this.#past?.pause()
    })
    for (const event of ['end', 'error', 'close']) this.#past?.once(event, () => this.#pastIsOver())
  }

  /** Those of a program, from its monitor's socket. */
  async open(path: string): Promise<Source> {
    return this.#past ? { socket: await openStreams(path, this.wanted) } : holdStreams(path, this.wanted)
  }

  /** Attached has the words for it. */
  deliverTo(fd: number): void {
    this.#sink = sinkOf(fd)
  }

  /** From here on these are the program's streams. */
  adopt(source: Source): void {
    this.#options.onSettled?.(this)
    source.socket.on('error', () => undefined)
    if (this.destroyed || this.#over) {
      source.socket.destroy()
      return
    }
    this.#held = source
    if (this.#asked || !source.deliver) this.#begin()
  }

  /** Somebody reads or writes: from here on it is decided where output goes. */
  #ask(): void {
    this.#asked = true
    this.#begin()
  }

  #begin(): void {
    const source = this.#held
    if (!source) return
    this.#held = undefined
    this.#source = source.socket
    if (source.deliver) void source.deliver(this.#sink).then(() => this.#listen())
    else if (!this.#past) this.#listen()
    this.#go()
  }

  /** There will be no program, or it has ended already. */
  giveUp(): void {
    this.#options.onSettled?.(this)
    this.#end()
  }

  #listen(): void {
    this.#listening = true
    const source = this.#source as Duplex
    source.on('data', (bytes: Buffer) => {
      if (!this.#detached && !this.push(bytes)) source.pause()
    })
    for (const event of ['end', 'close']) source.once(event, () => this.#end())
    source.resume()
    // A program that says nothing may have ended before anybody listened.
    if (source.readableEnded || source.destroyed) this.#end()
  }

  #pastIsOver(): void {
    if (!this.#past) return
    this.#past = undefined
    if (this.#over) this.push(null)
    else if (this.#source) this.#listen()
  }

  /** No more output comes; what is typed is nobody's. */
  #end(): void {
    if (this.#over) return
    this.#over = true
    if (!this.#past && !this.destroyed) this.push(null)
    this.#go()
  }

  #go(): void {
    for (const go of this.#waiting.splice(0)) go()
  }

  override _read(): void {
    this.#ask()
    if (this.#past) this.#past.resume()
    else if (this.#listening) this.#source?.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#ask()
    this.#whenReady(() => {
      const source = this.#source
      if (!source || this.#over || source.destroyed || !source.writable || !this.wanted.stdin) return done()
      const { through, detached } = this.#keys.pass(chunk)
      if (detached) {
        this.#detach(source)
        return done()
      }
      if (through.length === 0) return done()
      source.write(through, () => done())
    })
  }

  #detach(source: Duplex): void {
    this.#detached = true
    source.destroy()
    this.#end()
    this.#options.onDetach?.()
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#ask()
    this.#whenReady(() => {
      if (!this.#detached) this.#source?.end()
      done()
    })
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#options.onSettled?.(this)
    this.#past?.destroy()
    this.#held?.socket.destroy()
    this.#source?.destroy()
    this.#over = true
    this.#go()
    done(error)
  }

  #whenReady(act: () => void): void {
    if (this.#source || this.#over) act()
    else this.#waiting.push(act)
  }
}
