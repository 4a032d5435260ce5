/** What the tutor writes: one table of styles, the width, and the few shapes that everything on the screen is made of. */

import type { Writable } from 'node:stream'
import { Chalk, type ColorSupportLevel, supportsColor } from 'chalk'
import { displayWidth, padded, type Span, type Style, wrap, wrapSpans } from './wrap.js'

/** Nothing is told by colour alone: every style stands beside a word or a mark that says the same. */
const STYLES = {
  title: ['bold'],
  heading: ['bold', 'cyan'],
  strong: ['bold'],
  em: ['italic'],
  code: ['yellow'],
  block: ['yellow'],
  link: ['underline'],
  dim: ['dim'],
  quote: ['dim'],
  host: ['blue', 'bold'],
  container: ['magenta', 'bold'],
  call: ['bold'],
  key: ['bold', 'cyan'],
  ok: ['green'],
  bad: ['red', 'bold'],
  change: ['green'],
  notice: ['bold', 'yellow'],
} as const

export type StyleName = keyof typeof STYLES
export type Styles = Record<StyleName, Style>

export interface DisplayOptions {
  readonly stream?: Writable & { columns?: number; isTTY?: boolean }
  /** For screen readers: no colour, no drawn lines, nothing overwritten. */
  readonly plain?: boolean
  readonly columns?: number
  /** 0 none … 3; found out from the environment otherwise. */
  readonly colour?: ColorSupportLevel
}

const NARROWEST = 32
const WIDEST = 100
/** Width where there is no terminal: pipes and files. */
const USUAL = 80

/** Does this stream get colours? FORCE_COLOR, then NO_COLOR (no-color.org: any value but the empty one), then what the terminal can. */
function colourLevel(isTTY: boolean): ColorSupportLevel {
  const { FORCE_COLOR, NO_COLOR } = process.env
  const found = supportsColor === false ? 0 : supportsColor.level
  if (FORCE_COLOR !== undefined) return found
  if (NO_COLOR) return 0
  return isTTY ? found : 0
}

export class Display {
  readonly plain: boolean
  readonly coloured: boolean
  readonly style: Styles
  readonly #stream: Writable & { columns?: number; isTTY?: boolean }
  readonly #columns: number | undefined

  constructor({ stream = process.stdout, plain = false, columns, colour }: DisplayOptions = {}) {
    this.#stream = stream
    this.#columns = columns
    this.plain = plain
    const chalk = new Chalk({ level: plain ? 0 : (colour ?? colourLevel(stream.isTTY === true)) })
    this.coloured = chalk.level > 0
    const paint = (names: readonly (typeof STYLES)[StyleName][number][]): Style =>
      names.reduce((painter, name) => painter[name], chalk as typeof chalk)
    this.style = Object.fromEntries(Object.entries(STYLES).map(([name, styles]) => [name, paint(styles)])) as Styles
  }

  /** Is there a person in front of it? */
  get isTerminal(): boolean {
    return this.#stream.isTTY === true
  }

  /** Columns to write in; follows the terminal when it is resized. */
  get width(): number {
    const columns = this.#columns ?? (this.isTerminal ? this.#stream.columns : undefined) ?? USUAL
    return Math.min(WIDEST, Math.max(NARROWEST, columns))
  }

  write(text: string): void {
    this.#stream.write(text)
  }

  line(text = ''): void {
    this.write(`${text}\n`)
  }

  /** Words without styles of their own, wrapped. */
  text(words: string, indent = '', style?: Style): void {
    for (const line of wrapSpans([{ text: words, style }], this.width, { first: indent, rest: indent })) this.line(line)
  }

  spans(spans: readonly Span[], first = '', rest = first): void {
    for (const line of wrapSpans(spans, this.width, { first, rest })) this.line(line)
  }

  async markdown(text: string): Promise<void> {
    // Loaded when the first words are shown, not when the program starts.
    const { renderMarkdown } = await import('./markdown.js')
    for (const line of renderMarkdown(text, this)) this.line(line)
  }

  /** A line across the screen with a title in it. */
  rule(title: string, style: StyleName = 'heading'): void {
    const rest = this.width - displayWidth(title) - 4
    if (this.plain) this.line(title)
    else if (rest <= 0) this.text(title, '', this.style[style])
    else this.line(`${this.style.dim('──')} ${this.style[style](title)} ${this.style.dim('─'.repeat(rest))}`)
  }

  /** Rows of label and value, the values below each other; a row to notice is marked with `>`. */
  rows(rows: readonly { label: string; value: string; notice?: boolean | undefined }[], indent = '  '): void {
    const longest = Math.min(Math.max(0, ...rows.map(({ label }) => displayWidth(label))), Math.floor(this.width / 2.5))
    for (const { label, value, notice } of rows) {
      const mark = notice ? '> ' : '  '
      if (this.plain) {
        this.#plainRow(`${label}: ${value}`, indent + mark)
        continue
      }
      const head = `${indent}${mark}${padded(label, longest)}  `
      const style = notice ? this.style.notice : undefined
      const rest = ' '.repeat(displayWidth(indent) + longest + 4)
      const [first = '', ...more] = value.split('\n').flatMap((line) => wrap(line, Math.max(16, this.width - rest.length)))
      this.line(`${style ? style(head) : head}${first}`.trimEnd())
      for (const line of more) this.line(`${rest}${line}`)
    }
  }

  #plainRow(words: string, head: string): void {
    const [first = '', ...more] = words.split('\n').flatMap((line) => wrap(line, Math.max(16, this.width - head.length)))
    this.line(`${head}${first}`.trimEnd())
    for (const line of more) this.line(`${' '.repeat(head.length)}${line}`)
  }

  /** One of a list, its further lines below its first word. */
  item(words: string, indent = '  ', mark = '- '): void {
    this.spans([{ text: words }], `${indent}${mark}`, `${indent}${' '.repeat(mark.length)}`)
  }

  /** One thing that went well, with the word that says so. */
  good(words: string): void {
    this.spans([{ text: 'ok', style: this.style.ok }, { text: ` ${words}` }], '', '   ')
  }

  /** One thing that did not. */
  bad(words: string, mark = 'no'): void {
    this.spans([{ text: mark, style: this.style.bad }, { text: ` ${words}` }], '', ' '.repeat(mark.length + 1))
  }

  note(words: string, indent = ''): void {
    this.text(words, indent, this.style.dim)
  }
}
