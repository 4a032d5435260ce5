/** What a template can call: Go's own functions (text/template, funcs.go) and docker's (cli/templates). */
import { goJson, isMap, isTrue, Row, shown, sprintf } from './values.js'

/** A sentence about what was wrong with the arguments. */
export class CallError extends Error {}

type Function = (...args: readonly unknown[]) => unknown

const text = (value: unknown): string => {
  if (typeof value === 'string') return value
  throw new CallError(`wrong type for value; expected string; got ${nameOf(value)}`)
}

const count = (value: unknown): number => {
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw new CallError(`cannot index slice/array with type ${nameOf(value)}`)
}

function nameOf(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  if (value === null || value === undefined) return 'nil'
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}'
}

const FUNCTIONS: Readonly<Record<string, Function>> = {
  // Docker's.
  json: (value) => goJson(value),
  split: (value, separator) => text(value).split(text(separator)),
  join: (values, separator) => list(values).map(shown).join(text(separator)),
  title: (value) => text(value).replace(/(^|[\s\p{P}])(\p{L})/gu, (_, before: string, letter: string) => before + letter.toUpperCase()),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  pad: (value, before, after) => (value === '' ? '' : ' '.repeat(count(before)) + text(value) + ' '.repeat(count(after))),
  truncate: (value, length) => [...text(value)].slice(0, count(length)).join(''),
  // Go's. `and` and `or` are carried out where the rest of their arguments need not be.
  not: (value) => !isTrue(value),
  len: (value) => lengthOf(value),
  index: (value, ...keys) => keys.reduce(indexed, value),
  slice: (value, from = 0, to = lengthOf(value)) => sliced(value, count(from), count(to)),
  print: (...values) => printed(values),
  println: (...values) => `${values.map(shown).join(' ')}\n`,
  printf: (format, ...values) => sprintf(text(format), ...values),
  eq: (value, ...others) => others.some((other) => same(value, other)),
  ne: (value, other) => !same(value, other),
  lt: (a, b) => less(a, b),
  le: (a, b) => less(a, b) || same(a, b),
  gt: (a, b) => less(b, a),
  ge: (a, b) => less(b, a) || same(a, b),
  html: (...values) =>
    printed(values).replace(
      /[&<>"'\0]/g,
      (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' })[one] ?? '\uFFFD',
    ),
  js: (...values) => JSON.stringify(printed(values)).slice(1, -1),
  urlquery: (...values) =>
    encodeURIComponent(printed(values))
      .replaceAll('%20', '+')
      .replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`),
}

export const NAMES: ReadonlySet<string> = new Set([...Object.keys(FUNCTIONS), 'and', 'or'])

/** Arguments of each that needs a certain number of them. */
const ARITY: Readonly<Record<string, number>> = {
  json: 1,
  split: 2,
  join: 2,
  title: 1,
  lower: 1,
  upper: 1,
  pad: 3,
  truncate: 2,
  not: 1,
  len: 1,
  ne: 2,
  lt: 2,
  le: 2,
  gt: 2,
  ge: 2,
}

/** Throws CallError. */
export function call(name: string, args: readonly unknown[]): unknown {
  const wanted = ARITY[name]
  if (wanted !== undefined && args.length !== wanted)
    throw new CallError(`wrong number of args for ${name}: want ${wanted} got ${args.length}`)
  return (FUNCTIONS[name] as Function)(...args)
}

function list(value: unknown): readonly unknown[] {
  if (value === null) return []
  if (Array.isArray(value)) return value
  throw new CallError(`wrong type for value; expected []string; got ${nameOf(value)}`)
}

function lengthOf(value: unknown): number {
  if (value === null) return 0
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.length
  if (typeof value === 'object' && !(value instanceof Row)) return Object.keys(value).length
  throw new CallError(`len of type ${nameOf(value)}`)
}

function indexed(value: unknown, key: unknown): unknown {
  if (value === undefined) throw new CallError('index of untyped nil')
  if (Array.isArray(value) || value === null) {
    const at = count(key)
    const items: readonly unknown[] = value ?? []
    if (at < 0 || at >= items.length) throw new CallError(`index out of range: ${at}`)
    return items[at]
  }
  // A key that a map lacks has the zero value of its kind, and docker's maps are of words for the most part.
  if (typeof value === 'object')
    return Object.hasOwn(value, text(key)) ? (value as Record<string, unknown>)[text(key)] : isMap(value) ? '' : undefined
  throw new CallError(`can't index item of type ${nameOf(value)}`)
}

function sliced(value: unknown, from: number, to: number): unknown {
  const whole = typeof value === 'string' ? value : list(value)
  if (from < 0 || to > whole.length || from > to) throw new CallError(`index out of range: ${to}`)
  return whole.slice(from, to)
}

/** fmt.Sprint: a blank between two operands neither of which is a string. */
function printed(values: readonly unknown[]): string {
  return values
    .map((value, at) => (at > 0 && typeof value !== 'string' && typeof values[at - 1] !== 'string' ? ` ${shown(value)}` : shown(value)))
    .join('')
}

function same(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined || a === null || b === null) return (a ?? null) === (b ?? null)
  if (typeof a === 'object' || typeof b === 'object') throw new CallError('non-comparable types')
  if (typeof a !== typeof b) throw new CallError('incompatible types for comparison')
  return a === b
}

function less(a: unknown, b: unknown): boolean {
  if (typeof a !== typeof b) throw new CallError('incompatible types for comparison')
  if (typeof a === 'number' || typeof a === 'string') return a < (b as typeof a)
  throw new CallError('invalid type for comparison')
}
