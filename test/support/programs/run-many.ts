/** `run-many ROOT COUNT ABREAST NETWORK`: so many runs of `true`, so many at a time; fails unless each ends with 0. */
import { readMachine } from '../../../lib/container/index.js'
import { launch } from '../../../lib/engine/launch.js'
import { dataRoot } from '../../../lib/kernel/places.js'
import { Spawner } from '../../../lib/kernel/spawner.js'
import { specOf } from '../spec.js'

const [root = '', count = '1', abreast = '1', network = 'none'] = process.argv.slice(2)
const machine = readMachine()
const spawner = await Spawner.start({ warm: 4 })
let left = Number(count)

async function runner(): Promise<void> {
  while (left-- > 0) {
    const { shim } = await launch(
      { spec: specOf({ layers: [root], argv: ['true'], network }), dataRoot: dataRoot(), machine },
      { newShim: () => spawner.shim() },
    )
    const { code } = await shim.exited
    if (code !== 0) throw new Error(`true ended with ${code}`)
    await shim.ended
  }
}

await Promise.all(Array.from({ length: Number(abreast) }, runner))
await spawner.close()
// What a leak would show: descriptors of this process.
const { readdirSync } = await import('node:fs')
process.stdout.write(`${readdirSync('/proc/self/fd').length}\n`)
