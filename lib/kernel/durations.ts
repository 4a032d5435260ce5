/** Lengths of time as Go writes and reads them: `1h30m`, `1.5s`. In nanoseconds. */
import { DrydockError } from './errors.js'

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }

/** Go's int64. */
const LONGEST = 2n ** 63n - 1n

/** As time.ParseDuration: fails (400) in its words, and takes off what is less than a nanosecond. */
export function parseDuration(word: string): number {
  const wrong = (what: string) => new DrydockError(`time: ${what} duration ${JSON.stringify(word)}`, { status: 400 })
  const [, sign, all = ''] = /^([-+]?)(.*)$/s.exec(word) ?? []
  if (all === '0') return 0
  if (all === '') throw wrong('invalid')
  let total = 0n
  for (let rest = all; rest !== ''; ) {
    const [part, whole = '', fraction = '', unit = ''] = /^(\d*)(?:\.(\d*))?([^\d.]*)/.exec(rest) as RegExpExecArray
    if (whole === '' && fraction === '') throw wrong('invalid')
    if (unit === '') throw wrong('missing unit in')
    if (!Object.hasOwn(UNITS, unit)) throw wrong(`unknown unit ${JSON.stringify(unit)} in`)
    // More digits than any int64 has, and slow to turn into a number.
    if (whole.replace(/^0+/, '').length > 19) throw wrong('invalid')
    const size = UNITS[unit] as number
    total += BigInt(whole) * BigInt(size) + BigInt(Math.trunc(Number(`0.${fraction}`) * size))
    if (total > LONGEST) throw wrong('invalid')
    rest = rest.slice(part.length)
  }
  return Number(sign === '-' ? -total : total)
}

/** The same; undefined when it is none. */
export function asDuration(word: string): number | undefined {
  try {
    return parseDuration(word)
  } catch {
    return undefined
  }
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
