/** Blanks as Go's unicode.IsSpace has them, which are not quite those of regular expressions here. */
const SPACES = '\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'

const ONE = new RegExp(`^[${SPACES}]$`)
const ANY = new RegExp(`[${SPACES}]`)
const FIRST = new RegExp(`^[${SPACES}]+`)

export const isSpace = (character: string): boolean => ONE.test(character)

export const hasSpace = (text: string): boolean => ANY.test(text)

export const trimStart = (text: string): string => text.replace(FIRST, '')

/** By a loop: a pattern that stands at the end is tried at every blank, which of many thousands takes its time. */
export function trim(text: string): string {
  const from = trimStart(text)
  let end = from.length
  while (end > 0 && isSpace(from[end - 1] as string)) end--
  return from.slice(0, end)
}

/** Between words; never a line's end, since lines have none. */
export const BLANKS = /[\t\v\f\r ]+/
