/** Clients of an engine that do not wait for each other. `DRYDOCK_RACES`: how often each race is run. */
import { afterAll, beforeAll, expect } from 'vitest'
import type { Engine } from '../../lib/engine/index.js'
import type { AttachOptions } from '../../lib/engine/types.js'
import { body, enginePlace, nothingElse, type Place, textOf } from '../support/engine.js'
import { requires } from '../support/requires.js'

const test = requires('root', 'command:busybox')
const RACES = Number(process.env.DRYDOCK_RACES ?? 12)
const ABREAST = 4
const BOTH: AttachOptions = { stdin: false, stdout: true, stderr: true, stream: true, logs: false }

let place: Place
let engine: Engine
let containers: Engine['containers']
beforeAll(async () => {
  place = await enginePlace()
  engine = await place.open()
  containers = engine.containers
})
afterAll(async () => {
  await engine?.close()
  await place?.remove()
})

/** So often, some of them at the same time; and then nothing is left. */
async function race(act: (turn: number) => Promise<void>): Promise<void> {
  let turn = 0
  await Promise.all(
    Array.from({ length: ABREAST }, async () => {
      while (turn < RACES) await act(turn++)
    }),
  )
  for (const { id, removed } of engine.context.containers.all()) {
    // One that goes with its end may be going by itself just now.
    expect([undefined, 404, 409]).toContain(await outcome(containers.remove(id, { force: true })))
    await removed
  }
  nothingElse(engine, place)
}

const created = async (...args: Parameters<typeof body>) => (await containers.create(body(...args), {})).Id
/** What came of it: its value, or the status of its failure. */
const outcome = <T>(promise: Promise<T>) =>
  promise.then(
    (value) => value as unknown,
    (error) => error.status as unknown,
  )
/** A few turns of the event loop, another number of them each time. */
const moment = async (turn: number) => {
  for (let at = 0; at < turn % 7; at++) await new Promise((resolve) => setImmediate(resolve))
}
const LONG = (turn: number) => turn * 1000 + 60_000

test(
  'removed by force while it is started',
  () =>
    race(async (turn) => {
      const id = await created(['sleep', '1000'], {}, { AutoRemove: turn % 2 === 0 })
      const { end } = await containers.wait(id, 'removed')
      const starting = outcome(containers.start(id))
      await moment(turn)
      expect([undefined, 404]).toContain(await outcome(containers.remove(id, { force: true })))
      // It ran first, or it was gone.
      expect([true, 404, 409]).toContain(await starting)
      expect([0, 137]).toContain((await end).StatusCode)
      expect(await outcome(containers.inspect(id))).toBe(404)
    }),
  LONG(RACES),
)

test(
  'started twice at once, stopped twice at once, removed twice at once: one of the two does it',
  () =>
    race(async (turn) => {
      const id = await created(['sleep', '1000'])
      expect((await Promise.all([containers.start(id), containers.start(id)])).sort()).toEqual([false, true])
      await moment(turn)
      const stops = await Promise.all([1, 2].map(() => containers.stop(id, { timeout: 0 })))
      expect(stops).toContain(true)
      expect(await outcome(containers.stop(id))).toBe(false)
      const removals = await Promise.all([1, 2].map(() => outcome(containers.remove(id))))
      expect(removals).toContain(undefined)
      for (const one of removals) expect([undefined, 404, 409]).toContain(one)
    }),
  LONG(RACES),
)

test(
  'attached before, while and after it is started, and it has ended before anybody has read: no byte is lost, no exit code wrong',
  () =>
    race(async (turn) => {
      const code = turn % 256
      const id = await created(['sh', '-c', `echo first; echo second >&2; exit ${code}`], {}, { AutoRemove: turn % 3 === 0 })
      const waits = await Promise.all(
        (['next-exit', turn % 3 === 0 ? 'removed' : 'next-exit'] as const).map((one) => containers.wait(id, one)),
      )
      const before = await containers.attach(id, BOTH)
      const starting = containers.start(id)
      await moment(turn)
      const during = await outcome(containers.attach(id, BOTH))
      expect(await starting).toBe(true)
      expect((await Promise.all(waits.map(({ end }) => end))).map(({ StatusCode }) => StatusCode)).toEqual([code, code])
      expect(await textOf(before.stream)).toEqual({ stdout: 'first\n', stderr: 'second\n' })
      // Whoever came after its end waits for the next run, and there is none.
      if (turn % 3 !== 0) await containers.remove(id)
      if (typeof during === 'number') expect(during).toBe(404)
      else {
        const late = await textOf((during as typeof before).stream)
        expect(['', 'first\n']).toContain(late.stdout)
      }
    }),
  LONG(RACES),
)

