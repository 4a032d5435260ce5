/** `run-killed ROOT AFTER`: begins a run and is killed (SIGKILL) once so many of its calls were made; AFTER beyond the last: while it runs. */
import { readMachine } from '../../../lib/container/index.js'
import { launch } from '../../../lib/engine/launch.js'
import { loneShim } from '../../../lib/kernel/lone.js'
import { dataRoot } from '../../../lib/kernel/places.js'
import type { Result } from '../../../lib/kernel/result.js'
import { specOf } from '../spec.js'

const [root = '', after = '0', network = 'none'] = process.argv.slice(2)
let made = 0

const { shim } = await launch(
  { spec: specOf({ layers: [root], argv: ['sleep', '1000'], network }), dataRoot: dataRoot(), machine: readMachine() },
  {
    newShim: loneShim,
    monitor: ({ socket }) => ({ socketPath: socket }),
    prepared: (shim) => async (steps) => {
      const results: Result[] = []
      for (const step of steps) {
        if (made++ === Number(after)) process.kill(process.pid, 'SIGKILL')
        results.push(...(await shim.attempt([step])))
        if (results.at(-1)?.status === 'failed') break
      }
      return results
    },
  },
)
// Told before it dies, so that the test knows how many there were.
process.stdout.write(`${made}\n`, () => process.kill(process.pid, 'SIGKILL'))
await shim.exited
