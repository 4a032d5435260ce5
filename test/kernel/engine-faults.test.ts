/** What goes wrong beside the engine, or is asked of it in a wrong moment: it goes on, knows what is, and keeps nothing. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect } from 'vitest'
import { unpack } from '../../lib/cli/client/copy/unpack.js'
import { writeDurably } from '../../lib/container/state.js'
import { Clerks } from '../../lib/engine/clerks.js'
import type { Engine } from '../../lib/engine/index.js'
import { TAR_END, tarHeader, tarPadding } from '../../lib/image/tar/index.js'
import { mkdir, rmdir } from '../../lib/kernel/calls/files.js'
import { nanosleep } from '../../lib/kernel/calls/process.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { Spawner } from '../../lib/kernel/spawner.js'
import { host } from '../../lib/kernel/step.js'
import { body, enginePlace, type Place } from '../support/engine.js'
import { requires } from '../support/requires.js'

const test = requires('root', 'command:busybox')

let place: Place
let engine: Engine
beforeAll(async () => {
  place = await enginePlace()
  engine = await place.open()
})
afterAll(async () => {
  await engine?.close()
  await place?.remove()
})

const created = async (...args: Parameters<typeof body>) => (await engine.containers.create(body(...args), {})).Id
const started = async (...args: Parameters<typeof body>) => {
  const id = await created(...args)
  await engine.containers.start(id)
  return id
}
/** Runs on for a moment when it is told to end; it listens by now. */
const slow = async (code: number, host: Record<string, unknown> = {}) => {
  const id = await created(['sh', '-c', `trap 'sleep .3; exit ${code}' TERM; echo up; while :; do sleep .05; done`], {}, host)
  const { stream } = await engine.containers.attach(id, { stdin: false, stdout: true, stderr: true, stream: true, logs: false })
  await engine.containers.start(id)
  await new Promise((resolve) => stream.once('data', resolve))
  stream.destroy()
  return id
}
const stateOf = async (id: string) => (await engine.containers.inspect(id)).State as Record<string, unknown>
const again = async () => {
  await engine.close()
  engine = await place.open()
}

test('a container whose end cannot be written down has ended all the same, and can be removed', async () => {
  const id = await started(['sleep', '1000'])
  const { pid, layout, ended } = engine.context.containers.find(id)
  // Nothing can be renamed to the name of a directory.
  mkdirSync(layout.exit)
  const { end } = await engine.containers.wait(id, 'next-exit')
  const shim = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  process.kill(Number(shim), 'SIGKILL')
  await ended
  expect(await stateOf(id)).toMatchObject({ Status: 'exited', Running: false, ExitCode: 137 })
  expect(await end).toEqual({ StatusCode: 137 })
  rmSync(layout.exit, { recursive: true })
  await engine.containers.remove(id, { force: true })
})

test('what there is no room for is not written down in part', async () => {
  const place = mkdtempSync(join(tmpdir(), 'drydock-full-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', place])
  try {
    const path = join(place, 'config.json')
    writeDurably(path, 'as it was')
    expect(() => writeDurably(path, 'x'.repeat(100_000))).toThrow('ENOSPC')
    expect(readFileSync(path, 'utf8')).toBe('as it was')
    expect(readdirSync(place)).toEqual(['config.json'])
    // So it is with a container that is copied to a disk that gets full.
    const file = {
      path: Buffer.from('f'),
      type: 'file' as const,
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: { seconds: 0, nanoseconds: 0 },
      size: 100_000,
    }
    const archive = Readable.from([Buffer.concat([tarHeader(file), Buffer.alloc(100_000), tarPadding(100_000), TAR_END])])
    await expect(unpack(archive, join(place, 'f'))).rejects.toThrow('ENOSPC')
  } finally {
    execFileSync('umount', [place])
    rmSync(place, { recursive: true })
  }
})

test('a restart that is refused does not let another one take away what goes with its end', async () => {
  const id = await slow(0, { AutoRemove: true })
  const restarting = engine.containers.restart(id, { timeout: 20 })
  await expect(engine.containers.restart(id, { signal: 'NONE' })).rejects.toMatchObject({ status: 400 })
  await restarting
  expect(await stateOf(id)).toMatchObject({ Status: 'running' })
  await engine.containers.remove(id, { force: true })
})

