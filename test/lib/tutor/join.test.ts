/** Joining an instructor's room: what is sent, to whom, when, and that a lesson goes on whatever answers there. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LearnerReport } from '../../../lib/trace/report.js'
import { parseInvitation } from '../../../lib/tutor/room/invitation.js'
import { firstReport, type Pace, Reporter } from '../../../lib/tutor/room/reporter.js'
import { requires } from '../../support/requires.js'
import { TerminalSession } from '../../support/terminal.js'

const needsBottle = requires('user-namespaces')
const root = fileURLToPath(new URL('../../../', import.meta.url))
const program = "import('./lib/tutor/main.ts').then(({ main }) => main(process.argv.slice(1))).then((status) => process.exit(status))"
const argv = ['--import', 'tsx', '-e', program, '--']

const ENTER = '\r'
const WORD = 'merry-ketch-42'
/** All that a report has, and what an exercise in it has. */
const KEYS = ['exercises', 'id', 'left', 'lesson', 'name', 'room', 'scene', 'version']
const EXERCISE_KEYS = new Set(['id', 'title', 'state', 'saw', 'tries'])

type Answer = (report: LearnerReport, response: ServerResponse) => void
const right: Answer = ({ room }, response) => {
  if (room === WORD) response.writeHead(204).end()
  else response.writeHead(403).end(JSON.stringify({ message: 'that is not the word of this room' }))
}

let reports: LearnerReport[]
let requests: { method: string | undefined; url: string | undefined; headers: IncomingMessage['headers'] }[]
let heard: (() => void)[]
let answer: Answer
let origin: string
let close: () => Promise<void>
beforeEach(async () => {
  ;[reports, requests, heard, answer] = [[], [], [], right]
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    requests.push({ method: request.method, url: request.url, headers: request.headers })
    const report = JSON.parse(text) as LearnerReport
    reports.push(report)
    answer(report, response)
    for (const wake of heard.splice(0)) wake()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  close = () =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
})
afterEach(() => close())

/** The first report, come or to come, that is so. */
async function report(holds: (report: LearnerReport) => boolean): Promise<LearnerReport> {
  for (;;) {
    const found = reports.find(holds)
    if (found) return found
    await new Promise<void>((resolve) => heard.push(resolve))
  }
}

describe('an invitation', () => {
  it('is the address of a page, with the room’s word or without', () => {
    expect(parseInvitation('http://instructor:8080')).toEqual({ origin: 'http://instructor:8080', room: undefined, encrypted: false })
    expect(parseInvitation('https://h/?room=a-b-1&x=y')).toEqual({ origin: 'https://h', room: 'a-b-1', encrypted: true })
    for (const wrong of ['instructor', 'instructor:8080', 'ftp://h', 'http://user:secret@h', 'http://h/room', 'http://']) {
      expect(() => parseInvitation(wrong), wrong).toThrow('cannot be joined')
    }
  })
})

