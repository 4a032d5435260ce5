/** Lengths of time as Go writes and reads them: `1h30m`, `1.5s`. In nanoseconds. */
import { wrong } from './lines.js'

/** Digits, and perhaps a point and more of them: each can be read in one way only, so that a long number without a unit is refused at once. */
const COUNT = String.raw`(?:\d+(?:\.\d*)?|\.\d+)`
const UNIT = '(?:ns|us|µs|μs|ms|s|m|h)'
const WHOLE = new RegExp(`^(?:${COUNT}${UNIT})+$`)
const PART = new RegExp(`(${COUNT})(${UNIT})`, 'g')

/** Of time.Duration, which is an int64: some 292 years. */
const LONGEST = 2 ** 63

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }

/** Throws as time.ParseDuration fails. */
export function parseDuration(word: string): number {
  const [, sign, rest = ''] = /^([-+]?)(.*)$/s.exec(word) ?? []
  if (rest === '0') return 0
  const invalid = () => wrong(`time: invalid duration ${JSON.stringify(word)}`)
  if (!WHOLE.test(rest)) throw invalid()
  const parts = [...rest.matchAll(PART)]
  const total = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit as string] as number), 0)
  if (total > LONGEST) throw invalid()
  return Math.trunc(sign === '-' ? -total : total)
}

/** `5m0s`, as Duration.String writes it. */
export function showDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s'
  if (nanoseconds < 0) return `-${showDuration(-nanoseconds)}`
  const [, unit = 'ns', size = 1] = SMALL.find(([below]) => nanoseconds < below) ?? []
  if (nanoseconds < 1e9) return `${plain(nanoseconds / size)}${unit}`
  const seconds = Math.floor(nanoseconds / 1e9)
  const rest = plain((seconds % 60) + (nanoseconds % 1e9) / 1e9)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes % 60}m` : ''}${rest}s`
}

const SMALL: readonly (readonly [below: number, unit: string, size: number])[] = [
  [1e3, 'ns', 1],
  [1e6, 'µs', 1e3],
  [1e9, 'ms', 1e6],
]

const plain = (value: number): string => value.toFixed(9).replace(/\.?0+$/, '')
