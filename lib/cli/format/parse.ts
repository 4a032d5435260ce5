/** A template as a tree. Go's text/template, parse/parse.go, without templates in templates (define, template, block), which no --format needs. */
import { TemplateError } from './error.js'
import { type Token, tokensOf } from './tokens.js'

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | { readonly kind: 'if' | 'with'; readonly pipe: Pipe; readonly body: readonly Node[]; readonly otherwise: readonly Node[] }
  | { readonly kind: 'range'; readonly pipe: Pipe; readonly body: readonly Node[]; readonly otherwise: readonly Node[] }
  | { readonly kind: 'break' | 'continue' }

/** Commands, each of which gets the result of the one before as its last argument. */
export interface Pipe {
  /** `$x := …`, `$i, $x := …` (range alone), `$x = …`. */
  readonly variables: readonly string[]
  readonly assigns: boolean
  readonly commands: readonly Command[]
}

export interface Command {
  readonly operands: readonly Operand[]
  readonly at: number
}

/** `fields` are looked up in it, one after the other. */
export interface Operand {
  readonly value:
    | { readonly kind: 'dot' }
    | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
    | { readonly kind: 'variable'; readonly name: string }
    | { readonly kind: 'function'; readonly name: string }
    | { readonly kind: 'pipe'; readonly pipe: Pipe }
  readonly fields: readonly string[]
  /** Where an error in it is said to be: Go tells the second field when there are several. */
  readonly at: number
  readonly text: string
}

/** Throws TemplateError. `functions`: names that may be called. */
export function parse(text: string, functions: ReadonlySet<string>): readonly Node[] {
  return new Parser(text, functions).whole()
}

const BLOCKS = new Set(['if', 'with', 'range'])

class Parser {
  readonly #text: string
  readonly #functions: ReadonlySet<string>
  readonly #tokens: readonly Token[]
  #next = 0
  #variables = ['$']
  #loops = 0

  constructor(text: string, functions: ReadonlySet<string>) {
    this.#text = text
    this.#functions = functions
    this.#tokens = tokensOf(text)
  }

  whole(): readonly Node[] {
    const { nodes, ended } = this.#list()
    if (ended) throw this.#wrong(`unexpected {{${ended}}}`)
    return nodes
  }

