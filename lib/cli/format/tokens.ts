/** The text of a template in pieces: words outside of `{{ }}`, and what stands inside. Go's text/template, parse/lex.go. */
import { TemplateError } from './error.js'

export interface Token {
  readonly kind: 'text' | 'open' | 'close' | 'string' | 'number' | 'word' | 'field' | 'variable' | 'dot' | 'sign'
  /** A string without its quotes, its escapes resolved; a field with its dot; everything else as it stands. */
  readonly text: string
  /** Offset in the template. */
  readonly at: number
  /** Does a blank stand before it? `.A .B` are two operands, `.A.B` is one. */
  readonly spaced: boolean
}

const INSIDE: readonly (readonly [Token['kind'], RegExp])[] = [
  ['field', /\.[\p{L}_][\p{L}\p{N}_]*/uy],
  ['number', /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*)(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)/y],
  ['dot', /\./y],
  ['variable', /\$[\p{L}\p{N}_]*/uy],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['sign', /:=|[=|(),]/y],
]
const QUOTED = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+'/y
const RAW = /`[^`]*`/y

/** Throws TemplateError when an action is not closed or has a character in it that has no meaning. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  let trimNext = false
  while (at < text.length) {
    const open = text.indexOf('{{', at)
    const words = open < 0 ? text.slice(at) : text.slice(at, open)
    const trimming = open >= 0 && /^-[ \t\r\n]/.test(text.slice(open + 2, open + 4))
    const kept = trimmed(words, trimNext, trimming)
    if (kept !== '') tokens.push({ kind: 'text', text: kept, at, spaced: false })
    if (open < 0) break
    const inside = action(text, open, open + (trimming ? 3 : 2))
    tokens.push(...inside.tokens)
    trimNext = inside.trims
    at = inside.end
  }
  return tokens
}

function trimmed(words: string, atStart: boolean, atEnd: boolean): string {
  const rest = atStart ? words.trimStart() : words
  return atEnd ? rest.trimEnd() : rest
}

/** What stands between `{{` and `}}`: nothing at all when it is a comment. */
function action(text: string, open: number, start: number): { tokens: Token[]; end: number; trims: boolean } {
  const comment = /\s*\/\*[\s\S]*?\*\/(\s+-)?\s*\}\}/y
  comment.lastIndex = start
  const remark = comment.exec(text)
  if (remark) return { tokens: [], end: comment.lastIndex, trims: remark[1] !== undefined }
  const tokens: Token[] = [{ kind: 'open', text: '{{', at: open, spaced: false }]
  const end = /(\s+-)?\s*\}\}/y
  for (let at = start; ; ) {
    end.lastIndex = at
    const closed = end.exec(text)
    if (closed) {
      tokens.push({ kind: 'close', text: '}}', at, spaced: false })
      return { tokens, end: end.lastIndex, trims: closed[1] !== undefined }
    }
    const blank = /^\s*/.exec(text.slice(at))?.[0].length ?? 0
    at += blank
    if (at >= text.length || text.startsWith('{{', at)) throw new TemplateError('unclosed action', text, open)
    const token = next(text, at, blank > 0 || at === start)
    tokens.push(token.token)
    at = token.end
  }
}

function next(text: string, at: number, spaced: boolean): { token: Token; end: number } {
  const raw = matched(RAW, text, at)
  if (raw !== undefined) return { token: { kind: 'string', text: raw.slice(1, -1), at, spaced }, end: at + raw.length }
  const quoted = matched(QUOTED, text, at)
  if (quoted?.startsWith('"')) return { token: { kind: 'string', text: unquoted(quoted), at, spaced }, end: at + quoted.length }
  if (quoted) {
    const code = unquoted(quoted).codePointAt(0) ?? 0
    return { token: { kind: 'number', text: String(code), at, spaced }, end: at + quoted.length }
  }
  if (/["'`]/.test(text[at] as string)) throw new TemplateError(`unterminated ${text[at] === '`' ? 'raw ' : ''}quoted string`, text, at)
  for (const [kind, pattern] of INSIDE) {
    const found = matched(pattern, text, at)
    if (found !== undefined) return { token: { kind, text: found, at, spaced }, end: at + found.length }
  }
  const strange = String.fromCodePoint(text.codePointAt(at) as number)
  throw new TemplateError(`unexpected ${JSON.stringify(strange)} in command`, text, at)
}

function matched(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' }

/** Go's string literal without its quotes. */
function unquoted(literal: string): string {
  return literal
    .slice(1, -1)
    .replace(
      /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/g,
      (_, hex?: string, short?: string, long?: string, octal?: string, one = '') => {
        const digits = hex ?? short ?? long
        if (digits !== undefined) return String.fromCodePoint(Number.parseInt(digits, 16))
        if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
        return ESCAPES[one] ?? one
      },
    )
}
