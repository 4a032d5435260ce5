/** `npm run workshop` and `drydock view` as a person types them, on a host with a cable. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, onTestFinished } from 'vitest'
import type { Exported } from '../../lib/workshop/protocol.js'
import { type Daemon, runForTest } from '../support/daemon.js'
import { onPrivateHost } from '../support/private-host.js'

const at = onPrivateHost()
const { test } = at
const START = fileURLToPath(new URL('../../scripts/start.cjs', import.meta.url))
const ADDRESS = '192.0.2.10'

/** nsenter(1) hands signals to nobody: they are sent inside, to all of this name. */
const interrupt = () => at.host.run(['pkill', '-INT', '-f', 'start.cjs workshop'])

function start(...args: string[]): Daemon {
  const workshop = runForTest(at.host.enter([process.execPath, START, 'workshop', ...args]))
  // Waited for: it would end the next test's too.
  onTestFinished(async () => void (await interrupt()))
  return workshop
}

const ASK = `
const [url, headers] = process.argv.slice(1)
require('node:http')
  .get(url, { headers: JSON.parse(headers) }, (answer) => console.log(JSON.stringify([answer.statusCode, ...(answer.headers['set-cookie'] || [])])) || process.exit())
  .on('error', (error) => console.log(JSON.stringify([error.code])))`

/** The kinds of a session's events up to its end. */
const FOLLOW = `
const kinds = []
let rest = ''
require('node:http').get(process.argv[1], (answer) => answer.setEncoding('utf8').on('data', (text) => {
  const events = (rest + text).split('\\n\\n')
  rest = events.pop()
  for (const event of events) {
    const data = /^data: (.*)$/m.exec(event)
    if (data) kinds.push(JSON.parse(data[1]).what.kind)
  }
  if (kinds.at(-1) === 'end') console.log(JSON.stringify(kinds)) || process.exit()
}))`

/** Asked on that host: the status, or why there is none; and the cookie. */
async function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<[status: unknown, cookie?: string]> {
  const { stdout } = await at.host.run([process.execPath, '-e', ASK, url, JSON.stringify(headers)])
  return JSON.parse(stdout)
}

beforeAll(async () => {
  if (!at.able) return
  // An interface whose carrier the kernel has not seen yet has no address for anybody.
  const cable = `ip link add w0 type veth peer name w1; ip link set w1 up; ip address add ${ADDRESS}/24 dev w0; ip link set w0 up`
  await at.host.run(['sh', '-ec', `${cable}; until ip -o link show w0 | grep -q 'state UP'; do sleep 0.05; done`])
  // What other users of this machine have recorded root would see too.
  await at.host.run(['sh', '-c', 'for one in /tmp/drydock-[0-9]*; do [ ! -d "$one" ] || mount -t tmpfs none "$one"; done'])
})

describe('the page', () => {
  test('for this machine alone: one address, no token, no room', async () => {
    const workshop = start()
    const said = await workshop.until(/Ctrl-C ends it\.\n/)
    expect(said).toBe('The workshop page:\n  http://127.0.0.1:7777/\n\nCtrl-C ends it.\n')
    expect(await ask('http://127.0.0.1:7777/')).toEqual([200])
    expect(await ask('http://[::1]:7777/page.js')).toEqual([200])
    expect(await ask(`http://${ADDRESS}:7777/`)).toEqual(['ECONNREFUSED'])
    const second = start()
    expect(await second.until(/Ctrl-C/)).toMatch(
      /^Port 7777 is taken; this is \d+\.\nThe workshop page:\n {2}http:\/\/127\.0\.0\.1:\d+\/\n/,
    )
    const third = start('--port', '7777')
    expect(await third.ended).toEqual({
      status: 1,
      said: 'drydock: port 7777 is taken, perhaps by another workshop page: name another with --port\n',
    })
    await interrupt()
    for (const one of [workshop, second])
      expect(await one.ended).toMatchObject({ status: 0, said: expect.stringMatching(/\nThe page has ended\.\n$/) })
    expect(existsSync(at.host.path('/run/drydock')) && (await at.host.run(['ls', '/run/drydock'])).stdout).not.toContain('workshop')
  })

  test('for a room: a token for the page, a word for learners, and what is said of the network', async () => {
    const workshop = start('--listen', '0.0.0.0')
    const said = await workshop.until(/Ctrl-C ends it\.\n/)
    const url = new RegExp(`^ {2}(http://${ADDRESS}:7777/\\?token=[0-9a-f]{32})$`, 'm').exec(said)?.[1] ?? ''
    expect(said).toMatch(
      /Learners join this room, [a-z]+-[a-z]+-\d\d, from their machines by\n {2}npm run lesson -- --join http:\/\/192\.0\.2\.10:7777\n/,
    )
    expect(said).toContain('plain http')
    expect(await ask(`http://${ADDRESS}:7777/`)).toEqual([401])
    expect(await ask('http://127.0.0.1:7777/live')).toEqual([401])
    const [status, cookie = ''] = await ask(url)
    expect(status).toBe(303)
    const headers = { Cookie: cookie.split(';', 1)[0] as string }
    expect(await ask(`http://${ADDRESS}:7777/page.js`, headers)).toEqual([200])
    expect(await ask(`http://127.0.0.1:7777/live`, headers)).toEqual([200])
    expect(await ask(`http://${ADDRESS}:7777/`, { ...headers, Host: 'evil.example' })).toEqual([421])
    await interrupt()
    expect(await workshop.ended).toMatchObject({ status: 0 })
  })
})

