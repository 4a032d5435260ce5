/** A typed line cut into words: quotes, escapes, and `<name>` for numbers that earlier calls kept. */
import { DrydockError } from '../kernel/errors.js'
import type { Ref } from '../kernel/step.js'

/** A mistake in a typed line, in one sentence. */
export class LineError extends DrydockError {}

export interface Token {
  /** Literal text and references in the order in which they stand; none for an empty string. */
  readonly parts: readonly (string | Ref)[]
  /** Was any of it in quotes? Then it is never a flag, a NULL or a name=value. */
  readonly quoted: boolean
  /** As it was typed. */
  readonly raw: string
  readonly start: number
  readonly end: number
}

const REFERENCE = /<([A-Za-z_][\w.-]*)>/y
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', e: '\x1b', 0: '\0' }

/**
 * Words are separated by blanks. "…" takes \n, \t, \", \\, \xHH and references; '…' takes everything as it is; outside of quotes a
 * backslash takes the next letter as it is. `#` at the start of a word begins a remark.
 */
export function tokenize(line: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < line.length) {
    if (/\s/.test(line[at] as string)) {
      at++
      continue
    }
    if (line[at] === '#') break
    const reader = new WordReader(line, at)
    const token = reader.read()
    tokens.push(token)
    at = token.end
  }
  return tokens
}

/** The literal text of a token without references; undefined when there are some. */
export function literal(token: Token): string | undefined {
  return token.parts.every((part) => typeof part === 'string') ? token.parts.join('') : undefined
}

/** The reference that is the whole of the token. */
export function reference(token: Token): Ref | undefined {
  const [part] = token.parts
  return token.parts.length === 1 && typeof part === 'object' ? part : undefined
}

class WordReader {
  readonly #line: string
  readonly #start: number
  readonly #parts: (string | Ref)[] = []
  #at: number
  #quoted = false

  constructor(line: string, start: number) {
    this.#line = line
    this.#start = start
    this.#at = start
  }

  read(): Token {
    while (this.#at < this.#line.length && !/\s/.test(this.#next)) {
      if (this.#next === '"') this.#doubleQuotes()
      else if (this.#next === "'") this.#singleQuotes()
      else if (this.#next === '\\') this.#backslash(false)
      else if (!this.#reference()) this.#literal()
    }
    return {
      parts: this.#parts,
      quoted: this.#quoted,
      raw: this.#line.slice(this.#start, this.#at),
      start: this.#start,
      end: this.#at,
    }
  }

  get #next(): string {
    return this.#line[this.#at] ?? ''
  }

  #add(text: string): void {
    const last = this.#parts.at(-1)
    if (typeof last === 'string') this.#parts[this.#parts.length - 1] = last + text
    else this.#parts.push(text)
  }

  #literal(): void {
    this.#add(this.#next)
    this.#at++
  }

  #reference(): boolean {
    REFERENCE.lastIndex = this.#at
    const name = REFERENCE.exec(this.#line)?.[1]
    if (name === undefined) return false
    this.#parts.push({ ref: name })
    this.#at = REFERENCE.lastIndex
    return true
  }

  #backslash(inQuotes: boolean): void {
    const letter = this.#line[this.#at + 1]
    if (letter === undefined) throw new LineError('the line ends with a backslash, which should stand before a letter')
    const hexadecimal = /^x([0-9a-fA-F]{2})/.exec(this.#line.slice(this.#at + 1))?.[1]
    if (inQuotes && hexadecimal) {
      this.#add(String.fromCharCode(Number.parseInt(hexadecimal, 16)))
      this.#at += 4
      return
    }
    this.#add(inQuotes ? (ESCAPES[letter] ?? letter) : letter)
    this.#at += 2
  }

  #doubleQuotes(): void {
    this.#open('"')
    while (this.#next !== '"') {
      if (this.#next === '') throw new LineError('the quotes " are not closed')
      if (this.#next === '\\') this.#backslash(true)
      else if (!this.#reference()) this.#literal()
    }
    this.#at++
  }

  #singleQuotes(): void {
    this.#open("'")
    const end = this.#line.indexOf("'", this.#at)
    if (end < 0) throw new LineError("the quotes ' are not closed")
    this.#add(this.#line.slice(this.#at, end))
    this.#at = end + 1
  }

  #open(quote: string): void {
    this.#quoted = true
    this.#at += quote.length
    if (this.#parts.length === 0) this.#parts.push('')
  }
}
