/** Something else listens where a monitor should: whoever connects is told, and nobody is ended by it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Attachment } from '../../lib/kernel/attachment.js'
import { Control } from '../../lib/kernel/control.js'
import { FROM_SHIM, frameHeader } from '../../lib/kernel/frames.js'

const home = mkdtempSync(join(tmpdir(), 'drydock-monitor-'))
const path = join(home, 'sock')
let says = Buffer.alloc(0)
let server: Server
beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.write(says))
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
})
afterAll(() => {
  server.close()
  rmSync(home, { recursive: true })
})

test.each([
  ['no frame', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['a hello that is too short', Buffer.concat([frameHeader(FROM_SHIM.hello, 1), Buffer.alloc(1)])],
])('%s', async (_, bytes) => {
  says = bytes
  await expect(Control.open(path)).rejects.toThrow(`the shim at ${path} ended before it said hello`)
})

test('an attachment to it ends', async () => {
  says = Buffer.concat([frameHeader(FROM_SHIM.exit, 2), Buffer.alloc(2)])
  const attachment = await Attachment.open(path, { terminal: true, stdin: false })
  await new Promise<void>((resolve) => attachment.once('end', resolve))
})

test('what has come of a piece is had, also when the rest of it never comes', async () => {
  says = Buffer.from('\x01\0\0\0\0\0\0\x64half')
  const attachment = await Attachment.open(path, { terminal: false, stdin: false })
  const [stream, bytes] = await new Promise<[number, Buffer]>((resolve) => attachment.once('output', (...said) => resolve(said)))
  expect([stream, bytes.toString()]).toEqual([1, 'half'])
  attachment.close()
})
