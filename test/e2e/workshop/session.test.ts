/** A lesson that somebody steps through at a terminal, and the page beside it: what it shows of each call, what the kernel says, again and again, and from a file. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { expectHeard, faintTexts, standsOut } from '../../support/browser.js'
import { learnersEnv } from '../../support/lesson-terminal.js'
import { onPrivateHost } from '../../support/private-host.js'
import { TerminalSession } from '../../support/terminal.js'
import { onWorkshopPage, START } from '../../support/workshop-page.js'

const at = onPrivateHost('command:chromium')
const { test } = at
const workshop = onWorkshopPage(at)

let home: string
let learner: TerminalSession

beforeAll(() => {
  if (!at.able) return
  home = mkdtempSync(join(tmpdir(), 'drydock-session-'))
  const [file = '', ...args] = at.host.enter([process.execPath, START, 'lesson', '1'])
  learner = new TerminalSession(file, args, { env: learnersEnv(home) })
})

afterAll(() => {
  learner?.kill()
  if (home) rmSync(home, { recursive: true, force: true })
})

/** To the next question of the lesson, from where one is. */
const enter = async (question: string) => {
  learner.type('\r')
  await learner.see(question)
}

const figure = (when: string) =>
  workshop.tab.page.locator('.before-after figure', { has: workshop.tab.page.getByText(when, { exact: true }) })

/** The process of this pid, and none whose number only contains it. */
const processIn = (when: string, pid: string) =>
  figure(when).locator('.process', { has: workshop.tab.page.getByText(`pid ${pid}`, { exact: true }) })

describe('while somebody steps', () => {
  test('the page follows: the scene and its text', async () => {
    const { page } = workshop.tab
    await learner.see('1 of 13')
    await learner.see('q quit')
    await page.goto(`${workshop.url}#step`)
    await page.getByRole('heading', { name: 'Every process has namespaces' }).waitFor()
    await page.getByText('There are eight kinds.').waitFor()
    await page.locator('.lesson-text pre', { hasText: 'ls -l /proc/self/ns' }).waitFor()
    await page.getByRole('button', { name: 'follow', pressed: true }).waitFor()
  })

  test('the call that is about to be made, and when it was: what it answered, and the process that it made', async () => {
    const { page } = workshop.tab
    await enter('⏎ select')
    await enter('q quit')
    const act = page.getByRole('region', { name: /^About to run/ })
    await act.getByText('clone3({flags=pidfd').first().waitFor()
    await act.getByText('no word for any namespace').waitFor()
    expect(await act.locator('.args dt').first().textContent()).toContain('flags=pidfd')
    expect(await act.locator('.outcome').count()).toBe(0)
    await enter('a new process: ')
    const [, pid = ''] = await learner.find(/(\d+) to the host, (\d+) to the bottle/)
    await learner.see('⏎ select')
    // The last that was done before that question: the page has come as far as the terminal.
    await page.getByRole('region', { name: /^A look The links in/ }).waitFor()
    await back(/^Just run/)
    const done = page.getByRole('region', { name: /^Just run/ })
    expect(await done.locator('.outcome').first().textContent()).toMatch(/^✓ \d+ \d+(\.\d)? (µs|ms)$/)
    await page.getByRole('button', { name: /^Processes/ }).click()
    const { stdout } = await at.host.run(['grep', 'NSpid', `/proc/${pid}/status`])
    const process = processIn('after', pid)
    await process.waitFor()
    const shown = await process.locator('.pid').allTextContents()
    expect(shown.map((text) => /\d+$/.exec(text)?.[0])).toEqual(stdout.split(/\s+/).slice(1))
    await figure('before').waitFor()
    expect(await processIn('before', pid).count()).toBe(0)
  })

  test('a call moves the picture: before and after are what the kernel said', async () => {
    const { page } = workshop.tab
    await enter('container  sethostname(')
    const [, name = ''] = await learner.find(/^"(oops-\w+)"/)
    await learner.see('q quit')
    await page.getByRole('button', { name: 'follow' }).click()
    await page
      .getByRole('region', { name: /^About to run/ })
      .getByText(`sethostname("${name}"`)
      .first()
      .waitFor()
    const { stdout } = await at.host.run(['lsns', '--noheadings', '--type', 'uts', '--output', 'NS'])
    await enter('2 of 13')
    await learner.see('q quit')
    // What was done is behind that: until the page has heard of it, backwards leads to an earlier call.
    await page.getByRole('heading', { name: 'A host name of its own' }).waitFor()
    await back(/^Just run/)
    await page.getByRole('button', { name: /^Namespaces/ }).click()
    const uts = (when: string) =>
      figure(when)
        .locator('.chip', { hasText: when === 'after' ? name : 'bottle' })
        .first()
    await uts('before').waitFor()
    await uts('after').waitFor()
    expect(await uts('after').getAttribute('data-mark')).toBe('still')
    // The child has renamed what it is in: the table is the one that it was before, and the kernel's.
    const shown = await uts('after').locator('.inode').textContent()
    expect(await uts('before').locator('.inode').textContent()).toBe(shown)
    expect(stdout.split(/\s+/)).toContain(shown)
  })
})

