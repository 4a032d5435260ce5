/** A lesson played at a terminal by somebody who goes on whenever he is asked. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { TerminalSession } from './terminal.js'

/** Milliseconds. */
const PATIENCE = 60_000

export interface Played {
  readonly number: number
  /** How the first scene is counted: `1 of 11`. */
  readonly begins: string
  /** What is said after the first question was answered. */
  readonly after: string
  /** What is on the screen when it has been left. */
  readonly shows: readonly string[]
}

/** Of somebody whose files are all below `home`, and whose screen can be read. */
export const learnersEnv = (home: string): NodeJS.ProcessEnv => ({
  ...process.env,
  DRYDOCK_STATE_DIR: join(home, 'state'),
  DRYDOCK_WORKSPACE: join(home, 'workspace'),
  // That one has left is to arrive, however slow this machine is.
  DRYDOCK_PATIENCE: '20',
  NO_COLOR: '1',
  FORCE_COLOR: undefined,
})

/** To the first question and over it, and then away. */
export async function playAtTerminal({ number, begins, after, shows }: Played): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), `drydock-lesson-${number}-`))
  const session = new TerminalSession(process.execPath, ['scripts/start.cjs', 'lesson', String(number)], { env: learnersEnv(home) })
  const asked = () => session.text.split('q quit').length - 1
  let answered = 0
  /** Go on, as often as one is asked, until these words are there. */
  const until = async (words: string) => {
    for (const end = Date.now() + PATIENCE; !session.text.includes(words); ) {
      if (Date.now() > end) throw new Error(`${words} has not come: ${session.text.slice(-1000)}`)
      if (asked() > answered) {
        answered = asked()
        session.type('\r')
      }
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
  try {
    await session.see(begins)
    await until('⏎ select')
    session.type('\r')
    await until(after)
    while (asked() === answered) await new Promise((resolve) => setTimeout(resolve, 25))
    session.type('q')
    expect(await session.ended()).toBe(0)
    for (const words of [...shows, 'Your machine is as before']) expect(session.text).toContain(words)
  } finally {
    session.kill()
    rmSync(home, { recursive: true, force: true })
  }
}