describe('drydock view', () => {
  test.each<[readonly string[], string]>([
    [
      ['--listen', 'lab.example'],
      "drydock: 'lab.example' is no place to listen: it is an address of this machine, such as 0.0.0.0 (all of them), 192.168.1.5:8000 or [::]:8000",
    ],
    [['--listen', '198.51.100.1'], 'drydock: cannot listen on 198.51.100.1 port 7777: no interface of this machine has that address'],
    [['--port', 'x'], "drydock: --port: 'x' is no port: it is a number from 1 to 65535"],
    [
      ['--name', 'http://lab.example'],
      'drydock: --name "http://lab.example" is no name of a machine: it is one such as lab.example, without http:// and without a port',
    ],
    [['--list', '--export', 'last'], 'drydock: --list and --export are two things: leave one out'],
    [['--list', '--listen', '0.0.0.0'], 'drydock: --list and --export open no page: leave out what is meant for one'],
    [['--output', 'x'], 'drydock: --output says where --export writes: name a session too'],
    [['--export', 'last'], 'drydock: nothing has been recorded here yet: step through a lesson, or `drydock run --step`'],
    [['--export', '/none'], 'drydock: there is no trace "/none": it is neither in `drydock view --list` nor a file'],
    [['--export', '/etc'], 'drydock: there is no trace "/etc": what has that name is no file of at most 80 MiB'],
    [['--export', '/etc/passwd'], 'drydock: there is no trace "/etc/passwd": the file does not begin as one'],
  ])('%j is answered with one sentence', async (args, sentence) => {
    expect(await at.host.drydock('view', ...args)).toEqual({ exitCode: 1, stdout: '', stderr: sentence })
  })
})

describe('a lesson that is played while the page is open', () => {
  test('is listed, followed to its end, and exported; afterwards nothing of the page is left', async () => {
    const workshop = start()
    await workshop.until(/Ctrl-C/)
    const played = await at.host.run([process.execPath, START, 'lesson', '3', '--auto'])
    expect(played.exitCode).toBe(0)
    const { stdout } = await at.host.drydock('view', '--list')
    const [heading = '', row = '', ...more] = stdout.split('\n')
    expect(heading).toMatch(/^TRACE +TITLE +USER +BEGAN +STATE +EVENTS$/)
    const [, id = '', count = ''] = /^(lesson-\d+-[0-9a-z]+) .* root .* ago +over +(\d+)$/.exec(row) ?? []
    expect(more).toEqual([])
    expect(Number(count)).toBeGreaterThan(100)
    const followed = await at.host.run([process.execPath, '-e', FOLLOW, `http://127.0.0.1:7777/sessions/${id}/events`])
    const kinds: string[] = JSON.parse(followed.stdout)
    expect(kinds).toHaveLength(Number(count))
    expect(kinds[0]).toBe('session')
    expect(kinds.at(-1)).toBe('end')
    expect(new Set(kinds)).toEqual(new Set([...kinds, 'scene', 'ahead', 'done', 'looked', 'picture', 'changed']))
    for (const trace of ['last', id, `/run/drydock/traces/${id}.jsonl`]) {
      const file = '/run/exported.html'
      expect(await at.host.drydock('view', '--export', trace, '--output', file)).toEqual({ exitCode: 0, stdout: '', stderr: '' })
      const html = readFileSync(at.host.path(file), 'utf8')
      const { events } = JSON.parse(/id="export">([^<]*)</.exec(html)?.[1] ?? '') as Exported
      expect(events.map(({ what }) => what.kind)).toEqual(kinds)
    }
    expect((await at.host.drydock('view', '--export', id)).stdout).toMatch(/^<!doctype html>/)
    await interrupt()
    expect(await workshop.ended).toMatchObject({ status: 0 })
    expect((await at.host.run(['ls', '/run/drydock'])).stdout).not.toContain('workshop')
  }, 240_000)
})
