/**
 * What the workshop page costs: 200 containers are there, a hundred learners have joined and report every ten seconds, one page is open. Run by main.ts on a
 * host of its own. The processor's time is that of the workshop's process and of its shim; memory is what they have resident.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { get, type IncomingMessage, request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Docker from 'dockerode'
import { execa } from 'execa'
import { DRYDOCK } from '../test/support/private-host.js'
import { measure, PLACE } from './isolated.js'

const CONTAINERS = 200
const LEARNERS = 100
/** Milliseconds between two reports of one learner. */
const REPORTS = 10_000
/** Seconds: until all has settled, and of one measurement, in which several pictures are taken. */
const SETTLES = 15
const STRETCH = 10

const SUBJECT = {
  name: 'workshop',
  title: 'The workshop page',
  about: `${CONTAINERS} containers are there, ${LEARNERS} learners have joined and report every ten seconds, one page is open. The processor’s time is that of the workshop’s
process and of its shim, in stretches of ten seconds; memory is what both have resident, more than before anybody came.`,
}

const START = fileURLToPath(new URL('../scripts/start.cjs', import.meta.url))
const SOCKET = `${PLACE}/engine.sock`
/** USER_HZ of every architecture that drydock knows; proc_pid_stat(5). */
const TICKS = 100

await measure(SUBJECT, async (bench) => {
  const { signal } = bench
  const daemon = await started([DRYDOCK, 'daemon', '-H', `unix://${SOCKET}`, '--exec-root', `${PLACE}/exec`], /listening|API/i, signal)
  const workshop = await started([START, 'workshop', '--listen', '0.0.0.0'], /Ctrl-C/, signal)
  try {
    await fill(signal)
    const [, port = '', token = ''] = /127\.0\.0\.1:(\d+)\/\?token=(\w+)/.exec(workshop.said()) ?? []
    const [, word = ''] = /this room, (\S+),/.exec(workshop.said()) ?? []
    const pid = workshop.child.pid as number
    const rest = costOf(pid)
    const page = await openPage(Number(port), token)
    const learners = reporting(Number(port), word)
    await setTimeout(SETTLES * 1000, undefined, { signal })
    const [shares, growths]: [number[], number[]] = [[], []]
    for (let stretch = 0; stretch < bench.rounds(6, 1); stretch++) {
      const [before, began] = [costOf(pid), performance.now()]
      await setTimeout(STRETCH * 1000, undefined, { signal })
      const now = costOf(pid)
      shares.push(((now.ticks - before.ticks) / TICKS / (performance.now() - began)) * 100_000)
      growths.push((now.resident - rest.resident) / 2 ** 20)
    }
    clearInterval(learners.timer)
    page.close()
    bench.command('npm run workshop -- --listen 0.0.0.0')
    const each = { better: 'less', own: 'drydock' } as const
    const label = `${CONTAINERS} containers, ${LEARNERS} learners`
    bench.compare({
      ...each,
      key: 'workshop-processor',
      title: 'of one processor',
      unit: '%',
      cases: [{ label, values: { drydock: shares }, targets: [{ bound: 10 }] }],
    })
    bench.compare({
      ...each,
      key: 'workshop-memory',
      title: 'more memory than before anybody came',
      unit: 'MiB',
      cases: [{ label, values: { drydock: growths }, targets: [{ bound: 100 }] }],
    })
    bench.note(
      `${learners.accepted()} reports were taken and ${page.pictures()} pictures shown; the first one has ${(page.first() / 1024).toFixed(0)} KiB.`,
    )
  } finally {
    workshop.child.kill('SIGTERM')
    await workshop.ended
    await execa(process.execPath, [DRYDOCK, '-H', `unix://${SOCKET}`, 'system', 'prune', '--force'], { reject: false })
    daemon.child.kill('SIGTERM')
    await daemon.ended
  }
})

interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
  said(): string
}

/** A program of ours, once it has said that it is ready. */
async function started(words: readonly string[], ready: RegExp, signal: AbortSignal): Promise<Started> {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'], signal })
  let said = ''
  const ended = new Promise((resolve) => child.on('close', resolve).on('error', resolve))
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => {
        said += text
        if (ready.test(said)) resolve()
      })
    }
    void ended.then(() => reject(new Error(`${words.join(' ')} has ended, having said:\n${said}`)))
  })
  return { child, ended, said: () => said }
}

/** The first by the command line, which brings the image; each on the default bridge. */
async function fill(signal: AbortSignal): Promise<void> {
  const argv = [DRYDOCK, '-H', `unix://${SOCKET}`, 'run', '-d', 'host', 'sleep', '1000000']
  await execa(process.execPath, argv, { cancelSignal: signal })
  const docker = new Docker({ socketPath: SOCKET })
  for (let number = 1; number < CONTAINERS; number++) {
    signal.throwIfAborted()
    await (await docker.createContainer({ Image: 'host', Cmd: ['sleep', '1000000'] })).start()
  }
}

/** Bytes resident, and clock ticks, of a process and its children. */
function costOf(pid: number): { readonly resident: number; readonly ticks: number } {
  const own = [pid, ...childrenOf(pid)].map((one) => {
    const fields = readFileSync(`/proc/${one}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    const resident = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${one}/status`, 'utf8'))?.[1] ?? 0) * 1024
    return { resident, ticks: Number(fields[11]) + Number(fields[12]) }
  })
  return { resident: own.reduce((sum, one) => sum + one.resident, 0), ticks: own.reduce((sum, one) => sum + one.ticks, 0) }
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    const text = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim()
    return text === '' ? [] : text.split(' ').map(Number)
  })
}

interface Page {
  /** Whole ones and changes. */
  pictures(): number
  /** Bytes of the first whole picture. */
  first(): number
  close(): void
}

async function openPage(port: number, token: string): Promise<Page> {
  const headers = { Cookie: `drydock-workshop-${port}=${token}` }
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/live', headers }, resolve).on('error', reject)
  })
  if (answer.statusCode !== 200) throw new Error(`the page is not answered: ${answer.statusCode}`)
  let [pictures, first] = [0, 0]
  let rest = ''
  answer.setEncoding('utf8').on('data', (text: string) => {
    const events = (rest + text).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) {
      if (/^event: (picture|changed)\n/.test(event)) pictures++
      if (event.startsWith('event: picture\n')) first = event.length
    }
  })
  return { pictures: () => pictures, first: () => first, close: () => void answer.destroy() }
}

/** Learners who report one after the other, each at its interval. */
function reporting(port: number, room: string): { readonly timer: NodeJS.Timeout; accepted(): number } {
  let [next, accepted] = [0, 0]
  const report = () => {
    const number = next++ % LEARNERS
    const exercises = ['one', 'two', 'three'].map((id) => ({
      id,
      title: `Exercise ${id}`,
      state: 'stuck',
      saw: `b has ${next} addresses`,
      tries: next,
    }))
    const body = JSON.stringify({
      version: 1,
      id: number.toString(16).padStart(16, '0'),
      name: `Learner ${number}`,
      room,
      lesson: { number: 5, title: 'A network of one’s own' },
      scene: { index: next % 7, of: 7, heading: 'A cable' },
      exercises,
      left: false,
    })
    const asked = request(
      { host: '127.0.0.1', port, path: '/room/report', method: 'POST', headers: { 'Content-Type': 'application/json' } },
      (answer) => {
        if (answer.statusCode === 204) accepted++
        answer.resume()
      },
    )
    asked.on('error', () => undefined).end(body)
  }
  for (let number = 0; number < LEARNERS; number++) report()
  return { timer: setInterval(report, REPORTS / LEARNERS), accepted: () => accepted }
}
