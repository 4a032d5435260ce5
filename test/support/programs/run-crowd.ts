/** `run-crowd ROOT COUNT NETWORK`: so many containers that wait, all begun at once; tells their addresses, and ends them. */
import { readMachine } from '../../../lib/container/index.js'
import { launch } from '../../../lib/engine/launch.js'
import { dataRoot } from '../../../lib/kernel/places.js'
import { Spawner } from '../../../lib/kernel/spawner.js'
import { specOf } from '../spec.js'

const [root = '', count = '1', network = 'bridge'] = process.argv.slice(2)
const machine = readMachine()
const spawner = await Spawner.start({ warm: 4 })
const crowd = await Promise.all(
  Array.from({ length: Number(count) }, () =>
    launch(
      { spec: specOf({ layers: [root], argv: ['sleep', '1000'], network }), dataRoot: dataRoot(), machine },
      { newShim: () => spawner.shim() },
    ),
  ),
)
process.stdout.write(`${JSON.stringify(crowd.map(({ connections }) => connections.attachments.get(network)?.address))}\n`)
await Promise.all(crowd.map(({ shim }) => shim.rollback()))
await spawner.close()
