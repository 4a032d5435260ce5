/**
 * Clients that do not read, and clients that vanish: attached, following logs, in an exec, at the events. Whoever reads gets every byte, whoever reads on at
 * last does too, and nobody is in the way of a stop.
 */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { describe, expect } from 'vitest'
import type { Hijacked } from '../../support/engines/api.js'
import { parseFrames, textOf } from '../../support/engines/http.js'
import { tracesFrom } from '../../support/engines/traces.js'
import { ENGINE, onEngine } from '../../support/engines.js'

const TIMES = Number(process.env.DRYDOCK_RACES ?? 1)
const on = onEngine(ENGINE)

const often = (name: string, run: (time: number) => Promise<void>) =>
  on.test(
    name,
    async () => {
      for (let time = 0; time < TIMES; time++) await run(time)
    },
    120_000 + TIMES * 10_000,
  )

const changes = tracesFrom(on)

/** For what surely comes, on a busy machine too. Milliseconds. */
const PATIENT = { timeout: 60_000 }

const NONE = { HostConfig: { NetworkMode: 'none' } }
/** Far more than all buffers on the way hold: 3 MiB in lines that tell which they are. */
const LINES = 40_000
const PAD = 'abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123'
const TALK = `seq 1 ${LINES} | sed 's/$/ ${PAD}/'`
const ALL = Array.from({ length: LINES }, (_, index) => `${index + 1} ${PAD}\n`).join('')

/** Compared by where they part: what a failure would print of three megabytes helps nobody. */
function expectAll(text: string): void {
  let at = 0
  while (at < ALL.length && text[at] === ALL[at]) at++
  expect({ length: text.length, partsAt: at, there: text.slice(at, at + 80) }).toEqual({
    length: ALL.length,
    partsAt: ALL.length,
    there: '',
  })
}

const attach = (id: string, query = 'stream=1&stdout=1&stderr=1') => on.api.hijack(`/containers/${id}/attach?${query}`)

async function exec(
  id: string,
  Cmd: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ id: string; stream: Hijacked }> {
  const body = { Cmd, AttachStdout: true, AttachStderr: true, ...more }
  const { Id } = await on.api.must<{ Id: string }>('POST', `/containers/${id}/exec`, body)
  return { id: Id, stream: await on.api.hijack(`/exec/${Id}/start`, { body: { Detach: false, Tty: false } }) }
}

/** Once it has begun to read, it reads no more. */
async function stalled(hijacked: Hijacked): Promise<Hijacked> {
  hijacked.socket.pause()
  return hijacked
}

async function allOf(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

const logged = async (id: string) => textOf(parseFrames((await on.api.get(`/containers/${id}/logs?stdout=1`)).body).frames, 1)

describe('a client that does not read', () => {
  // As with Docker's daemon: the program waits for whoever is attached, and for nobody who is not any more.
  for (const end of ['reads on', 'vanishes'] as const) {
    often(`attached, until it ${end}: it and the other get all of it`, async () => {
      const id = await on.api.create(['sh', '-c', TALK], NONE)
      const idle = await stalled(await attach(id))
      const busy = await attach(id)
      const { status } = await on.api.wait(id, 'next-exit')
      await on.api.start(id)
      await busy.until((bytes) => bytes.length > 0, 'a first byte')
      if (end === 'vanishes') idle.vanish()
      else idle.socket.resume()
      expectAll((await busy.output()).stdout)
      expect(await status).toBe(0)
      expectAll(await logged(id))
      if (end === 'reads on') expectAll((await idle.output()).stdout)
      await on.api.remove(id)
    })
  }

  often('following logs', async () => {
    const id = await on.api.create(['sh', '-c', `sleep 0.05; ${TALK}`], NONE)
    await on.api.start(id)
    const idle = await on.api.open('GET', `/containers/${id}/logs?follow=1&stdout=1`)
    const { status } = await on.api.wait(id)
    expect(await status).toBe(0)
    expectAll(textOf(parseFrames(await allOf(idle)).frames, 1))
    await on.api.remove(id)
  })

  often('in an exec, whose program waits for it and for nobody else', async () => {
    const id = await on.api.create(['sleep', '1000'], NONE)
    await on.api.start(id)
    const idle = await exec(id, ['sh', '-c', TALK])
    await stalled(idle.stream)
    expect((await (await exec(id, ['echo', 'meanwhile'])).stream.output()).stdout).toBe('meanwhile\n')
    idle.stream.socket.resume()
    expectAll((await idle.stream.output()).stdout)
    expect((await on.api.get(`/exec/${idle.id}/json`)).json()).toMatchObject({ ExitCode: 0, Running: false })
    await on.api.remove(id)
  })

  // Docker's daemon hangs here.
  const better = ENGINE === 'drydock' ? often : on.test.skip

  better('is in the way of no stop, no kill, no removal', async () => {
    const id = await on.api.create(['sh', '-c', 'yes'], NONE)
    const idle = await stalled(await attach(id))
    await on.api.start(id)
    const inside = await exec(id, ['sh', '-c', 'yes'])
    await stalled(inside.stream)
    const { status } = await on.api.wait(id)
    expect((await on.api.post(`/containers/${id}/stop?t=0`)).status).toBe(204)
    expect(await status).toBe(137)
    expect((await on.api.remove(id)).status).toBe(204)
    for (const stream of [idle, inside.stream]) stream.vanish()
  })

  often('at the events, of which there are many', async () => {
    const idle = await on.api.open('GET', '/events')
    const busy = await on.api.open('GET', '/events')
    let seen = ''
    busy.on('data', (part: Buffer) => {
      seen += part.toString()
    })
    const ids: string[] = []
    const labels = { Labels: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`label${index}`, 'x'.repeat(200)])) }
    for (let count = 0; count < 60; count++) {
      const id = await on.api.create(['true'], labels)
      ids.push(id)
      expect((await on.api.remove(id)).status).toBe(204)
    }
    while (!seen.includes(`"destroy","Actor":{"ID":"${ids.at(-1)}"`)) await once(busy, 'data')
    busy.destroy()
    idle.destroy()
  })
})

