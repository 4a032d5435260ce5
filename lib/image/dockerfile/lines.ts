/**
 * The lines of a Dockerfile as the classic builder has them: comments gone, continued lines joined, the escape character known. A line is where it begins, so that
 * an error can say so. Dockerfile reference, "Format", "Parser directives"; BuildKit's frontend/dockerfile/parser for what the reference leaves open.
 */
import { DrydockError } from '../../kernel/errors.js'
import { trim, trimStart } from './spaces.js'

export interface Line {
  /** Counted from one: where it begins. */
  readonly number: number
  /** Joined, without what continues it. */
  readonly text: string
}

export interface Lines {
  readonly lines: readonly Line[]
  readonly token: '\\' | '`'
  /** Sentences for whoever builds. */
  readonly warnings: readonly string[]
}

/** Bytes of one line; Go's bufio.Scanner holds no more, and Docker neither. */
const LONGEST = 65_535

/** What stands behind the sign is trimmed afterwards: a pattern for blanks at both ends goes back and forth over a long line. */
const DIRECTIVE = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=(.+)$/s
const DIRECTIVES = ['escape', 'syntax']

export const wrong = (sentence: string): DrydockError => new DrydockError(sentence, { status: 400 })

/** Throws in docker's words. */
export function readLines(text: string): Lines {
  const raw = rawLines(text)
  const { token, warnings } = { token: escapeOf(raw), warnings: [] as string[] }
  const continued = new RegExp(`\\${token}[ \\t]*$`)
  const lines: Line[] = []
  for (let at = 0; at < raw.length; at++) {
    const number = at + 1
    const first = withoutComment(trimStart(raw[at] as string))
    let goesOn = continued.test(first)
    if (!goesOn && first === '') continue
    let joined = first.replace(continued, '')
    let hasEmpty = false
    while (goesOn && at + 1 < raw.length) {
      const next = raw[++at] as string
      const bare = trimStart(next)
      if (bare.startsWith('#')) continue
      if (bare === '') {
        hasEmpty = true
        continue
      }
      goesOn = continued.test(next)
      joined += next.replace(continued, '')
    }
    if (hasEmpty) warnings.push(`[WARNING]: Empty continuation line found in:\n    ${joined}`)
    lines.push({ number, text: joined })
  }
  if (warnings.length > 0) warnings.push('[WARNING]: Empty continuation lines will become errors in a future release.')
  if (lines.length === 0) throw wrong('file with no instructions')
  return { lines, token, warnings }
}

/** Without the mark of a byte order, and without what Windows ends lines with. */
function rawLines(text: string): string[] {
  const all = text.replace(/^\uFEFF/, '').split('\n')
  if (all.at(-1) === '') all.pop()
  const lines = all.map((line) => line.replace(/\r$/, ''))
  if (lines.some((line) => Buffer.byteLength(line) > LONGEST)) {
    throw wrong(`dockerfile line greater than max allowed size of ${LONGEST}`)
  }
  return lines
}

const withoutComment = (line: string): string => (line.startsWith('#') ? '' : line)

/** What the directives at its very beginning say. Anything else ends them: an empty line, an ordinary comment. */
function escapeOf(lines: readonly string[]): '\\' | '`' {
  const seen = new Set<string>()
  let token: '\\' | '`' = '\\'
  for (const line of lines) {
    const [, word = '', behind = ''] = DIRECTIVE.exec(trim(line)) ?? []
    const name = word.toLowerCase()
    const value = trim(behind)
    if (!DIRECTIVES.includes(name) || value === '') break
    if (seen.has(name)) throw wrong(`only one ${name} parser directive can be used`)
    seen.add(name)
    if (name !== 'escape') continue
    if (value !== '\\' && value !== '`') throw wrong(`invalid escape token '${value}' does not match \` or \\`)
    token = value
  }
  return token
}
