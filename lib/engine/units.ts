/** Sizes and numbers as Docker's command line takes them (github.com/docker/go-units, RAMInBytes), and as it shows them. */
import { DrydockError } from '../kernel/errors.js'

const POWERS = 'bkmgtp'

/** Docker's least memory limit, in bytes: below it no program starts. */
const LEAST_MEMORY = 6 * 1024 * 1024

/** Bytes of '512m', '1.5g', '64k', '1024', '2GiB'; every unit is a power of 1024. */
export function parseBytes(text: string, flag: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text.trim()) ?? []
  const bytes = number === undefined ? Number.NaN : Math.floor(Number(number) * 1024 ** POWERS.indexOf(unit.toLowerCase() || 'b'))
  if (Number.isSafeInteger(bytes)) return bytes
  throw new DrydockError(`invalid argument "${text}" for ${flag}: a size is a number with b, k, m, g, t or p behind it, such as 512m`, {
    status: 400,
  })
}

export function parseMemory(text: string): number {
  const bytes = parseBytes(text, '--memory')
  if (bytes < LEAST_MEMORY) throw new DrydockError(`Minimum memory limit allowed is 6MB; ${text} is less`, { status: 400 })
  return bytes
}

/** -1 is no limit. */
export const parseSwap = (text: string): number => (text === '-1' ? -1 : parseBytes(text, '--memory-swap'))

export function parseNumber(text: string, flag: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new DrydockError(`invalid argument "${text}" for ${flag}: it is no number`, { status: 400 })
}

export function parseInteger(text: string, flag: string): number {
  const value = parseNumber(text, flag)
  if (Number.isSafeInteger(value)) return value
  throw new DrydockError(`invalid argument "${text}" for ${flag}: it is no whole number`, { status: 400 })
}

const SHOWN = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const

/** Powers of 1000 with so many digits in all, without zeros at the end: `1.98MB`, `32MB` (go-units, HumanSizeWithPrecision). */
export function humanSize(bytes: number, digits = 4): string {
  let size = bytes
  let unit = 0
  for (; size >= 1000 && unit < SHOWN.length - 1; unit++) size /= 1000
  let text = Number(size.toPrecision(digits))
  // go-units has 999.9kB with three digits as 1e+03kB.
  if (text >= 1000 && unit < SHOWN.length - 1) {
    text /= 1000
    unit++
  }
  return `${text}${SHOWN[unit]}`
}
