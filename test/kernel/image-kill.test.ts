/** Pulls that are killed at any moment, and several at once: nothing is fetched twice, nothing is lost, nothing is left. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Digest } from '../../lib/image/types.js'
import { bigLayer, gzipped, PATIENT, pullFrom, type TestStore, testStore } from '../support/images.js'
import { program } from '../support/private-host.js'
import type { Fault } from '../support/registry-faults.js'
import { RegistryServer, type ServedImage } from '../support/registry-server.js'

let server: RegistryServer
let at: TestStore
beforeEach(async () => {
  server = await RegistryServer.start()
  at = testStore()
})
afterEach(async () => {
  await server.stop()
  await at.remove()
})

/** In pieces, with a moment between each two. */
const slowly =
  (piece: number, milliseconds: number): Fault =>
  (response, { status, headers, body }) => {
    response.writeHead(status, { ...headers, 'content-length': body.length })
    const next = (from: number) => {
      if (response.destroyed) return
      response.write(body.subarray(from, from + piece))
      if (from + piece < body.length) setTimeout(next, milliseconds, from + piece)
      else response.end()
    }
    next(0)
  }

function start(...names: string[]): ChildProcess & { said: () => string } {
  const [file = '', ...args] = program('pull', at.root, ...names.map((name) => `${server.host}/${name}`))
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += String(chunk)))
  return Object.assign(child, { said: () => text })
}

async function ended(child: ReturnType<typeof start>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** What a pull that was killed had asked for is read by the server when it is: with the end of the last connection at the latest. */
const heard = () => expect.poll(() => server.connections, { interval: 2 }).toBe(0)

/** Where each request for a blob began, by digest. */
const asked = (from: number): Map<Digest, number[]> => {
  const found = new Map<Digest, number[]>()
  for (const { method, path, headers } of server.requests.slice(from)) {
    const digest = /\/blobs\/(sha256:[0-9a-f]{64})$/.exec(path)?.[1] as Digest | undefined
    if (method !== 'GET' || digest === undefined) continue
    found.set(digest, [...(found.get(digest) ?? []), Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0)])
  }
  return found
}

const layersOf = (count: number, size: number, seed: string) =>
  Array.from({ length: count }, (_, index) => bigLayer(size + index * 10_000, `${seed}${index}`))

/** What is on disk now: whole blobs, and bytes of begun ones. */
function onDisk() {
  const list = (path: string) => {
    try {
      return readdirSync(join(at.root, 'blobs', path)).filter((name) => /^[0-9a-f]{64}$/.test(name))
    } catch {
      return []
    }
  }
  const begun = list('incoming').map((name) => [`sha256:${name}`, statSync(join(at.root, 'blobs/incoming', name)).size] as const)
  return { whole: new Set(list('sha256').map((name) => `sha256:${name}`)), begun: new Map(begun) }
}

async function checkWhole({ config, layers }: ServedImage): Promise<void> {
  const image = await at.store.find(config.digest)
  expect(image.layers).toHaveLength(layers.length)
  for (const { digest, size } of [config, ...layers]) {
    const bytes = readFileSync(join(at.root, 'blobs/sha256', digest.slice(7)))
    expect(bytes.length).toBe(size)
    expect(bytes.equals(server.blobs.get('fleet/tug')?.get(digest) as Buffer)).toBe(true)
  }
  for (const layer of image.layers) expect(readdirSync(layer)).toHaveLength(1)
}

/** Milliseconds after the first request in which a pull is killed: about as long as one takes. */
const WINDOW = 450

