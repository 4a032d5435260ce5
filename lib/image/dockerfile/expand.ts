/**
 * Environment replacement: a word with its variables replaced and its quotes taken off, as a shell would do it. Dockerfile reference, "Environment replacement";
 * BuildKit's frontend/dockerfile/shell for what the reference leaves open. Time grows with the word's length alone.
 */
import { wrong } from './lines.js'
import { hasSpace, isSpace } from './spaces.js'

/** What variables are worth; undefined: not set. */
export type Variables = (name: string) => string | undefined

/** One word, whatever blanks its variables hold. Throws in docker's words. */
export const expand = (word: string, token: string, variables: Variables): string => new Expansion(word, token, variables).whole().text

/** The words that come of it: blanks that are not quoted separate them, those of variables too. */
export const expandWords = (word: string, token: string, variables: Variables): string[] =>
  new Expansion(word, token, variables).whole().words

/** `NAME=VALUE` lines as variables; of two with one name the first counts. */
export function variablesOf(lines: readonly string[]): Variables {
  const found = new Map<string, string>()
  for (const line of lines) {
    const cut = line.indexOf('=')
    const name = cut < 0 ? line : line.slice(0, cut)
    if (!found.has(name)) found.set(name, cut < 0 ? '' : line.slice(cut + 1))
  }
  return (name) => found.get(name)
}

/** Characters of what a word may become. A variable that holds itself twice doubles with every line; no program can be given so much (execve(2), E2BIG). */
const LONGEST = 1 << 20

/** Text, and the words in it while it grows. */
class Growing {
  text = ''
  readonly words: string[] = []
  #word = ''
  #inWord = false

  /** Blanks in it separate words. */
  add(text: string): void {
    this.#take(text)
    if (text !== '' && !hasSpace(text)) return this.#grow(text)
    for (const character of text) {
      if (!isSpace(character)) this.#grow(character)
      else if (this.#word !== '') this.#finish()
    }
  }

  /** It is quoted: a blank is as good as a letter. */
  addQuoted(text: string): void {
    this.#take(text)
    this.#grow(text)
  }

  end(): this {
    if (this.#inWord && this.#word !== '') this.#finish()
    return this
  }

  #take(text: string): void {
    if (this.text.length + text.length > LONGEST) throw new Unfit(`it comes to more than ${LONGEST} characters`)
    this.text += text
  }

  #grow(text: string): void {
    this.#word += text
    this.#inWord = true
  }

  #finish(): void {
    this.words.push(this.#word)
    this.#word = ''
    this.#inWord = false
  }
}

/** Nobody writes so many by hand; a function that calls itself has an end. */
const DEEPEST = 100

const NAME = /^[\p{L}\p{Nd}_]$/u
const DIGIT = /^\p{Nd}$/u
/** `$@`, `$?` and the like are names, though nobody can set them. */
const SPECIAL = '@*#?-$!0'

class Expansion {
  readonly #characters: readonly string[]
  readonly #escape: string
  readonly #variables: Variables
  readonly #source: string
  #at = 0
  #depth = 0

  constructor(word: string, token: string, variables: Variables) {
    this.#source = word
    this.#characters = [...word]
    this.#escape = token
    this.#variables = variables
  }

  whole(): Growing {
    try {
      return this.#until(undefined)
    } catch (error) {
      throw error instanceof Unfit ? wrong(`failed to process ${JSON.stringify(this.#source)}: ${error.message}`) : error
    }
  }

  get #next(): string | undefined {
    return this.#characters[this.#at]
  }

  /** To the end, or behind a closing brace. */
  #until(stop: '}' | undefined): Growing {
    const found = new Growing()
    for (let character = this.#next; character !== undefined; character = this.#next) {
      this.#at++
      if (character === stop) return found.end()
      if (character === '$') found.add(this.#dollar())
      else if (character === "'") found.addQuoted(this.#singleQuoted())
      else if (character === '"') found.addQuoted(this.#doubleQuoted())
      else if (character === this.#escape) {
        if (this.#next !== undefined) found.addQuoted(this.#characters[this.#at++] as string)
      } else found.add(character)
    }
    if (stop !== undefined) throw new Unfit("syntax error: missing '}'")
    return found.end()
  }

  /** As it is. */
  #singleQuoted(): string {
    const end = this.#characters.indexOf("'", this.#at)
    if (end < 0) throw new Unfit('unexpected end of statement while looking for matching single-quote')
    const text = this.#characters.slice(this.#at, end).join('')
    this.#at = end + 1
    return text
  }

  /** With variables; the escape character guards a quote, a dollar and itself, and is itself before anything else. */
  #doubleQuoted(): string {
    let text = ''
    for (;;) {
      const character = this.#characters[this.#at++]
      if (character === undefined) throw new Unfit('unexpected end of statement while looking for matching double-quote')
      if (character === '"') return text
      if (character === '$') text += this.#dollar()
      else if (character === this.#escape && this.#next === undefined) continue
      else if (character === this.#escape && ['"', '$', this.#escape].includes(this.#next as string))
        text += this.#characters[this.#at++] as string
      else text += character
    }
  }

  /** Behind the dollar. */
  #dollar(): string {
    if (this.#next !== '{') {
      const name = this.#name()
      return name === '' ? '$' : (this.#variables(name) ?? '')
    }
    this.#at++
    const first = this.#next
    if (first === undefined) throw new Unfit("syntax error: missing '}'")
    if (first === '{' || first === '}' || first === ':') throw new Unfit('syntax error: bad substitution')
    const name = this.#name()
    const value = this.#variables(name)
    let how = this.#characters[this.#at++]
    if (how === '}') return value ?? ''
    const colon = how === ':'
    if (colon) how = this.#characters[this.#at++]
    if (how === undefined || !'+-?'.includes(how)) {
      throw new Unfit(colon ? `unsupported modifier (${how ?? ''}) in substitution` : "missing ':' in substitution")
    }
    const other = this.#within()
    const given = value !== undefined && !(colon && value === '')
    if (how === '+') return given ? other : ''
    if (given) return value
    if (how === '-') return other
    throw new Unfit(`${name}: ${other || (value === undefined ? 'is not allowed to be unset' : 'is not allowed to be empty')}`)
  }

  /** What stands in place of a variable may have variables in it. */
  #within(): string {
    if (++this.#depth > DEEPEST) throw new Unfit(`substitutions are nested more than ${DEEPEST} deep`)
    const { text } = this.#until('}')
    this.#depth--
    return text
  }

  #name(): string {
    const from = this.#at
    const first = this.#next ?? ''
    if (DIGIT.test(first)) {
      while (DIGIT.test(this.#next ?? '')) this.#at++
    } else if (first !== '' && SPECIAL.includes(first)) this.#at++
    else while (NAME.test(this.#next ?? '')) this.#at++
    return this.#characters.slice(from, this.#at).join('')
  }
}

/** What is wrong with the word; whole() says with which. */
class Unfit extends Error {}
