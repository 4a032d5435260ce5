/** What a daemon says, a line each, for people: when, how bad, what. */
import { printable, shortened } from '../../kernel/printable.js'

export const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const
export type Level = (typeof LEVELS)[number]

export class DaemonLog {
  /** The least that is said. */
  level: Level

  constructor(level: Level) {
    this.level = level
    // Who read it may be gone; the engine goes on.
    process.stderr.on('error', () => undefined)
  }

  readonly say = (level: Level, sentence: string): void => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.level)) return
    process.stderr.write(`${new Date().toISOString()} ${level.padEnd(5)} ${entry(sentence)}\n`)
  }
}

/** Characters; names and errors that clients have sent are in it. */
const LONGEST = 8000

/** Only stacks have several lines, and no line of theirs looks like an entry: what a client says is to forge none, and to move nobody's cursor. */
const entry = (sentence: string): string => shortened(sentence, LONGEST).split('\n').map(printable).join('\n    ')
