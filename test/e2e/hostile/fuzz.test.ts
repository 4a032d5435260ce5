/**
 * Requests made by chance of the API's schema, right ones and broken ones: never a 5xx, never a crash, never a hang, a sentence in JSON for what is wrong, no
 * memory that grows, nothing left. DRYDOCK_FUZZ is how many, DRYDOCK_SEED which ones.
 */
import { mkdirSync } from 'node:fs'
import { describe, expect } from 'vitest'
import { readStatusLine } from '../../../lib/kernel/proc/status.js'
import { breakRequest } from '../../support/api-schema/breakage.js'
import { SHARED } from '../../support/api-schema/container-body.js'
import { WEIGHTED } from '../../support/api-schema/index.js'
import { makeRequest, type Request } from '../../support/api-schema/make.js'
import { Random } from '../../support/api-schema/random.js'
import { judge, sendRequest, targetOf } from '../../support/api-schema/send.js'
import { busyboxArchive } from '../../support/engines/image.js'
import { tracesFrom } from '../../support/engines/traces.js'
import { onEngine, type TestEngine } from '../../support/engines.js'

const TIMES = Number(process.env.DRYDOCK_FUZZ ?? 400)
/** The same ones every time, unless others are asked for: what fails, fails for everybody. */
const SEED = Number(process.env.DRYDOCK_SEED ?? 1)
/** Of the daemon's memory beyond what it had before, in MiB. Node gives back what it does not need when it likes. */
const MORE_MEMORY = 200

/** For a closer look at some of them. */
const CHOSEN = WEIGHTED.filter(({ path }) => path.startsWith(process.env.DRYDOCK_FUZZ_PATH ?? '/'))

const on = onEngine('drydock', { args: ['--log-level', 'error'] })
const changes = tracesFrom(on, { prepare: () => mkdirSync(`${on.engine.host.path(SHARED)}/sub`, { recursive: true }) })

const NAMES = {
  container: ['keeper', 'keeper', 'one', 'one', 'two', 'two', 'three', 'four', 'five', 'six', 'nosuch', 'abcdef123456'],
  image: ['busybox', 'busybox', 'busybox:latest', 'spare', 'spare:one', 'made', 'made:two', 'a/b', 'nosuch:tag', 'localhost:1/x'],
  network: ['sea', 'sea', 'lake', 'bridge', 'host', 'none', 'nosuch'],
  volume: ['cargo', 'cargo', 'hold', 'nosuch'],
}

/** What has to be there, so that a request has something to be about. */
async function tend({ api, load }: TestEngine, engine: TestEngine): Promise<void> {
  if ((await api.get('/images/busybox/json')).status !== 200) await load.call(engine, busyboxArchive())
  const containers = await api.must<{ Id: string; Names: string[]; State: string }[]>('GET', '/containers/json?all=1')
  for (const { Id, Names, State } of containers.slice(6)) if (!Names.includes('/keeper') || State !== 'running') await api.remove(Id)
  const keeper = containers.find(({ Names }) => Names.includes('/keeper'))
  if (keeper?.State === 'running') return
  if (keeper) await api.remove(keeper.Id)
  const program = "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"
  await api.start(await api.create(['sh', '-c', program], { StopTimeout: 1, HostConfig: { NetworkMode: 'none' } }, 'keeper'))
}

const memory = (pid: number): number => Number.parseInt(readStatusLine(pid, 'VmRSS') ?? '', 10) / 1024

async function run(engine: TestEngine, random: Random, times: number): Promise<string[]> {
  const complaints: string[] = []
  const execs = ['0'.repeat(64), 'nosuch']
  for (let time = 0; time < times; time++) {
    if (time % 20 === 0) await tend(engine, engine)
    const route = random.pick(CHOSEN)
    const request = makeRequest(route, random, { ...NAMES, exec: execs.slice(-4) })
    if (random.percent(75)) breakRequest(request, random)
    const answered = await sendRequest(engine.socket, request).catch((error: Error) => error)
    const found = answered instanceof Error ? [answered.message] : judge(request, answered)
    for (const complaint of found) complaints.push(`#${time} ${complaint} — ${shown(request)}`)
    const made = !(answered instanceof Error) && route.path.endsWith('/exec') && answered?.status === 201
    if (made) execs.push((JSON.parse(answered.body) as { Id: string }).Id)
    if (process.env.DRYDOCK_FUZZ_SHOW)
      console.log(
        time,
        answered instanceof Error ? answered.message : answered?.status,
        shown(request),
        answered instanceof Error ? '' : answered?.body.slice(0, 200),
      )
    if (answered instanceof Error) await tend(engine, engine)
  }
  return complaints
}

const shown = (request: Request): string =>
  `${request.method} ${targetOf(request).slice(0, 200)} ${JSON.stringify(request.document ?? '')?.slice(0, 600)}: ${request.wrong.join(', ') || 'nothing wrong'}`

describe(`requests by chance (DRYDOCK_SEED=${SEED} DRYDOCK_FUZZ=${TIMES})`, () => {
  on.test(
    'are answered, each with what it deserves',
    async () => {
      console.log(`requests by chance: DRYDOCK_SEED=${SEED} DRYDOCK_FUZZ=${TIMES}`)
      const { pid } = on.engine
      const had = memory(pid)
      expect(await run(on.engine, new Random(SEED), TIMES)).toEqual([])
      expect(on.engine.pid).toBe(pid)
      expect(on.engine.said).toBe('')
      expect(memory(pid) - had).toBeLessThan(MORE_MEMORY)
    },
    120_000 + TIMES * 500,
  )

  on.test(
    'leave nothing',
    async () => {
      await on.engine.clear()
      const images = await on.api.must<{ Id: string; RepoTags: string[] | null }[]>('GET', '/images/json?all=1')
      for (const { Id, RepoTags } of images) if (!RepoTags?.includes('busybox:latest')) await on.api.delete(`/images/${Id}?force=1`)
      expect(await changes()).toEqual([])
    },
    120_000,
  )
})
