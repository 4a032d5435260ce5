/** Lines of a json-file log into what docker logs prints. */
import { timestamp } from '../clock.js'
import type { LogOptions } from '../types.js'

export type LineOptions = Pick<LogOptions, 'stdout' | 'stderr' | 'since' | 'until' | 'timestamps' | 'details'> & { readonly tty: boolean }

/** Docker's stream framing: stream number, three zero bytes, length (big-endian). */
const HEADER = 8

/** `2026-01-02T03:04:05.000000000Z`: Go's RFC3339NanoFixed. Texts of this form sort as the moments do. */
export function fixedTime(time: string): string {
  const digits = time.length - 'YYYY-MM-DDTHH:MM:SSZ'.length
  if (digits === 10) return time
  return `${time.slice(0, -1)}${digits === 0 ? '.' : ''}`.padEnd(29, '0').concat('Z')
}

export class LogLines {
  readonly #options: LineOptions
  readonly #since: string | undefined
  readonly #until: string | undefined
  /** A line was later than `until`, so all that follow are. */
  over = false

  constructor(options: LineOptions) {
    this.#options = options
    this.#since = options.since === undefined ? undefined : fixedTime(timestamp(options.since))
    this.#until = options.until === undefined ? undefined : fixedTime(timestamp(options.until))
  }

  /** What of these lines is asked for, framed unless it is a terminal's; undefined when that is nothing. */
  format(lines: readonly Buffer[]): Buffer | undefined {
    const { tty } = this.#options
    const texts: { stream: number; text: string }[] = []
    for (const line of lines) {
      const entry = parse(line)
      const text = entry && this.#select(entry)
      if (this.over) break
      if (text !== undefined) texts.push({ stream: entry?.stream === 'stderr' ? 2 : 1, text })
    }
    if (texts.length === 0) return undefined
    if (tty) return Buffer.from(texts.map(({ text }) => text).join(''))
    return Buffer.concat(
      texts.map(({ stream, text }) => {
        const length = Buffer.byteLength(text)
        const frame = Buffer.allocUnsafe(HEADER + length)
        frame.fill(0, 0, 4)
        frame[0] = stream
        frame.writeUInt32BE(length, 4)
        frame.write(text, HEADER)
        return frame
      }),
    )
  }

  #select({ log, stream, time, attrs }: Entry): string | undefined {
    const { stdout, stderr, timestamps, details } = this.#options
    const wanted = stream === 'stderr' ? stderr : stdout
    if (this.#since === undefined && this.#until === undefined && !timestamps)
      return wanted ? `${details ? `${detailsOf(attrs)} ` : ''}${log}` : undefined
    const fixed = fixedTime(time)
    if (this.#since !== undefined && fixed < this.#since) return undefined
    if (this.#until !== undefined && fixed > this.#until) {
      this.over = true
      return undefined
    }
    return wanted ? `${timestamps ? `${fixed} ` : ''}${details ? `${detailsOf(attrs)} ` : ''}${log}` : undefined
  }
}

interface Entry {
  readonly log: string
  readonly stream: string
  readonly time: string
  readonly attrs?: Readonly<Record<string, string>>
}

/** As docker's server writes them: by name, escaped as in a URL's query. */
const detailsOf = (attrs: Entry['attrs'] = {}): string =>
  Object.keys(attrs)
    .sort()
    .map((name) => `${queryEscape(name)}=${queryEscape(String(attrs[name]))}`)
    .join(',')

/** Go's url.QueryEscape. */
const queryEscape = (text: string): string =>
  // A half of a surrogate pair is none of a text's characters.
  encodeURIComponent(Buffer.from(text).toString())
    .replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')

/** Undefined for what is no entry: a crash of the machine may leave such a line. */
function parse(line: Buffer): Entry | undefined {
  try {
    const entry = JSON.parse(line.toString('utf8')) as Partial<Entry> | null
    return typeof entry?.log === 'string' && typeof entry.time === 'string' ? (entry as Entry) : undefined
  } catch {
    return undefined
  }
}
