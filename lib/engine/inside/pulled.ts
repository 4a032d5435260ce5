/** A stream out of a generator that may be waiting for something when the stream is given up. Readable.from waits for the generator then, for ever. */
import { Readable } from 'node:stream'

export class Pulled extends Readable {
  readonly #chunks: AsyncGenerator<Buffer, void, void>
  readonly #given: AbortController
  #pulling = false

  /** `make` gets a signal that is aborted when nobody reads any more; what it throws then is nobody's. */
  constructor(make: (signal: AbortSignal) => AsyncGenerator<Buffer, void, void>, signal?: AbortSignal) {
    super()
    this.#given = new AbortController()
    this.#chunks = make(this.#given.signal)
    const give = () => this.destroy()
    if (signal?.aborted) give()
    signal?.addEventListener('abort', give, { once: true })
    this.once('close', () => signal?.removeEventListener('abort', give))
  }

  override _read(): void {
    void this.#pull()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#given.abort()
    this.#chunks.return().catch(() => undefined)
    done(error)
  }

  async #pull(): Promise<void> {
    if (this.#pulling) return
    this.#pulling = true
    try {
      for (let wanted = true; wanted; ) {
        const { done, value } = await this.#chunks.next()
        wanted = !done && this.push(value)
        if (done) this.push(null)
      }
    } catch (error) {
      if (!this.#given.signal.aborted) this.destroy(error as Error)
    }
    this.#pulling = false
  }
}
