/** The prompt at a terminal: a line editor with history and completion, which lends the keyboard to programs. */
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { complete } from './complete.js'
import { History } from './history.js'
import type { Repl } from './repl.js'
import type { Keys } from './stage.js'

const EDITOR_LINES = 200

export class Prompt implements Keys {
  readonly #history = new History()
  readonly #lines: string[] = []
  #repl: Repl | undefined
  #editor: Interface | undefined
  #waiting: ((line: string | undefined) => void) | undefined
  #ended = false
  #lent = false
  /** Read and obey lines until one says quit, or Ctrl-D. */
  async run(repl: Repl): Promise<void> {
    this.#repl = repl
    repl.workbench.onEnd = () => void this.#childEnded()
    for (;;) {
      const line = await this.#next()
      if (line === undefined) break
      this.#history.add(line)
      if ((await repl.line(line)) === 'quit') break
    }
    this.#close()
  }

  /** A sentence above the line that is being typed. */
  async #childEnded(): Promise<void> {
    if (!this.#waiting || !this.#editor) return
    process.stdout.write('\n')
    await this.#repl?.settle()
    this.#editor.setPrompt(this.#repl?.prompt ?? '')
    this.#editor.prompt(true)
  }

  #next(): Promise<string | undefined> {
    const waiting = this.#lines.shift()
    const prompt = this.#repl?.prompt ?? ''
    if (waiting !== undefined) {
      process.stdout.write(`${prompt}${waiting}\n`)
      return Promise.resolve(waiting)
    }
    if (this.#ended) return Promise.resolve(undefined)
    const editor = this.#edit()
    editor.setPrompt(prompt)
    editor.prompt()
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  #edit(): Interface {
    if (this.#editor) return this.#editor
    const editor = createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: true,
      history: this.#history.newestFirst.slice(0, EDITOR_LINES),
      historySize: EDITOR_LINES,
      removeHistoryDuplicates: true,
      completer: (line: string) => this.#complete(line),
    })
    editor.on('line', (line) => this.#line(line))
    editor.on('SIGINT', () => this.#interrupt(editor))
    editor.on('close', () => this.#closed(editor))
    this.#editor = editor
    return editor
  }

  #line(line: string): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) waiting(line)
    else this.#lines.push(line)
  }

  /** Ctrl-C clears the line; while something is going on it is told to the one who can end it. */
  #interrupt(editor: Interface): void {
    if (!this.#waiting) {
      this.#repl?.interrupt()
      return
    }
    process.stdout.write('^C\n')
    // A fresh line below; readline has no call for it, and its own keys would draw over what was typed.
    Object.assign(editor, { line: '', cursor: 0, prevRows: 0 })
    editor.prompt()
  }

  #closed(editor: Interface): void {
    if (this.#editor === editor) this.#editor = undefined
    if (this.#lent) return
    this.#ended = true
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) {
      process.stdout.write('\n')
      waiting(undefined)
    }
  }

  #close(): void {
    this.#lent = true
    this.#editor?.close()
  }

  /** What was typed ahead goes to the program too, as it would in any shell. */
  async lend<T>(receive: (chunk: string) => void, work: () => Promise<T>): Promise<T> {
    const ahead = [...this.#lines.splice(0).map((line) => `${line}\n`), this.#editor?.line ?? ''].join('')
    this.#lent = true
    this.#editor?.close()
    this.#editor = undefined
    const { stdin } = process
    const forward = (chunk: Buffer | string) => receive(chunk.toString())
    stdin.setRawMode(true)
    stdin.on('data', forward)
    stdin.resume()
    try {
      if (ahead !== '') receive(ahead)
      return await work()
    } finally {
      stdin.off('data', forward)
      stdin.pause()
      stdin.setRawMode(false)
      this.#lent = false
    }
  }

  #complete(line: string): [string[], string] {
    const repl = this.#repl
    if (!repl) return [[], line]
    const { workbench } = repl
    return complete(line, {
      commands: repl.commands,
      kept: [...workbench.kept.keys()],
      list: (directory) => this.#list(directory),
    })
  }

  /** Names in a directory as the process sees it whose turn it is. */
  #list(directory: string): string[] {
    const pid = this.#repl?.workbench.hostPid(this.#repl.workbench.actor)
    if (pid === undefined) return []
    const place = directory.startsWith('/') ? join(`/proc/${pid}/root`, resolve('/', directory)) : join(`/proc/${pid}/cwd`, directory)
    try {
      return readdirSync(place, { withFileTypes: true }).map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    } catch {
      return []
    }
  }
}
