/**
 * Everything that clients do, eight at a time, while the daemon, shims and clients are killed: no wrong answer, no loss, and nothing grows. DRYDOCK_SOAK_SECONDS is how
 * long (`npm run test:soak` says 1200), DRYDOCK_SEED which choices.
 */
import { beforeAll, expect } from 'vitest'
import { TELLS_ITS_HEAP } from '../../soak/heap.js'
import { type Numbers, numbersOf, tableOf } from '../../soak/numbers.js'
import { ABREAST, Soak } from '../../soak/soak.js'
import { Random } from '../../support/api-schema/random.js'
import { tracesFrom, warmUp } from '../../support/engines/traces.js'
import { onEngine } from '../../support/engines.js'

const SECONDS = Number(process.env.DRYDOCK_SOAK_SECONDS ?? 16)
const SEED = Number(process.env.DRYDOCK_SEED ?? 1)
/** What the daemon may hold beyond what it held at the start when all garbage is gone, in MiB: code that has become hot since, and tables that have grown once. */
const MORE_HEAP = 12

const on = onEngine('drydock', { needs: ['command:docker-registry'], args: ['--log-level', 'error'], before: TELLS_ITS_HEAP })
// Before what is there is looked at.
beforeAll(async () => {
  if (on.able) await on.engine.registry()
}, 120_000)
const changes = tracesFrom(on)

/** All of it goes, but for the one image. */
async function clear(): Promise<void> {
  await on.engine.clear()
  const images = await on.api.must<{ Id: string; RepoTags: string[] | null }[]>('GET', '/images/json?all=1')
  for (const { RepoTags, Id } of images) {
    const tags = RepoTags ?? []
    if (!tags.includes('busybox:latest')) await on.api.delete(`/images/${Id}?force=1`)
    else for (const tag of tags) if (tag !== 'busybox:latest') await on.api.delete(`/images/${tag}`)
  }
  // What programs that were killed had begun: a pull takes it away too.
  await on.api.must('POST', '/images/prune')
  await warmUp(on.engine)
}

async function publish(): Promise<void> {
  const address = await on.engine.registry()
  await on.api.must('POST', `/images/busybox/tag?repo=${address}/busybox&tag=latest`)
  const { body } = await on.api.post(`/images/${address}/busybox/push?tag=latest`, undefined, { headers: { 'x-registry-auth': 'e30=' } })
  expect(body.toString()).not.toContain('"error"')
}

on.test(
  `mixed load and kills for ${SECONDS} s: no wrong answer, no loss, no leak`,
  async () => {
    console.log(`soak: DRYDOCK_SEED=${SEED} DRYDOCK_SOAK_SECONDS=${SECONDS}, ${ABREAST} abreast`)
    await publish()
    await clear()
    const moments: Record<string, Numbers> = { start: await numbersOf(on.engine) }
    const soak = new Soak(on.engine, new Random(SEED))
    for (const moment of ['middle', 'end']) {
      await soak.run((SECONDS * 1000) / 2)
      await soak.check()
      soak.known.length = 0
      await clear()
      moments[moment] = await numbersOf(on.engine)
    }
    const did = [...soak.done].sort().map(([what, times]) => `${times} × ${what}`)
    console.log(`soak: ${did.join(', ')}\n${tableOf(moments)}`)
    expect(soak.wrong).toEqual([])
    expect((moments.end?.get('heap, MiB') ?? 0) - (moments.start?.get('heap, MiB') ?? 0)).toBeLessThan(MORE_HEAP)
  },
  120_000 + SECONDS * 3000,
)

on.test(
  'nothing is left of all that',
  async () => {
    expect(await changes()).toEqual([])
  },
  120_000,
)