describe('a reporter', () => {
  const fast: Pace = { change: 60, heartbeat: 400, retry: 30, answer: 20_000, farewell: 20_000 }
  let said: string[]
  let current: Reporter | undefined
  beforeEach(() => {
    said = []
  })
  afterEach(() => current?.leave())
  function reporter(pace: Partial<Pace> = {}): Reporter {
    const exercises = [{ id: 'rename', title: 'A name', state: 'open', tries: 0 } as const]
    const first = firstReport({ name: 'ada', room: WORD, lesson: { number: 1, title: 'A dock' }, exercises })
    current = new Reporter({ origin, report: first, say: (sentence) => said.push(sentence), pace: { ...fast, ...pace } }, 3)
    return current
  }
  const scene = (index: number) => () => ({ kind: 'scene', index, heading: `scene ${index}`, markdown: 'words that stay here' }) as const
  const tried =
    (passed: boolean, saw: string[] = []) =>
    () =>
      ({ kind: 'tried', exercise: 'rename', title: 'A name', passed, saw }) as const
  const stepped = () => ({ kind: 'ahead', box: 'b', steps: [{ actor: 'host', call: 'x', shown: 'secret', args: [] }], focus: [] }) as const

  it('sends where one is and what was tried, several changes at once as one, and nothing else', async () => {
    const one = reporter()
    expect(await one.join()).toEqual({ outcome: 'heard' })
    one.tell(stepped)
    for (const index of [0, 1, 2]) one.tell(scene(index))
    expect((await report(({ scene }) => scene !== null)).scene).toEqual({ index: 2, of: 3, heading: 'scene 2' })
    one.tell(tried(false, ['its name is "a\u001b[1mb"', 'x'.repeat(300)]))
    const [stuck] = (await report(({ exercises }) => exercises[0]?.state === 'stuck')).exercises
    expect(stuck).toMatchObject({ id: 'rename', title: 'A name', tries: 1 })
    expect(stuck?.saw).toHaveLength(200)
    expect(stuck?.saw).toContain('its name is "a\\u001b[1mb" xxx')
    one.tell(tried(true))
    expect((await report(({ exercises }) => exercises[0]?.state === 'passed')).exercises).toEqual([
      { id: 'rename', title: 'A name', state: 'passed', tries: 2 },
    ])
    one.tell(tried(false))
    expect((await report(({ exercises }) => exercises[0]?.tries === 3)).exercises[0]?.state, 'stays passed').toBe('passed')
    await one.leave()
    expect(reports.at(-1)?.left).toBe(true)
    for (const report of reports) {
      expect(Object.keys(report).sort()).toEqual(KEYS)
      expect(report).toMatchObject({ version: 1, name: 'ada', room: WORD, id: reports[0]?.id })
      expect(report.id).toMatch(/^[0-9a-f]{32}$/)
      for (const exercise of report.exercises) expect(Object.keys(exercise).filter((key) => !EXERCISE_KEYS.has(key))).toEqual([])
    }
    expect(new Set(requests.map(({ method, url, headers }) => `${method} ${url} ${headers['content-type']} ${headers.cookie}`))).toEqual(
      new Set(['POST /room/report application/json undefined']),
    )
    expect(JSON.stringify([reports, requests])).not.toMatch(/secret|words that stay/)
    expect(said).toEqual([])
  })

  it('says now and then that somebody is there', async () => {
    const one = reporter({ heartbeat: 20 })
    await one.join()
    while (reports.length < 4) await new Promise<void>((resolve) => heard.push(resolve))
    expect(new Set(reports.map((report) => JSON.stringify(report))).size).toBe(1)
  })

  it('tells of a network that fails once, tries again quietly, and then sends how it is now', async () => {
    const one = reporter()
    await one.join()
    answer = (_, response) => response.destroy()
    const before = reports.length
    one.tell(scene(0))
    while (reports.length < before + 3) await new Promise<void>((resolve) => heard.push(resolve))
    one.tell(scene(1))
    answer = right
    reports.splice(0)
    await report(({ scene }) => scene?.index === 1)
    one.tell(stepped)
    expect(said).toEqual([
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+ is not reached \(.+\)\. The lesson goes on without it; it is tried again/),
    ])
  })

  it('waits for no answer longer than its time, and at the end for none that will not come', async () => {
    answer = () => undefined
    const one = reporter({ answer: 200 })
    expect(await one.join()).toEqual({ outcome: 'missed', why: 'no answer within 0.2 s' })
    await one.leave()
    expect(reports.filter(({ left }) => left)).toEqual([])
  })

  it('stops when the word is another one', async () => {
    const one = reporter()
    await one.join()
    answer = (_, response) => response.writeHead(403).end()
    one.tell(scene(0))
    await report(({ scene }) => scene !== null)
    const { length } = reports
    const hear = () => {
      one.tell(stepped)
      return said
    }
    await expect.poll(hear, { timeout: 20_000 }).toEqual([expect.stringContaining('The room’s word is another one now')])
    one.tell(scene(1))
    await one.leave()
    expect(reports).toHaveLength(length)
  })

  it('takes no redirection, and what answers otherwise for a network that fails', async () => {
    answer = (_, response) => response.writeHead(307, { location: `${origin}/elsewhere` }).end()
    expect(await reporter().join()).toEqual({ outcome: 'missed', why: 'it answers with status 307' })
    answer = (_, response) => response.writeHead(503).end(JSON.stringify({ message: 'the room is\u001b[2J full' }))
    expect(await reporter().join()).toEqual({ outcome: 'missed', why: 'it answers with status 503: the room is\\u001b[2J full' })
    expect(requests.map(({ url }) => url)).not.toContain('/elsewhere')
  })
})

