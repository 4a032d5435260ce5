/**
 * Markdown on a terminal: the tokens of `marked` as lines. Made for the words of lessons: paragraphs, lists, tables that fit the
 * width, code as it is. Without colour nothing is lost: code keeps its backquotes and links show where they go.
 */
import { marked, type Token, type Tokens } from 'marked'
import { displayWidth, type Indents, padded, type Span, type Style, wrapSpans } from './wrap.js'

export interface MarkdownLook {
  readonly width: number
  /** For screen readers: no lines drawn, tables as sentences. */
  readonly plain: boolean
  /** False when styles show nothing, so that marks must. */
  readonly coloured: boolean
  readonly style: Record<'heading' | 'strong' | 'em' | 'code' | 'block' | 'link' | 'dim' | 'quote', Style>
}

/** The lines of a Markdown text, without blank ones at its ends. */
export function renderMarkdown(markdown: string, look: MarkdownLook): string[] {
  return blocks(marked.lexer(markdown), look, '')
}

function blocks(tokens: readonly Token[], look: MarkdownLook, indent: string): string[] {
  const lines: string[] = []
  for (const token of tokens) {
    const block = blockLines(token, look, indent)
    if (block.length === 0) continue
    if (lines.length > 0) lines.push('')
    lines.push(...block)
  }
  return lines
}

function blockLines(token: Token, look: MarkdownLook, indent: string): string[] {
  const { style, width } = look
  const around: Indents = { first: indent, rest: indent }
  switch (token.type) {
    case 'heading':
      return wrapSpans(inline(token.tokens ?? [], look, style.heading), width, around)
    case 'paragraph':
    case 'text':
      return wrapSpans(inline((token as Tokens.Text).tokens ?? [token], look), width, around)
    case 'code':
      return (token as Tokens.Code).text.split('\n').map((line) => `${indent}    ${line === '' ? '' : style.block(line)}`.trimEnd())
    case 'blockquote':
      return blocks(token.tokens ?? [], look, `${indent}${look.plain ? '' : style.quote('│ ')}`)
    case 'list':
      return listLines(token as Tokens.List, look, indent)
    case 'table':
      return tableLines(token as Tokens.Table, look, indent)
    case 'hr':
      return look.plain ? [] : [indent + style.dim('─'.repeat(Math.max(3, width - indent.length)))]
    case 'html': {
      const text = withoutTags((token as Tokens.HTML).text).trim()
      return text === '' ? [] : wrapSpans([{ text }], width, around)
    }
    default:
      return []
  }
}

function listLines(list: Tokens.List, look: MarkdownLook, indent: string): string[] {
  const lines: string[] = []
  const start = typeof list.start === 'number' ? list.start : 1
  list.items.forEach((item, index) => {
    const mark = list.ordered ? `${start + index}. ` : '- '
    const inner = blocks(item.tokens, look, `${indent}${' '.repeat(mark.length)}`)
    if (list.loose && index > 0) lines.push('')
    const [first = '', ...rest] = inner
    lines.push(`${indent}${mark}${first.slice(indent.length + mark.length)}`)
    // A tight list's nested list follows its text without a blank line.
    lines.push(...(list.loose ? rest : rest.filter((line) => line !== '')))
  })
  return lines
}

