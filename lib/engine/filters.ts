/** `--filter key=value`, any number of times. */
import { DrydockError } from '../kernel/errors.js'
import { parseMoment } from '../kernel/moments.js'

/** Values of each key that was given. */
export type Filters = ReadonlyMap<string, readonly string[]>

/** Throws Docker's sentence for a key that is none of `known`. */
export function parseFilters(texts: readonly string[], known: readonly string[]): Filters {
  const filters = new Map<string, string[]>()
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at < 0)
      throw new DrydockError(`invalid argument "${text}" for "-f, --filter" flag: invalid filter '${text}': it is KEY=VALUE`, {
        status: 400,
      })
    const key = text.slice(0, at).trim().toLowerCase()
    if (!known.includes(key)) throw new DrydockError(`Invalid filter '${key}'`, { status: 400 })
    filters.set(key, [...(filters.get(key) ?? []), text.slice(at + 1).trim()])
  }
  return filters
}

/** Throws Docker's sentence for a key that is none of `known`. */
export function checkFilters(filters: Filters, known: readonly string[]): void {
  const stranger = [...filters.keys()].find((key) => !known.includes(key))
  if (stranger !== undefined) throw new DrydockError(`Invalid filter '${stranger}'`, { status: 400 })
}

/** Undefined when it was not given. */
export function booleanFilter(filters: Filters, key: string): boolean | undefined {
  const values = filters.get(key)
  if (!values) return undefined
  const meant = new Set(values.map((value) => ({ true: true, '1': true, false: false, '0': false })[value.toLowerCase()]))
  const [first] = meant
  if (first !== undefined && meant.size === 1) return first
  throw new DrydockError(`Invalid filter '${key}=[${values.join(' ')}]'`, { status: 400 })
}

/** `label=KEY` and `label=KEY=VALUE`: all of them hold. */
export function matchesLabels(filters: Filters, labels: Readonly<Record<string, string>>, key = 'label'): boolean {
  return (filters.get(key) ?? []).every((text) => {
    const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? []
    return Object.hasOwn(labels, name) && (value === undefined || labels[name] === value)
  })
}

/** `label` and `label!`: all of the one hold, and none of the other. */
export function matchesLabelFilters(filters: Filters, labels: Readonly<Record<string, string>>): boolean {
  const without = (filters.get('label!') ?? []).some((text) => matchesLabels(new Map([['label', [text]]]), labels))
  return !without && matchesLabels(filters, labels)
}

/** One of the values is a part of the name, or is a pattern for a part; true when none was given. */
export function matchesName(filters: Filters, name: string, key = 'name'): boolean {
  const values = filters.get(key)
  return values === undefined || values.some((value) => name.includes(value) || nameTest(value)(name))
}

/** A regular expression, as Docker has it. What is none is looked for as it stands: Docker finds nothing by it, and does not refuse it. */
export function nameTest(text: string): (name: string) => boolean {
  let pattern: RegExp
  try {
    pattern = new RegExp(text)
  } catch {
    return (name) => name.includes(text)
  }
  return (name) => pattern.test(name)
}

/** Containers, images and networks older than this go, by the one `until` of a prune. Milliseconds since 1970; undefined when it was not given. */
export function untilFilter(filters: Filters): number | undefined {
  const [text, ...more] = filters.get('until') ?? []
  if (more.length > 0) throw new DrydockError('more than one until filter specified', { status: 400 })
  return text === undefined ? undefined : parseMoment(text)
}

/** Go's path.Match: `*` and `?` stop at a slash, `[a-z]` is one of those. Throws its sentence for a bracket without end, and for a backslash with nothing behind it. */
export function matchesPattern(pattern: string, name: string): boolean {
  const source = pattern.replace(
    /\\(.)|\[(\^?)([^\]]+)\]|\*|\?|[.+^${}()|[\]\\/]/g,
    (found, escaped?: string, not?: string, set?: string) => {
      if (escaped !== undefined) return escaped.replace(/[^\w]/, '\\$&')
      if (set !== undefined) return `[${not}${set.replace(/[\\\]]/g, '\\$&')}]`
      if (found === '[' || found === '\\') throw new DrydockError('syntax error in pattern', { status: 400 })
      if (found === '*') return '[^/]*'
      return found === '?' ? '[^/]' : `\\${found}`
    },
  )
  return new RegExp(`^${source}$`, 's').test(name)
}
