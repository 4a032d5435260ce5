/** Text into lines of a given width, as terminals count it. Styles are applied word by word, so no line ends inside one. */
import { stripVTControlCharacters } from 'node:util'

export type Style = (text: string) => string

/** A stretch of text that looks the same. A newline in it begins a new line. */
export interface Span {
  readonly text: string
  readonly style?: Style | undefined
}

// Characters that fill two columns: East Asian wide ones and those shown as pictures.
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u
const NONE = /\p{Mark}|\p{Cf}/u

/** Columns that a text fills; its escape sequences fill none. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of stripVTControlCharacters(text)) {
    if (character < '\x7f') width += 1
    else if (WIDE.test(character)) width += 2
    else if (!NONE.test(character)) width += 1
  }
  return width
}

/** The text followed by spaces up to `width` columns. */
export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)))
}

export interface Indents {
  readonly first?: string
  readonly rest?: string
}

/** Lines of at most `width` columns (indents included). A word that is longer than a line is cut. */
export function wrapSpans(spans: readonly Span[], width: number, { first = '', rest = first }: Indents = {}): string[] {
  const lines: string[] = []
  let line = first
  let used = displayWidth(first)
  let empty = true
  const newline = () => {
    lines.push(line.trimEnd())
    line = rest
    used = displayWidth(rest)
    empty = true
  }
  for (const piece of words(spans)) {
    if (piece === 'newline') {
      newline()
      continue
    }
    const length = piece.reduce((sum, { text }) => sum + displayWidth(text), 0)
    if (isSpace(piece)) {
      if (empty) continue
      if (used + length <= width) {
        line += show(piece)
        used += length
      } else newline()
      continue
    }
    if (!empty && used + length > width) newline()
    for (const part of used + length > width ? cut(piece, Math.max(8, width - used)) : [piece]) {
      if (!empty && used + partWidth(part) > width) newline()
      line += show(part)
      used += partWidth(part)
      empty = false
    }
  }
  if (!empty || lines.length === 0) lines.push(line.trimEnd())
  return lines
}

/** The same for text without styles of its own. */
export function wrap(text: string, width: number, indents?: Indents): string[] {
  return wrapSpans([{ text }], width, indents)
}

type Piece = Span[]

const isSpace = (piece: Piece) => piece.every(({ text }) => text.trim() === '')
const partWidth = (piece: Piece) => piece.reduce((sum, { text }) => sum + displayWidth(text), 0)
const show = (piece: Piece) => piece.map(({ text, style }) => (style && text.trim() !== '' ? style(text) : text)).join('')

/** Words (each of the spans it touches), the blanks between them, and line breaks. */
function* words(spans: readonly Span[]): Generator<Piece | 'newline'> {
  let word: Piece = []
  for (const { text, style } of spans) {
    for (const token of text.split(/(\n| +)/)) {
      if (token === '') continue
      if (token === '\n' || token.trim() === '') {
        if (word.length > 0) yield word
        word = []
        yield token === '\n' ? 'newline' : [{ text: ' ', style }]
      } else word.push({ text: token, style })
    }
  }
  if (word.length > 0) yield word
}

function cut(piece: Piece, width: number): Piece[] {
  const parts: Piece[] = []
  for (const { text, style } of piece) {
    const characters = [...text]
    for (let at = 0; at < characters.length; at += width) parts.push([{ text: characters.slice(at, at + width).join(''), style }])
  }
  return parts
}
