/** What stands behind an instruction's name, cut into words. Quotes and variables are still in them: expand.ts takes them out when the instruction's turn comes. */
import { wrong } from './lines.js'
import { BLANKS, isSpace } from './spaces.js'

/** `a "b c" d\ e` are three: quotes and escapes keep blanks together, and stay. */
export function quotedWords(rest: string, token: string): string[] {
  const words: string[] = []
  const characters = [...rest]
  let word = ''
  let quote = ''
  let counts = false
  const finish = () => {
    if (counts || word !== '') words.push(word)
    word = ''
    counts = false
  }
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string
    if (quote === '' && isSpace(character)) {
      finish()
      continue
    }
    if (character === token && quote !== "'") {
      // At the very end it escapes nothing, and goes.
      if (at + 1 < characters.length) word += character + (characters[++at] as string)
      continue
    }
    if (quote === '' && (character === "'" || character === '"')) {
      quote = character
      counts = true
    } else if (character === quote) quote = ''
    word += character
  }
  finish()
  return words
}

/** Cut at blanks, and nothing else counts. None of nothing. */
export const plainWords = (rest: string): string[] => (rest === '' ? [] : rest.split(BLANKS))

/** A list in JSON; undefined when it is none. Throws when it has something else in it than strings. */
export function jsonWords(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined
  let found: unknown
  try {
    found = JSON.parse(rest)
  } catch {
    return undefined
  }
  if (!Array.isArray(found)) return undefined
  if (found.some((one) => typeof one !== 'string')) throw wrong('when using JSON array syntax, arrays must be comprised of strings only')
  return found
}

export interface Pair {
  readonly name: string
  readonly value: string
}

/** `NAME=VALUE …`, or in the old form `NAME the rest`. */
export function pairs(instruction: string, rest: string, token: string): Pair[] {
  const words = quotedWords(rest, token)
  const [first] = words
  if (first === undefined) return []
  if (!first.includes('=')) {
    const [, name, value] = /^(.*?)[\t\v\f\r ]+(.*)$/s.exec(rest) ?? []
    if (name === undefined || value === undefined) throw wrong(`${instruction} must have two arguments`)
    return [{ name, value }]
  }
  return words.map((word) => {
    const cut = word.indexOf('=')
    if (cut < 0) throw wrong(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`)
    return { name: word.slice(0, cut), value: word.slice(cut + 1) }
  })
}

/** The words with two dashes at the beginning, without quotes, and what follows them. Two dashes alone end them. */
export function leadingFlags(rest: string): { readonly flags: readonly string[]; readonly rest: string } {
  const flags: string[] = []
  let at = 0
  for (;;) {
    while (at < rest.length && isSpace(rest[at] as string)) at++
    if (!rest.startsWith('--', at)) return { flags, rest: rest.slice(at) }
    const { word, end } = unquoted(rest, at)
    at = end
    if (word === '--') return { flags, rest: rest.slice(at) }
    flags.push(word)
  }
}

/** A word from a place on, its quotes and backslashes taken out. */
function unquoted(text: string, from: number): { readonly word: string; readonly end: number } {
  let word = ''
  let quote = ''
  let at = from
  for (; at < text.length; at++) {
    let character = text[at] as string
    if (quote === '' && isSpace(character)) break
    if (character === quote) {
      quote = ''
      continue
    }
    if (quote === '' && (character === '"' || character === "'")) {
      quote = character
      continue
    }
    if (character === '\\') {
      if (at + 1 === text.length) continue
      character = text[++at] as string
    }
    word += character
  }
  return { word, end: at }
}
