/**
 * kill -9 of the daemon at any moment, under load (DRYDOCK_KILLS times): it is there again soon; what was answered is so; what ran runs on; its output is in the
 * log, that of the time without a daemon too; and in the end nothing is left.
 */
import { readdirSync } from 'node:fs'
import { isIP } from 'node:net'
import { expect } from 'vitest'
import { parseFrames, textOf } from '../../support/engines/http.js'
import { tracesFrom, warmUp } from '../../support/engines/traces.js'
import { onEngine } from '../../support/engines.js'
import { type Known, LINES, Load } from './load.js'

const TIMES = Number(process.env.DRYDOCK_KILLS ?? 3)
const MANY = Number(process.env.DRYDOCK_KILLS_MANY ?? 100)
const CLIENTS = 3
/** The latest moment of a kill, after the load has begun. Milliseconds. */
const LATEST = 700

const on = onEngine('drydock')
const changes = tracesFrom(on)

interface Inspected {
  readonly Id: string
  readonly State: {
    readonly Running: boolean
    readonly Status: string
    readonly ExitCode: number
    readonly Pid: number
    readonly StartedAt: string
  }
}

const inspect = (name: string) => on.api.get(`/containers/${name}/json`)
const linesOf = async (name: string): Promise<string[]> => {
  const { body } = await on.api.get(`/containers/${name}/logs?stdout=1`)
  return textOf(parseFrames(body).frames, 1).split('\n').slice(0, -1)
}
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index + 1))

async function clear(): Promise<void> {
  const all = await on.api.must<{ Id: string }[]>('GET', '/containers/json?all=1')
  const answers = await Promise.all(all.map(({ Id }) => on.api.remove(Id)))
  expect(answers.filter(({ status }) => status !== 204).map(({ body }) => body.toString())).toEqual([])
}

/** What is wrong with one that the clients know of; nothing when all is well. */
async function complaints(known: Known): Promise<string[]> {
  const answer = await inspect(known.name)
  if (known.removed === 'answered') return answer.status === 404 ? [] : ['was removed, and is there']
  if (answer.status === 404) return known.removed === 'asked' ? [] : ['was made, and is not there']
  const { State, Id } = answer.json<Inspected>()
  if (Id !== known.id) return [`has another id: ${Id}`]
  if (known.removed === 'asked') return []
  if (known.started === 'asked' && State.Status === 'created') return []
  if (known.kind === 'long') {
    if (!State.Running) return [`ran, and is ${State.Status} (${State.ExitCode})`]
    const lines = await linesOf(known.name)
    return lines.join() === numbers(lines.length).join() ? [] : [`has a log with gaps: ${lines.slice(0, 20)} …`]
  }
  const code = await (await on.api.wait(known.name)).status
  const lines = await linesOf(known.name)
  return [
    ...(code === known.code ? [] : [`ended with ${code} instead of ${known.code}`]),
    ...(lines.join() === numbers(LINES).join() ? [] : [`has a log of ${lines.length} lines, the last of them ${lines.at(-1)}`]),
  ]
}

on.test(
  'what was answered is so, what ran runs on, and nothing is lost',
  async () => {
    for (let time = 0; time < TIMES; time++) {
      const moment = Math.random() * LATEST
      const load = new Load(on.api)
      const ended = load.run(CLIENTS, `kill${time}`)
      await new Promise((resolve) => setTimeout(resolve, moment))
      await on.engine.kill()
      load.stop()
      await ended
      await on.engine.start()
      const told = `killed after ${moment.toFixed(1)} ms, ${load.known.length} containers made`
      expect(load.wrong, told).toEqual([])
      const wrong = await Promise.all(load.known.map(async (known) => (await complaints(known)).map((what) => `${known.name} ${what}`)))
      expect(wrong.flat(), told).toEqual([])
      // The others are there whole, or not at all.
      for (const name of load.unanswered) expect([200, 404], told).toContain((await inspect(name)).status)
      await complainNotOfTheLiving(load.known, told)
      await clear()
    }
  },
  120_000 + TIMES * 20_000,
)

/** They can be spoken with as if nothing had been: their output goes on, they are stopped, they start again. */
async function complainNotOfTheLiving(all: readonly Known[], told: string): Promise<void> {
  const long = all.filter(({ kind, started, removed }) => kind === 'long' && started === 'answered' && removed === 'no')
  for (const { name } of long.slice(0, 2)) {
    const had = (await linesOf(name)).length
    const attached = await on.api.hijack(`/containers/${name}/attach?stream=1&stdout=1&stderr=1`)
    await attached.until((bytes) => bytes.length > 50, 'more of its output')
    attached.vanish()
    // Who is attached may have it before the log has.
    await expect.poll(async () => (await linesOf(name)).length, { timeout: 60_000, message: told }).toBeGreaterThan(had)
    const lines = await linesOf(name)
    expect(lines, told).toEqual(numbers(lines.length))
    const { status } = await on.api.wait(name)
    expect((await on.api.post(`/containers/${name}/stop?t=0`)).status, told).toBe(204)
    expect(await status, told).toBe(137)
    expect((await on.api.post(`/containers/${name}/start`)).status, told).toBe(204)
  }
}

on.test(
  'killed again while it comes up',
  async () => {
    const id = await on.api.create(['sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done'])
    await on.api.start(id)
    for (let time = 0; time < TIMES; time++) {
      await on.engine.kill()
      await on.engine.startAndKill(Math.random() * 400)
      await on.engine.start()
      expect((await inspect(id)).json()).toMatchObject({ State: { Running: true } })
    }
    const lines = await linesOf(id)
    expect(lines).toEqual(numbers(lines.length))
    await clear()
  },
  120_000 + TIMES * 10_000,
)

on.test(
  `${MANY} containers that run are found again`,
  async () => {
    const ids: string[] = []
    const make = async (count: number) => {
      const id = await on.api.create(['sleep', '1000'], { HostConfig: { NetworkMode: count % 2 === 0 ? 'none' : 'bridge' } })
      await on.api.start(id)
      ids.push(id)
    }
    for (let count = 0; count < MANY; count += 4) await Promise.all([0, 1, 2, 3].map((more) => make(count + more)))
    await on.engine.kill()
    const took = await on.engine.start()
    console.log(`the daemon answered ${took.toFixed(0)} ms after its start, with ${ids.length} containers that run`)
    const found = await on.api.must<{ Id: string; State: string }[]>('GET', '/containers/json')
    expect(found.map(({ Id }) => Id).sort()).toEqual(ids.sort())
    await clear()
  },
  180_000,
)

on.test('a shim that is killed gives back the address of its container, which ends', async () => {
  const id = await on.api.create(['sleep', '1000'])
  await on.api.start(id)
  // Beside the guard that whoever takes back the leases of others holds for a moment.
  const leases = () => readdirSync(on.engine.host.path('/var/lib/drydock/networks/bridge/leases')).filter((file) => isIP(file) !== 0)
  expect(leases()).toHaveLength(1)
  const { status } = await on.api.wait(id)
  const { Pid } = (await inspect(id)).json<Inspected>().State
  expect((await on.engine.host.run(['sh', '-c', `kill -9 $(ps -o ppid= -p ${Pid})`])).exitCode).toBe(0)
  expect(await status).toBe(137)
  expect(leases()).toEqual([])
  await clear()
})

on.test(
  'nothing is left of all that',
  async () => {
    await warmUp(on.engine)
    expect(await changes()).toEqual([])
  },
  120_000,
)
