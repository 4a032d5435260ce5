/** Marks on what has just changed: live ones fade, those between a picture and the next stay. The style is CSS's; this says which, and when. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Change } from './changes.js'

export interface Marks {
  /** Mark → how often anything was marked before: a thing that changes again is marked again. */
  readonly turns: ReadonlyMap<string, { readonly turn: number; readonly at: number }>
  /** They do not fade. */
  readonly still: boolean
}

export const NO_MARKS: Marks = { turns: new Map(), still: false }

/** How long a mark is to be seen, in milliseconds; the animation in styles/marks.css takes as long. */
export const MARKED = 4000

export function withChanges({ turns }: Marks, changes: readonly Change[], now: number): Marks {
  const left = [...turns].filter(([, { at }]) => now - at < MARKED)
  const turn = 1 + Math.max(0, ...left.map(([, mark]) => mark.turn))
  return { turns: new Map([...left, ...changes.map(({ mark }) => [mark, { turn, at: now }] as const)]), still: false }
}

export const stillMarks = (changes: readonly Change[]): Marks => ({
  turns: new Map(changes.map(({ mark }) => [mark, { turn: 1, at: 0 }])),
  still: true,
})

export const MarksContext = createContext<Marks>(NO_MARKS)

/** Attributes of an element that draws these things. */
export type Marker = (...marks: (string | undefined)[]) => { 'data-mark'?: 'odd' | 'even' | 'still' }

export function useMarker(): Marker {
  const { turns, still } = useContext(MarksContext)
  return (...marks) => {
    const found = marks.flatMap((mark) => (mark === undefined ? [] : (turns.get(mark) ?? [])))
    const newest = found.sort((one, other) => other.turn - one.turn)[0]
    if (!newest || (!still && Date.now() - newest.at > MARKED)) return {}
    // An animation begins again when its name changes.
    return { 'data-mark': still ? 'still' : newest.turn % 2 === 1 ? 'odd' : 'even' }
  }
}
