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
import { type Profile, Profiler, printPhases } from './phases.js'
import { type Contestants, interleaved, report, roundsOf } from './tools.js'

const GIB = 1024 ** 3
const ARGV = ['true']
const LIMITS = { memory: 64 * 1024 * 1024, pids: 100, cpus: 1 }
/** What issue 3 asks for, of the peer's time. */
const TARGETS = { 'crun run': 1 / 5, 'runc run': 1 / 7 }

/** An engine that runs has been compiled by the time it is used. */
const WARM_UP = 10

const rounds = roundsOf(process.argv, 60)

await measure(async (signal) => {
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
  const contestants: Contestants<'drydock' | 'drydock without a network' | 'crun run' | 'runc run'> = {
    drydock: drydock('bridge'),
    'drydock without a network': drydock('none'),
    'crun run': runtime('crun'),
    'runc run': runtime('runc'),
  }

  try {
    const times = await interleaved(contestants, rounds, signal, WARM_UP)
    report('true in a full container, clean-up included; crun and runc with no overlay and no cable', times, 'drydock', TARGETS)
    printPhases('where the time of drydock goes: calls, and the median of their time in the kernel', profiles.bridge.slice(-rounds))
    const ballast = Buffer.alloc(GIB, 1)
    const resident = (process.memoryUsage().rss / GIB).toFixed(1)
    report(`the same, Node with ${resident} GiB resident`, await interleaved(contestants, rounds, signal, WARM_UP), 'drydock', TARGETS)
    if (ballast[GIB - 1] !== 1) throw new Error('the ballast was not kept')
  } finally {
    await spawner.close()
    removePeersCgroups()
  }
})
