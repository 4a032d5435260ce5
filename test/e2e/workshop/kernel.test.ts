/** The live picture in a real browser, held against the kernel's own state. */
import { describe, expect } from 'vitest'
import { CAPABILITIES } from '../../../lib/picture/capabilities.js'
import { expectHeard, faintTexts, standsOut } from '../../support/browser.js'
import { onPrivateHost } from '../../support/private-host.js'
import { onWorkshopPage } from '../../support/workshop-page.js'

const at = onPrivateHost('command:chromium', 'command:nft')
const { test } = at
/** Names that a page which writes them as HTML would run, and a terminal would obey. */
const PROGRAM = 'busybox<b>&'
const FILE = 'a\\033[31m<img src=x onerror=alert(1)>'

/** In the background; gives its pid as its host counts. */
async function contain(name: string, flags: readonly string[], ...argv: string[]): Promise<number> {
  const base = ['run', '-d', '--name', name, ...flags, '--rootfs', at.root.path]
  const { exitCode, stderr } = await at.host.drydock(...base, ...argv)
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
  return Number((await at.host.drydock('inspect', '--format', '{{.State.Pid}}', name)).stdout)
}

const inode = async (pid: number | 'self', kind: string): Promise<string> =>
  /\d+/.exec((await at.host.run(['readlink', `/proc/${pid}/ns/${kind}`])).stdout)?.[0] ?? ''

const KINDS = ['mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup']
const pids: Record<string, number> = {}

const workshop = onWorkshopPage(at, async () => {
  const limits = ['--memory', '64m', '--cpus', '0.5', '--pids-limit', '20', '-p', '8080:80']
  pids.web = await contain('web', ['--hostname', 'web', ...limits, '--cap-drop', 'all', '--cap-add', 'net_raw'], 'sleep', '1d')
  pids.helper = await contain('helper', ['--network', 'container:web'], 'sleep', '1d')
  const script = `printf new >"/$(printf '${FILE}')"; rm /bin/id; touch /bin/busybox; cp /bin/busybox '/${PROGRAM}'; exec '/${PROGRAM}' sleep 1d`
  pids.hostile = await contain('hostile', ['--hostname', 'hostile'], 'sh', '-c', script)
})

test('it opens', async () => {
  await workshop.tab.page.goto(workshop.url)
  await workshop.tab.page.getByRole('rowheader', { name: 'hostile' }).waitFor()
  await workshop.tab.page.locator('.cable').nth(1).waitFor()
})

