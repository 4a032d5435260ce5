/** What has happened and what happens, for whoever listens: Docker's events. Engine API 1.47, GET /events. */
import { DrydockError } from '../kernel/errors.js'
import { nowNanos } from './clock.js'
import type { EventLog } from './context.js'
import { matchesEvent } from './event-filters.js'
import type { EngineEvent, EventsNoun } from './types.js'
import { LONGEST_TIMEOUT } from './within.js'

/** How many of the past are known: as many as Docker knows. */
const REMEMBERED = 256

/** How many wait for somebody who does not take them. Docker leaves out what comes after; here the stream breaks off, so that nobody takes it for whole. */
const MOST_WAITING = 1024

type Published = Parameters<EventLog['publish']>[0]

interface Happened {
  readonly event: EngineEvent
  readonly nanos: bigint
}

export class Events implements EventLog, EventsNoun {
  readonly #past: Happened[] = []
  readonly #listeners = new Set<(happened: Happened) => void>()

  get listeners(): number {
    return this.#listeners.size
  }

  publish({ Type, Action, ID, Attributes = {} }: Published): void {
    const nanos = nowNanos()
    const event: EngineEvent = {
      ...(Type === 'container' && { status: Action, id: ID, from: Attributes.image ?? '' }),
      ...(Type === 'image' && { status: Action, id: ID }),
      Type,
      Action,
      Actor: { ID, Attributes },
      scope: 'local',
      time: Number(nanos / 1_000_000_000n),
      timeNano: Number(nanos),
    }
    const happened = { event, nanos }
    this.#past.push(happened)
    if (this.#past.length > REMEMBERED) this.#past.shift()
    for (const listener of this.#listeners) listener(happened)
  }

  /** Listens from the call on, not only from the first event that is asked for. */
  stream({ since, until, filters, signal }: Parameters<EventsNoun['stream']>[0]): AsyncIterable<EngineEvent> {
    const matches = matchesEvent(filters)
    const queue: EngineEvent[] = []
    let wake: (() => void) | undefined
    let over = signal.aborted
    let lost = false
    const take = ({ event, nanos }: Happened) => {
      if (until !== undefined && nanos > until) return
      if (!matches(event)) return
      if (queue.length >= MOST_WAITING) {
        lost = true
        queue.length = 0
        return end()
      }
      queue.push(event)
      wake?.()
    }
    if (since !== undefined || until !== undefined) {
      for (const happened of this.#past) if (since === undefined || happened.nanos >= since) take(happened)
    }
    let timer: NodeJS.Timeout | undefined
    const end = () => {
      over = true
      clearTimeout(timer)
      this.#listeners.delete(take)
      signal.removeEventListener('abort', end)
      wake?.()
    }
    if (!over) {
      this.#listeners.add(take)
      signal.addEventListener('abort', end)
      if (until !== undefined) timer = endAt(until, end)
    }
    const next = async (): Promise<IteratorResult<EngineEvent>> => {
      for (;;) {
        const event = queue.shift()
        if (event) return { done: false, value: event }
        if (lost) throw new DrydockError(`the client has left more than ${MOST_WAITING} events waiting`, { status: 408 })
        if (over) return { done: true, value: undefined }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        wake = undefined
      }
    }
    const leave = async (): Promise<IteratorResult<EngineEvent>> => {
      end()
      return { done: true, value: undefined }
    }
    return { [Symbol.asyncIterator]: () => ({ next, return: leave }) }
  }
}

function endAt(until: bigint, end: () => void): NodeJS.Timeout {
  const left = Number((until - nowNanos()) / 1_000_000n)
  return setTimeout(end, Math.min(Math.max(0, left), LONGEST_TIMEOUT))
}
