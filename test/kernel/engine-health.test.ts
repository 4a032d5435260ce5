/** Containers that are asked whether they are well. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { EngineEvent } from '../../lib/engine/types.js'
import { body } from '../support/engine.js'
import { engineOfPlace } from '../support/engine-of-place.js'
import { requires } from '../support/requires.js'

const test = requires('root', 'command:busybox')
const MILLI = 1_000_000

/** Its answer is kept back as long as there is a file of that name. */
const CHECK = 'while test -e /held; do sleep .01; done; test ! -e /ill'
const at = engineOfPlace({ changes: [`HEALTHCHECK --interval=20ms CMD ${CHECK}`] })

interface State {
  readonly Status: string
  readonly FailingStreak: number
  readonly Log: readonly { readonly ExitCode: number; readonly Output: string; readonly Start: string; readonly End: string }[]
}

const sleeping = async (Healthcheck?: object) => {
  const { Id } = await at.engine.containers.create(body(['sleep', '1000'], Healthcheck && { Healthcheck }), {})
  return Id
}
/** Before a start; and while it runs. */
const hold = (id: string) => writeFileSync(join(at.engine.context.containers.find(id).layout.upper, 'held'), '')
const letGo = (id: string) => rmSync(`/proc/${at.engine.context.containers.find(id).pid}/root/held`)
const healthOf = async (id: string) => ((await at.engine.containers.inspect(id)).State as { Health?: State }).Health
const statusOf = async (id: string) =>
  (await at.engine.containers.list({ all: true, size: false, filters: new Map([['id', [id]]]) }))[0]?.Status as string
const exec = async (id: string, ...Cmd: string[]) => {
  const { Id } = await at.engine.execs.create(id, { Cmd, AttachStdout: true })
  const attached = await at.engine.execs.start(Id, {})
  for await (const _ of attached?.stream ?? []);
}

/** Listens from the call on; the first event of this container for which it holds. */
function event(id: string, holds: (action: string) => boolean): Promise<EngineEvent> {
  const over = new AbortController()
  const events = at.engine.events.stream({ filters: new Map([['container', [id]]]), signal: over.signal })
  return (async () => {
    for await (const one of events) {
      if (!holds(one.Action)) continue
      over.abort()
      return one
    }
    throw new Error('the events ended')
  })()
}
const becomes = (id: string, status: string) => event(id, (action) => action === `health_status: ${status}`)