test('fifty pulls that are killed at any moment: the next one goes on, and the last one has it all', { timeout: 600_000 }, async () => {
  const served = server.image('fleet/tug', 'latest', gzipped(layersOf(6, 150_000, 'layer')))
  server.misbehave('/blobs/', slowly(16_384, 8))
  let killed = 0
  let completed = 0
  while (killed < 50) {
    const before = onDisk()
    const from = server.requests.length
    const child = start('fleet/tug')
    await expect.poll(() => server.requests.length > from || child.exitCode !== null, { interval: 2, timeout: 20_000 }).toBe(true)
    await Promise.race([sleep(Math.random() * WINDOW), ended(child)])
    child.kill('SIGKILL')
    await ended(child)
    await heard()
    if (child.signalCode === 'SIGKILL') killed++
    else expect([child.exitCode, child.said()]).toEqual([0, `${served.config.digest}\n`])
    for (const [digest, offsets] of asked(from)) {
      expect(before.whole.has(digest), `${digest} was whole, and is fetched again`).toBe(false)
      expect(offsets, digest).toEqual([before.begun.get(digest) ?? 0])
    }
    if (child.signalCode === null) {
      await checkWhole(served)
      completed++
      // From the beginning, for the kills that are left.
      for (const id of at.store.records.ids()) at.store.records.remove(id)
      for (const { reference } of at.store.tags.list()) at.store.tags.remove(reference)
      await at.store.collect()
      expect([at.strays(), at.store.blobs.list(), at.store.layers.list()]).toEqual([[], [], []])
    }
  }
  const child = start('fleet/tug')
  await ended(child)
  expect([child.exitCode, child.said()]).toEqual([0, `${served.config.digest}\n`])
  await checkWhole(served)
  expect((await at.store.collect()).blobs).toEqual([])
  expect(at.strays()).toEqual([])
  expect(readdirSync(join(at.root, 'overlay'))).toHaveLength(6)
  expect(completed).toBeLessThan(50)
})

test('pulls at once, of the same image and of ones that share layers, fetch each blob once', async () => {
  const common = layersOf(3, 100_000, 'common')
  const tug = server.image('fleet/tug', 'latest', gzipped([...common, ...layersOf(1, 50_000, 'tug')]))
  // The same blobs in another order: other directories of the same blobs.
  const barge = server.image('fleet/barge', 'latest', gzipped([...common.toReversed(), ...layersOf(1, 50_000, 'barge')]))
  server.misbehave('/blobs/', slowly(16_384, 5))
  const children = [start('fleet/tug'), start('fleet/barge', 'fleet/tug'), start('fleet/tug', 'fleet/barge')]
  const here = await Promise.all(['fleet/tug', 'fleet/barge'].map((name) => pullFrom(server, name, at.store, { timeouts: PATIENT })))
  await Promise.all(children.map(ended))
  expect(children.map((child) => child.said())).toEqual(
    [[tug], [barge, tug], [tug, barge]].map((all) => all.map((one) => `${one.config.digest}\n`).join('')),
  )
  expect(here.map(({ image }) => image.id)).toEqual([tug.config.digest, barge.config.digest])
  for (const [digest, offsets] of asked(0)) expect(offsets, digest).toEqual([0])
  await checkWhole(tug)
  expect(at.strays()).toEqual([])
  expect((await at.store.collect()).blobs).toEqual([])
})

test('who waits for one that is killed takes over where that one stopped', async () => {
  const served = server.image('fleet/tug', 'latest', gzipped(layersOf(1, 400_000, 'layer')))
  server.misbehave('/blobs/', slowly(16_384, 20))
  const first = start('fleet/tug')
  const layer = served.layers[0]?.digest as Digest
  await expect.poll(() => onDisk().begun.get(layer) ?? 0, { interval: 5, timeout: 20_000 }).toBeGreaterThan(50_000)
  const second = pullFrom(server, 'fleet/tug', at.store, { timeouts: PATIENT })
  await sleep(100)
  first.kill('SIGKILL')
  await ended(first)
  expect((await second).image.id).toBe(served.config.digest)
  const [one, two = 0] = asked(0).get(layer) ?? []
  expect(one).toBe(0)
  expect(two).toBeGreaterThan(50_000)
  await checkWhole(served)
})
