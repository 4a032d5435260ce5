/** The prompt for system calls and `drydock run --step`, each at a terminal, and the page beside them: what it shows of a call, before and after. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import { learnersEnv } from '../../support/lesson-terminal.js'
import { onPrivateHost } from '../../support/private-host.js'
import { TerminalSession } from '../../support/terminal.js'
import { onWorkshopPage, START } from '../../support/workshop-page.js'

const at = onPrivateHost('command:chromium')
const { test } = at
const workshop = onWorkshopPage(at)

let home: string
let session: TerminalSession | undefined
beforeEach(async () => {
  if (!at.able) return
  home = mkdtempSync(join(tmpdir(), 'drydock-prompt-'))
  await workshop.tab.page.goto(`${workshop.url}#step`)
})
afterEach(() => {
  session?.kill()
  session = undefined
  if (home) rmSync(home, { recursive: true, force: true })
})

const region = (name: RegExp) => workshop.tab.page.getByRole('region', { name })
const figure = (when: string) =>
  workshop.tab.page.locator('.before-after figure', { has: workshop.tab.page.getByText(when, { exact: true }) })
const choose = (picture: RegExp) => workshop.tab.page.locator('.before-after').getByRole('button', { name: picture }).click()

test('a call typed at the prompt is shown with what it changed', async () => {
  const [file = '', ...args] = at.host.enter([process.execPath, START, 'repl'])
  session = new TerminalSession(file, args, { env: learnersEnv(home) })
  const enter = async (line: string) => {
    session?.type(`${line}\r`)
    await session?.see(`${line}\n`)
    const answer = await session?.see('\ncontainer')
    await session?.see('> ')
    return answer
  }
  await session.see('host> ')
  await enter('clone uts')
  await region(/^Just run/)
    .getByText(/^clone3\(\{flags=uts/)
    .first()
    .waitFor()
  expect(await enter('sethostname anchor')).toContain('= 0')
  const done = region(/^Just run/)
  await done.getByText('sethostname("anchor"').first().waitFor()
  await done.locator('.outcome', { hasText: '✓ 0' }).waitFor()
  await choose(/^Namespaces/)
  await figure('after').locator('.chip', { hasText: 'anchor' }).first().waitFor()
  await figure('before').locator('.chip', { hasText: 'repl' }).first().waitFor()
  expect(await figure('before').getByText('anchor').count()).toBe(0)
  expect(await figure('after').locator('.chip[data-mark=still]', { hasText: 'anchor' }).count()).toBe(1)
  session.type('quit\r')
  expect(await session.ended()).toBe(0)
  expect(workshop.tab.errors).toEqual([])
})

test('a call of run --step is shown with what it changed', async () => {
  session = at.host.terminal('run', '--rm', '--step', '--network', 'none', '--rootfs', at.root.path, 'true')
  // One by one, as far as the call that makes the container's process.
  let asked = await session.see('enter run')
  for (let call = 0; !asked.includes('clone3('); call++) {
    expect(call, asked).toBeLessThan(80)
    session.type('\r')
    asked = await session.see('enter run')
  }
  const ahead = region(/^About to run/)
  await ahead
    .getByText(/^clone3\(/)
    .first()
    .waitFor()
  expect(await ahead.locator('.outcome').count()).toBe(0)
  session.type('\r')
  const [, pid = ''] = await session.find(/a new process: (\d+)\D/)
  const [, next = ''] = /^(?:host|container) +(\w+)\(/m.exec(await session.see('enter run')) ?? []
  // The page has come as far as the terminal: that the call was made is one stop behind.
  await ahead
    .getByText(new RegExp(`^${next}\\(`))
    .first()
    .waitFor()
  await workshop.tab.page.getByRole('button', { name: 'Back', exact: true }).click()
  const done = region(/^Just run/)
  await done
    .getByText(/^clone3\(/)
    .first()
    .waitFor()
  await done.locator('.outcome', { hasText: '✓' }).waitFor()
  await choose(/^Processes/)
  const process = (when: string) => figure(when).locator('.process', { has: workshop.tab.page.getByText(`pid ${pid}`, { exact: true }) })
  await process('after').waitFor()
  await figure('before').waitFor()
  expect(await process('before').count()).toBe(0)
  session.type('q')
  expect(await session.ended()).toBe(0)
  expect(workshop.tab.errors).toEqual([])
})
