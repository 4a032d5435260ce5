/** How many containers a second, with so many in flight. Run by main.ts on a host of its own. */
import { ENGINE_NAMES, type EngineName, type MeasuredEngine, withEngines } from './engines.js'
import { measure } from './isolated.js'
import type { Case, Target } from './page/result.js'

const SUBJECT = {
  name: 'throughput',
  title: 'Many at once',
  about: `Each of so many workers runs \`true\` again and again by the API, from create to delete, without a network; how many are done in a second, all workers together. The engines take
turns, block by block. The client, a Node process, runs on the same cores.`,
}

/** Workers, and containers of one block for each engine: a block is to take a second or more, or some dozen of what is slow. */
const BLOCKS = [
  { workers: 1, drydock: 100, dockerd: 10 },
  { workers: 8, drydock: 200, dockerd: 24 },
  { workers: 32, drydock: 320, dockerd: 64 },
] as const

const COSTS = `the engine is one thread of JavaScript, and that thread is what is busy: some two fifths of a run's processor time are its own (see the requests above), as much are the
containers' and their shims', the rest is the client's, and all have the same cores.`

const TARGETS: Readonly<Record<number, readonly Target[]>> = { 8: [{ peer: 'dockerd', bound: 20, reason: COSTS }] }

await measure(SUBJECT, (bench) =>
  withEngines(bench, async (engines) => {
    const rounds = bench.rounds(4, 1)
    const cases: Case[] = []
    for (const block of BLOCKS) {
      const values: Record<EngineName, number[]> = { drydock: [], dockerd: [] }
      for (let round = -1; round < rounds; round++) {
        for (const name of round % 2 === 0 ? ENGINE_NAMES : ENGINE_NAMES.toReversed()) {
          bench.signal.throwIfAborted()
          // The first is for warming up, and need not be long.
          const count = round < 0 ? block.workers : block[name]
          const rate = await runMany(engines[name], block.workers, count)
          if (round >= 0) values[name].push(rate)
        }
      }
      cases.push({ label: `${block.workers} in flight`, values, targets: TARGETS[block.workers] ?? [] })
    }
    bench.compare({ key: 'throughput', title: 'containers in a second', unit: 'a second', better: 'more', own: 'drydock', cases })
  }),
)

async function runMany(engine: MeasuredEngine, workers: number, count: number): Promise<number> {
  let left = count
  const began = performance.now()
  const work = async () => {
    while (left-- > 0) await engine.run(['true'], { HostConfig: { NetworkMode: 'none' } })
  }
  await Promise.all(Array.from({ length: workers }, work))
  return (1000 * count) / (performance.now() - began)
}
