/**
 * `npx tsx scripts/screenshots.ts`: docs/images/lesson-5.png and lesson-6.png. The lessons are played, recorded and exported, and what the file shows
 * of one call is taken in a real Chromium. As root: lessons 5 and 6 are about what root sees.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, type Page } from 'playwright-core'
import { $ } from 'zx'

const ROOT = join(import.meta.dirname, '..')
const { findCommand } = createRequire(import.meta.url)('./packages.cjs') as { findCommand(name: string): string | undefined }

/** The moment of each: what the call says. */
const MOMENTS = [
  { lesson: 5, call: 'dnat to 10.5.0.2:80' },
  { lesson: 6, call: 'execve("/bin/sh"' },
] as const

const home = mkdtempSync(join(tmpdir(), 'drydock-screenshots-'))
const run = $({
  cwd: ROOT,
  quiet: true,
  env: { ...process.env, DRYDOCK_STATE_DIR: join(home, 'state'), DRYDOCK_WORKSPACE: join(home, 'workspace') },
})
const browser = await chromium.launch({ executablePath: findCommand('chromium') ?? 'chromium', args: ['--no-sandbox'] })
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' })
  mkdirSync(join(ROOT, 'docs/images'), { recursive: true })
  for (const { lesson, call } of MOMENTS) {
    const file = join(home, `lesson-${lesson}.html`)
    await run`node scripts/start.cjs lesson ${lesson} --auto --record`
    await run`node scripts/drydock.cjs view --export last --output ${file}`
    await page.goto(pathToFileURL(file).href)
    await stepTo(page, call)
    await page.screenshot({ path: join(ROOT, `docs/images/lesson-${lesson}.png`) })
  }
} finally {
  await browser.close()
  rmSync(home, { recursive: true, force: true })
}

/** Forwards to the first call that says so. */
async function stepTo(page: Page, call: string): Promise<void> {
  const place = page.getByRole('slider', { name: 'Place in the session' })
  const shown = page.locator('.act code', { hasText: call })
  const last = Number(await place.getAttribute('max'))
  for (let stop = 0; stop <= last; stop++) {
    await place.fill(String(stop))
    if ((await shown.count()) > 0) return page.evaluate(() => (document.activeElement as HTMLElement).blur())
  }
  throw new Error(`no call of this session says ${call}`)
}
