/** What a daemon says, a line each, for people: when, how bad, what. */

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
    process.stderr.write(`${new Date().toISOString()} ${level.padEnd(5)} ${sentence}\n`)
  }
}
