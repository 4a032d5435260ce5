import { expect } from 'vitest'
import { Bottle, endHostSpawner } from '../../../lib/bottle.js'
import { pipedStage } from '../../../lib/repl/stage.js'
import { Workbench } from '../../../lib/repl/workbench.js'
import { requires } from '../../support/requires.js'

const test = requires('user-namespaces')

test('two resets at once leave one host, and none when the prompt is left', async () => {
  const ended: boolean[] = []
  const open = async () => {
    const bottle = await Bottle.open({ name: 'repl' })
    const at = ended.push(false) - 1
    void bottle.ended.then(() => {
      ended[at] = true
    })
    return bottle
  }
  const workbench = new Workbench(open, (bottle) => pipedStage(bottle, process.stdout))
  await workbench.start()
  await Promise.all([workbench.reset(), workbench.reset({ force: true })])
  expect(ended.filter((over) => !over)).toHaveLength(1)
  expect(workbench.shim.pid).toBeGreaterThan(0)
  await workbench.close()
  expect(ended).not.toContain(false)
  await endHostSpawner()
})
