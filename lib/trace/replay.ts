/**
 * A trace as moments that one can step through, forwards and backwards. Pure, and free of Node: the page uses it too.
 *
 *     scene   said   ahead ─ picture ─ done ─ picture   looked ─ picture   …
 *       │       │    └──────── one act ──────────────┘    └── a look ──┘
 *
 * Events may come one by one, while the trace still grows, or all at once.
 */
import { applyDelta, deltaBetween } from '../picture/delta.js'
import type { Delta, Picture } from '../picture/types.js'
import type {
  ActAhead,
  ActDone,
  Looked,
  Predicted,
  Printed,
  RecordingStops,
  Said,
  SceneOpens,
  SessionBegins,
  SessionEnds,
  TraceEvent,
  Tried,
} from './types.js'

/** What there is to see at one place of a trace. `kind` tells which: the event stands under the same name, or two of them for an act. */
export type Moment = MomentPlace &
  (
    | { readonly kind: 'session'; readonly event: SessionBegins }
    | { readonly kind: 'scene'; readonly event: SceneOpens }
    | { readonly kind: 'said'; readonly event: Said }
    /** `done` is absent while its steps have not been made, or were given up. */
    | { readonly kind: 'act'; readonly ahead: ActAhead; readonly done?: ActDone }
    | { readonly kind: 'looked'; readonly event: Looked }
    | { readonly kind: 'predicted'; readonly event: Predicted }
    | { readonly kind: 'tried'; readonly event: Tried }
    /** What one box printed without another moment in between is one. */
    | { readonly kind: 'printed'; readonly event: Printed }
    | { readonly kind: 'stopped'; readonly event: RecordingStops }
    | { readonly kind: 'end'; readonly event: SessionEnds }
  )

export interface MomentPlace {
  /** Its place among the moments, from 0. */
  readonly index: number
  /** Milliseconds since 1970: of an act that is done, when it was done. */
  readonly at: number
  /** Which scene it is in (SceneOpens.index); absent before the first. */
  readonly scene?: number
  /** How many pictures had been taken before it happened, and when it was over: 0 is none. `Replay.before` and `after` give the pictures. */
  readonly pictures: readonly [before: number, after: number]
}

/** Every so many pictures one is kept whole; between them at most so many deltas are applied for a picture that is asked for. */
const WHOLE_EVERY = 16

export class Replay {
  readonly #moments: Moment[] = []
  readonly #album = new Album()
  /** Acts that are ahead, by box: where they stand. */
  readonly #open = new Map<string, number>()
  #scene: number | undefined
  /** The moment to which the next picture belongs. */
  #owner: number | undefined

  constructor(events: Iterable<TraceEvent> = []) {
    for (const event of events) this.add(event)
  }

  get moments(): readonly Moment[] {
    return this.#moments
  }

  get session(): SessionBegins | undefined {
    const [first] = this.#moments
    return first?.kind === 'session' ? first.event : undefined
  }

  /** Takes one more event. Gives the moment that is new or is another now; an event that fits nowhere gives nothing. */
  add({ at, what }: TraceEvent): Moment | undefined {
    switch (what.kind) {
      case 'picture':
        return this.#pictured(this.#album.whole(what.picture))
      case 'changed':
        return this.#pictured(this.#album.changed(what.delta))
      case 'ahead':
        this.#open.set(what.box, this.#moments.length)
        return this.#owning({ kind: 'act', ahead: what, ...this.#place(at) })
      case 'done':
        return this.#done(what, at)
      case 'printed':
        return this.#printed(what, at)
      case 'said':
        return this.#push({ kind: 'said', event: what, ...this.#place(at) })
      case 'scene':
        this.#scene = what.index
        return this.#owning({ kind: 'scene', event: what, ...this.#place(at) })
      default:
        return this.#owning({ kind: what.kind, event: what, ...this.#place(at) } as Moment)
    }
  }

  /** The state before the moment; undefined when no picture had been taken yet. */
  before(index: number): Picture | undefined {
    return this.#album.picture(this.#moments[index]?.pictures[0] ?? 0)
  }

  after(index: number): Picture | undefined {
    return this.#album.picture(this.#moments[index]?.pictures[1] ?? 0)
  }

  /** What the moment changed; undefined when there is no picture from before it. */
  change(index: number): Delta | undefined {
    const [before, after] = [this.before(index), this.after(index)]
    return before && after ? deltaBetween(before, after) : undefined
  }

  #place(at: number): MomentPlace {
    const scene = this.#scene === undefined ? {} : { scene: this.#scene }
    const taken = this.#album.length
    return { index: this.#moments.length, at, ...scene, pictures: [taken, taken] }
  }

  #push(moment: Moment): Moment {
    this.#moments[moment.index] = moment
    return moment
  }

  #owning(moment: Moment): Moment {
    this.#owner = moment.index
    return this.#push(moment)
  }

  #done(done: ActDone, at: number): Moment | undefined {
    const index = this.#open.get(done.box)
    const moment = index === undefined ? undefined : this.#moments[index]
    if (moment?.kind !== 'act') return undefined
    this.#open.delete(done.box)
    const taken = this.#album.length
    return this.#owning({ ...moment, done, at, pictures: [taken, taken] })
  }

  #printed(printed: Printed, at: number): Moment {
    const last = this.#moments.at(-1)
    if (last?.kind !== 'printed' || last.event.box !== printed.box)
      return this.#push({ kind: 'printed', event: printed, ...this.#place(at) })
    return this.#push({ ...last, event: { ...printed, text: last.event.text + printed.text } })
  }

  /** The act ahead has its `before` in it, all others their `after`. */
  #pictured(taken: number): Moment | undefined {
    const owner = this.#owner === undefined ? undefined : this.#moments[this.#owner]
    if (!owner || taken === 0) return undefined
    const ahead = owner.kind === 'act' && owner.done === undefined
    return this.#push({ ...owner, pictures: [ahead ? taken : owner.pictures[0], taken] })
  }
}

/** The pictures of a trace in their order, most of them as deltas. */
class Album {
  readonly #deltas: (Delta | undefined)[] = []
  readonly #whole = new Map<number, Picture>()
  /** The one that was asked for last: steps forwards start from it. */
  #recent: { readonly number: number; readonly picture: Picture } | undefined
  #newest: Picture | undefined

  get length(): number {
    return this.#deltas.length
  }

  /** Gives the picture's number, from 1. */
  whole(picture: Picture): number {
    this.#deltas.push(undefined)
    this.#newest = picture
    this.#whole.set(this.length, picture)
    return this.length
  }

  /** A delta without a picture before it says nothing: 0. */
  changed(delta: Delta): number {
    if (!this.#newest) return 0
    this.#deltas.push(delta)
    this.#newest = applyDelta(this.#newest, delta)
    if (this.length % WHOLE_EVERY === 0) this.#whole.set(this.length, this.#newest)
    return this.length
  }

  picture(number: number): Picture | undefined {
    if (number < 1 || number > this.length) return undefined
    if (number === this.length) return this.#newest
    if (this.#recent?.number === number) return this.#recent.picture
    let from = number
    while (!this.#whole.has(from) && this.#recent?.number !== from) from -= 1
    let picture = this.#whole.get(from) ?? (this.#recent?.picture as Picture)
    for (const delta of this.#deltas.slice(from, number)) if (delta) picture = applyDelta(picture, delta)
    this.#recent = { number, picture }
    return picture
  }
}
