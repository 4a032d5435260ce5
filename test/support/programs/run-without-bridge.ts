/** `run-without-bridge ROOT`: a run, the bridge removed, a run; prints both exit codes. */
import { execFileSync } from 'node:child_process'
import { readMachine } from '../../../lib/container/index.js'
import { launch } from '../../../lib/engine/launch.js'
import { loneShim } from '../../../lib/kernel/lone.js'
import { dataRoot } from '../../../lib/kernel/places.js'
import { specOf } from '../spec.js'

const [root = ''] = process.argv.slice(2)
const machine = readMachine()

async function run(): Promise<number> {
  const request = { spec: specOf({ layers: [root], argv: ['true'], network: 'bridge' }), dataRoot: dataRoot(), machine }
  const { shim } = await launch(request, { newShim: loneShim })
  const { code } = await shim.exited
  await shim.ended
  return code
}

const first = await run()
execFileSync('ip', ['link', 'delete', 'drydock0'])
process.stdout.write(`${first} ${await run()}`)
