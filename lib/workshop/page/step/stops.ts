/** Where stepping through a trace stops, and what is read there: words and output go with the stop that they stand at. Pure. */
import type { Moment } from '../../../trace/replay.js'

export interface Stop {
  readonly moment: Moment
  /** What was said and printed since the stop before, and after it where no other follows. */
  readonly words: readonly Moment[]
}

const AT_HAND: readonly Moment['kind'][] = ['said', 'printed', 'session']

export function stopsOf(moments: readonly Moment[]): Stop[] {
  const stops: Stop[] = []
  let words: Moment[] = []
  for (const moment of moments) {
    if (AT_HAND.includes(moment.kind)) {
      words.push(moment)
      continue
    }
    if (moment.kind === 'scene') words = heldBack(stops, words)
    stops.push({ moment, words })
    words = []
  }
  heldBack(stops, words)
  return stops
}

/** What was said at the end of a scene, or at the end so far, goes with the stop before. Gives what is left: all where there is none. */
function heldBack(stops: Stop[], words: Moment[]): Moment[] {
  const last = stops.at(-1)
  if (!last) return words
  stops[stops.length - 1] = { ...last, words: [...last.words, ...words] }
  return []
}

/** The scene that a stop is in, and all that was said in it up to there; of the first also what was said before it. */
export function textAt(stops: readonly Stop[], at: number): readonly Moment[] {
  const words: Moment[] = []
  for (let index = at; index >= 0; index--) {
    const stop = stops[index] as Stop
    const opens = stop.moment.kind === 'scene'
    words.unshift(...(opens ? [stop.moment] : []), ...stop.words.filter(({ kind }) => kind === 'said'))
    if (opens) break
  }
  return words.sort((one, other) => one.index - other.index)
}

/** The next act after a stop, when it is known. */
export const actAfter = (stops: readonly Stop[], at: number): Extract<Moment, { kind: 'act' }> | undefined =>
  stops.slice(at + 1).find((stop): stop is Stop & { moment: Extract<Moment, { kind: 'act' }> } => stop.moment.kind === 'act')?.moment