describe('what it shows is what the kernel says', () => {
  test('namespaces by their inodes, and which of them are shared', async () => {
    const row = (name: string | RegExp) =>
      workshop.tab.page.locator('table.namespaces tr', { has: workshop.tab.page.getByRole('rowheader', { name }) })
    // Of this pid, and not of a longer one that begins so.
    const sleep = (pid: number | undefined) => new RegExp(`sleep ${pid}\\b`)
    const shown = async (name: string | RegExp) =>
      (await row(name).locator('td :is(.inode, .unseen)').allTextContents()).map((text) => /\d+/.exec(text)?.[0])
    const really = (pid: number | 'self') => Promise.all(KINDS.map((kind) => inode(pid, kind)))
    const kinds = (await workshop.tab.page.locator('table.namespaces thead th').allTextContents()).map((text) => text.split(' ')[0])
    expect(kinds).toEqual(KINDS)
    expect(await shown('the host')).toEqual(await really('self'))
    expect(await shown(sleep(pids.web))).toEqual(await really(pids.web as number))
    expect(await shown(sleep(pids.helper))).toEqual(await really(pids.helper as number))
    const net = (pid: number | undefined) => row(sleep(pid)).locator('td').nth(KINDS.indexOf('net')).locator('.chip')
    expect(await inode(pids.helper as number, 'net')).toBe(await inode(pids.web as number, 'net'))
    expect(await net(pids.web).getAttribute('class')).toContain('joined-below')
    expect(await net(pids.helper).locator('b').textContent()).toBe(await net(pids.web).locator('b').textContent())
  })

  test('one process with two pids', async () => {
    const { stdout } = await at.host.run(['grep', 'NSpid', `/proc/${pids.web}/status`])
    const [, ...both] = stdout.split(/\s+/)
    const { page } = workshop.tab
    const process = page.locator('.process', { has: page.getByText(`pid ${pids.web}`, { exact: true }) })
    expect(both).toEqual([String(pids.web), '1'])
    expect(await process.locator('.pid').allTextContents()).toEqual([`pid ${pids.web}`, expect.stringMatching(/^, inside [A-Z]1$/)])
  })

  test('limits as they were set', async () => {
    const card = workshop.tab.page.locator('.cgroup', { hasText: 'of 64 MiB' })
    await card.getByText('of 0.5 processors').waitFor()
    await card.getByText('1 of 20').waitFor()
    expect(await card.locator('.meter').count()).toBe(3)
  })

  test('the bridge, its cables, addresses and what is published', async () => {
    const addresses = async (...enter: string[]) => {
      const { stdout } = await at.host.run([...enter, 'ip', '-j', 'address'])
      const links = JSON.parse(stdout) as { ifname: string; addr_info: { family: string; local: string; prefixlen: number }[] }[]
      return Object.fromEntries(
        links.map(({ ifname, addr_info }) => {
          const one = addr_info.find(({ family }) => family === 'inet')
          return [ifname, one && `${one.local}/${one.prefixlen}`]
        }),
      )
    }
    const [host, web] = [await addresses(), await addresses('nsenter', '--target', String(pids.web), '--net', '--')]
    const words = workshop.tab.page.getByRole('list', { name: 'The network in words' }).getByRole('listitem')
    const [ofHost, ofWeb] = [words.filter({ hasText: 'bridge drydock0' }), words.filter({ hasText: '(web and 1 more)' })]
    expect(await ofHost.textContent()).toContain(`bridge drydock0 ${host.drydock0}`)
    expect(await ofHost.textContent()).toContain(`tcp 8080 → ${web.eth0?.split('/')[0]}:80`)
    expect(await ofHost.textContent()).toContain('masquerade')
    expect(await ofWeb.textContent()).toContain(`eth0; ${web.eth0}; default → ${host.drydock0?.split('/')[0]}`)
    const cables = Object.keys(host).filter((name) => name.startsWith('veth'))
    expect((await workshop.tab.page.locator('.cable text').allTextContents()).sort()).toEqual(cables.sort())
  })

  test('capabilities bit for bit', async () => {
    const { page } = workshop.tab
    await page.getByRole('combobox', { name: 'Process on the left' }).selectOption(String(pids.web))
    const { stdout } = await at.host.run(['grep', 'Cap', `/proc/${pids.web}/status`])
    const sets = Object.fromEntries(stdout.split('\n').map((line) => line.split(/:\s+/) as [string, string]))
    const names = { CapInh: 'inheritable', CapPrm: 'permitted', CapEff: 'effective', CapBnd: 'bounding', CapAmb: 'ambient' }
    const items = await page.locator('.capability-list li').allTextContents()
    const shown = (bit: number) =>
      new RegExp(`${pids.web}: ([^;]*);`)
        .exec(items[bit] ?? '')?.[1]
        ?.split(', ')
        .sort()
    for (const [bit, name] of CAPABILITIES.entries()) {
      const has = Object.entries(names).flatMap(([set, word]) => ((BigInt(`0x${sets[set]}`) >> BigInt(bit)) & 1n ? [word] : []))
      expect([name, shown(bit)]).toEqual([name, has.length > 0 ? has.sort() : ['none']])
    }
  })
})

describe('names of strangers', () => {
  test('are texts, whatever they look like', async () => {
    const { page } = workshop.tab
    await page.locator('.process strong').getByText(PROGRAM, { exact: true }).waitFor()
    const file = page.locator('.upper-changes li', { hasText: 'onerror' })
    expect(await file.textContent()).toContain('/a\\u001b[31m<img src=x onerror=alert(1)>')
    await page.locator('.upper-changes li.whiteout', { hasText: '/bin/id' }).waitFor()
    await page.locator('.upper-changes li.copied-up', { hasText: '/bin/busybox' }).waitFor()
    expect(await page.locator('img, iframe, object, script:not([src])').count()).toBe(0)
    expect(await page.locator('.process b:not(.pid b)').count()).toBe(0)
  })
})

test('what changes is marked, and said in words', async () => {
  const { page } = workshop.tab
  const log = page.getByRole('region', { name: /What has changed/ })
  const row = page.getByRole('rowheader', { name: 'late' })
  // Looked for from the beginning on: the mark fades.
  const marked = row.locator('[data-mark]').waitFor()
  const [pid] = await Promise.all([contain('late', ['--hostname', 'late'], 'sleep', '1d'), marked])
  // A picture may be taken while it is made, and it is then a shim yet.
  await log.getByText(new RegExp(`process ${pid} \\((sleep|shim)\\) is there; it calls itself 1`)).waitFor()
  await at.host.drydock('rm', '-f', 'late')
  await row.waitFor({ state: 'detached' })
  await log.getByText(`process ${pid} (sleep) is gone`).waitFor()
  expect(await log.locator('ol').getAttribute('aria-live')).toBe('polite')
})

