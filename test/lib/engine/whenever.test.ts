import { expect, test } from 'vitest'
import type { ContainerHandle, EngineContext } from '../../../lib/engine/context.js'
import { stats } from '../../../lib/engine/inside/stats.js'
import type { Container } from '../../../lib/engine/life/container.js'
import { wait } from '../../../lib/engine/life/wait.js'
import { whenever } from '../../../lib/engine/whenever.js'

test('each is called once, but for those that were taken back, and who comes late too', async () => {
  let come: () => void = () => undefined
  const event = new Promise<void>((resolve) => {
    come = resolve
  })
  const called: string[] = []
  whenever(event, () => void called.push('first'))
  const back = whenever(event, () => void called.push('none'))
  whenever(event, () => void called.push('last'))
  back()
  come()
  await event
  whenever(event, () => void called.push('late'))
  await event
  expect(called).toEqual(['first', 'last', 'late'])
})

/** How often something was made to wait for it, which it keeps until it resolves. */
function counted() {
  const found = { times: 0 }
  class Counted extends Promise<void> {
    // biome-ignore lint/suspicious/noThenProperty: what is counted
    override then: Promise<void>['then'] = (...args) => {
      found.times++
      return super.then(...args)
    }
  }
  return { found, event: new Counted(() => undefined) }
}

test('who looks at a container and goes leaves nothing with it', async () => {
  const { found, event } = counted()
  const container = { id: 'c', name: 'c', running: false, removed: event } as unknown as ContainerHandle
  const context = { containers: { find: () => container } } as unknown as EngineContext
  for (let turn = 0; turn < 10; turn++) {
    for await (const _ of stats(context, 'c', { stream: true, oneShot: false })) break
    const gone = new AbortController()
    const { end } = wait(container as Container, 'removed', gone.signal)
    gone.abort(new Error('gone'))
    await expect(end).rejects.toThrow('gone')
  }
  expect(found.times).toBe(1)
})
