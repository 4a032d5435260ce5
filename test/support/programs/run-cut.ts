/** `run-cut ROOT AFTER ID [NETWORK]`: begins a run and kills its shim and itself, as a power cut would, once so many calls were made; tells how many there were, when it comes to the end. */
import { readMachine } from '../../../lib/container/index.js'
import { launch } from '../../../lib/engine/launch.js'
import { loneShim } from '../../../lib/kernel/lone.js'
import { dataRoot } from '../../../lib/kernel/places.js'
import type { Result } from '../../../lib/kernel/result.js'
import type { Shim } from '../../../lib/kernel/shim.js'
import { specOf } from '../spec.js'

const [root = '', after = '0', id = '', network = 'bridge'] = process.argv.slice(2)
let made = 0

/** The container's process before its exec goes with its shim; a program that runs is ended here too. */
function cut(shim: Shim): never {
  process.kill(shim.pid, 'SIGKILL')
  if (shim.childPid !== undefined) process.kill(shim.childPid, 'SIGKILL')
  process.kill(process.pid, 'SIGKILL')
  throw new Error('still alive')
}

const { shim } = await launch(
  {
    spec: { ...specOf({ layers: [root], argv: ['sleep', '1000'], network }), id, name: id.slice(0, 8) },
    dataRoot: dataRoot(),
    machine: readMachine(),
  },
  {
    newShim: loneShim,
    monitor: ({ socket }) => ({ socketPath: socket }),
    prepared: (shim) => async (steps) => {
      const results: Result[] = []
      for (const step of steps) {
        if (made++ === Number(after)) cut(shim)
        results.push(...(await shim.attempt([step])))
        if (results.at(-1)?.status === 'failed') break
      }
      return results
    },
  },
)
process.stdout.write(`${made}\n`, () => cut(shim))
await shim.exited