test(
  'a terminal whose size changes before, while and after it is started',
  () =>
    race(async (turn) => {
      const id = await created(['sh', '-c', 'read a; stty size'], { Tty: true, OpenStdin: true, StdinOnce: true }, { AutoRemove: true })
      const { stream } = await containers.attach(id, { ...BOTH, stdin: true })
      expect(await outcome(containers.resize(id, 10, 20))).toBe(409)
      const starting = containers.start(id)
      await moment(turn)
      expect([undefined, 409]).toContain(await outcome(containers.resize(id, 20, 30)))
      await starting
      await containers.resize(id, 30, 40 + (turn % 50))
      const { end } = await containers.wait(id, 'removed')
      stream.write('\n')
      expect((await textOf(stream, true)).stdout).toContain(`30 ${40 + (turn % 50)}`)
      expect((await end).StatusCode).toBe(0)
    }),
  LONG(RACES),
)

test(
  'killed, paused, run on and stopped by several: it ends, and everybody has an answer',
  () =>
    race(async (turn) => {
      const id = await created(['sleep', '1000'], {}, { AutoRemove: turn % 2 === 0 })
      const { end } = await containers.wait(id, 'next-exit')
      await containers.start(id)
      const acts = [
        () => containers.pause(id),
        () => containers.unpause(id),
        () => containers.kill(id),
        () => containers.stop(id, { timeout: 0 }),
        () => containers.rename(id, `raced-${id.slice(0, 12)}`),
      ]
      const answers = await Promise.all(
        acts.map(async (_, at) => {
          await moment(turn + at)
          return outcome((acts[(at + turn) % acts.length] as () => Promise<unknown>)())
        }),
      )
      for (const answer of answers) expect([undefined, true, false, 404, 409, 500]).toContain(answer)
      expect((await end).StatusCode).toBe(137)
    }),
  LONG(RACES),
)

test(
  'one name for many: one has it',
  () =>
    race(async (turn) => {
      const name = `wanted-${turn}`
      const answers = await Promise.all(Array.from({ length: 4 }, () => outcome(containers.create(body(['true']), { name }))))
      expect(answers.filter((answer) => answer === 409)).toHaveLength(3)
      await containers.remove(name)
    }),
  LONG(RACES),
)

test(
  'restarted while it ends, again and again',
  () =>
    race(async (turn) => {
      const id = await created(['sh', '-c', 'exit 3'])
      await containers.start(id)
      await moment(turn)
      await containers.restart(id)
      await moment(turn)
      const { end } = await containers.wait(id, 'not-running')
      expect((await end).StatusCode).toBe(3)
      await containers.remove(id)
    }),
  LONG(RACES),
)

test('a client that stalls keeps nobody else waiting, and loses nothing', async () => {
  const id = await created(['sh', '-c', 'head -c 3000000 /dev/zero; exit 4'], {}, { AutoRemove: true })
  const stalled = await containers.attach(id, BOTH)
  const { end } = await containers.wait(id, 'removed')
  await containers.start(id)
  // The program waits until somebody has read what it says.
  let bytes = 0
  for await (const chunk of stalled.stream) bytes += (chunk as Buffer).length
  expect((await end).StatusCode).toBe(4)
  expect(bytes).toBeGreaterThan(3_000_000)
  const other = await created(['sh', '-c', 'head -c 3000000 /dev/zero; exit 5'], {}, { AutoRemove: true })
  const gone = await containers.attach(other, BOTH)
  const ended = await containers.wait(other, 'removed')
  await containers.start(other)
  gone.stream.destroy()
  expect((await ended.end).StatusCode).toBe(5)
})