function inline(tokens: readonly Token[], look: MarkdownLook, style?: Style): Span[] {
  const both = (outer: Style | undefined, inner: Style): Style => (outer ? (text) => outer(inner(text)) : inner)
  return tokens.flatMap((token): Span[] => {
    switch (token.type) {
      case 'strong':
        return inline(token.tokens ?? [], look, both(style, look.style.strong))
      case 'em':
        return inline(token.tokens ?? [], look, both(style, look.style.em))
      case 'codespan': {
        const { text } = token as Tokens.Codespan
        return [{ text: look.coloured ? text : `\`${text}\``, style: both(style, look.style.code) }]
      }
      case 'link': {
        const { href, tokens: inner } = token as Tokens.Link
        const shown = inline(inner, look, both(style, look.style.link))
        const said = inner.map(({ raw }) => raw).join('')
        return /^https?:/.test(href) && said !== href ? [...shown, { text: ` (${href})`, style: look.style.dim }] : shown
      }
      case 'image':
        return [{ text: `[picture: ${(token as Tokens.Image).text}]`, style }]
      case 'br':
        return [{ text: '\n' }]
      case 'html':
        return /^<br/i.test(token.raw) ? [{ text: '\n' }] : []
      case 'del':
        return inline(token.tokens ?? [], look, style)
      default: {
        const nested = (token as Tokens.Text).tokens
        if (nested) return inline(nested, look, style)
        // A line break in the source is a blank in the text.
        return [{ text: decoded((token as Tokens.Text).text).replaceAll('\n', ' '), style }]
      }
    }
  })
}

const ENTITIES: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&amp;': '&', '&quot;': '"', '&#39;': "'", '&nbsp;': ' ' }
const decoded = (text: string) => text.replace(/&(?:lt|gt|amp|quot|#39|nbsp);/g, (entity) => ENTITIES[entity] ?? entity)
const withoutTags = (html: string) => decoded(html.replace(/<!--[\s\S]*?-->/g, '').replace(/<[^>]*>/g, ''))

const GAP = '  '
const NARROWEST = 8

function tableLines(table: Tokens.Table, look: MarkdownLook, indent: string): string[] {
  const header = table.header.map((cell) => inline(cell.tokens, look, look.style.strong))
  const rows = table.rows.map((row) => row.map((cell) => inline(cell.tokens, look)))
  const room = look.width - displayWidth(indent) - GAP.length * (header.length - 1)
  const widths = columnWidths([header, ...rows], room)
  if (look.plain || widths === undefined) return tableAsSentences(table, rows, look, indent)
  const lines = rowLines(header, widths)
  lines.push(look.style.dim(widths.map((width) => '─'.repeat(width)).join(GAP)))
  const tall = rows.some((row) => rowLines(row, widths).length > 1)
  rows.forEach((row, index) => {
    if (tall && index > 0) lines.push('')
    lines.push(...rowLines(row, widths))
  })
  return lines.map((line) => indent + line)
}

function rowLines(cells: readonly Span[][], widths: readonly number[]): string[] {
  const wrapped = cells.map((spans, column) => wrapSpans(spans, widths[column] ?? NARROWEST))
  const height = Math.max(...wrapped.map(({ length }) => length))
  return Array.from({ length: height }, (_, at) =>
    wrapped
      .map((lines, column) => padded(lines[at] ?? '', widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  )
}

const spansWidth = (spans: readonly Span[]) => spans.reduce((sum, { text }) => sum + displayWidth(text), 0)

/** The widest columns give way until the table fits; undefined when even that is not enough. */
function columnWidths(rows: readonly (readonly Span[][])[], room: number): number[] | undefined {
  const columns = rows[0]?.length ?? 0
  const widths = Array.from({ length: columns }, (_, column) => Math.max(1, ...rows.map((row) => spansWidth(row[column] ?? []))))
  let excess = widths.reduce((sum, width) => sum + width, 0) - room
  for (; excess > 0; excess--) {
    const widest = widths.indexOf(Math.max(...widths))
    if ((widths[widest] ?? 0) <= NARROWEST) return undefined
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

function tableAsSentences(table: Tokens.Table, rows: readonly Span[][][], look: MarkdownLook, indent: string): string[] {
  return rows.flatMap((row) => {
    const spans = row.flatMap((cell, column): Span[] => {
      const label = table.header[column]?.text ?? ''
      const ending: Span = { text: column < row.length - 1 ? '; ' : '.' }
      return label === '' || column === 0 ? [...cell, ending] : [{ text: `${label}: ` }, ...cell, ending]
    })
    return wrapSpans(spans, look.width, { first: `${indent}- `, rest: `${indent}  ` })
  })
}
