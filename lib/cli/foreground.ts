/** A container and the caller's terminal: keys in, output out, signals and sizes passed on, until it ends or is left. */
import { constants } from 'node:os'
import type { ContainerSpec } from '../container/index.js'
import { DetachKeys } from '../engine/keys.js'
import type { Exit } from '../kernel/frames.js'
import { PASSED } from './passed-signals.js'
import { rawTerminal, terminalSize } from './terminal.js'

/** The container's side: its shim, or a connection to it. */
export interface Peer {
  on(event: 'output', listener: (stream: 1 | 2, bytes: Buffer) => void): unknown
  /** False when `drained` is to be awaited before the next bytes. */
  stdin(bytes: Uint8Array): boolean
  drained(): Promise<void>
  closeStdin(): void
  resize(rows: number, columns: number): void
  signal(number: number): void
}

export interface ForegroundOptions {
  readonly spec: Pick<ContainerSpec, 'terminal' | 'stdin'>
  readonly detachKeys: Uint8Array
  readonly signalProxy: boolean
  /** Where signals go instead of to the peer: there they would wait behind input that the program does not read. */
  readonly signal?: (number: number) => void
  /** Nobody reads the output any more. */
  readonly broken: () => Promise<unknown>
  /** The program has drawn on another terminal before: it shall draw anew. */
  readonly redraw?: boolean
}

export type End = { readonly exit: Exit } | { readonly detached: true }

export class Foreground {
  readonly #peer: Peer
  readonly #options: ForegroundOptions
  readonly #undo: (() => void)[] = []
  #broken = false

  /** From here on what the container prints is printed. */
  constructor(peer: Peer, options: ForegroundOptions) {
    this.#peer = peer
    this.#options = options
    peer.on('output', (stream, bytes) => {
      if (!this.#broken) (stream === 2 ? process.stderr : process.stdout).write(bytes)
    })
    // A reader that has gone ends this program as a signal would.
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' || this.#broken) return
      this.#broken = true
      void options.broken().then(() => process.exit(128 + constants.signals.SIGPIPE))
    })
  }

  /** When its program runs: lend it the keyboard, and wait. */
  async attend(exited: Promise<Exit>): Promise<End> {
    const { spec, signalProxy } = this.#options
    if (spec.terminal && process.stdin.isTTY) this.#undo.push(rawTerminal())
    if (spec.terminal) this.#followSize()
    if (signalProxy) this.#passSignals()
    const detached = spec.stdin ? this.#passInput() : new Promise<never>(() => undefined)
    try {
      return await Promise.race([exited.then((exit) => ({ exit })), detached])
    } finally {
      this.release()
    }
  }

  /** The caller's terminal and signals are his own again. */
  release(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo()
    if (this.#options.spec.stdin) {
      process.stdin.pause()
      process.stdin.unref?.()
    }
  }

  #followSize(): void {
    const resize = () => {
      const { rows, columns } = terminalSize()
      this.#peer.resize(rows, columns)
    }
    process.stdout.on('resize', resize)
    // As docker attach does, one that is a little larger first: a program that draws sees a change.
    const { rows, columns } = terminalSize()
    if (this.#options.redraw) this.#peer.resize(rows + 1, columns + 1)
    // It may have changed while the container was made.
    resize()
    this.#undo.push(() => process.stdout.off('resize', resize))
  }

  #passSignals(): void {
    const { signal = (number: number) => this.#peer.signal(number) } = this.#options
    for (const name of PASSED) {
      const pass = () => signal(constants.signals[name])
      process.on(name, pass)
      this.#undo.push(() => process.off(name, pass))
    }
  }

  #passInput(): Promise<End> {
    const keys = new DetachKeys(this.#options.spec.terminal && process.stdin.isTTY ? this.#options.detachKeys : new Uint8Array())
    return new Promise((resolve) => {
      const take = (bytes: Buffer) => {
        const { through, detached } = keys.pass(bytes)
        const flushed = this.#peer.stdin(through)
        if (detached) return resolve({ detached: true })
        if (!flushed) {
          process.stdin.pause()
          void this.#peer.drained().then(() => process.stdin.resume())
        }
      }
      const end = () => this.#peer.closeStdin()
      process.stdin.on('data', take)
      // It was paused on purpose when the tutor had the keyboard before.
      process.stdin.resume()
      process.stdin.once('end', end)
      // A stdin that cannot be read (a directory, a closed descriptor) has ended.
      process.stdin.once('error', end)
      this.#undo.push(() => {
        process.stdin.off('data', take)
        process.stdin.off('end', end)
        process.stdin.off('error', end)
      })
    })
  }
}
