/** All that the page knows, and how it changes with what the server says. Pure but for the listeners. */
import { applyDelta } from '../../picture/delta.js'
import type { Picture } from '../../picture/types.js'
import type { LiveEvent, RoomView, SessionSummary } from '../protocol.js'
import { changesOf } from './changes.js'
import { type History, withSample } from './history.js'
import { Labels } from './labels.js'
import { type Marks, NO_MARKS, withChanges } from './marks.js'

export interface Said {
  readonly number: number
  readonly at: number
  readonly words: string
}

export interface State {
  readonly connection: 'opening' | 'open' | 'lost'
  readonly picture?: Picture
  readonly labels?: Labels
  readonly marks: Marks
  /** What came last first; what came with one picture, in its order. */
  readonly log: readonly Said[]
  readonly history: History
  /** Undefined until the server has told. */
  readonly sessions?: readonly SessionSummary[]
  readonly room?: RoomView
  /** Milliseconds between pictures. */
  readonly pace?: number
}

/** Changes that are kept in words. */
const LOGGED = 100

export class Store {
  #state: State = { connection: 'opening', marks: NO_MARKS, log: [], history: new Map() }
  #said = 0
  readonly #listeners = new Set<() => void>()

  get state(): State {
    return this.#state
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  connection(connection: State['connection']): void {
    this.#become({ connection })
  }

  hear(event: LiveEvent, now: number): void {
    switch (event.kind) {
      case 'picture':
        return this.#become({ connection: 'open', ...this.#pictured(event.picture) })
      case 'changed': {
        const before = this.#state.picture
        if (!before) return
        const changes = changesOf(before, event.delta)
        const said = changes.map(({ words }) => ({ number: ++this.#said, at: event.delta.at, words }))
        return this.#become({
          ...this.#pictured(applyDelta(before, event.delta)),
          ...(changes.length === 0
            ? {}
            : { marks: withChanges(this.#state.marks, changes, now), log: [...said, ...this.#state.log].slice(0, LOGGED) }),
        })
      }
      case 'sessions':
        return this.#become({ connection: 'open', sessions: event.sessions })
      case 'room':
        return this.#become({ connection: 'open', room: event.room })
      case 'pace':
        return this.#become({ connection: 'open', pace: event.milliseconds })
    }
  }

  #pictured(picture: Picture): Pick<State, 'history'> & { picture: Picture; labels: Labels } {
    return { picture, labels: Labels.of(picture, this.#state.labels), history: withSample(this.#state.history, picture) }
  }

  #become(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change }
    for (const listener of this.#listeners) listener()
  }
}
