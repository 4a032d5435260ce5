import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { frame } from '../../../lib/api/frames.js'
import { testApi } from '../../support/api.js'
import { fakeStreams, freePort } from '../../support/fake-engine.js'

describe('attach/ws', () => {
  test('carries stdin and both outputs without frames, and closes after them', async () => {
    for (const tty of [false, true]) {
      const { stream, program } = fakeStreams()
      const { path, engine } = await testApi({ containers: { attach: async () => ({ tty, stream }) } })
      const client = new WebSocket(`ws+unix://${path}:/v1.47/containers/c1/attach/ws?stream=1&stdin=1&stdout=1&stderr=1`)
      const received: Buffer[] = []
      client.on('message', (data: Buffer) => received.push(data))
      await once(client, 'open')
      client.send('typed')
      const [typed] = await once(program, 'data')
      expect(String(typed)).toBe('typed')
      const parts = ['out', 'err'].map((text, at) => (tty ? Buffer.from(text) : frame(at === 0 ? 1 : 2, Buffer.from(text))))
      // Cut where it hurts.
      const bytes = Buffer.concat(parts)
      program.write(bytes.subarray(0, 5))
      program.end(bytes.subarray(5))
      await once(client, 'close')
      expect(Buffer.concat(received).toString()).toBe('outerr')
      expect(engine.calls[0]?.args[1]).toMatchObject({ stdin: true, stdout: true, stderr: true })
    }
  })

  test('lets go of the streams when the client goes', async () => {
    const { stream } = fakeStreams()
    const { path } = await testApi({ containers: { attach: async () => ({ tty: true, stream }) } })
    const client = new WebSocket(`ws+unix://${path}:/containers/c1/attach/ws?stream=1&stdout=1`)
    await once(client, 'open')
    client.terminate()
    await once(stream, 'close')
  })

  test('lets go of the streams when the client has gone before it has an answer', async () => {
    const { stream } = fakeStreams()
    const { listen } = await testApi({
      containers: {
        attach: async () => {
          client.resetAndDestroy()
          // The other side hears of it a moment later.
          await new Promise((resolve) => setTimeout(resolve, 100))
          return { tty: true, stream }
        },
      },
    })
    const port = await freePort()
    await listen({ kind: 'tcp', host: '127.0.0.1', port })
    const client = connect(port, '127.0.0.1')
    const head = ['GET /containers/c1/attach/ws HTTP/1.1', 'Host: docker', 'Connection: Upgrade', 'Upgrade: websocket']
    const key = ['Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`]
    client.write([...head, ...key, '', ''].join('\r\n'))
    await once(stream, 'close')
  })

  test('is no plain request, and not for pages over TCP', async () => {
    const { stream } = fakeStreams()
    const { ask, dial, listen, engine } = await testApi({ containers: { attach: async () => ({ tty: true, stream }) } })
    expect((await ask('/containers/c1/attach/ws')).status).toBe(400)
    const port = await freePort()
    await listen({ kind: 'tcp', host: '127.0.0.1', port })
    const client = new WebSocket(`ws://127.0.0.1:${port}/containers/c1/attach/ws`, { origin: 'http://example.com' })
    const [error] = await once(client, 'error').catch((thrown: Error) => [thrown])
    expect((error as Error).message).toMatch(/403/)
    expect(engine.calls).toEqual([])
    // A handshake that is none leaves no stream behind.
    const wire = await dial()
    wire.send('GET /containers/c1/attach/ws HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    expect(await wire.end()).toMatch(/^HTTP\/1\.1 400 /)
    if (!stream.destroyed) await once(stream, 'close')
  })
})
