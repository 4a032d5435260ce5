/**
 * A full container with overlay, cgroups, default seccomp, bridge and address, from a Node process that runs already to the exit status of
 * `true`, clean-up included, beside `crun run` and `runc run` of the same. Run by main.ts on a host of its own.
 */
import { execa } from 'execa'
import { readMachine } from '../lib/container/machine.js'
import { launch } from '../lib/engine/launch.js'
import { dataRoot } from '../lib/kernel/places.js'
import { Spawner } from '../lib/kernel/spawner.js'
import { busyboxRoot } from '../test/support/full.js'
import { PEERS, removePeersCgroups } from '../test/support/peers-cgroups.js'
import { specOf } from '../test/support/spec.js'
import { makeBundle } from './bundle.js'
import { measure, PLACE } from './isolated.js'
import type { Target } from './page/result.js'
import { type Profile, Profiler, stretchesOf } from './phases.js'
import { type Contestants, interleaved } from './tools.js'

const GIB = 1024 ** 3
const ARGV = ['true']
const LIMITS = { memory: 64 * 1024 * 1024, pids: 100, cpus: 1 }
/** What the picture of the phases shows. */
const REASON = `the picture of where the time of one run goes has it: calls in the kernel are the smaller part, and what Node and the shim say to each other (*messages*) waits for a
processor that is free.`

const TARGETS: readonly Target[] = [
  { peer: 'crun run', bound: 1 / 5, reason: REASON },
  { peer: 'runc run', bound: 1 / 7, reason: REASON },
]

/** An engine that runs has been compiled by the time it is used. */
const WARM_UP = 10

const SUBJECT = {
  name: 'run',
  title: 'A container, from the call to its end',
  about: `\`true\` in a full container: overlay, cgroups, the default seccomp filter, a bridge with an address. The clock runs in a Node process that has made the plan
and starts the shim, until nothing of the container is left. \`crun run\` and \`runc run\` are given a bundle with what Docker asks of them for the same container; they
have no overlay to mount and no cable to make, so their work is less. An engine has more in memory than a small script, and forking it takes longer: the second case is a Node process
with a gibibyte resident.`,
}

await measure(SUBJECT, async (bench) => {
  const { signal } = bench
  const turns = { rounds: bench.rounds(60, 5), signal, warmUp: WARM_UP }
  const root = busyboxRoot()
  const bundle = makeBundle({ root: root.path, argv: ARGV, limits: LIMITS })
  const spawner = await Spawner.start({ warm: 4, connected: 2 })
  const machine = readMachine()
  const profiles: Record<'bridge' | 'none', Profile[]> = { bridge: [], none: [] }
  let counter = 0

  /** Plan included; what the machine can do was looked up once, as an engine does. */
  const drydock = (network: 'bridge' | 'none') => async () => {
    const profiler = new Profiler()
    const { shim, results } = await launch(
      { spec: specOf({ layers: [root.path], argv: ARGV, network, limits: LIMITS }), dataRoot: dataRoot(), machine },
      { newShim: () => spawner.shim(), prepared: (prepared) => profiler.attempt(prepared) },
    )
    const { code } = await shim.exited
    if (code !== 0) throw new Error(`true ended with ${code}`)
    await shim.ended
    profiles[network].push(profiler.ended(results))
  }
  const runtime = (name: string) => async () => {
    await execa(name, ['--root', `${PLACE}/${name}`, 'run', '--bundle', bundle, `${PEERS}-${counter++}`], { stdin: 'ignore' })
  }
  const contestants: Contestants<'drydock' | 'drydock, no network' | 'crun run' | 'runc run'> = {
    drydock: drydock('bridge'),
    'drydock, no network': drydock('none'),
    'crun run': runtime('crun'),
    'runc run': runtime('runc'),
  }

  try {
    bench.command('crun run --bundle BUNDLE NAME', 'runc run --bundle BUNDLE NAME')
    for (const name of ['crun', 'runc'] as const) bench.version(name, await versionOf(name))
    const small = await interleaved(contestants, turns)
    const stretches = stretchesOf(profiles.bridge.slice(-turns.rounds))
    const ballast = Buffer.alloc(GIB, 1)
    const big = await interleaved(contestants, turns)
    if (ballast[GIB - 1] !== 1) throw new Error('the ballast was not kept')
    bench.compare({
      key: 'run',
      title: 'true in a full container, clean-up included',
      unit: 'ms',
      better: 'less',
      own: 'drydock',
      cases: [
        { label: 'small caller', values: small, targets: TARGETS },
        { label: 'caller of 1 GiB', values: big, targets: TARGETS },
      ],
    })
    bench.timeline({ key: 'phases', title: 'Where the time of one run goes', stretches })
  } finally {
    await spawner.close()
    removePeersCgroups()
  }
})

/** The first line of what it says of itself. */
async function versionOf(name: string): Promise<string> {
  return ((await execa(name, ['--version'])).stdout.split('\n')[0] ?? '').replace(/^.*version\s*/, '')
}
