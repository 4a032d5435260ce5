/** Engines that have containers already: how quickly they run another, what each costs in memory, how long they take to start again. Run by main.ts. */
import { readdirSync, readFileSync } from 'node:fs'
import { ENGINE_NAMES, type EngineName, type MeasuredEngine, withEngines } from './engines.js'
import { measure } from './isolated.js'
import type { Case, Target } from './page/result.js'
import { interleaved } from './tools.js'

const SUBJECT = {
  name: 'present',
  title: 'With many containers',
  about: `Drydock first, then Docker, so that neither has the other's containers to carry: 0, then 100, then 500 containers run and sleep, without a network. At each number: the run of one more by the API; the memory of the engine and of what
looks after the containers (PSS of daemons and shims, without the sleeping programs): what is more than with none, divided by their number, and the shims alone; and how
long the engine, ended and started again, takes until it has told its containers, which have gone on meanwhile (dockerd with live-restore).`,
}

const COUNTS = [0, 100, 500] as const
/** In flight while they are made. */
const MAKERS = 8

/** Names of processes beside the sleepers, as proc_pid_comm(5) has them in 15 letters: daemons with what helps them, and what looks after one container. */
const DAEMONS: Readonly<Record<EngineName, RegExp>> = { drydock: /^(node|MainThread)$/, dockerd: /^(dockerd|containerd)$/ }
const SHIMS: Readonly<Record<EngineName, RegExp>> = { drydock: /^shim$/, dockerd: /^containerd-shim/ }

/** By the label of the case, then by engine. */
type Values = Record<string, Readonly<Record<string, readonly number[]>>>
type Found = Readonly<Record<'run' | 'memory' | 'shims' | 'start', Values>>

const SLOWER: readonly Target[] = [
  {
    case: labelOf(0),
    bound: 1.35,
    reason:
      'the engine’s own processor time for a run is the same with 500 as with none; what grows, by two thirds, is the kernel’s for the shim, which makes the container and takes it away.',
  },
]
const MEMORY: readonly Target[] = [{ bound: 0.8 }, { peer: 'dockerd', bound: 0.8 / 6.9 }]

await measure(SUBJECT, (bench) =>
  withEngines(bench, async (engines) => {
    const counts = bench.quick ? COUNTS.map((number) => number / 10) : COUNTS
    const found: Found = { run: {}, memory: {}, shims: {}, start: {} }
    const none = { drydock: 0, dockerd: 0 }
    for (const name of ENGINE_NAMES) {
      const engine = engines[name]
      for (const count of counts) {
        await fill(engine, count, bench.signal)
        const one = { [name]: () => engine.run(['true'], { HostConfig: { NetworkMode: 'none' } }) }
        const turns = { rounds: bench.rounds(12, 3), signal: bench.signal }
        keep(found.run, count, await interleaved(one, turns))
        const again = { [name]: () => engine.stop().then(() => engine.start()) }
        keep(found.start, count, await interleaved(again, { rounds: bench.rounds(5, 1), signal: bench.signal, warmUp: 0 }))
        // The daemon has just been started and has run as many: its heap is as large with few containers as with many.
        await interleaved(one, { ...turns, rounds: 0 })
        const [daemons, shims] = [memoryOf(DAEMONS[name]), memoryOf(SHIMS[name])]
        if (count === 0) none[name] = daemons + shims
        else {
          keep(found.memory, count, { [name]: [(daemons + shims - none[name]) / count] })
          keep(found.shims, count, { [name]: [shims / count] })
        }
      }
      // The next one is to have the machine for itself.
      await engine.close()
    }
    const most = labelOf(COUNTS[2])
    const common = { better: 'less', own: 'drydock' } as const
    const runs = casesOf(found.run, (label) => (label === most ? SLOWER : []))
    bench.compare({ ...common, key: 'present-run', title: 'create, start, wait and delete of one more', unit: 'ms', cases: runs })
    const memory = casesOf(found.memory, () => MEMORY)
    bench.compare({ ...common, key: 'present-memory', title: 'memory for each idle container', unit: 'MiB', cases: memory })
    bench.compare({ ...common, key: 'present-shims', title: 'of that, its shim', unit: 'MiB', cases: casesOf(found.shims) })
    bench.compare({ ...common, key: 'present-start', title: 'start of the daemon', unit: 'ms', cases: casesOf(found.start) })
    bench.note(
      `With no container, engine and helpers have ${none.drydock.toFixed(0)} MiB in drydock and ${none.dockerd.toFixed(0)} MiB in Docker.`,
    )
  }),
)

function keep(into: Values, count: number, values: Readonly<Record<string, readonly number[]>>): void {
  into[labelOf(count)] = { ...into[labelOf(count)], ...values }
}

function casesOf(values: Values, targets: (label: string) => readonly Target[] = () => []): Case[] {
  return Object.entries(values).map(([label, measured]) => ({ label, values: measured, targets: targets(label) }))
}

function labelOf(count: number): string {
  return `${count} containers`
}

/** Until there are so many. */
async function fill({ api }: MeasuredEngine, count: number, signal: AbortSignal): Promise<void> {
  const there = await api.must<unknown[]>('GET', '/containers/json?all=1')
  let left = count - there.length
  const work = async () => {
    while (left-- > 0) {
      signal.throwIfAborted()
      await api.start(await api.create(['sleep', '1000000'], { HostConfig: { NetworkMode: 'none' } }))
    }
  }
  await Promise.all(Array.from({ length: MAKERS }, work))
}

/** MiB of all such processes. This one is not among them, nor are the programs in the containers. */
function memoryOf(names: RegExp): number {
  let kib = 0
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)) {
    try {
      if (!names.test(readFileSync(`/proc/${pid}/comm`, 'utf8').trim())) continue
      // Pages that several share count in part for each: proc_pid_smaps(5).
      kib += Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    } catch {
      // It has ended meanwhile.
    }
  }
  return kib / 1024
}
