/** A terminal without a person: an emulator that is written to like a stream, and whose screen can be read and resized. */
import { EventEmitter } from 'node:events'
import xterm from '@xterm/headless'

export class EmulatedScreen extends EventEmitter {
  readonly isTTY = true
  readonly #terminal: InstanceType<typeof xterm.Terminal>
  #written: Promise<unknown> = Promise.resolve()

  constructor(columns = 80, rows = 24) {
    super()
    this.#terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 1000, convertEol: true })
  }

  get columns(): number {
    return this.#terminal.cols
  }

  get rows(): number {
    return this.#terminal.rows
  }

  write(text: string): void {
    this.#written = new Promise<void>((resolve) => this.#terminal.write(text, resolve))
  }

  /** The emulator is resized first, as a terminal is before its program learns of it. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#written
    this.#terminal.resize(columns, rows)
    this.emit('resize')
  }

  /** What is to be seen, and with `all` what has scrolled away too; without the empty lines at the end. */
  async lines({ all = false } = {}): Promise<string[]> {
    await this.#written
    const { active } = this.#terminal.buffer
    const from = all ? 0 : active.baseY
    const lines: string[] = []
    for (let at = from; at < active.length; at++) lines.push(active.getLine(at)?.translateToString(true) ?? '')
    while (lines.at(-1) === '') lines.pop()
    return lines
  }
}
