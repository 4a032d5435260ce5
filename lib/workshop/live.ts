/**
 * What all pages are told of this machine and of the room. Pictures are taken while somebody looks, one for all, and in such a pace that they never cost
 * more than a tenth of one processor.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { sentenceOf } from '../kernel/errors.js'
import { deltaBetween } from '../picture/delta.js'
import type { Picture } from '../picture/types.js'
import type { LiveEvent, RoomView, SessionSummary } from './protocol.js'
import type { EventStream } from './stream.js'

/** Milliseconds from one picture to the next, when pictures are cheap. */
const PACE = 700
/** A picture's part of the time is at most one in so many. */
const SHARE = 12
/** Milliseconds that a page waits for a picture, whatever it costs. */
const SLOWEST = 30_000
/** Milliseconds after a picture that could not be taken. */
const TROUBLE = 5000
/** Milliseconds in which reports of learners are told together. */
const TOGETHER = 1000

export interface Seen {
  picture(): Promise<Picture>
  /** Milliseconds of a processor that pictures have cost in other processes until now. */
  elsewhere(): number
  /** Nobody looks any more. */
  rest(): Promise<void>
  sessions(): readonly SessionSummary[]
  room(): RoomView
}

export class Live {
  readonly #seen: Seen
  readonly #trouble: (sentence: string) => void
  readonly #streams = new Set<EventStream>()
  readonly #closing = new AbortController()
  #looking: Promise<void> | undefined
  #picture: Picture | undefined
  #sessions: string | undefined
  #pace = PACE
  #room: NodeJS.Timeout | undefined

  /** `trouble` hears of what could not be looked at, a sentence each, and of the same only once. */
  constructor(seen: Seen, trouble: (sentence: string) => void) {
    this.#seen = seen
    this.#trouble = trouble
  }

  get pages(): number {
    return this.#streams.size
  }

  join(stream: EventStream): void {
    this.#streams.add(stream)
    stream.gone.addEventListener('abort', () => this.#streams.delete(stream))
    this.#tell({ kind: 'pace', milliseconds: this.#pace }, [stream])
    this.#tell({ kind: 'room', room: this.#seen.room() }, [stream])
    if (this.#sessions !== undefined) stream.send('sessions', this.#sessions)
    if (this.#picture) this.#tell({ kind: 'picture', picture: this.#picture }, [stream])
    this.#begin()
  }

  /** Something about the learners has changed. */
  roomChanged(): void {
    if (this.#streams.size === 0) return
    this.#room ??= setTimeout(() => {
      this.#room = undefined
      this.#tell({ kind: 'room', room: this.#seen.room() })
    }, TOGETHER).unref()
  }

  /** Resolves when nothing is looked at any more. */
  async close(): Promise<void> {
    clearTimeout(this.#room)
    this.#closing.abort()
    for (const stream of this.#streams) stream.close()
    await this.#looking
  }

  #begin(): void {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
      // Somebody came just as the last one left.
      if (this.#streams.size > 0 && !this.#closing.signal.aborted) this.#begin()
    })
  }

  async #look(): Promise<void> {
    const told = new Set<string>()
    const { signal } = this.#closing
    let before = this.#used()
    while (this.#streams.size > 0 && !signal.aborted) {
      const began = performance.now()
      let pause = PACE
      try {
        await this.#once()
      } catch (error) {
        const sentence = sentenceOf(error)
        if (!told.has(sentence)) this.#trouble(sentence)
        told.add(sentence)
        pause = TROUBLE
      }
      // All since the picture before, so that what learners' reports cost is within the same bound.
      const now = this.#used()
      this.#setPace(Math.min(SLOWEST, Math.max(pause, SHARE * (now.here - before.here + Math.max(0, now.elsewhere - before.elsewhere)))))
      before = now
      await sleep(Math.max(0, this.#pace - (performance.now() - began)), undefined, { signal }).catch(() => undefined)
    }
    // What was seen last is old when the next one comes to look.
    this.#picture = undefined
    this.#sessions = undefined
    await this.#seen.rest()
  }

  /** Milliseconds of a processor. Elsewhere it may become less: a process that was started anew has used less than the one before it. */
  #used(): { readonly here: number; readonly elsewhere: number } {
    const { user, system } = process.cpuUsage()
    return { here: (user + system) / 1000, elsewhere: this.#seen.elsewhere() }
  }

  async #once(): Promise<void> {
    const picture = await this.#seen.picture()
    const before = this.#picture
    this.#picture = picture
    if (before) this.#tell({ kind: 'changed', delta: deltaBetween(before, picture) })
    else this.#tell({ kind: 'picture', picture })
    const sessions = JSON.stringify({ sessions: this.#seen.sessions() })
    if (sessions === this.#sessions) return
    this.#sessions = sessions
    for (const stream of this.#streams) stream.send('sessions', sessions)
  }

  /** Told when it has changed by more than a fifth: no picture takes quite as long as the one before. */
  #setPace(milliseconds: number): void {
    const before = this.#pace
    this.#pace = Math.round(milliseconds)
    if (Math.abs(this.#pace - before) > before / 5) this.#tell({ kind: 'pace', milliseconds: this.#pace })
  }

  #tell({ kind, ...rest }: LiveEvent, streams: Iterable<EventStream> = this.#streams): void {
    const json = JSON.stringify(rest)
    for (const stream of streams) stream.send(kind, json)
  }
}
