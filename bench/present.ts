/** Engines that have containers already: how quickly they run another, what each costs in memory, how long they take to start again. Run by main.ts. */
import { readdirSync, readFileSync } from 'node:fs'
import { both, ENGINE_NAMES, type EngineName, type MeasuredEngine, withEngines } from './engines.js'
import { measure } from './isolated.js'
import type { Case, Target } from './page/result.js'
import { interleaved } from './tools.js'

const SUBJECT = {
  name: 'present',
  title: 'With many containers',
  about: `Each engine has 0, then 100, then 500 containers that run and sleep, without a network. At each number: the run of one more by the API; the memory of the engine and of what
looks after the containers (PSS of daemons and shims, without the sleeping programs): what is more than with none, divided by their number, and the shims alone; and how
long the engine, ended and started again, takes until it has told its containers, which have gone on meanwhile (dockerd with live-restore).`,
}

const COUNTS = [0, 100, 500] as const
/** In flight while they are made. */
const MAKERS = 8

/** Names of processes beside the sleepers, as proc_pid_comm(5) has them in 15 letters: daemons with what helps them, and what looks after one container. */
const DAEMONS: Readonly<Record<EngineName, RegExp>> = { drydock: /^(node|MainThread)$/, dockerd: /^(dockerd|containerd)$/ }
const SHIMS: Readonly<Record<EngineName, RegExp>> = { drydock: /^shim$/, dockerd: /^containerd-shim/ }

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
    const runs: Case[] = []
    const memory: Case[] = []
    const starts: Case[] = []
    const none = { drydock: 0, dockerd: 0 }
    // So that code is compiled and heaps have grown before memory is looked at.
    const one = both(engines, (engine) => engine.run(['true'], { HostConfig: { NetworkMode: 'none' } }))
    const restart = both(engines, async (engine) => {
      await engine.stop()
      return engine.start()
    })
    for (const count of bench.quick ? COUNTS.map((number) => number / 10) : COUNTS) {
      const label = labelOf(count)
      for (const name of ENGINE_NAMES) await fill(engines[name], count, bench.signal)
      const turns = { rounds: bench.rounds(12, 3), signal: bench.signal }
      runs.push({ label, values: await interleaved(one, turns), targets: count === COUNTS.at(-1) ? SLOWER : [] })
      starts.push({ label, values: await interleaved(restart, { rounds: bench.rounds(5, 1), signal: bench.signal, warmUp: 0 }) })
      // Each daemon has just been started and has run as many: heaps are as large with few containers as with many.
      await interleaved(one, { ...turns, rounds: 0 })
      const [daemons, shims] = [memoryOf(DAEMONS), memoryOf(SHIMS)]
      if (count === 0) Object.assign(none, { drydock: daemons.drydock + shims.drydock, dockerd: daemons.dockerd })
      else {
        const each = (name: EngineName) => [(daemons[name] + shims[name] - none[name]) / count]
        memory.push({ label, values: { drydock: each('drydock'), dockerd: each('dockerd') }, targets: MEMORY })
        const shim = { drydock: [shims.drydock / count], dockerd: [shims.dockerd / count] }
        memory.push({ label: `${label}: shims`, values: shim })
      }
    }
    const common = { better: 'less', own: 'drydock' } as const
    bench.compare({ ...common, key: 'present-run', title: 'create, start, wait and delete of one more', unit: 'ms', cases: runs })
    bench.compare({ ...common, key: 'present-memory', title: 'memory for each idle container', unit: 'MiB', cases: memory })
    bench.compare({ ...common, key: 'present-start', title: 'start of the daemon', unit: 'ms', cases: starts })
    bench.note(
      `With no container, engine and helpers have ${none.drydock.toFixed(0)} MiB in drydock and ${none.dockerd.toFixed(0)} MiB in Docker.`,
    )
  }),
)

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
function memoryOf(names: Readonly<Record<EngineName, RegExp>>): Record<EngineName, number> {
  const sums = { drydock: 0, dockerd: 0 }
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)) {
    try {
      const comm = readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
      const name = ENGINE_NAMES.find((one) => names[one].test(comm))
      // Pages that several share count in part for each: proc_pid_smaps(5).
      if (name) sums[name] += Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024
    } catch {
      // It has ended meanwhile.
    }
  }
  return sums
}
