/** The workshop as it is started by people, on a private host, and a browser in that host's network that looks at it. */
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import { HeadlessBrowser, type Tab } from './browser.js'
import { type Daemon, run } from './daemon.js'
import type { onPrivateHost } from './private-host.js'

/** Milliseconds: less than a test has, so that it is told what did not end. */
const PATIENCE = 60_000

export const START = fileURLToPath(new URL('../../scripts/start.cjs', import.meta.url))

export interface WorkshopPage {
  readonly tab: Tab
  readonly browser: HeadlessBrowser
  /** Of the page, with `/` at its end; for a room with the token behind that. */
  readonly url: string
  /** What it has said at its start. */
  readonly said: string
  /** Ends it as Ctrl-C does, and gives its exit status. */
  end(): Promise<number | NodeJS.Signals>
  /** Begins it anew; gives its address. */
  begin(...args: string[]): Promise<string>
}

/** For a file of tests: begun before the first, after what `prepare` does; ended after the last. */
export function onWorkshopPage(
  at: ReturnType<typeof onPrivateHost>,
  prepare: () => Promise<void> = async () => undefined,
  options: readonly string[] = [],
): WorkshopPage {
  const made: { workshop?: Daemon; browser?: HeadlessBrowser; tab?: Tab; url?: string; said?: string } = {}
  const begin = async (...args: string[]) => {
    made.workshop = run(at.host.enter([process.execPath, START, 'workshop', ...args]))
    made.said = await made.workshop.until(/Ctrl-C ends it/)
    return /^ {2}(http:\S+)$/m.exec(made.said)?.[1] ?? ''
  }
  const end = async () => {
    // nsenter(1) hands signals to nobody: they are sent inside.
    await at.host.run(['pkill', '-INT', '-f', 'start.cjs workshop'])
    const enough = new AbortController()
    const stays = setTimeout(PATIENCE, undefined, { signal: enough.signal }).then(async () => {
      const { stdout } = await at.host.run(['ps', '-eo', 'pid,ppid,stat,wchan:30,args'])
      throw new Error(`the workshop has not ended in ${PATIENCE} ms; there are\n${stdout}`)
    })
    const { status } = await Promise.race([(made.workshop as Daemon).ended, stays])
    enough.abort()
    return status
  }
  beforeAll(async () => {
    if (!at.able) return
    await prepare()
    made.url = await begin(...options)
    made.browser = await HeadlessBrowser.open(at.host.pid)
    made.tab = await made.browser.tab()
  }, 120_000)
  afterAll(async () => {
    await made.browser?.close()
    if (made.workshop) await end()
  }, 120_000)
  return {
    begin,
    end,
    get tab() {
      return made.tab as Tab
    },
    get browser() {
      return made.browser as HeadlessBrowser
    },
    get said() {
      return made.said as string
    },
    get url() {
      return made.url as string
    },
  }
}
