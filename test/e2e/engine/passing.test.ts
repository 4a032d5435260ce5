/** A container's output goes past the engine, from the shim into the client's connection: the engine carries none of it, and it ends with the engine all the same. */
import { readFileSync } from 'node:fs'
import { describe, expect } from 'vitest'
import type { Hijacked } from '../../support/engines/api.js'
import { parseFrames, textOf } from '../../support/engines/http.js'
import { ENGINE, onEngine } from '../../support/engines.js'

const on = onEngine(ENGINE)

/** Far more than all buffers on the way hold. */
const LINES = 500_000
const SIZE = 3_388_895
const HOST = { HostConfig: { NetworkMode: 'none' } }

/** It has said its first words, and waits for its client to read on. */
async function stalled(id: string): Promise<Hijacked> {
  const client = await on.api.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`)
  await on.api.start(id)
  await client.until(() => client.size > 0, 'output')
  client.socket.pause()
  return client
}

/** Bytes that the engine has read and written: proc_pid_io(5). */
function carried(): number {
  const text = readFileSync(`/proc/${on.engine.pid}/io`, 'utf8')
  return [...text.matchAll(/^[rw]char: (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0)
}

describe('output of a container', () => {
  on.test('comes whole, and the engine carries none of it; what is typed it does', async () => {
    const id = await on.api.create(['sh', '-c', `seq 1 ${LINES}; read word; echo "$word"; cat`], {
      ...HOST,
      OpenStdin: true,
      StdinOnce: true,
    })
    const client = await stalled(id)
    const before = carried()
    client.socket.resume()
    await client.until(() => client.size >= SIZE, 'all of it')
    expect(carried() - before).toBeLessThan(SIZE / 10)
    client.socket.end('typed\nand more\n')
    const { frames } = parseFrames(await client.ended())
    const text = textOf(frames, 1)
    expect({ size: text.length, end: text.slice(-30) }).toEqual({
      size: SIZE + 15,
      end: '00\n499999\n500000\ntyped\nand more\n'.slice(-30),
    })
  })

  on.test('ends for its client with the engine, and not for the container', async () => {
    const id = await on.api.create(['sh', '-c', `seq 1 ${LINES}; echo done >&2; exit 7`], HOST)
    const client = await stalled(id)
    await on.engine.kill()
    client.socket.resume()
    await client.ended()
    await on.engine.start()
    const { status } = await on.api.wait(id)
    expect(await status).toBe(7)
    const log = parseFrames((await on.api.get(`/containers/${id}/logs?stdout=1&stderr=1&tail=1`)).body)
    expect(textOf(log.frames, 2)).toBe('done\n')
  })
})
