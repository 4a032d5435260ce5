/** Single keys from a terminal, and the terminal as it was when the program ends, however it ends. */
import type { ReadStream } from 'node:tty'
import { Quit } from './guide.js'

/** `enter`, `space`, `tab`, `backspace`, `escape`, `up`, `ctrl-c`, or the character itself. */
export type Key = string

const NAMED: Record<string, Key> = {
  '\r': 'enter',
  '\n': 'enter',
  ' ': 'space',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x1b': 'escape',
}

const SEQUENCES: Record<string, Key> = { A: 'up', B: 'down', C: 'right', D: 'left', H: 'home', F: 'end' }
const NUMBERED: Record<string, Key> = { 1: 'home', 3: 'delete', 4: 'end', 5: 'page-up', 6: 'page-down', 7: 'home', 8: 'end' }

/** The keys in what a terminal sent. A sequence that means none of ours is one key, `unknown`, and not several characters. */
export function parseKeys(chunk: string): Key[] {
  const keys: Key[] = []
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals send control characters
  const pattern = /\x1b\[([0-9;?<]*)([@-~])|\x1bO([A-Za-z])|\x1b[^\x1b[O]|\r\n|[\s\S]/gu
  for (const [text, parameters, letter, application] of chunk.matchAll(pattern)) {
    if (letter !== undefined) keys.push((letter === '~' ? NUMBERED[parameters?.split(';')[0] ?? ''] : SEQUENCES[letter]) ?? 'unknown')
    else if (application !== undefined) keys.push(SEQUENCES[application] ?? (application === 'M' ? 'enter' : 'unknown'))
    else if (text === '\r\n') keys.push('enter')
    else if (text.length > 1 && text.startsWith('\x1b')) keys.push('unknown')
    else keys.push(NAMED[text] ?? (text < ' ' ? `ctrl-${String.fromCharCode(text.charCodeAt(0) + 96)}` : text))
  }
  return keys
}

type Waiter = { resolve(key: Key): void; reject(error: Error): void }

/**
 * The keyboard of a lesson. What is typed while nobody waits is dropped; so is what comes along with the key that was waited for
 * (a paste is not a row of commands). Ctrl-C leaves at any time.
 */
export class Keyboard {
  readonly #input: ReadStream
  #waiter: Waiter | undefined
  #open = false
  #ended = false

  constructor(input: ReadStream = process.stdin) {
    this.#input = input
    input.on('end', () => this.#end())
    input.on('error', () => this.#end())
    process.once('exit', this.#restore)
  }

  /** Begin to listen, without echo and without waiting for lines. */
  open(): void {
    if (this.#open || this.#ended) return
    this.#open = true
    this.#input.setRawMode(true)
    this.#input.on('data', this.#receive)
    this.#input.resume()
  }

  /** Leave the terminal to somebody else: a prompt, a shell, the shell that started us. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#input.off('data', this.#receive)
    this.#input.pause()
    this.#restore()
  }

  /** The next key. Throws Quit for Ctrl-C and when the terminal has gone; `signal` gives up waiting (the promise then never settles). */
  next(signal?: AbortSignal): Promise<Key> {
    if (this.#ended) return Promise.reject(new Quit(129))
    this.open()
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject }
      this.#waiter = waiter
      signal?.addEventListener('abort', () => {
        if (this.#waiter === waiter) this.#waiter = undefined
      })
    })
  }

  /** The terminal as it is for line-wise input, with the keyboard closed meanwhile. */
  async away<T>(work: () => Promise<T>): Promise<T> {
    const wasOpen = this.#open
    this.close()
    try {
      return await work()
    } finally {
      if (wasOpen) this.open()
    }
  }

  #receive = (chunk: Buffer | string): void => {
    const keys = parseKeys(chunk.toString())
    const waiter = this.#waiter
    if (keys.includes('ctrl-c')) {
      this.#waiter = undefined
      // While something runs nobody waits for a key: then it is a signal like any other.
      if (waiter) waiter.reject(new Quit(130))
      else process.kill(process.pid, 'SIGINT')
      return
    }
    const [first] = keys
    if (!waiter || first === undefined) return
    this.#waiter = undefined
    waiter.resolve(first)
  }

  #end(): void {
    this.#ended = true
    this.#waiter?.reject(new Quit(129))
    this.#waiter = undefined
  }

  #restore = (): void => {
    if (this.#input.isTTY && !this.#input.destroyed) this.#input.setRawMode(false)
  }
}
