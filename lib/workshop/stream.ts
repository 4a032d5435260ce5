/**
 * A page's side of `text/event-stream` (HTML, 9.2). What a page does not read is kept for it up to a bound; a page that is further behind is shown out,
 * comes again by itself, and gets all as it is then.
 */
import type { ServerResponse } from 'node:http'
import { drained } from '../kernel/drained.js'
import { patience } from '../kernel/patience.js'

/** Bytes that may wait for one page. A picture that is larger alone may, when nothing else does. */
const MOST_WAITING = 4 * 1024 * 1024
/** Milliseconds between two signs of life: proxies close what is silent for a minute, and a page takes it for broken (page/silence.ts). */
const HEARTBEAT = 15_000
/** Milliseconds that a page gets to read what waits for it. */
const SLOWEST = 60_000

export class EventStream {
  readonly #response: ServerResponse
  readonly #heart: NodeJS.Timeout
  /** Aborted when nobody listens any more. */
  readonly gone: AbortSignal

  constructor(response: ServerResponse) {
    this.#response = response
    const gone = new AbortController()
    this.gone = gone.signal
    this.#heart = setInterval(() => this.send('alive', '0'), HEARTBEAT).unref()
    response.once('close', () => {
      clearInterval(this.#heart)
      gone.abort()
    })
    response.on('error', () => response.destroy())
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' })
    // Milliseconds after which the page comes again.
    this.#write('retry: 2000\n\n')
  }

  /** An event of this kind; `json` has no line breaks. */
  send(kind: string, json: string): void {
    this.#write(`event: ${kind}\ndata: ${json}\n\n`)
  }

  /** One without a kind, by whose number a page that comes again says how far it had come. */
  sendNumbered(id: number, json: string): void {
    this.#write(`id: ${id}\ndata: ${json}\n\n`)
  }

  /** Resolves when all that was sent is on its way, or the page has gone: one that does not read is shown out in the end. */
  async drained(): Promise<void> {
    const response = this.#response
    if (this.gone.aborted || !response.writableNeedDrain) return
    const slow = setTimeout(() => response.destroy(), patience(SLOWEST))
    await drained(response)
    clearTimeout(slow)
  }

  close(): void {
    this.#response.destroy()
  }

  #write(text: string): void {
    const response = this.#response
    if (response.destroyed || response.writableEnded) return
    if (response.writableLength > MOST_WAITING) response.destroy()
    else response.write(text)
  }
}
