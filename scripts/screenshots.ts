/**
 * `npx tsx scripts/screenshots.ts`: docs/images/lesson-5.png and lesson-6.png, of the workshop page in a real Chromium while it shows the lessons,
 * which are played for it. As root, for the lessons are about what root sees.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { chromium, type Page } from 'playwright-core'

const ROOT = join(import.meta.dirname, '..')
const START = join(ROOT, 'scripts/start.cjs')
const { findCommand } = createRequire(import.meta.url)('./packages.cjs') as { findCommand(name: string): string | undefined }

/** The moment of each: what the call says. */
const MOMENTS = [
  { lesson: 5, call: 'dnat to 10.5.0.2:80' },
  { lesson: 6, call: 'execve("/bin/sh"' },
] as const

const home = mkdtempSync(join(tmpdir(), 'drydock-screenshots-'))
const workshop = spawn(process.execPath, [START, 'workshop'], { stdio: ['ignore', 'pipe', 'inherit'] })
try {
  let said = ''
  for await (const chunk of workshop.stdout) {
    said += chunk
    if (said.includes('Ctrl-C')) break
  }
  const url = /http:\S+/.exec(said)?.[0] ?? ''
  const browser = await chromium.launch({ executablePath: findCommand('chromium') ?? 'chromium', args: ['--no-sandbox'] })
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' })
  mkdirSync(join(ROOT, 'docs/images'), { recursive: true })
  for (const { lesson, call } of MOMENTS) {
    const env = { DRYDOCK_STATE_DIR: join(home, 'state'), DRYDOCK_WORKSPACE: join(home, 'workspace') }
    await execa(process.execPath, [START, 'lesson', String(lesson), '--auto', '--record'], { env, stdio: 'ignore' })
    await page.goto(`${url}#step`)
    await page.reload()
    await page
      .getByRole('combobox', { name: 'Session' })
      .locator('option:checked', { hasText: `Lesson ${lesson}` })
      .waitFor({ state: 'attached' })
    await stepTo(page, call)
    await page.screenshot({ path: join(ROOT, `docs/images/lesson-${lesson}.png`) })
  }
  await browser.close()
} finally {
  workshop.kill('SIGINT')
  await once(workshop, 'exit')
  rmSync(home, { recursive: true, force: true })
}

/** Forwards to the first call that says so. */
async function stepTo(page: Page, call: string): Promise<void> {
  const place = page.getByRole('slider', { name: 'Place in the session' })
  await page
    .getByText(/^The session has ended|^\d+ of \d+/)
    .first()
    .waitFor()
  const shown = page.locator('.act code', { hasText: call })
  for (let stop = 0; stop <= Number(await place.getAttribute('max')); stop++) {
    await place.fill(String(stop))
    if ((await shown.count()) > 0) return page.evaluate(() => (document.activeElement as HTMLElement).blur())
  }
  throw new Error(`no call of this session says ${call}`)
}
