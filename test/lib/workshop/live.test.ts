/** What pages are told: pictures while somebody looks, changes, learners, and an end for who does not read. */
import { afterEach, expect, test } from 'vitest'
import { DrydockError } from '../../../lib/kernel/errors.js'
import { applyDelta, emptyPicture } from '../../../lib/picture/delta.js'
import type { LinkView, Picture } from '../../../lib/picture/types.js'
import { aReport, type DataOf, HOST, listenTo, type OpenServer, openServer, report } from '../../support/workshop.js'

let server: OpenServer
afterEach(() => server.close())

const link = (index: number, name: string): LinkView => ({
  namespace: 1,
  index,
  name,
  kind: 'veth',
  up: true,
  running: true,
  mtu: 1500,
  addresses: [],
  received: { bytes: 0, packets: 0 },
  sent: { bytes: 0, packets: 0 },
  gateways: [],
})

/** A new link in each picture. */
function growing(): () => Promise<Picture> {
  let picture = emptyPicture(HOST, 0)
  return async () => {
    const at = picture.at + 1
    picture = { ...picture, at, tables: { ...picture.tables, links: { ...picture.tables.links, [`1/${at}`]: link(at, `v${at}`) } } }
    return picture
  }
}

test('a page gets a whole picture and then what changes, and with it has what was seen', async () => {
  const take = growing()
  const taken: Picture[] = []
  server = await openServer({
    picture: async () => {
      const one = await take()
      taken.push(one)
      return one
    },
  })
  const stream = await listenTo(server.port, '/live')
  await stream.find(({ kind, data }) => kind === 'changed' && (data as DataOf<'changed'>).delta.at === 3)
  stream.close()
  // A fourth may have come in the same breath.
  const pictures = stream.events.filter(({ kind }) => kind === 'picture' || kind === 'changed').slice(0, 3)
  expect(pictures.map(({ kind }) => kind)).toEqual(['picture', 'changed', 'changed'])
  const { picture } = (await stream.find(({ kind }) => kind === 'picture')).data as DataOf<'picture'>
  const seen = pictures.slice(1).reduce((before, { data }) => applyDelta(before, (data as DataOf<'changed'>).delta), picture)
  expect(seen).toEqual(taken[2])
  expect(stream.events.find(({ kind }) => kind === 'pace')?.data).toEqual({ milliseconds: 700 })
  expect(stream.events.find(({ kind }) => kind === 'sessions')?.data).toEqual({ sessions: [] })
})

test('nothing is looked at while nobody looks, and one picture serves all', async () => {
  let taken = 0
  const take = growing()
  server = await openServer({
    picture: () => {
      taken++
      return take()
    },
  })
  expect(taken).toBe(0)
  const first = await listenTo(server.port, '/live')
  await first.find(({ kind }) => kind === 'changed')
  const second = await listenTo(server.port, '/live')
  await second.find(({ kind }) => kind === 'changed')
  const { at } = ((await second.find(({ kind }) => kind === 'picture')).data as DataOf<'picture'>).picture
  await first.find(({ kind, data }) => kind === 'changed' && (data as DataOf<'changed'>).delta.at === at + 1)
  // One that has been taken may be on its way.
  await expect.poll(() => first.events.filter(({ kind }) => kind === 'changed' || kind === 'picture').length - taken).toBe(0)
  first.close()
  second.close()
})

test('a page that comes when others have gone gets a picture of now', async () => {
  server = await openServer({ picture: growing() })
  const first = await listenTo(server.port, '/live')
  await first.find(({ kind }) => kind === 'changed')
  first.close()
  await first.ended
  const second = await listenTo(server.port, '/live')
  const { picture } = (await second.find(({ kind }) => kind === 'picture')).data as DataOf<'picture'>
  expect(picture.at).toBeGreaterThanOrEqual(2)
  second.close()
})

test('what cannot be looked at is told once, and in no hurry', async () => {
  server = await openServer({
    picture: async () => {
      throw new DrydockError('/proc is not mounted here')
    },
  })
  const stream = await listenTo(server.port, '/live')
  await stream.find(({ kind, data }) => kind === 'pace' && (data as DataOf<'pace'>).milliseconds === 5000)
  expect(server.log).toEqual(['/proc is not mounted here'])
  stream.close()
})

test('costly pictures are taken seldom, wherever the time goes', async () => {
  let elsewhere = 0
  server = await openServer({
    picture: growing(),
    elsewhere: () => {
      elsewhere += 200
      return elsewhere
    },
  })
  const stream = await listenTo(server.port, '/live')
  const { data } = await stream.find(({ kind, data }) => kind === 'pace' && (data as DataOf<'pace'>).milliseconds !== 700)
  expect((data as DataOf<'pace'>).milliseconds).toBeGreaterThanOrEqual(12 * 200)
  stream.close()
})

test('and so are those that cost this process time', async () => {
  const take = growing()
  server = await openServer({
    picture: () => {
      for (const end = process.cpuUsage().user + 100_000; process.cpuUsage().user < end; );
      return take()
    },
  })
  const stream = await listenTo(server.port, '/live')
  const { data } = await stream.find(({ kind, data }) => kind === 'pace' && (data as DataOf<'pace'>).milliseconds !== 700)
  expect((data as DataOf<'pace'>).milliseconds).toBeGreaterThanOrEqual(12 * 100)
  stream.close()
})

test('pages hear of learners', async () => {
  server = await openServer({ joinUrl: 'http://192.0.2.1:7777/' })
  const { word } = server.room
  const stream = await listenTo(server.port, '/live')
  const first = await stream.find(({ kind }) => kind === 'room')
  expect(first.data).toEqual({ room: { open: true, join: { url: 'http://192.0.2.1:7777/', word }, learners: [] } })
  expect((await report(server.port, aReport(word))).status).toBe(204)
  const told = await stream.find(({ kind, data }) => kind === 'room' && (data as DataOf<'room'>).room.learners.length > 0)
  const { version: _v, id: _i, room: _r, ...rest } = aReport(word)
  expect((told.data as DataOf<'room'>).room.learners).toEqual([{ ...rest, key: '1', heard: expect.any(Number) }])
  expect(JSON.stringify(stream.events)).not.toContain(aReport(word).id)
  stream.close()
})

test('so many pages and no more', async () => {
  server = await openServer()
  const streams = await Promise.all(Array.from({ length: 32 }, () => listenTo(server.port, '/live')))
  expect(streams.map(({ status }) => status)).toEqual(Array(32).fill(200))
  const one = await listenTo(server.port, '/live')
  expect(one.status).toBe(503)
  one.close()
  const [first] = streams
  first?.close()
  await first?.ended
  for (const stream of streams) stream.close()
})
