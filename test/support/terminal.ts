/** A program on a terminal, and somebody in front of it: waits for words, types keys. */
import type { Socket } from 'node:net'
import { stripVTControlCharacters } from 'node:util'
import { type IPty, spawn } from 'node-pty'
import { until } from './waiting.js'

/** node-pty closes a terminal 200 ms after its program has ended, read or not; a busy machine may take longer to read. Milliseconds. */
const LAST_WORDS = 2000

/** Nothing that is waited for takes so long, on a busy machine either; in an emulated one (test/vm) it may take so many times as long. */
const PATIENCE = 60_000 * Number(process.env.DRYDOCK_TEST_SLOWNESS || 1)

export interface TerminalOptions {
  readonly cols?: number
  readonly rows?: number
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

export class TerminalSession {
  readonly #pty: IPty
  readonly #exit: Promise<number>
  #raw = ''
  #read = 0
  #ended = false
  #listeners = new Set<() => void>()

  constructor(command: string, args: readonly string[], { cols = 80, rows = 40, cwd, env = process.env }: TerminalOptions = {}) {
    this.#pty = spawn(command, [...args], {
      cols,
      rows,
      ...(cwd && { cwd }),
      env: { ...env, TERM: 'xterm-256color' },
      name: 'xterm-256color',
    })
    keepLastWords(this.#pty)
    this.#pty.onData((data) => {
      this.#raw += data
      for (const listener of this.#listeners) listener()
    })
    this.#exit = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode }) => {
        this.#ended = true
        resolve(exitCode)
        for (const listener of this.#listeners) listener()
      })
    })
  }

  get pid(): number {
    return this.#pty.pid
  }

  /** Everything that came, as it came. */
  get raw(): string {
    return this.#raw
  }

  /** Everything that came, without control sequences. */
  get text(): string {
    return stripVTControlCharacters(this.#raw).replaceAll('\r', '')
  }

  /** Waits until these words come after the ones that were waited for before; returns what stood between. */
  async see(words: string): Promise<string> {
    const found = () => this.text.indexOf(words, this.#read)
    if (found() < 0) await this.#until(() => found() >= 0, `"${words}"`)
    const at = found()
    const between = this.text.slice(this.#read, at)
    this.#read = at + words.length
    return between
  }

  /** The same with a pattern; returns what has matched. */
  async find(pattern: RegExp): Promise<RegExpExecArray> {
    const found = () => pattern.exec(this.text.slice(this.#read))
    await this.#until(() => found() !== null, String(pattern))
    const match = found() as RegExpExecArray
    this.#read += match.index + match[0].length
    return match
  }

  type(keys: string): void {
    this.#pty.write(keys)
  }

  resize(cols: number, rows: number): void {
    this.#pty.resize(cols, rows)
  }

  /** The exit status. */
  async ended(): Promise<number> {
    await this.#until(() => this.#ended, 'the end')
    return this.#exit
  }

  /** Nothing happens when it has ended already. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    if (!this.#ended) process.kill(this.#pty.pid, signal)
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const complaint = () => new Error(`waited in vain for ${what}; the screen says:\n${this.text.slice(-2000)}`)
    await until(this.#listeners, holds, PATIENCE, complaint)
  }
}

/** The kernel says by an error (EIO) when all is read and nobody holds the other end; only then, or much later, is the terminal closed. */
function keepLastWords(pty: IPty): void {
  const { _socket: socket } = pty as unknown as { _socket: Socket }
  const destroy = socket.destroy.bind(socket)
  socket.destroy = (error?: Error) => {
    if (error) return destroy(error)
    setTimeout(destroy, LAST_WORDS).unref()
    return socket
  }
}