describe('a client that vanishes', () => {
  often('attached, with stdin: the program goes on, and is told of no end', async () => {
    const id = await on.api.create(['sh', '-c', 'cat; echo ended'], { ...NONE, OpenStdin: true })
    await on.api.start(id)
    const gone = await attach(id, 'stream=1&stdin=1&stdout=1&stderr=1')
    gone.write('first\n')
    await gone.until((bytes) => bytes.includes('first'), 'the echo')
    gone.vanish()
    const next = await attach(id, 'stream=1&stdin=1&stdout=1&stderr=1')
    next.write('second\n')
    await next.until((bytes) => bytes.includes('second'), 'the echo')
    expect((await on.api.get(`/containers/${id}/json`)).json()).toMatchObject({ State: { Running: true } })
    next.vanish()
    // Who is attached may have it before the log has.
    await expect.poll(() => logged(id), PATIENT).toBe('first\nsecond\n')
    await on.api.remove(id)
  })

  often('in the middle of much output: the log has all of it', async () => {
    const id = await on.api.create(['sh', '-c', TALK], NONE)
    const gone = await Promise.all([1, 2, 3].map(() => attach(id)))
    const { status } = await on.api.wait(id, 'next-exit')
    await on.api.start(id)
    await Promise.all(
      gone.map(async (stream, index) => {
        await stream.until((bytes) => bytes.length > index * 100_000, 'some of it')
        stream.vanish()
      }),
    )
    expect(await status).toBe(0)
    expectAll(await logged(id))
    await on.api.remove(id)
  })

  often('in an exec: the program goes on to its end', async () => {
    const id = await on.api.create(['sleep', '1000'], NONE)
    await on.api.start(id)
    const { id: execId, stream } = await exec(id, ['sh', '-c', `${TALK}; echo over > /over`])
    await stream.until((bytes) => bytes.length > 0, 'a first byte')
    stream.vanish()
    await on.api.whenever({ container: [id] }, async () => !(await on.api.get(`/exec/${execId}/json`)).json<{ Running: boolean }>().Running)
    await on.api.remove(id)
  })

  often('before the answer, with every request that waits', async () => {
    const id = await on.api.create(['sleep', '1000'], NONE)
    await on.api.start(id)
    const opened = await Promise.all([
      on.api.open('POST', `/containers/${id}/wait`),
      on.api.open('POST', `/containers/${id}/wait?condition=removed`),
      on.api.open('GET', `/containers/${id}/logs?follow=1&stdout=1`),
      on.api.open('GET', `/containers/${id}/stats`),
      on.api.open('GET', '/events'),
    ])
    for (const stream of opened) stream.destroy()
    expect((await on.api.remove(id)).status).toBe(204)
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