test('a filter finds a box by its pid', async () => {
  const { page } = workshop.tab
  const box = page.getByRole('searchbox', { name: 'Show only boxes with' })
  await box.fill(String(pids.hostile))
  await page.getByRole('rowheader', { name: 'web' }).first().waitFor({ state: 'detached' })
  await page.getByRole('rowheader', { name: 'hostile' }).waitFor()
  await box.fill('')
  await page.getByRole('rowheader', { name: 'web' }).first().waitFor()
})

describe('for everybody', () => {
  test.each([
    [800, 600],
    [1024, 768],
    [1280, 800],
    [1920, 1080],
  ])('it fits a screen of %i × %i, and every view of it', async (width, height) => {
    const { page } = workshop.tab
    await page.setViewportSize({ width, height })
    for (const view of ['Kernel', 'Step', 'Room']) {
      await page.getByRole('tab', { name: view }).click()
      expect([view, await standsOut(page)]).toEqual([view, false])
    }
    await page.getByRole('tab', { name: 'Kernel' }).click()
  })

  test.each(['light', 'dark'] as const)('its letters can be read: %s', async (colorScheme) => {
    const { page } = workshop.tab
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe(colorScheme)
    expect(await faintTexts(page)).toEqual([])
  })

  test('the colours can be chosen, and stay chosen', async () => {
    const { page } = workshop.tab
    await page.emulateMedia({ colorScheme: 'light' })
    await page.getByRole('button', { name: /^Colours: auto/ }).click()
    await page.getByRole('button', { name: /^Colours: dark/ }).waitFor()
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe('dark')
    await page.reload()
    await page.getByRole('button', { name: /^Colours: dark/ }).click()
    await page.getByRole('button', { name: /^Colours: light/ }).click()
    await page.getByRole('rowheader', { name: 'hostile' }).waitFor()
  })

  test('all of it is reached by keys alone', async () => {
    const { page } = workshop.tab
    await page.keyboard.press('3')
    await page.getByRole('tab', { name: 'Room', selected: true }).waitFor()
    await page.keyboard.press('2')
    await page.getByRole('tab', { name: 'Step', selected: true }).waitFor()
    await page.getByRole('tab', { name: 'Step' }).focus()
    await page.keyboard.press('ArrowLeft')
    await page.getByRole('tab', { name: 'Kernel', selected: true }).waitFor()
    await page.reload()
    await page.getByRole('rowheader', { name: 'hostile' }).waitFor()
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('To the picture')
    const all = 'button, select, input, a[href]'
    const wanted = await page.locator(all).count()
    // Of the tabs only the chosen one is a stop: arrows lead to the others.
    const stops = wanted - 2
    const reached = new Set<number>()
    for (let press = 0; press < stops; press++) {
      reached.add(await page.evaluate((one) => [...document.querySelectorAll(one)].indexOf(document.activeElement as Element), all))
      expect(await page.evaluate(() => document.activeElement?.matches(':focus-visible'))).toBe(true)
      await page.keyboard.press('Tab')
    }
    expect(reached.size).toBe(stops)
  })

  test('whoever hears it hears names: views, pictures, tables, drawings', async () => {
    const { page } = workshop.tab
    // Those of web; that of late goes when the kernel has taken its network down.
    await expect.poll(() => page.locator('.cable').count(), { timeout: 30_000 }).toBe(2)
    await expectHeard(page.locator('body'), [
      '- heading "drydock" [level=1]',
      '- tab "Kernel 1" [selected]',
      '- group "What is drawn"',
      '- region "Namespaces',
      '- columnheader "net network"',
      '- img "3 network namespaces with 2 cables between them; the list below says the same"',
      '- img "The upper sheet, on which is written, over 1 lower layer"',
      '- list "The network in words"',
      '- list "Written on the upper sheet"',
      '- combobox "Process on the left"',
    ])
    const nameless = await page.getByRole('button', { name: /^$/ }).count()
    expect(nameless + (await page.locator('svg:not([aria-hidden]):not([role=img])').count())).toBe(0)
  })
})

test('when the connection is lost it says so, keeps the last picture, and comes back', async () => {
  const { page } = workshop.tab
  const { tab, url } = workshop
  expect(await workshop.end()).toBe(0)
  await page.getByRole('alert').getByText('The connection is lost. This is the last picture').waitFor()
  await page.getByRole('rowheader', { name: 'hostile' }).waitFor()
  expect(await workshop.begin('--port', new URL(url).port)).toBe(url)
  await page.getByRole('alert').waitFor({ state: 'detached' })
  // While nobody answered, the browser said so itself.
  tab.errors.splice(0, tab.errors.length, ...tab.errors.filter((error) => !error.includes('net::ERR_')))
})

test('nothing was asked of anybody else, and no script has failed', async () => {
  const { requests, errors } = workshop.tab
  expect(requests.filter((request) => !request.startsWith(workshop.url) && !request.startsWith('data:'))).toEqual([])
  expect(errors).toEqual([])
})
