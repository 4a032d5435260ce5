/** What was typed before, kept between sessions. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { giveToInvoker, stateDirectory } from '../kernel/places.js'

/** Lines that are kept. */
const LONGEST = 1000

export class History {
  readonly #path: string | undefined
  readonly #lines: string[]

  constructor(path: string | undefined = usualPath()) {
    this.#path = path
    this.#lines = path === undefined ? [] : readLines(path)
    if (this.#lines.length > LONGEST) this.#shorten()
  }

  /** The newest first, as readline wants them. */
  get newestFirst(): string[] {
    return [...this.#lines].reverse()
  }

  add(line: string): void {
    if (line.trim() === '' || line === this.#lines.at(-1)) return
    this.#lines.push(line)
    this.#write(() => appendFileSync(this.#path as string, `${line}\n`, { mode: 0o600 }))
  }

  #shorten(): void {
    this.#lines.splice(0, this.#lines.length - LONGEST)
    this.#write(() => writeFileSync(this.#path as string, `${this.#lines.join('\n')}\n`, { mode: 0o600 }))
  }

  /** A history that cannot be kept is a small loss and not an error. */
  #write(write: () => void): void {
    if (this.#path === undefined) return
    try {
      write()
      giveToInvoker(this.#path)
    } catch {}
  }
}

function usualPath(): string | undefined {
  try {
    return join(stateDirectory(), 'repl-history')
  } catch {
    return undefined
  }
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  } catch {
    return []
  }
}
