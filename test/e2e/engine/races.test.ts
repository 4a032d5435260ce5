/**
 * What may happen at once, and does: each a number of times (DRYDOCK_RACES). Nobody waits for ever, no byte is lost, no status is wrong, and when all is
 * over nothing is left, neither on the host nor in the daemon.
 */
import { describe, expect } from 'vitest'
import { type Answer, Hijacked } from '../../support/engines/api.js'
import { parseFrames, textOf } from '../../support/engines/http.js'
import { tracesFrom } from '../../support/engines/traces.js'
import { ENGINE, onEngine } from '../../support/engines.js'

const TIMES = Number(process.env.DRYDOCK_RACES ?? 4)
const on = onEngine(ENGINE)

/** A test of one race, run so many times. */
const race = (name: string, run: (time: number) => Promise<void>) =>
  on.test(
    name,
    async () => {
      for (let time = 0; time < TIMES; time++) await run(time)
    },
    120_000 + TIMES * 5000,
  )

const changes = tracesFrom(on)

const NONE = { HostConfig: { NetworkMode: 'none' } }
const statuses = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status).sort()
const isGone = async (id: string) => (await on.api.get(`/containers/${id}/json`)).status === 404
/** A few milliseconds, another number each time: where in the other's way one comes is the race. */
const moment = (time: number, step = 7) => new Promise((resolve) => setTimeout(resolve, (time % 8) * step))

describe('attach', () => {
  race('before the start: from the first byte to the last', async (time) => {
    const id = await on.api.create(['sh', '-c', 'seq 20000; echo end >&2'], NONE)
    const attached = await on.api.hijack(`/containers/${id}/attach?stream=1&stdout=1&stderr=1`, { upgrade: time % 2 === 0 })
    await on.api.start(id)
    const { stdout, stderr } = await attached.output()
    expect([stdout.split('\n').length, stdout.endsWith('\n20000\n'), stderr]).toEqual([20_001, true, 'end\n'])
    await on.api.remove(id)
  })

  race('while it ends: whole frames, and an end', async (time) => {
    const id = await on.api.create(['sh', '-c', 'seq 2000'], NONE)
    await on.api.start(id)
    await moment(time)
    const attached = await on.api.hijack(`/containers/${id}/attach?stream=1&logs=1&stdout=1&stderr=1`)
    // One that comes too late is told the past alone, and waits for what may come: Docker's daemon has it so.
    const { status } = await on.api.wait(id)
    expect(await status).toBe(0)
    await attached.until((bytes) => textOf(parseFrames(bytes).frames, 1).endsWith('\n2000\n'), 'all lines')
    // None is missing and none is torn; what is printed in the moment between its past and its presence may come twice (docs/API.md).
    expect(new Set(textOf(parseFrames(attached.bytes).frames, 1).split('\n')).size).toBe(2001)
    await on.api.remove(id)
    attached.vanish()
  })

  race('stdin that is there before the start, and ends', async () => {
    const id = await on.api.create(['cat'], { ...NONE, OpenStdin: true, StdinOnce: true, AttachStdin: true })
    const attached = await on.api.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`)
    attached.write('early\n')
    attached.closeInput()
    const { status } = await on.api.wait(id, 'next-exit')
    await on.api.start(id)
    expect((await attached.output()).stdout).toBe('early\n')
    expect(await status).toBe(0)
    await on.api.remove(id)
  })
})

describe('resize', () => {
  race('before, while and after starting', async () => {
    const id = await on.api.create(['sh', '-c', 'read x; stty size; read x'], { ...NONE, Tty: true, OpenStdin: true })
    const attached = await on.api.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`)
    expect((await on.api.post(`/containers/${id}/resize?h=10&w=20`)).status).toBe(409)
    const [start, ...during] = await Promise.all([
      on.api.post(`/containers/${id}/start`),
      ...[1, 2, 3].map((h) => on.api.post(`/containers/${id}/resize?h=${h}&w=20`)),
    ])
    expect(start?.status).toBe(204)
    for (const { status } of during) expect([200, 409]).toContain(status)
    expect((await on.api.post(`/containers/${id}/resize?h=31&w=41`)).status).toBe(200)
    attached.write('\n')
    await attached.until((bytes) => bytes.includes('31 41'), 'the size')
    await on.api.remove(id)
    await attached.ended()
    expect((await on.api.post(`/containers/${id}/resize?h=31&w=41`)).status).toBe(404)
  })
})

describe('wait', () => {
  race('for the next exit, for none, for the removal: all are told the same', async (time) => {
    const id = await on.api.create(['sh', '-c', 'exit 7'], NONE)
    expect(await (await on.api.wait(id, 'not-running')).status).toBe(0)
    const next = await Promise.all([1, 2, 3].map(() => on.api.wait(id, 'next-exit')))
    const removed = await on.api.wait(id, 'removed')
    await on.api.start(id)
    const running = await on.api.wait(id, 'not-running')
    expect(await Promise.all([...next, running].map(({ status }) => status))).toEqual([7, 7, 7, 7])
    await moment(time)
    expect((await on.api.remove(id)).status).toBe(204)
    expect(await removed.status).toBe(7)
  })

  race('of a container that removes itself', async () => {
    const id = await on.api.create(['sh', '-c', 'exit 8'], { HostConfig: { NetworkMode: 'none', AutoRemove: true } })
    const waits = await Promise.all([on.api.wait(id, 'removed'), on.api.wait(id, 'next-exit')])
    await on.api.start(id)
    expect(await Promise.all(waits.map(({ status }) => status))).toEqual([8, 8])
    expect(await isGone(id)).toBe(true)
  })

  race('of one that cannot be started and removes itself', async () => {
    const id = await on.api.create(['/nonexistent'], { HostConfig: { NetworkMode: 'none', AutoRemove: true } })
    const attached = await on.api.hijack(`/containers/${id}/attach?stream=1&stdout=1&stderr=1`)
    const { status } = await on.api.wait(id, 'removed')
    expect((await on.api.post(`/containers/${id}/start`)).status).toBe(400)
    expect(await status).toBe(127)
    expect((await attached.ended()).length).toBe(0)
  })
})

