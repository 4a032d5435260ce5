/** Where a shim's child has its stdio: on a terminal that a program can take over, or on pipes to our own output. */

import type { Terminal, TerminalSize } from '../bottle/terminal.js'
import type { Bottle } from '../bottle.js'
import { ioctl_tiocsctty } from '../kernel/calls/files.js'
import { setsid } from '../kernel/calls/process.js'
import type { Result } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { container, type Step } from '../kernel/step.js'
import { BoxStdio } from '../tutor/stdio.js'

export interface Stage {
  readonly shim: Shim
  /** What the container needs before an execve so that the program's keys reach it; not asked for where it has made a session itself. */
  readonly session: readonly Step[]
  attempt(steps: readonly Step[]): Promise<Result[]>
  /**
   * Make an execve: the program has the terminal (or writes to our output) until it ends. `answered` is told the answer when it comes,
   * which is before the end. The keys are the program's from the first moment, so that none is lost or means something else.
   */
  execute(step: Step, answered: (result: Result) => void): Promise<void>
  /** Take back what was done, end the shim. */
  close(): Promise<void>
  /** Resolves when nothing of it is left, whoever ended it. */
  readonly gone: Promise<void>
}

/** Keys typed by a person, lent to a program. */
export interface Keys {
  /** `receive` gets what is typed until the promise that it returns settles. */
  lend<T>(receive: (chunk: string) => void, work: () => Promise<T>): Promise<T>
}

/** Ctrl-] ends a program that cannot be left otherwise: PID 1 of a namespace does not hear Ctrl-C unless it wants to. */
const LEAVE = '\x1d'

export async function terminalStage(bottle: Bottle, keys: Keys, output: NodeJS.WriteStream): Promise<Stage> {
  const size = (): TerminalSize => ({ cols: output.columns || 80, rows: output.rows || 24 })
  const { pty, shim } = await bottle.terminal(size())
  return new OnTerminal({ pty, shim }, size, keys, output)
}

class OnTerminal implements Stage {
  readonly shim: Shim
  readonly gone: Promise<void>
  readonly session = container([setsid({ allow: ['EPERM'] }), ioctl_tiocsctty(0, { allow: ['EPERM', 'ENOTTY', 'EBADF'] })])
  readonly #pty: Terminal['pty']
  readonly #size: () => TerminalSize
  readonly #keys: Keys
  readonly #output: NodeJS.WriteStream
  #early = ''
  #show: ((data: string) => void) | undefined

  constructor({ pty, shim }: Terminal, size: () => TerminalSize, keys: Keys, output: NodeJS.WriteStream) {
    this.shim = shim
    this.#pty = pty
    this.#size = size
    this.#keys = keys
    this.#output = output
    // What a program writes before anybody looks must not be lost.
    pty.onData((data) => {
      if (this.#show) this.#show(data)
      else this.#early += data
    })
    this.gone = new Promise((resolve) => pty.onExit(() => resolve()))
  }

  attempt(steps: readonly Step[]): Promise<Result[]> {
    return this.shim.attempt(steps)
  }

  async execute(step: Step, answered: (result: Result) => void): Promise<void> {
    const resize = () => {
      const { cols, rows } = this.#size()
      this.#pty.resize(cols, rows)
    }
    const receive = (chunk: string) => (chunk.includes(LEAVE) ? this.shim.signal(KILL) : this.#pty.write(chunk))
    resize()
    this.#output.on('resize', resize)
    try {
      await this.#keys.lend(receive, async () => {
        const [result] = await this.attempt([step])
        answered(result as Result)
        if (result?.status !== 'ok') return
        this.#show = (data) => this.#output.write(data)
        this.#show(this.#early)
        this.#early = ''
        await this.shim.exited
        // The pty ends behind the last byte that was written to it.
        await this.gone
      })
    } finally {
      this.#output.off('resize', resize)
      this.#show = undefined
    }
  }

  async close(): Promise<void> {
    await this.shim.rollback()
    await this.gone
  }
}

/** SIGKILL is 9 on every architecture. signal(7). */
const KILL = 9

export async function pipedStage(bottle: Bottle, output: NodeJS.WritableStream): Promise<Stage> {
  const shim = await bottle.shim()
  const stdio = new BoxStdio(shim)
  shim.on('output', (_, bytes) => void output.write(bytes))
  return {
    shim,
    session: [],
    attempt: (steps) => stdio.attempt(steps),
    async execute(step, answered) {
      const [result] = await stdio.attempt([step])
      answered(result as Result)
      if (result?.status === 'ok') await shim.exited
    },
    close: () => shim.rollback(),
    gone: shim.ended,
  }
}
