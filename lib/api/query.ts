/** What stands behind the question mark, read as docker's daemon reads it. */
import type { Filters } from '../engine/filters.js'
import { DrydockError } from '../kernel/errors.js'
import { filtersFromJson } from './filters.js'

/** What Go's daemon takes for no; everything else that is said is yes. */
const NO = ['', '0', 'no', 'false', 'none']

const NANOSECONDS = 1_000_000_000n

export class Query {
  readonly #values: URLSearchParams

  constructor(text: string) {
    this.#values = new URLSearchParams(text)
  }

  /** Undefined when it is not there, or empty. */
  text(name: string): string | undefined {
    return this.#values.get(name) || undefined
  }

  /** All that were given by that name, without empty ones. */
  list(name: string): string[] {
    return this.#values.getAll(name).filter((value) => value !== '')
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** `fallback`: when it is not there at all. */
  flag(name: string, fallback = false): boolean {
    const value = this.#values.get(name)
    return value === null ? fallback : !NO.includes(value.trim().toLowerCase())
  }

  integer(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const number = Number(value)
    if (/^[+-]?\d+$/.test(value) && Number.isSafeInteger(number)) return number
    throw new DrydockError(`invalid value for '${name}': "${value}" is no whole number`, { status: 400 })
  }

  filters(): Filters {
    return filtersFromJson(this.text('filters'))
  }

  /** Seconds since 1970, with up to nine digits behind a point, in nanoseconds; '' and 0 are no moment. */
  moment(name: string): bigint | undefined {
    const value = this.text(name)
    if (value === undefined || value === '0') return undefined
    const [, sign, seconds, fraction = ''] = /^(-?)(\d{1,12})(?:\.(\d{0,9}))?$/.exec(value) ?? []
    if (seconds === undefined) {
      throw new DrydockError(`invalid value for '${name}': "${value}" is no time in seconds since 1970`, { status: 400 })
    }
    const all = BigInt(seconds) * NANOSECONDS + BigInt(fraction.padEnd(9, '0'))
    return sign === '-' ? -all : all
  }
}