  /** Up to the end of the template, or past the word that ends the list. */
  #list(): { nodes: Node[]; ended?: 'end' | 'else' } {
    const nodes: Node[] = []
    for (let token = this.#take(); token; token = this.#take()) {
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text })
        continue
      }
      const word = this.#peek()?.kind === 'word' ? (this.#peek()?.text as string) : ''
      if (word === 'end' || word === 'else') {
        this.#take()
        return { nodes, ended: word }
      }
      nodes.push(this.#action(word))
    }
    return { nodes }
  }

  #action(word: string): Node {
    if (BLOCKS.has(word)) {
      this.#take()
      return this.#block(word as 'if' | 'with' | 'range')
    }
    if (word === 'break' || word === 'continue') {
      this.#take()
      if (this.#loops === 0) throw this.#wrong(`{{${word}}} outside {{range}}`)
      this.#close()
      return { kind: word }
    }
    if (word === 'define' || word === 'template' || word === 'block') throw this.#wrong(`{{${word}}} is not known here`)
    const pipe = this.#pipe('command')
    this.#close()
    return { kind: 'action', pipe }
  }

  /** After its word, up to and with its `{{end}}`. What it declares is known in it alone. */
  #block(kind: 'if' | 'with' | 'range'): Node {
    const known = this.#variables.length
    const pipe = this.#pipe(kind)
    this.#close()
    if (kind === 'range') this.#loops++
    const first = this.#list()
    if (kind === 'range') this.#loops--
    let otherwise: readonly Node[] = []
    let ended = first.ended
    if (ended === 'else') {
      const again = this.#peek()?.text
      if (this.#peek()?.kind === 'word' && again === kind && kind !== 'range') {
        this.#take()
        otherwise = [this.#block(kind)]
        this.#variables.length = known
        return { kind, pipe, body: first.nodes, otherwise }
      }
      this.#close()
      const second = this.#list()
      otherwise = second.nodes
      ended = second.ended
      if (ended === 'else') throw this.#wrong('expected end; found {{else}}')
    }
    if (ended !== 'end') throw this.#wrong('unexpected EOF')
    this.#close()
    this.#variables.length = known
    return { kind, pipe, body: first.nodes, otherwise }
  }

  #pipe(context: string): Pipe {
    const { variables, assigns } = this.#declaration(context === 'range')
    const commands: Command[] = []
    do commands.push(this.#command(context))
    while (this.#sign('|'))
    if (!assigns) this.#variables.push(...variables)
    return { variables, assigns, commands }
  }

  #declaration(inRange: boolean): { variables: string[]; assigns: boolean } {
    const before = this.#next
    const variables: string[] = []
    do {
      if (this.#peek()?.kind !== 'variable') break
      variables.push((this.#take() as Token).text)
    } while (inRange && variables.length < 2 && this.#sign(','))
    if (variables.length > 0) {
      if (this.#sign(':=')) return { variables, assigns: false }
      if (this.#sign('=')) return { variables, assigns: true }
    }
    this.#next = before
    return { variables: [], assigns: false }
  }

  #command(context: string): Command {
    const at = this.#peek()?.at ?? this.#text.length
    const operands: Operand[] = []
    for (;;) {
      const operand = this.#operand(operands.length > 0)
      if (!operand) break
      operands.push(operand)
    }
    if (operands.length === 0) throw this.#wrong(`missing value for ${context}`)
    const [first, ...more] = operands as [Operand, ...Operand[]]
    if (first.value.kind === 'literal' && more.length > 0) throw this.#wrong(`can't give argument to non-function ${first.text}`)
    return { operands, at }
  }

  #operand(further: boolean): Operand | undefined {
    const token = this.#peek()
    if (!token || token.kind === 'close' || (token.kind === 'sign' && token.text !== '(')) return undefined
    if (further && !token.spaced && token.text !== '(') throw this.#wrong(`unexpected <${token.text}> in operand`)
    const value = this.#term()
    const fields = value.kind === 'dot' && token.kind === 'field' ? [token.text.slice(1)] : []
    let at = token.at
    for (let after = this.#peek(); after?.kind === 'field' && !after.spaced; after = this.#peek()) {
      if (fields.length === 1 || value.kind !== 'dot') at = fields.length <= 1 ? after.at : at
      if (value.kind === 'literal') throw this.#wrong(`unexpected . after term ${JSON.stringify(value.value)}`)
      fields.push((this.#take() as Token).text.slice(1))
    }
    const last = this.#peek()
    return { value, fields, at, text: this.#text.slice(token.at, last?.at).trimEnd() }
  }

  #term(): Operand['value'] {
    const token = this.#take() as Token
    if (token.kind === 'string') return { kind: 'literal', value: token.text }
    if (token.kind === 'number') return { kind: 'literal', value: this.#number(token) }
    if (token.kind === 'dot' || token.kind === 'field') return { kind: 'dot' }
    if (token.kind === 'variable') {
      if (!this.#variables.includes(token.text)) throw this.#wrong(`undefined variable "${token.text}"`)
      return { kind: 'variable', name: token.text }
    }
    if (token.kind === 'sign') {
      const pipe = this.#pipe('parenthesized pipeline')
      if (!this.#sign(')')) throw this.#wrong('unclosed left paren')
      return { kind: 'pipe', pipe }
    }
    if (token.text === 'true' || token.text === 'false') return { kind: 'literal', value: token.text === 'true' }
    if (token.text === 'nil') return { kind: 'literal', value: null }
    if (!this.#functions.has(token.text)) throw this.#wrong(`function "${token.text}" not defined`)
    return { kind: 'function', name: token.text }
  }

  #number({ text }: Token): number {
    const value = Number(
      text
        .replaceAll('_', '')
        .replace(/^\+/, '')
        .replace(/^-0([xXbBoO])/, '0$1'),
    )
    if (Number.isNaN(value)) throw this.#wrong(`bad number syntax: ${JSON.stringify(text)}`)
    return /^-0[xXbBoO]/.test(text) ? -value : value
  }

  #close(): void {
    const token = this.#take()
    if (token?.kind !== 'close') throw this.#wrong(`unexpected ${token ? `<${token.text}>` : 'EOF'} in input`)
  }

  #sign(text: string): boolean {
    const found = this.#peek()?.kind === 'sign' && this.#peek()?.text === text
    if (found) this.#next++
    return found
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next]
  }

  #take(): Token | undefined {
    return this.#tokens[this.#next++]
  }

  #wrong(sentence: string): TemplateError {
    return new TemplateError(sentence, this.#text, this.#tokens[Math.min(this.#next, this.#tokens.length) - 1]?.at ?? 0)
  }
}
