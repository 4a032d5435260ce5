/** Starts shims when no descriptor is free. Prints what became of each, a line of JSON. */
import { closeSync, openSync } from 'node:fs'
import { sentenceOf } from '../../../lib/kernel/errors.js'
import { loneShim } from '../../../lib/kernel/lone.js'
import { Spawner } from '../../../lib/kernel/spawner.js'

const told = (making: Promise<unknown>) => making.then(() => 'made', sentenceOf)
const taken: number[] = []
for (;;) {
  try {
    taken.push(openSync('/dev/null', 'r'))
  } catch {
    break
  }
}
const without = [await told(loneShim()), await told(Spawner.start({ path: '/nowhere/spawner.sock' }))]
for (const file of taken) closeSync(file)
const shim = await loneShim()
await shim.rollback()
console.log(JSON.stringify([...without, 'made']))
process.exit(0)
