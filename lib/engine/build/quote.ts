/** Values as Go's %q and %v print them: docker's history is written so, and the cache is looked up by it. */
import type { Healthcheck } from '../../image/dockerfile/index.js'
import { showDuration } from '../../kernel/durations.js'

const ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}

/** Letters, marks, numbers, punctuation, symbols, and of the blanks the ordinary one: strconv.IsPrint. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

export function quote(text: string): string {
  return `"${[...text].map((character) => ESCAPES[character] ?? (PRINTABLE.test(character) ? character : escaped(character))).join('')}"`
}

function escaped(character: string): string {
  const code = character.codePointAt(0) as number
  if (code < 0x80) return `\\x${hex(code, 2)}`
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0')

/** `["a" "b"]` */
export const quoteAll = (words: readonly string[]): string => `[${words.map(quote).join(' ')}]`

/** A health check as the pointer to a structure that it is there; its retries are quoted as the character of that number. */
export function quoteHealth({ Test, Interval = 0, Timeout = 0, StartPeriod = 0, Retries = 0 }: Healthcheck): string {
  const times = [Interval, Timeout, StartPeriod].map((time) => quote(showDuration(time)))
  return `&{${[quoteAll(Test), ...times, quoteCharacter(Retries)].join(' ')}}`
}

function quoteCharacter(code: number): string {
  const isCharacter = code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000)
  const character = isCharacter ? String.fromCodePoint(code) : '\uFFFD'
  if (character === "'") return "'\\''"
  return `'${character === '"' ? '"' : quote(character).slice(1, -1)}'`
}
