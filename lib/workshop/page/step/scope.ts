/** The part of a picture that a session is about: its own process, what that has started, and what its acts look at. Pure. */
import type { Picture, ProcessView } from '../../../picture/types.js'

export function scopedTo(picture: Picture, session: number | undefined, focus: readonly number[]): Picture {
  const { processes } = picture.tables
  const wanted = new Set([...focus, ...(session === undefined ? [] : [session])])
  const inScope = (one: ProcessView): boolean => {
    const seen = new Set<number>()
    for (let at: ProcessView | undefined = one; at && !seen.has(at.pid); at = processes[at.parent]) {
      if (wanted.has(at.pid)) return true
      seen.add(at.pid)
    }
    return false
  }
  const kept = Object.entries(processes).filter(([, one]) => inScope(one))
  return kept.length === 0 ? picture : { ...picture, tables: { ...picture.tables, processes: Object.fromEntries(kept) } }
}
