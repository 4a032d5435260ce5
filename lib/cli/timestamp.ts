/** Moments as docker's command line takes them and the Engine API wants them (api/types/time/timestamp.go). */
import { asDuration } from '../kernel/durations.js'
import { DrydockError } from '../kernel/errors.js'

/** Seconds since 1970 with nine digits behind the point, of `10m` ago, of a date or time (here, when it names no zone), or of such a number. */
export function timestamp(text: string, now = Date.now()): string {
  const ago = asDuration(text)
  if (ago !== undefined) return inSeconds(BigInt(now) * 1_000_000n - BigInt(ago))
  if (/^-?\d+(\.\d{1,9})?$/.test(text)) return text
  const shape = /^(\d{4}-\d\d-\d\d)(?:T(\d\d(?::\d\d(?::\d\d(?:\.(\d{1,9}))?)?)?))?(Z|[-+]\d\d:\d\d)?$/.exec(text)
  if (!shape) throw new DrydockError(`failed to parse value as time or duration: ${JSON.stringify(text)}`, { status: 400 })
  const [, day, time = '00:00:00', fraction = '', zone = ''] = shape
  const [hours, minutes = '00', seconds = '00'] = (time.split('.')[0] as string).split(':')
  const at = Date.parse(`${day}T${hours}:${minutes}:${seconds}${zone}`)
  if (Number.isNaN(at)) throw new DrydockError(`failed to parse value as time or duration: ${JSON.stringify(text)}`, { status: 400 })
  return `${at / 1000}.${fraction.padEnd(9, '0')}`
}

const inSeconds = (nanoseconds: bigint): string =>
  `${nanoseconds / 1_000_000_000n}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}`
