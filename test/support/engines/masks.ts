/** What is another each time (ids, moments, addresses, process ids) as a word for it, so that two engines' answers can be compared. */

const TEXTS: readonly (readonly [RegExp, string])[] = [
  // What the command line's own log says of races of its own.
  [/^time="[^"]*" level=.*\n?/gm, ''],
  // A shell draws its prompt anew when its terminal is given another size.
  [/(\w+> )\1+/g, '$1'],
  // Where each engine keeps its things.
  [/\/run\/engine\/data\b|\/var\/lib\/drydock\b/g, '<root>'],
  [/"Pid": \d+/g, '"Pid": <pid>'],
  [/^\d+(?= +httpd$)/gm, '<pid>'],
  [/\b1\d{18}\b/g, '<nanoseconds>'],
  [/\b[0-9a-f]{64}\b/g, '<id>'],
  [/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12}\b/g, '<short>'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?( [+-]\d{4} [A-Z]+)?/g, '<time>'],
  [/\b(about |less than )?(an?|\d+) (second|minute|hour|day|week|month|year)s?( ago)?\b/gi, '<while>'],
  [/\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, '<mac>'],
  [/\b1[0-9]{9}(\.\d{9})?\b/g, '<seconds>'],
  [/to \d+\.\d+, as there are only \d+ CPUs/g, 'to <cpus>, as there are only <cpus> CPUs'],
  // Those that are chosen by a test are kept.
  [/\b(?!127\.|0\.0\.0\.0|10\.55\.|255\.)(\d{1,3}\.){3}\d{1,3}\b/g, '<ip>'],
  // Ports that the kernel or the engine has chosen.
  [/(?<=:)(?:32(?:76[89]|7[7-9]\d|[89]\d\d)|3[3-9]\d{3}|[45]\d{4}|6[0-4]\d{3}|65[0-4]\d\d)\b/g, '<port>'],
  // How wide a column is hangs on what has been masked.
  [/ {2,}/g, '  '],
  [/ +$/gm, ''],
]

export function maskText(text: string): string {
  return TEXTS.reduce((masked, [pattern, word]) => masked.replace(pattern, word), text)
}

/** Members whose value tells of this machine or this moment only. */
const MEMBERS: Readonly<Record<string, string>> = {
  Pid: '<pid>',
  Created: '<created>',
  CreatedAt: '<time>',
  LastTagTime: '<time>',
  time: '<time>',
  timeNano: '<time>',
}

/** ip(7), ip_local_port_range. */
const FIRST_CHOSEN = 32_768

/** A document with its volatile parts masked, names of members too where they are ids; the moment "never" stays. */
export function maskDocument(value: unknown, name = ''): unknown {
  if (typeof value === 'string') {
    if (value.startsWith('0001-01-01')) return value
    if (name === 'HostPort' && Number(value) >= FIRST_CHOSEN) return '<port>'
    if (name === 'Processes') return value.replace(/^\d+$/, '<pid>')
    return MEMBERS[name] ?? maskText(value)
  }
  if (typeof value === 'number' && value !== 0 && MEMBERS[name]) return MEMBERS[name]
  if (name === 'PublicPort' && Number(value) >= FIRST_CHOSEN) return '<port>'
  if (Array.isArray(value)) return sorted(value.map((item) => maskDocument(item, name)))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [maskText(key), maskDocument(item, key)]))
}

/** Networks, volumes, changed files, ports: in which order an engine tells them hangs on its tables. */
function sorted(items: unknown[]): unknown[] {
  const keys = items.map((item) => {
    const { Name, Path, PrivatePort, Type } = (item ?? {}) as Readonly<Record<string, unknown>>
    if (typeof PrivatePort === 'number') return `${String(PrivatePort).padStart(5, '0')}/${Type}`
    return typeof Name === 'string' ? Name : Path
  })
  if (!keys.every((key) => typeof key === 'string')) return items
  return items
    .map((item, index) => ({ item, key: keys[index] as string }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ item }) => item)
}

/** Of a document that tells of a machine or a moment altogether (info, version, stats): its members, and the kind of each value. */
export function kindsOf(value: unknown): unknown {
  if (value === null || Array.isArray(value)) return 'a list or nothing'
  if (typeof value !== 'object') return typeof value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, kindsOf(item)]))
}

/** How an exchange is told: method, path without the version, what is asked, and the status. */
export function maskTarget(target: string): string {
  const [path = '', query = ''] = target.replace(/^\/v\d+\.\d+\//, '/').split('?')
  const words = [...new URLSearchParams(query)].map(([key, value]) => `${key}=${maskText(value)}`).sort()
  return maskText(path) + (words.length > 0 ? `?${words.join('&')}` : '')
}

export interface Unlike {
  /** `State.Status`, `[0].Names[1]`. */
  readonly path: string
  readonly expected: unknown
  readonly got: unknown
}

/**
 * Where a document falls short of another: a member that is not there, or has another value. What is there in addition is what a newer API has
 * added, and no client misses its absence.
 */
export function shortcomings(expected: unknown, got: unknown, path = ''): Unlike[] {
  if (Array.isArray(expected) && Array.isArray(got)) {
    if (expected.length !== got.length) return [{ path: `${path}.length`, expected: expected.length, got: got.length }]
    return expected.flatMap((item, index) => shortcomings(item, got[index], `${path}[${index}]`))
  }
  if (isDocument(expected) && isDocument(got)) {
    return Object.entries(expected).flatMap(([key, item]) => {
      const at = path === '' ? key : `${path}.${key}`
      return key in got ? shortcomings(item, got[key], at) : [{ path: at, expected: item, got: undefined }]
    })
  }
  return Object.is(expected, got) ? [] : [{ path: path === '' ? 'all' : path, expected, got }]
}

function isDocument(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
