/** Containers of an engine: made, started, listened to, stopped, removed. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Engine } from '../../lib/engine/index.js'
import { body, enginePlace, happened, type Place, textOf } from '../support/engine.js'
import { requires } from '../support/requires.js'

const test = requires('root', 'command:busybox')
const BOTH = { stdin: false, stdout: true, stderr: true, stream: true, logs: false }

let place: Place
let engine: Engine
beforeAll(async () => {
  place = await enginePlace(['ENV A=1', 'WORKDIR /tmp'])
  engine = await place.open()
})
afterAll(async () => {
  await engine?.close()
  await place?.remove()
})

describe('run', () => {
  test('who attaches before the start has all that it says, from the first byte; the events are those of docker', async () => {
    const { containers } = engine
    const { Id, Warnings } = await containers.create(
      body(['sh', '-c', 'echo out; echo err >&2; echo $A $PWD; exit 3'], {}, { AutoRemove: true }),
      {},
    )
    expect(Warnings).toEqual([])
    const { stream, tty } = await containers.attach(Id, BOTH)
    const said = textOf(stream, tty)
    const { end } = await containers.wait(Id, 'removed')
    expect(await containers.start(Id)).toBe(true)
    expect(await said).toEqual({ stdout: 'out\n1 /tmp\n', stderr: 'err\n' })
    expect(await end).toEqual({ StatusCode: 3 })
    expect(await happened(engine)).toEqual(['create', 'attach', 'start', 'die', 'destroy'].map((action) => `container ${action}`))
    await expect(containers.inspect(Id)).rejects.toThrow(`No such container: ${Id}`)
  })
})
