/** A connection that is there and brings nothing more, as on a wifi that was changed: the page says so, and finds back. */
import { expect } from 'vitest'
import { onPrivateHost } from '../../support/private-host.js'
import { onWorkshopPage } from '../../support/workshop-page.js'

const at = onPrivateHost('command:chromium')
const { test } = at
const workshop = onWorkshopPage(at)

test('a page on which nothing comes any more says so, and has what is now when it comes again', async () => {
  const { page } = workshop.tab
  // What is sent then is lost, and nobody is told.
  const loopback = (state: 'up' | 'down') => at.host.run(['ip', 'link', 'set', 'lo', state])
  const lost = page.getByText('The connection is lost.')
  await page.clock.install()
  await page.goto(workshop.url)
  await page.getByText(/, now: Linux/).waitFor()
  await loopback('down')
  try {
    await page.clock.fastForward(30_000)
    expect(await lost.count()).toBe(0)
    await page.clock.fastForward(40_000)
    await lost.waitFor()
  } finally {
    await loopback('up')
  }
  await page.clock.fastForward(10_000)
  await page.getByText(/, now: Linux/).waitFor()
  expect(await lost.count()).toBe(0)
})
