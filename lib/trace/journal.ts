/** A trace being written: a line of JSON for each event, whole before the next begins, so that a program that is killed leaves what can be read. */
import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs'
import type { Happening, TraceEvent } from './types.js'

/** Bytes; what comes then is not written any more. An hour of a lesson is about a megabyte. */
const LONGEST = 64 * 1024 * 1024

export class Journal {
  readonly path: string
  readonly #limit: number
  #file: number | undefined
  #seq = 0
  #bytes = 0
  #full = false

  /** Makes the file, which must not be there yet; throws what the system says. */
  constructor(path: string, { limit = LONGEST }: { limit?: number } = {}) {
    this.path = path
    this.#limit = limit
    const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND } = constants
    this.#file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0o600)
  }

  /** Throws what the system says (no space left, read-only file system). */
  write(what: Happening, at = Date.now()): void {
    if (this.#file === undefined || (this.#full && what.kind !== 'end')) return
    const line = this.#line(what, at)
    if (what.kind === 'end' || this.#bytes + line.length <= this.#limit) return this.#append(line)
    this.#full = true
    const because = `This trace has grown to ${Math.round(this.#limit / 1024 / 1024)} MiB, and the rest of the session is not in it.`
    this.#append(this.#line({ kind: 'stopped', because }, at))
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  /** It cannot be written any more. Without a whole event in it (a full disk) it is no trace, and would only be in the way of others. */
  abandon(): void {
    this.close()
    if (this.#seq === 0) rmSync(this.path, { force: true })
  }

  #line(what: Happening, at: number): Buffer {
    const event: TraceEvent = { seq: this.#seq, at, what }
    return Buffer.from(`${JSON.stringify(event)}\n`)
  }

  #append(line: Buffer): void {
    for (let at = 0; at < line.length; ) at += writeSync(this.#file as number, line, at)
    this.#seq += 1
    this.#bytes += line.length
  }
}
