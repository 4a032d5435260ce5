/** The room in a real browser: what an instructor sees of learners who join, get stuck and leave. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { expectHeard, faintTexts, standsOut } from '../../support/browser.js'
import { learnersEnv } from '../../support/lesson-terminal.js'
import { onPrivateHost } from '../../support/private-host.js'
import { TerminalSession } from '../../support/terminal.js'
import { onWorkshopPage, START } from '../../support/workshop-page.js'

const ADDRESS = '192.0.2.10'
const at = onPrivateHost('command:chromium')
const { test } = at
const workshop = onWorkshopPage(at, async () => {
  // The other end up first, and waited for: an interface whose carrier the kernel has not seen yet has no address for anybody.
  const cable = `ip link add lan0 type veth peer name lan1; ip link set lan1 up; ip address add ${ADDRESS}/24 dev lan0; ip link set lan0 up`
  await at.host.run(['sh', '-ec', `${cable}; until ip -o link show lan0 | grep -q 'state UP'; do sleep 0.05; done`])
}, ['--listen', '0.0.0.0'])

let home: string
let learner: TerminalSession | undefined
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'drydock-room-'))
})
afterAll(() => {
  learner?.kill()
  rmSync(home, { recursive: true, force: true })
})

const word = () => /join this room, (\S+),/.exec(workshop.said)?.[1] ?? ''
const row = (name: string) =>
  workshop.tab.page.locator('table.learners tr', { has: workshop.tab.page.getByRole('rowheader', { name, exact: true }) })
const names = () => workshop.tab.page.locator('table.learners tbody th').allTextContents()

/** As a learner's machine sends it; gives the status. */
async function report(id: string, name: string, more: Record<string, unknown> = {}): Promise<string> {
  const about = { version: 1, id: id.repeat(16), name, room: word(), lesson: { number: 2, title: 'cgroups' }, left: false }
  const body = JSON.stringify({ ...about, scene: { index: 1, of: 9, heading: 'A limit' }, exercises: [], ...more })
  const program = `fetch(process.argv[1], { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: process.argv[2] }).then(({ status }) => console.log(status))`
  return (await at.host.run([process.execPath, '-e', program, `http://${ADDRESS}:7777/room/report`, body])).stdout
}

test('it opens with the token, and says what learners type', async () => {
  const { page } = workshop.tab
  await page.goto(workshop.url)
  await page.getByRole('tab', { name: /^Room/ }).click()
  await page.getByText(`npm run lesson -- --join http://${ADDRESS}:7777`).waitFor()
  expect(await page.locator('.word').textContent()).toBe(word())
  await page.getByText('Nobody has joined yet.').waitFor()
  // Whoever looks over the instructor’s shoulder cannot read it off the address line.
  expect(page.url()).not.toContain('token')
})

test('a learner who joins at a terminal is there, with the scene', async () => {
  const [file = '', ...args] = at.host.enter([process.execPath, START, 'lesson', '1', '--join', `http://${ADDRESS}:7777/?room=${word()}`])
  learner = new TerminalSession(file, [...args, '--name', 'ada'], { env: learnersEnv(home) })
  await learner.see('Join as ada, and have this sent?')
  learner.type('\r')
  await learner.see('you have joined the room')
  await learner.see('q quit')
  await row('ada').getByText('1 of 13').waitFor()
  const text = await row('ada').textContent()
  expect(text).toContain('1 A container is a process')
  expect(text).toContain('Every process has namespaces')
  expect(text).toMatch(/✓ 0 of \d+ passed/)
})

describe('of many', () => {
  test('those who are stuck come first, with what the check saw; names are texts', async () => {
    const stuck = { id: 'limit', title: 'A limit of your own', state: 'stuck', saw: 'memory.max is <b>max</b>', tries: 4 }
    expect(await report('a', '<img src=x onerror=alert(1)>', { exercises: [stuck] })).toBe('204')
    expect(
      await report('b', 'bob', {
        exercises: [
          { ...stuck, state: 'passed' },
          { ...stuck, id: 'next', state: 'open', tries: 0 },
        ],
      }),
    ).toBe('204')
    expect(await report('c', 'mallory', { room: 'merry-guess-10' })).toBe('403')
    await row('bob').getByText('✓ 1 of 2 passed').waitFor()
    await row('<img src=x onerror=alert(1)>').getByText('⚠ stuck at').waitFor()
    expect(await names()).toEqual(['<img src=x onerror=alert(1)>', 'ada', 'bob'])
    const text = await row('<img src=x onerror=alert(1)>').textContent()
    expect(text).toContain('A limit of your own (4 tries)')
    expect(text).toContain('memory.max is <b>max</b>')
    expect(await workshop.tab.page.locator('h2', { hasText: 'Learners' }).textContent()).toContain('3 joined, 1 stuck')
    expect(await workshop.tab.page.locator('table.learners img').count()).toBe(0)
  })

  test('who is not stuck any more, and who has left, goes down', async () => {
    expect(await report('a', '<img src=x onerror=alert(1)>', { left: true })).toBe('204')
    await row('<img src=x onerror=alert(1)>').getByText('has left').waitFor()
    learner?.type('q')
    expect(await learner?.ended()).toBe(0)
    await row('ada').getByText('has left').waitFor()
    expect(await names()).toEqual(['bob', '<img src=x onerror=alert(1)>', 'ada'])
    expect(await workshop.tab.page.locator('h2', { hasText: 'Learners' }).textContent()).toContain('3 joined, 0 stuck')
  })
})

describe('it is for everybody', () => {
  test.each([800, 1920])('it fits a screen that is %d wide', async (width) => {
    await workshop.tab.page.setViewportSize({ width, height: 700 })
    expect(await standsOut(workshop.tab.page)).toBe(false)
  })

  test.each(['light', 'dark'] as const)('its letters can be read: %s', async (colorScheme) => {
    await workshop.tab.page.emulateMedia({ colorScheme })
    expect(await faintTexts(workshop.tab.page)).toEqual([])
  })

  test('its parts have names', async () => {
    await expectHeard(workshop.tab.page.locator('body'), [
      '- tab "Room 3" [selected]',
      '- heading "To join, type in your checkout"',
      '- columnheader "Exercises"',
      '- rowheader "bob"',
      'progressbar "scene 2 of 9"',
    ])
  })
})

test('nobody sees it without the token, and no script has failed', async () => {
  const other = await workshop.browser.tab()
  const answer = await other.page.goto(`http://${ADDRESS}:7777/`)
  expect(answer?.status()).toBe(401)
  expect(await other.page.textContent('body')).not.toContain(word())
  await other.close()
  // A browser says so of every page that is not this machine's own and comes by plain http; the header is for the others.
  expect(workshop.tab.errors.filter((error) => !error.startsWith('The Cross-Origin-Opener-Policy header has been ignored'))).toEqual([])
})