describe('a lesson in a room', { timeout: 180_000 }, () => {
  let home: string
  let env: NodeJS.ProcessEnv
  let session: TerminalSession | undefined
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'drydock-join-'))
    const { FORCE_COLOR: _, ...rest } = process.env
    env = {
      ...rest,
      DRYDOCK_LESSONS: fileURLToPath(new URL('./fixtures/', import.meta.url)),
      DRYDOCK_STATE_DIR: join(home, 'state'),
      DRYDOCK_WORKSPACE: join(home, 'workspace'),
      DRYDOCK_RUN_DIR: join(home, 'run'),
      SUDO_USER: 'grace',
      // The last report is waited for, however slow this machine is.
      DRYDOCK_PATIENCE: '20',
      NO_COLOR: '1',
    }
  })
  afterEach(async () => {
    session?.kill()
    await session?.ended()
    session = undefined
    rmSync(home, { recursive: true })
  })
  const atTerminal = (...args: string[]) => {
    session = new TerminalSession(process.execPath, [...argv, ...args], { cwd: root, env })
    return session
  }
  const unattended = (...args: string[]) => execa(process.execPath, [...argv, '1', '--auto', ...args], { cwd: root, env, reject: false })

  needsBottle('asks who one is and for the word, shows what would be sent, and sends nothing before that was agreed to', async () => {
    const learner = atTerminal('1', '--join', origin)
    await learner.see('What do you want to be called there? (grace)')
    learner.type(ENTER)
    await learner.see('The room’s word')
    learner.type(`wrong${ENTER}`)
    expect(await learner.see('Join as grace, and have this sent?')).toContain(`This is sent to ${origin}`)
    expect(reports).toEqual([])
    learner.type(ENTER)
    await learner.see('does not let you in: that is not the word of this')
    await learner.see('The room’s word')
    learner.type(`${WORD}${ENTER}`)
    await learner.see(`ok you have joined the room at ${origin} as grace.`)
    await learner.see('enter begin')
    expect(reports.slice(0, 2).map(({ room }) => room)).toEqual(['wrong', WORD])
    expect((await report(({ scene }) => scene !== null)).scene).toEqual({ index: 0, of: 3, heading: 'A name' })
    learner.type('q')
    expect(await learner.ended()).toBe(0)
    expect(reports.at(-1)).toMatchObject({ name: 'grace', left: true, lesson: { number: 1, title: 'A small dock' } })
    for (const one of reports) expect(Object.keys(one).sort()).toEqual(KEYS)
  })

  needsBottle('is played without it by who would rather not', async () => {
    const learner = atTerminal('1', '--join', `${origin}/?room=${WORD}`, '--name', 'ada')
    await learner.see('Join as ada, and have this sent?')
    learner.type(`n${ENTER}`)
    await learner.see('You have not joined. The lesson goes on without.')
    await learner.see('enter begin')
    learner.type('q')
    expect(await learner.ended()).toBe(0)
    const other = atTerminal('1', '--join', origin, '--name', 'ada')
    await other.see('(Enter alone: do not join)')
    other.type(ENTER)
    await other.see('You have not joined.')
    await other.see('enter begin')
    other.type('q')
    expect(await other.ended()).toBe(0)
    expect(requests).toEqual([])
  })

  needsBottle('reports the exercises that were passed, also with nobody to ask', async () => {
    const { exitCode, stdout } = await unattended('--join', `${origin}/?room=${WORD}`, '--name', 'ada', '--yes')
    expect(exitCode, stdout).toBe(0)
    expect(reports.at(-1)).toMatchObject({
      left: true,
      scene: { index: 2, of: 3, heading: 'A task' },
      exercises: [{ id: 'rename', title: 'A name of its own', state: 'passed', tries: 1 }],
    })
    const wrong = await unattended('--join', `${origin}/?room=other`, '--name', 'ada', '--yes')
    expect([wrong.exitCode, wrong.stderr]).toEqual([1, `drydock: ${origin} does not let you in: that is not the word of this room`])
    const { stderr, exitCode: refused } = await unattended('--join', origin)
    expect(refused).toBe(1)
    expect(stderr).toBe(
      `drydock: --join without somebody to ask needs --name NAME and --yes and the room’s word in the address (${origin}/?room=WORD)`,
    )
  })

  needsBottle('goes on when nobody answers, and says so once', async () => {
    await close()
    const { exitCode, stdout } = await unattended('--join', `${origin}/?room=${WORD}`, '--name', 'ada', '--yes')
    expect(exitCode, stdout).toBe(0)
    expect(stdout.replace(/\s+/g, ' ').split('is not reached (ECONNREFUSED)')).toHaveLength(2)
    expect(stdout).toContain('the end of lesson 1')
  })
})