describe('life', () => {
  race('removed by force while it starts', async (time) => {
    const id = await on.api.create(['sleep', '1000'])
    const started = on.api.post(`/containers/${id}/start`)
    await moment(time)
    const removed = await on.api.remove(id)
    expect([204, 404, 409, 500]).toContain((await started).status)
    // It was in the way, perhaps; it is not now.
    if (removed.status !== 204) expect((await on.api.remove(id)).status).toBe(204)
    expect(await isGone(id)).toBe(true)
  })

  race('started twice at once: one of them starts it', async () => {
    const id = await on.api.create(['sleep', '1000'], NONE)
    expect(statuses(await Promise.all([1, 2, 3].map(() => on.api.post(`/containers/${id}/start`))))).toEqual([204, 304, 304])
    await on.api.remove(id)
  })

  race('stopped while it is being stopped, and killed', async (time) => {
    const id = await on.api.create(['sleep', '1000'], NONE)
    await on.api.start(id)
    const { status } = await on.api.wait(id)
    const stops = [1, 2].map(() => on.api.post(`/containers/${id}/stop?t=1`))
    await moment(time)
    const kill = await on.api.post(`/containers/${id}/kill`)
    expect([204, 409]).toContain(kill.status)
    for (const stop of await Promise.all(stops)) expect([204, 304]).toContain(stop.status)
    expect(await status).toBe(137)
    await on.api.remove(id)
  })

  race('removed twice at once', async () => {
    const id = await on.api.create(['sleep', '1000'], NONE)
    await on.api.start(id)
    const answers = await Promise.all([1, 2].map(() => on.api.remove(id)))
    // 409: the other one is at it already.
    expect([
      [204, 204],
      [204, 404],
      [204, 409],
    ]).toContainEqual(statuses(answers))
    expect(await isGone(id)).toBe(true)
  })

  race('one name for two', async () => {
    const answers = await Promise.all(
      [1, 2, 3].map(() => on.api.post('/containers/create?name=wanted', { Image: 'busybox', Cmd: ['true'] })),
    )
    expect(statuses(answers)).toEqual([201, 409, 409])
    expect((await on.api.remove('wanted')).status).toBe(204)
  })
})

describe('exec', () => {
  race('into one that is dying: an answer, and an end', async (time) => {
    const id = await on.api.create(['sh', '-c', 'sleep 0.02'], NONE)
    await on.api.start(id)
    await moment(time, 4)
    const made = await on.api.post(`/containers/${id}/exec`, { Cmd: ['sh', '-c', 'echo here; sleep 1000'], AttachStdout: true })
    expect([201, 409]).toContain(made.status)
    if (made.status === 201) {
      const { Id } = made.json<{ Id: string }>()
      const stream = await Hijacked.open(on.engine.socket, `/v1.41/exec/${Id}/start`, { body: { Detach: false, Tty: false } })
      // 404: the container is gone, and its execs with it.
      expect([101, 400, 404, 409, 500]).toContain(stream.status)
      if (stream.status === 101) await stream.ended()
      else stream.vanish()
      const looked = await on.api.get(`/exec/${Id}/json`)
      expect(looked.status === 404 || looked.json()).toEqual(looked.status === 404 || expect.objectContaining({ Running: false }))
    }
    await (await on.api.wait(id)).status
    await on.api.remove(id)
  })

  race('resized at once, many of them together', async () => {
    const id = await on.api.create(['sleep', '1000'], NONE)
    await on.api.start(id)
    await Promise.all(
      [1, 2, 3].map(async (n) => {
        const body = { Cmd: ['sh', '-c', 'read x; stty size; exit 9'], Tty: true, AttachStdin: true, AttachStdout: true }
        const { Id } = (await on.api.post(`/containers/${id}/exec`, body)).json<{ Id: string }>()
        const stream = await on.api.hijack(`/exec/${Id}/start`, { body: { Tty: true } })
        // Docker's command line asks within a millisecond, and gives up after ten failures.
        expect((await on.api.post(`/exec/${Id}/resize?h=${20 + n}&w=44`)).status).toBe(200)
        stream.write('\n')
        expect((await stream.ended()).toString()).toContain(`${20 + n} 44`)
        // Final before the stream ends.
        expect((await on.api.get(`/exec/${Id}/json`)).json()).toMatchObject({ ExitCode: 9, Running: false })
      }),
    )
    await on.api.remove(id)
  })
})

// Docker's daemon keeps the files of network namespaces for a minute, and a few descriptors.
const ours = ENGINE === 'drydock' ? on.test : on.test.skip

ours(
  'nothing is left of all that',
  async () => {
    expect(await changes()).toEqual([])
  },
  120_000,
)
