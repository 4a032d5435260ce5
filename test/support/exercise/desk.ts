/** Somebody at a shell on a terminal of one of the machines: types a line, and reads until the prompt is there again. */
import { EmulatedScreen } from '../screen.js'
import { TerminalSession } from '../terminal.js'
import type { Machine, TwoHosts } from './hosts.js'

/** So wide that no line that is typed is broken. */
const SIZE = { cols: 400, rows: 40 } as const

export interface Answer {
  readonly text: string
  readonly status: number
}

export class Desk {
  readonly #session: TerminalSession
  readonly #machine: Machine

  private constructor(session: TerminalSession, machine: Machine) {
    this.#session = session
    this.#machine = machine
  }

  static async open(hosts: TwoHosts, machine: Machine): Promise<Desk> {
    const [command = '', ...args] = hosts.terminal(machine)
    const desk = new Desk(new TerminalSession(command, args, SIZE), machine)
    // Shown as it is typed, and with the name and the status of the last command only when bash has read it.
    desk.#session.type("PS1='\\h? $? \\$ '\r")
    await desk.prompt()
    return desk
  }

  /** Type a line, press Enter, and wait until the shell asks for the next. */
  async type(line: string): Promise<Answer> {
    this.enter(line)
    await this.#session.see(line)
    return this.prompt()
  }

  /** Type a line and wait for what comes instead of the shell’s prompt. */
  async typeUntil(line: string, pattern: RegExp): Promise<RegExpExecArray> {
    this.enter(line)
    await this.#session.see(line)
    return this.#session.find(pattern)
  }

  /** Wait for it; the next wait begins behind it. */
  find(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#session.find(pattern)
  }

  /** What is to be seen below the last line that was typed like this: of what is drawn several times, as bars are, the last. */
  async screen(line: string): Promise<string[]> {
    const screen = new EmulatedScreen(SIZE.cols, SIZE.rows)
    screen.write(this.#session.raw)
    const lines = await screen.lines({ all: true })
    return lines.slice(lines.findLastIndex((one) => one.endsWith(line)) + 1)
  }

  enter(line: string): void {
    this.#session.type(`${line}\r`)
  }

  press(keys: string): void {
    this.#session.type(keys)
  }

  async close(): Promise<void> {
    this.#session.kill()
    await this.#session.ended()
  }

  /** Until the shell of the machine is there again: what came meanwhile, and how the last command ended. */
  async prompt(): Promise<Answer> {
    const text = await this.#session.see(`${this.#machine}? `)
    return { text: text.replace(/^\n/, ''), status: Number(await this.#session.see(' # ')) }
  }
}
