/**
 * Values as Go has them and prints them. In what is handed to a template
 *
 *     a plain object                 is a struct: a field that it lacks is an error
 *     an object without prototype    is a map (`mapOf`): a key that it lacks is no value
 *     a Row                          is a line of a table, with docker's fields
 *     null                           is a nil slice or map, which is what null is in the documents of containers and images
 *     undefined                      is no value at all
 */

export class Row {
  /** As docker's errors name it, `formatter.imageContext`. */
  readonly type: string
  readonly fields: Readonly<Record<string, unknown>>
  /** Names of those that its JSON leaves out. */
  readonly hidden: readonly string[]

  constructor(type: string, fields: Readonly<Record<string, unknown>>, hidden: readonly string[] = []) {
    this.type = type
    this.fields = fields
    this.hidden = hidden
  }

  /** What of it is shown as JSON. */
  get shown(): GoMap {
    return Object.assign(
      Object.create(null),
      Object.fromEntries(Object.keys(this.fields).flatMap((name) => (this.hidden.includes(name) ? [] : [[name, this.fields[name]]]))),
    )
  }
}

export type GoMap<T = unknown> = Readonly<Record<string, T>>

/** Null stays null. */
export function mapOf<T>(entries: Readonly<Record<string, T>> | null | undefined): GoMap<T> | null {
  return entries ? Object.assign(Object.create(null), entries) : null
}

export const isMap = (value: unknown): value is GoMap =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null

export const isTrue = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.length > 0
  if (isMap(value)) return Object.keys(value).length > 0
  return Boolean(value)
}

/** As `{{.}}` prints it: fmt's %v. */
export function shown(value: unknown): string {
  if (value === undefined) return '<no value>'
  if (value === null) return '[]'
  if (Array.isArray(value)) return `[${value.map((item) => (item === undefined ? '<nil>' : shown(item))).join(' ')}]`
  if (value instanceof Row) return shown(value.shown)
  if (isMap(value))
    return `map[${sortedKeys(value)
      .map((key) => `${key}:${shown(value[key])}`)
      .join(' ')}]`
  if (typeof value === 'object') return `{${Object.values(value).map(shown).join(' ')}}`
  return String(value)
}

export const sortedKeys = (value: object): string[] => Object.keys(value).sort()

/** encoding/json: a map's keys are sorted. A row is written by json.Marshal, which has `<` as \u003c; all else is not. */
export function goJson(value: unknown, indent?: string): string {
  const text = JSON.stringify(
    value ?? null,
    (_, member) => (member instanceof Row ? sorted(member.shown) : isMap(member) ? sorted(member) : member),
    indent,
  )
  return value instanceof Row ? text.replace(/[<>&\u2028\u2029]/g, escaped) : text.replace(/[\u2028\u2029]/g, escaped)
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

const sorted = (value: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(sortedKeys(value).map((key) => [key, value[key]]))

/** fmt.Sprintf, with the verbs that a person types into --format. */
export function sprintf(format: string, ...args: readonly unknown[]): string {
  let next = 0
  const text = format.replace(
    /%([-+# 0]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags: string, width?: string, precision?: string, verb = '') => {
      if (verb === '%') return '%'
      if (next >= args.length) return `%!${verb}(MISSING)`
      return padded(formatted(verb, args[next++], flags, precision), flags, Number(width ?? 0))
    },
  )
  const extra = args.slice(next)
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.map((one) => `${typeOf(one)}=${shown(one)}`).join(', ')})`
}

function formatted(verb: string, value: unknown, flags: string, precision?: string): string {
  const sign = flags.includes('+') && typeof value === 'number' && value >= 0 ? '+' : ''
  if (verb === 'v' || (verb === 's' && typeof value !== 'number' && typeof value !== 'boolean')) return cut(shown(value), precision)
  if (verb === 'q') return JSON.stringify(shown(value))
  if (verb === 'T') return typeOf(value)
  if (verb === 't' && typeof value === 'boolean') return String(value)
  if ((verb === 'x' || verb === 'X') && typeof value === 'string') return Buffer.from(value).toString('hex')
  if (typeof value === 'number') {
    if (Number.isInteger(value)) {
      const base = { d: 10, x: 16, X: 16, o: 8, b: 2 }[verb]
      if (base) return sign + (verb === 'X' ? value.toString(base).toUpperCase() : value.toString(base))
      if (verb === 'c') return String.fromCodePoint(value)
    }
    if (verb === 'f' || verb === 'F') return sign + value.toFixed(Number(precision ?? 6))
    if (verb === 'g') return sign + String(precision === undefined ? value : Number(value.toPrecision(Number(precision))))
    if (verb === 'e') return sign + value.toExponential(Number(precision ?? 6)).replace(/e([+-])(\d)$/, 'e$10$2')
  }
  return `%!${verb}(${typeOf(value)}=${shown(value)})`
}

const cut = (text: string, precision?: string): string => (precision === undefined ? text : [...text].slice(0, Number(precision)).join(''))

function padded(text: string, flags: string, width: number): string {
  if (flags.includes('-')) return text.padEnd(width)
  if (!flags.includes('0')) return text.padStart(width)
  return /^[+-]/.test(text) ? text[0] + text.slice(1).padStart(width - 1, '0') : text.padStart(width, '0')
}

function typeOf(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}'
}
