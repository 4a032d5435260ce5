/**
 * Very many clients, and clients that stand still: silent ones, heads that never end, uploads that stop, streams that nobody reads. The engine answers others all
 * the while, its memory is bounded, and when they have gone nothing of them is left. DRYDOCK_CONNECTIONS is how many there are.
 */
import { connect, type Socket } from 'node:net'
import { describe, expect } from 'vitest'
import { readStatusLine } from '../../../lib/kernel/proc/status.js'
import { firstFrame } from '../../support/engines/http.js'
import { busyboxArchive } from '../../support/engines/image.js'
import { tracesFrom } from '../../support/engines/traces.js'
import { onEngine } from '../../support/engines.js'

const CROWD = Number(process.env.DRYDOCK_CONNECTIONS ?? 1500)
/** Beyond what the daemon had before, in MiB: the room of a thousand connections, and what Node has not given back yet. */
const MORE_MEMORY = 250

const on = onEngine('drydock')
const changes = tracesFrom(on)

const memory = (): number => Number.parseInt(readStatusLine(on.engine.pid, 'VmRSS') ?? '', 10) / 1024

/** What each says, in turn. */
const WORDS = [
  '',
  'GET /info HTTP/1.1\r\nHost: do',
  'GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n',
  'POST /images/load HTTP/1.1\r\nHost: docker\r\nContent-Type: application/x-tar\r\nContent-Length: 100000\r\n\r\nhalf',
  'POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"Image":',
  'POST /containers/nosuch/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
] as const

/** Resolves when it is connected, or refused. */
function join(words: string, crowd: Set<Socket>): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ path: on.engine.socket, allowHalfOpen: true })
    crowd.add(socket)
    socket.on('error', () => resolve())
    socket.on('connect', () => {
      if (words !== '') socket.write(words)
      resolve()
    })
    socket.on('close', () => crowd.delete(socket))
    socket.on('end', () => socket.end())
    socket.resume()
  })
}

/** As a client of somebody else's goes about it: a connection for each request. */
async function works(): Promise<void> {
  const id = await on.api.create(['true'], { HostConfig: { NetworkMode: 'none' } })
  const { status } = await on.api.wait(id, 'next-exit')
  await on.api.start(id)
  expect(await status).toBe(0)
  expect((await on.api.remove(id)).status).toBe(204)
}

describe(`${CROWD} connections`, () => {
  on.test(
    'that are silent, or never finish what they say, keep nobody away',
    async () => {
      const crowd = new Set<Socket>()
      const had = memory()
      // Some at a time: no more wait to be let in than the kernel lets wait (listen(2), backlog).
      for (let at = 0; at < CROWD; at += 100) {
        await Promise.all(Array.from({ length: Math.min(100, CROWD - at) }, (_, one) => join(WORDS[(at + one) % 3] as string, crowd)))
      }
      await works()
      expect(memory() - had).toBeLessThan(MORE_MEMORY)
      for (const socket of crowd) socket.destroy()
    },
    120_000 + CROWD * 20,
  )

  on.test('of which each has begun something and stops in the middle leave room for others', async () => {
    const crowd = new Set<Socket>()
    await Promise.all(Array.from({ length: 60 }, (_, one) => join(WORDS[3 + (one % 3)] as string, crowd)))
    await works()
    expect((await on.api.post('/images/load?quiet=1', busyboxArchive())).status).toBe(200)
    for (const socket of crowd) socket.destroy()
  })
})

describe('streams that nobody reads', () => {
  /** Far more than what all buffers on the way hold. */
  const SIZE = 24 * 1024 * 1024
  const EACH = 12

  on.test(
    'are held where they come from: memory is bounded, and the engine answers others',
    async () => {
      const id = await on.api.create(
        ['sh', '-c', `head -c ${SIZE} /dev/urandom > /big; yes drydock | head -c ${SIZE / 4}; echo ready >&2; sleep 1000`],
        {
          HostConfig: { NetworkMode: 'none' },
        },
      )
      await on.api.start(id)
      // Alone on its stream: it comes in one piece.
      expect(await firstFrame(await on.api.open('GET', `/containers/${id}/logs?follow=1&stderr=1`))).toBe('ready\n')
      const had = memory()
      const paths = [
        `/containers/${id}/export`,
        `/containers/${id}/archive?path=/big`,
        `/containers/${id}/logs?stdout=1`,
        `/containers/${id}/stats`,
        '/images/busybox/get',
      ]
      const streams = await Promise.all(paths.flatMap((path) => Array.from({ length: EACH }, () => on.api.open('GET', path))))
      expect(streams.map(({ statusCode }) => statusCode)).toEqual(streams.map(() => 200))
      await works()
      expect(memory() - had).toBeLessThan(MORE_MEMORY)
      for (const stream of streams) stream.destroy()
      await on.api.remove(id)
    },
    120_000,
  )
})

on.test(
  'nothing is left of all that',
  async () => {
    expect(await changes()).toEqual([])
  },
  120_000,
)