test('a stop that may take longer than a timer can does not kill at once', async () => {
  const id = await slow(5)
  expect(await engine.containers.stop(id, { timeout: 2 ** 31 })).toBe(true)
  expect(await stateOf(id)).toMatchObject({ ExitCode: 5 })
  await engine.containers.remove(id)
})

test('a create that is refused leaves none of the volumes that were made for it', async () => {
  const volumes = join(place.root, 'volumes')
  const before = readdirSync(volumes)
  for (const host of [
    { Links: ['nobody:n'], NetworkMode: 'bridge' },
    { Binds: ['/twice', '/twice'] },
    { Binds: ['/one', '/nowhere/:bad'] },
  ]) {
    await expect(created(['true'], { Volumes: { '/own': {} } }, host)).rejects.toMatchObject({ status: 400 })
    expect(readdirSync(volumes)).toEqual(before)
  }
})

test('how the last run ended is known to the next engine, when a start after it has failed', async () => {
  const id = await started(['sh', '-c', 'exit 3'])
  await engine.context.containers.find(id).ended
  const { layout } = engine.context.containers.find(id)
  const { FinishedAt } = await stateOf(id)
  // What its root is mounted at is a file.
  rmSync(layout.work, { recursive: true })
  await expect(engine.containers.start(id)).rejects.toThrow()
  const before = await stateOf(id)
  expect(before).toMatchObject({ Status: 'exited', ExitCode: 128, FinishedAt })
  await again()
  expect(await stateOf(id)).toEqual(before)
  await engine.containers.remove(id)
})

test('who has stopped a container before it got its restart policy has stopped it for the next engine too', async () => {
  const id = await started(['sleep', '1000'])
  await engine.containers.stop(id, { timeout: 0 })
  await engine.containers.update(id, { RestartPolicy: { Name: 'unless-stopped' } })
  await again()
  expect(await stateOf(id)).toMatchObject({ Status: 'exited' })
  await engine.containers.remove(id)
})

test('a network that goes while a container waits for its turn to get it is one that there is not', async () => {
  const id = await created(['true'], {}, { NetworkMode: 'bridge' })
  await engine.networks.create({ Name: 'goes' })
  const removal = engine.networks.remove('goes')
  await expect(engine.networks.connect('goes', { Container: id })).rejects.toMatchObject({ status: 404 })
  await removal
  expect((await engine.containers.inspect(id)).NetworkSettings).toMatchObject({ Networks: { bridge: {} } })
  await engine.containers.remove(id)
})

test('who did its errands and was killed, idle or over one, is no reason why the next could not be done', async () => {
  const spawner = await Spawner.start({ warm: 1 })
  const hired: Shim[] = []
  const clerks = new Clerks(async () => {
    const shim = await spawner.shim()
    hired.push(shim)
    return shim
  })
  try {
    const gone = join(place.root, 'gone')
    const errand = () => clerks.run(host([mkdir(gone, 0o700), rmdir(gone)]))
    await errand()
    const [first] = hired as [Shim]
    process.kill(first.pid, 'SIGKILL')
    await first.ended
    await errand()
    const second = hired.at(-1) as Shim
    const broken = clerks.run(host([nanosleep(60_000)]))
    process.kill(second.pid, 'SIGKILL')
    await expect(broken).rejects.toThrow()
    await errand()
    expect(hired).toHaveLength(3)
  } finally {
    await clerks.close()
    await spawner.close()
  }
})

test('a network may be called what every object of this language knows already', async () => {
  const id = await created(['true'], { MacAddress: '02:00:00:00:00:07' }, { NetworkMode: 'constructor' })
  for (const Name of ['constructor', 'valueOf']) await engine.networks.create({ Name })
  await engine.networks.connect('valueOf', { Container: id })
  const { NetworkSettings, Config } = await engine.containers.inspect(id)
  expect(Object.keys((NetworkSettings as { Networks: object }).Networks)).toEqual(['constructor', 'valueOf'])
  expect(Config).toMatchObject({ MacAddress: '02:00:00:00:00:07' })
  await engine.networks.disconnect('constructor', { Container: id })
  await engine.containers.remove(id)
  for (const name of ['constructor', 'valueOf']) await engine.networks.remove(name)
})
