/**
 * A stream that is there before what it leads to: who attaches to a container that does not run yet gets it at once, and the program's streams behind
 * it as soon as there are some. What is written meanwhile waits.
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

export interface Wanted {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
}

export class PendingAttach extends Duplex {
  readonly wanted: Wanted
  readonly #forget: (self: PendingAttach) => void
  #source: Socket | undefined
  #closing = false
  #waiting: (() => void)[] = []

  constructor(wanted: Wanted, forget: (self: PendingAttach) => void) {
    super({ allowHalfOpen: true })
    this.wanted = wanted
    this.#forget = forget
  }

  /** The program runs: from here on they are its streams. */
  adopt(source: Socket): void {
    this.#forget(this)
    if (this.destroyed) {
      source.destroy()
      return
    }
    this.#source = source
    source.on('data', (bytes) => {
      if (!this.push(bytes)) source.pause()
    })
    source.once('end', () => this.push(null))
    source.once('close', () => this.#over())
    source.on('error', () => undefined)
    for (const go of this.#waiting.splice(0)) go()
  }

  /** There will be no program: the end of the output. */
  giveUp(): void {
    this.#forget(this)
    this.#closing = true
    this.#over()
  }

  #over(): void {
    if (!this.readableEnded && !this.destroyed) this.push(null)
    for (const go of this.#waiting.splice(0)) go()
  }

  override _read(): void {
    this.#source?.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#whenReady((source) => {
      // Without stdin, or after the program's end, nobody reads it.
      if (!source || source.destroyed || !source.writable || !this.wanted.stdin) return done()
      source.write(chunk, () => done())
    })
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#whenReady((source) => {
      source?.end()
      done()
    })
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#forget(this)
    this.#source?.destroy()
    for (const go of this.#waiting.splice(0)) go()
    done(error)
  }

  #whenReady(act: (source: Socket | undefined) => void): void {
    if (this.#source || this.#closing || this.destroyed) return act(this.#source)
    this.#waiting.push(() => act(this.#source))
  }
}
