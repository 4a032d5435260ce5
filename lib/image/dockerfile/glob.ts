/**
 * Patterns of paths: those of COPY, which are Go's filepath.Match, and those of .dockerignore, which know `**` too. All states are followed at once, so that no
 * pattern takes longer than its length times the path's.
 */
import { wrong } from './lines.js'

type Token =
  | { readonly kind: 'one'; readonly test: (character: string) => boolean }
  /** Any number of them. */
  | { readonly kind: 'many'; readonly test: (character: string) => boolean }
  /** The next two may be passed over together. */
  | { readonly kind: 'maybe' }

export interface GlobOptions {
  /** `**` is any number of directories; what a bracket without end is, nobody asks. */
  readonly deep?: boolean
}

const notSlash = (character: string): boolean => character !== '/'
const anything = (): boolean => true
const literal = (wanted: string): Token => ({ kind: 'one', test: (character) => character === wanted })

export class Glob {
  readonly #tokens: readonly Token[]

  /** Throws `syntax error in pattern`. */
  constructor(pattern: string, { deep = false }: GlobOptions = {}) {
    this.#tokens = tokensOf([...pattern], deep)
  }

  matches(path: string): boolean {
    let states = this.#closed(new Set([0]))
    for (const character of path) {
      const next = new Set<number>()
      for (const state of states) {
        const token = this.#tokens[state]
        if (token === undefined || token.kind === 'maybe' || !token.test(character)) continue
        next.add(token.kind === 'one' ? state + 1 : state)
      }
      if (next.size === 0) return false
      states = this.#closed(next)
    }
    return states.has(this.#tokens.length)
  }

  /** With the states that are reached by reading nothing. A set is walked with what is added meanwhile. */
  #closed(states: Set<number>): Set<number> {
    for (const state of states) {
      const token = this.#tokens[state]
      if (token?.kind === 'many') states.add(state + 1)
      if (token?.kind === 'maybe') states.add(state + 1).add(state + 3)
    }
    return states
  }
}

function tokensOf(characters: readonly string[], deep: boolean): Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string
    if (character === '*' && deep && characters[at + 1] === '*') {
      at++
      if (characters[at + 1] === '/') at++
      const last = at + 1 >= characters.length
      tokens.push(...(last ? [] : [{ kind: 'maybe' } as const]), { kind: 'many', test: anything }, ...(last ? [] : [literal('/')]))
    } else if (character === '*') tokens.push({ kind: 'many', test: notSlash })
    else if (character === '?') tokens.push({ kind: 'one', test: notSlash })
    else if (character === '[') {
      const { test, end } = bracket(characters, at + 1)
      tokens.push({ kind: 'one', test })
      at = end
    } else if (character === '\\') {
      if (++at >= characters.length) throw bad()
      tokens.push(literal(characters[at] as string))
    } else tokens.push(literal(character))
  }
  return tokens
}

const bad = () => wrong('syntax error in pattern')

/** `[a-z]`, `[^a-z]`; `end` is the place of the closing bracket. */
function bracket(characters: readonly string[], from: number): { readonly test: (character: string) => boolean; readonly end: number } {
  let at = from
  const negated = characters[at] === '^'
  if (negated) at++
  const ranges: (readonly [string, string])[] = []
  const one = (): string => {
    let character = characters[at++]
    if (character === '-' || character === ']') throw bad()
    if (character === '\\') character = characters[at++]
    if (character === undefined) throw bad()
    return character
  }
  while (characters[at] !== ']' || ranges.length === 0) {
    const low = one()
    let high = low
    if (characters[at] === '-') {
      at++
      high = one()
    }
    ranges.push([low, high])
  }
  const isIn = (character: string) => ranges.some(([low, high]) => codeOf(low) <= codeOf(character) && codeOf(character) <= codeOf(high))
  return { test: (character) => isIn(character) !== negated, end: at }
}

const codeOf = (character: string): number => character.codePointAt(0) as number
