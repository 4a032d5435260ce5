/** Moments as filters name them: moby's api/types/time. */
import { asDuration } from './durations.js'
import { DrydockError } from './errors.js'

/** Milliseconds since 1970: a time (RFC 3339, a day, seconds since 1970), or so long ago (`10m`, `1h30m`). */
export function parseMoment(text: string, now = Date.now()): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  const ago = asDuration(text)
  if (ago !== undefined) return now - ago / 1e6
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return time
  throw new DrydockError(`invalid time "${text}": it is a time such as 2026-01-31T10:00:00, or so long ago such as 24h`, { status: 400 })
}