/** Backwards, by the key, to a moment of this name. */
async function back(name: RegExp): Promise<void> {
  const { page } = workshop.tab
  await page.locator('.lesson-text').click()
  for (let press = 0; press < 12; press++) {
    if ((await page.getByRole('region', { name }).count()) > 0) return
    await page.keyboard.press('ArrowLeft')
  }
  throw new Error(`there is no moment ${name}`)
}

const place = () => workshop.tab.page.getByRole('slider', { name: 'Place in the session' })

test('forwards and backwards by keys, to the ends, and along by itself', async () => {
  const { page } = workshop.tab
  const last = Number(await place().getAttribute('max'))
  expect(last).toBeGreaterThan(4)
  await page.locator('.lesson-text').click()
  await page.keyboard.press('Home')
  await page.getByRole('heading', { name: 'Every process has namespaces' }).waitFor()
  expect(await place().inputValue()).toBe('0')
  await page.keyboard.press('ArrowRight')
  expect(await place().inputValue()).toBe('1')
  await page.keyboard.press('End')
  expect(await place().inputValue()).toBe(String(last))
  await page.getByRole('button', { name: 'Back', exact: true }).click()
  expect(await place().inputValue()).toBe(String(last - 1))
  await page.locator('.lesson-text').click()
  // At the first of several stops, so that there is time to see that it plays.
  await page.keyboard.press('Home')
  await page.keyboard.press('Space')
  await page.getByRole('button', { name: 'pause', pressed: true }).waitFor()
  await expect.poll(async () => Number(await place().inputValue()), { timeout: 20_000 }).toBeGreaterThan(0)
  await page.keyboard.press('End')
  await page.getByRole('button', { name: 'play', pressed: false }).waitFor()
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('Space')
  await expect.poll(() => place().inputValue(), { timeout: 20_000 }).toBe(String(last))
  await page.getByRole('button', { name: 'play', pressed: false }).waitFor()
})

test('of two keys in a row each counts, painted in between or not', async () => {
  const { page } = workshop.tab
  await page.locator('.lesson-text').click()
  await page.keyboard.press('Home')
  await page.evaluate(async () => {
    for (let key = 0; key < 2; key++) {
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }))
      // As between any two events, what waits for the end of the first is done.
      for (let turn = 0; turn < 10; turn++) await undefined
    }
  })
  expect(await place().inputValue()).toBe('2')
})

describe('for everybody', () => {
  test.each([
    [800, 600],
    [1024, 768],
    [1920, 1080],
  ])('every stop fits a screen of %i × %i', async (width, height) => {
    const { page } = workshop.tab
    await page.setViewportSize({ width, height })
    await page.getByRole('button', { name: 'What changes' }).click()
    const last = Number(await place().getAttribute('max'))
    for (let stop = 0; stop <= last; stop++) {
      await place().fill(String(stop))
      expect([stop, await standsOut(page)]).toEqual([stop, false])
    }
  })

  test.each(['light', 'dark'] as const)('its letters can be read: %s', async (colorScheme) => {
    const { page } = workshop.tab
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await back(/^Just run/)
    expect(await faintTexts(page)).toEqual([])
  })

  test('the parts have names', async () => {
    await expectHeard(workshop.tab.page.locator('main'), [
      '- navigation "Stepping through the session"',
      '- slider "Place in the session"',
      '- button "Forward"',
      '- article "The text of the session"',
      '- region "Just run',
      '- group "Which picture"',
      '- figure "before"',
      '- figure "after"',
      '- link "export as one file"',
    ])
  })
})

test('exported, it is one file that shows the same without a network', async () => {
  const { page } = workshop.tab
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'export as one file' }).click()])
  expect(download.suggestedFilename()).toMatch(/^drydock-lesson-1-[\w-]+\.html$/)
  const file = join(home, 'exported.html')
  await download.saveAs(file)
  const url = pathToFileURL(file).href
  const alone = await workshop.browser.tab({ offline: true })
  await alone.page.goto(url)
  await alone.page.getByRole('heading', { name: 'Every process has namespaces' }).waitFor()
  for (let press = 0; press < 12 && (await alone.page.getByRole('region', { name: /^Just run/ }).count()) === 0; press++) {
    await alone.page.keyboard.press('ArrowRight')
  }
  await alone.page
    .getByRole('region', { name: /^Just run/ })
    .getByText('clone3({flags=pidfd')
    .first()
    .waitFor()
  await alone.page.locator('.before-after figure', { hasText: 'after' }).waitFor()
  expect(await alone.page.getByRole('tab').count()).toBe(0)
  expect(alone.requests.filter((request) => request !== url && !request.startsWith('data:'))).toEqual([])
  expect(alone.errors).toEqual([])
  await alone.close()
})

test('when the lesson is left the page says so', async () => {
  const { page } = workshop.tab
  learner.type('q')
  expect(await learner.ended()).toBe(0)
  await page.getByRole('button', { name: 'follow' }).waitFor({ state: 'detached' })
  await page.locator('.lesson-text').click()
  await page.keyboard.press('End')
  await page.getByText(/^The session has ended/).waitFor()
  expect(workshop.tab.requests.filter((request) => !request.startsWith(workshop.url) && !request.startsWith('data:'))).toEqual([])
  expect(workshop.tab.errors).toEqual([])
})
