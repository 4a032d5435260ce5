/** Every lesson as a whole: it plays through by itself, for root and for an ordinary user, and nothing is left, whatever happens. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hostSnapshot, lastingDifferences } from '../../lib/kernel/snapshot.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { requires } from '../support/requires.js'

const LESSONS = readdirSync('lessons')
  .filter((name) => /^\d\d-/.test(name))
  .map((name) => Number.parseInt(name, 10))

const command = (number: number) => ['node', 'scripts/start.cjs', 'lesson', String(number), '--auto']

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'drydock-play-'))
})
afterEach(() => rmSync(home, { recursive: true }))

const ownPlaces = () => ({ DRYDOCK_STATE_DIR: join(home, 'state'), DRYDOCK_WORKSPACE: join(home, 'workspace'), NO_COLOR: '1' })

/** What could not go on, each with what was shown before it, or the end. */
function complaints(said: string): string {
  const found = [...said.matchAll(/^error/gm)].map(({ index }) => said.slice(Math.max(0, index - 1500), index + 500))
  return found.length > 0 ? found.join('\n…\n') : said.slice(-3000)
}

describe.each(LESSONS)('lesson %i', (number) => {
  test('plays through, readable in a file, and the host is as before', async () => {
    const before = await hostSnapshot()
    const [file, ...args] = command(number)
    const { exitCode, stdout, stderr } = await execa(file as string, args, { reject: false, env: ownPlaces() })
    expect(exitCode, stderr || complaints(stdout)).toBe(0)
    readable(stdout)
    expect(stdout).toContain('Your machine is as before')
    expect(stdout).not.toMatch(/^error/m)
    if (process.geteuid?.() === 0) expect(stdout, 'root lacks nothing').not.toMatch(/^skipped/m)
    expect(await lastingDifferences(before)).toEqual([])
  }, 240_000)

  requires('command:setpriv', 'user-namespaces')(
    'plays through for an ordinary user, saying what it cannot show',
    async () => {
      const { exitCode, stdout, stderr } = await runAsOrdinaryUser(command(number), { env: { NO_COLOR: '1' } })
      expect(exitCode, `${stderr}${complaints(String(stdout))}`).toBe(0)
      readable(String(stdout))
      expect(stdout).toContain('Your machine is as before')
      expect(stdout).not.toMatch(/^error/m)
    },
    240_000,
  )
})

/** Of a machine with little on it: /dev/null cannot be executed. */
const WITHOUT_USERLAND = `
  for name in ps busybox; do
    for place in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin; do [ ! -e $place/$name ] || mount --bind /dev/null $place/$name; done
  done
  exec "$@"`

describe.each(LESSONS)('lesson %i where there is neither busybox nor ps', (number) => {
  requires('root', 'command:unshare')(
    'leaves out what needs them, and plays the rest',
    async () => {
      const args = ['--mount', '--propagation', 'private', 'sh', '-c', WITHOUT_USERLAND, 'sh', ...command(number)]
      const { exitCode, stdout, stderr } = await execa('unshare', args, { reject: false, env: ownPlaces() })
      expect(exitCode, stderr || complaints(stdout)).toBe(0)
      expect(stdout).not.toMatch(/^error/m)
      if (number >= 4) expect(stdout.includes('busybox or ps; it is left out') || number === 5, complaints(stdout)).toBe(true)
    },
    240_000,
  )
})

describe('kill -9 of the tutor', () => {
  test.each(Array.from({ length: 10 }, (_, index) => index))(
    'leaves nothing, at random moment %i',
    async (index) => {
      const before = await hostSnapshot()
      const run = join(home, 'run')
      const [file, ...args] = command(LESSONS[index % LESSONS.length] as number)
      const tutor = spawn(file as string, args, {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, ...ownPlaces(), DRYDOCK_RUN_DIR: run },
      })
      // Of some lessons an ordinary user may play so little that it is over by then.
      const exited = once(tutor, 'exit')
      await once(tutor.stdout, 'data')
      tutor.stdout.resume()
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 3000))
      tutor.kill('SIGKILL')
      await exited
      expect(await lastingDifferences(before)).toEqual([])
    },
    240_000,
  )
})

/** 80 columns, no control sequences, nothing that a screen reader stumbles over. */
function readable(text: string): void {
  expect(text).toBe(stripVTControlCharacters(text))
  const long = text.split('\n').filter((line) => [...line].length > 80)
  expect(long).toEqual([])
}