describe('a container that is asked', () => {
  test('starting, healthy, unhealthy and healthy again, by the image’s own check', async () => {
    const id = await sleeping()
    expect(await healthOf(id)).toBeUndefined()
    const seen: string[] = []
    const over = new AbortController()
    const listening = (async () => {
      const filters = new Map([['event', ['health_status', 'exec_create', 'exec_start', 'exec_die']]])
      for await (const { Action, Actor } of at.engine.events.stream({ filters, signal: over.signal }))
        if (Actor.ID === id) seen.push(Action)
    })()
    const healthy = becomes(id, 'healthy')
    hold(id)
    await at.engine.containers.start(id)
    expect((await healthOf(id))?.Status).toBe('starting')
    expect(await statusOf(id)).toMatch(/^Up .* \(health: starting\)$/)
    letGo(id)
    expect((await healthy).Actor.Attributes).toMatchObject({ image: 'box', name: expect.any(String) })
    expect(await statusOf(id)).toMatch(/\(healthy\)$/)
    const unhealthy = becomes(id, 'unhealthy')
    await exec(id, 'sh', '-c', '> /ill')
    await unhealthy
    const told = (await healthOf(id)) as State
    expect(told).toMatchObject({ Status: 'unhealthy', FailingStreak: expect.any(Number) })
    expect(told.FailingStreak).toBeGreaterThanOrEqual(3)
    expect(told.Log.length).toBeLessThanOrEqual(5)
    expect(told.Log.at(-1)).toMatchObject({ ExitCode: 1, Output: '' })
    expect(await statusOf(id)).toMatch(/\(unhealthy\)$/)
    const filtered = (health: string) => at.engine.containers.list({ all: true, size: false, filters: new Map([['health', [health]]]) })
    expect([(await filtered('unhealthy')).length, (await filtered('healthy')).length, (await filtered('none')).length]).toEqual([1, 0, 0])
    const again = becomes(id, 'healthy')
    await exec(id, 'busybox', 'rm', '/ill')
    await again
    over.abort()
    await listening
    expect(seen.slice(0, 4)).toEqual([
      `exec_create: /bin/sh -c ${CHECK}`,
      `exec_start: /bin/sh -c ${CHECK}`,
      'exec_die',
      'health_status: healthy',
    ])
  })

  test('what its probe says is kept, so far as it is not too long; who takes too long is killed', async () => {
    const loud = await sleeping({
      Test: ['CMD', 'sh', '-c', 'echo out; head -c 9000 /dev/zero | tr "\\0" x; exit 7'],
      Interval: 20 * MILLI,
      Retries: 1,
    })
    // What comes on one stream has an order, what comes on two has none: the other one is for this one to try.
    const slow = await sleeping({
      Test: ['CMD-SHELL', 'echo so far >&2; sleep 1000'],
      Interval: 20 * MILLI,
      Timeout: 2000 * MILLI,
      Retries: 1,
    })
    const none = await sleeping({ Test: ['CMD', 'nosuch'], Interval: 20 * MILLI, Retries: 1 })
    const all = [loud, slow, none]
    const unwell = all.map((id) => becomes(id, 'unhealthy'))
    for (const id of all) await at.engine.containers.start(id)
    await Promise.all(unwell)
    const [first, second, third] = await Promise.all(all.map(async (id) => (await healthOf(id))?.Log[0]))
    expect(first).toMatchObject({ ExitCode: 7, Output: expect.stringMatching(/^out\nx+\.\.\.$/) })
    expect(first?.Output).toHaveLength(4096 + 3)
    expect(second).toMatchObject({ ExitCode: -1, Output: 'Health check exceeded timeout (2s): so far\n' })
    expect(third).toMatchObject({ ExitCode: -1, Output: expect.stringContaining('"nosuch": executable file not found in $PATH') })
    const { Processes } = await at.engine.containers.top(slow)
    expect(Processes.length).toBeLessThanOrEqual(4)
  })

  test('it is not asked while it stands still, nor when it has ended; another run begins anew', async () => {
    const id = await sleeping()
    const healthy = becomes(id, 'healthy')
    await at.engine.containers.start(id)
    await healthy
    await at.engine.containers.pause(id)
    const { length } = (await healthOf(id))?.Log ?? []
    expect(await healthOf(id)).toMatchObject({ Status: 'unhealthy' })
    expect(await statusOf(id)).toMatch(/\(Paused\)$/)
    const back = becomes(id, 'healthy')
    expect((await healthOf(id))?.Log.length).toBe(length)
    await at.engine.containers.unpause(id)
    await back
    await at.engine.containers.stop(id, { timeout: 0 })
    expect(await healthOf(id)).toMatchObject({ Status: 'unhealthy' })
    expect(at.engine.context.containers.find(id).execs.size).toBe(0)
    const next = becomes(id, 'healthy')
    hold(id)
    await at.engine.containers.start(id)
    expect(await healthOf(id)).toMatchObject({ Status: 'starting', FailingStreak: 0 })
    letGo(id)
    await next
  })

  test('`NONE` asks nobody, and what was known survives the engine', async () => {
    const none = await sleeping({ Test: ['NONE'] })
    await at.engine.containers.start(none)
    expect(await healthOf(none)).toBeUndefined()
    expect(await statusOf(none)).not.toContain('(')
    const id = await sleeping()
    const healthy = becomes(id, 'healthy')
    await at.engine.containers.start(id)
    await healthy
    const before = (await healthOf(id)) as State
    await at.reopen()
    const after = (await healthOf(id)) as State
    expect(after).toMatchObject({ Status: 'healthy', FailingStreak: 0 })
    expect(after.Log[0]?.Start).toBeDefined()
    expect(before.Log.length).toBeLessThanOrEqual(after.Log.length)
    const unhealthy = becomes(id, 'unhealthy')
    await exec(id, 'sh', '-c', '> /ill')
    await unhealthy
  })
})
