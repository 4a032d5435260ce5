/** Much is written to a reader who is slow, and nothing is kept of the waiting. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Attachment } from '../../../lib/kernel/attachment.js'
import { FROM_SHIM, frameHeader } from '../../../lib/kernel/frames.js'
import { Shim } from '../../../lib/kernel/shim.js'

const home = mkdtempSync(join(tmpdir(), 'drydock-drained-'))
const path = join(home, 'sock')
const readers: Socket[] = []
let server: Server
beforeAll(async () => {
  const hello = Buffer.alloc(8)
  hello.writeUInt32LE(2)
  server = createServer((socket) => {
    readers.push(socket)
    socket.on('error', () => undefined)
    socket.write(Buffer.concat([frameHeader(FROM_SHIM.hello, hello.length), hello]))
    socket.resume()
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
})
afterAll(() => {
  for (const reader of readers) reader.destroy()
  server.close()
  rmSync(home, { recursive: true })
})

const MUCH = Buffer.alloc(1 << 20)
const TIMES = 20

test('to a shim, which may break off', async () => {
  const socket = createConnection(path)
  const shim = await Shim.over(socket)
  const counts = () => (['drain', 'close', 'error'] as const).map((event) => socket.listenerCount(event))
  const before = counts()
  for (let i = 0; i < TIMES; i++) {
    expect(shim.stdin(MUCH)).toBe(false)
    await shim.drained()
  }
  expect(counts()).toEqual(before)
  readers.at(-1)?.pause()
  shim.stdin(MUCH)
  const waiting = shim.drained()
  readers.at(-1)?.destroy()
  await expect(waiting).resolves.toBeUndefined()
})

test('to a container that one is attached to', async () => {
  const warnings: Error[] = []
  const warn = (warning: Error) => warnings.push(warning)
  process.on('warning', warn)
  const attachment = await Attachment.open(path, { terminal: true, stdin: true })
  for (let i = 0; i < TIMES; i++) {
    expect(attachment.stdin(MUCH)).toBe(false)
    await attachment.drained()
  }
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', warn)
  expect(warnings).toEqual([])
  attachment.close()
})
