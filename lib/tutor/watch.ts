/** Waits for a file to be saved: by what the kernel reports of its directory, and by looking, for where it reports nothing (WSL2, shared folders). */
import { type FSWatcher, statSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Editors save in several steps: this long nothing must have happened. */
const QUIET = 150
const LOOK_EVERY = 1000

export class FileWatcher {
  readonly #path: string
  #seen: string
  #watcher: FSWatcher | undefined
  readonly #poll: NodeJS.Timeout
  #quiet: NodeJS.Timeout | undefined
  #waiting: (() => void) | undefined
  #changed = false

  constructor(path: string) {
    this.#path = path
    this.#seen = this.#stamp()
    try {
      // The directory and not the file: an editor may put a new file in its place.
      this.#watcher = watch(dirname(path), (_, name) => {
        if (name === null || name === basename(path)) this.#look()
      })
      this.#watcher.on('error', () => this.#watcher?.close())
    } catch {
      // Too many watches, or a file system without them: looking every second does it too.
    }
    this.#poll = setInterval(() => this.#look(), LOOK_EVERY)
  }

  /**
   * Resolves after the next save; at once when there was one since the last time. `signal` gives up waiting (the promise then never settles): a save that
   * comes while nobody waits is told to who waits next.
   */
  saved(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#changed = false
        this.#waiting = undefined
        resolve()
      }
      if (this.#changed) return done()
      this.#waiting = done
      signal?.addEventListener('abort', () => {
        if (this.#waiting === done) this.#waiting = undefined
      })
    })
  }

  /** What is there now is known: only later saves count. */
  forget(): void {
    this.#seen = this.#stamp()
    this.#changed = false
    clearTimeout(this.#quiet)
  }

  close(): void {
    this.#watcher?.close()
    clearInterval(this.#poll)
    clearTimeout(this.#quiet)
  }

  #look(): void {
    const stamp = this.#stamp()
    if (stamp === this.#seen || stamp === '') return
    this.#seen = stamp
    clearTimeout(this.#quiet)
    this.#quiet = setTimeout(() => {
      this.#changed = true
      this.#waiting?.()
    }, QUIET)
  }

  /** Changes with every save, also one without changes in the text; empty while there is no file. */
  #stamp(): string {
    try {
      const { ino, size, mtimeMs, ctimeMs } = statSync(this.#path)
      return [ino, size, mtimeMs, ctimeMs].join()
    } catch {
      return ''
    }
  }
}
