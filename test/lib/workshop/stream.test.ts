/** The bounded buffer between the server and a page. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { EventStream } from '../../../lib/workshop/stream.js'
import { listenTo, type Stream } from '../../support/workshop.js'

let stop: () => Promise<unknown> = async () => undefined
afterEach(() => stop())

/** Both ends of one stream. */
async function streamOf(): Promise<{ readonly server: EventStream; readonly page: Stream }> {
  let opened: (stream: EventStream) => void
  const server = new Promise<EventStream>((resolve) => {
    opened = resolve
  })
  const http = createServer((_request, response) => opened(new EventStream(response)))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  stop = () => {
    http.closeAllConnections()
    return new Promise((resolve) => http.close(resolve))
  }
  const page = await listenTo((http.address() as AddressInfo).port, '/')
  return { server: await server, page }
}

const MEBIBYTE = JSON.stringify('x'.repeat(2 ** 20))

test('a page that does not read is shown out before much is kept for it', async () => {
  const { server, page } = await streamOf()
  page.pause()
  let sent = 0
  while (!server.gone.aborted && sent < 100) {
    server.send('changed', MEBIBYTE)
    sent++
    await new Promise(setImmediate)
  }
  expect(server.gone.aborted).toBe(true)
  // Four wait here, and so many as the kernel's socket buffers hold on their way.
  expect(sent).toBeLessThan(40)
  page.close()
})

test('one event may be larger than what may wait', async () => {
  const { server, page } = await streamOf()
  server.send('picture', JSON.stringify('x'.repeat(2 ** 23)))
  expect((await page.find(({ kind }) => kind === 'picture')).data).toHaveLength(2 ** 23)
  page.close()
})

test('what is waited for is not lost, however much it is', async () => {
  const { server, page } = await streamOf()
  for (let seq = 0; seq < 30; seq++) {
    server.sendNumbered(seq, MEBIBYTE)
    await server.drained()
  }
  await page.find(({ id }) => id === '29')
  expect(page.events.map(({ id }) => Number(id))).toEqual([...Array(30).keys()])
  page.close()
})
