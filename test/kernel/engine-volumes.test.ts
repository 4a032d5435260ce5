/** Volumes of an engine, and what it tells of itself. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Engine } from '../../lib/engine/index.js'
import type { Document } from '../../lib/engine/types.js'
import { body, enginePlace, type Place, textOf } from '../support/engine.js'
import { eventsOf } from '../support/engine-events.js'
import { requires } from '../support/requires.js'

const test = requires('root', 'command:busybox')

let place: Place
let engine: Engine
let host: string
beforeAll(async () => {
  if (process.geteuid?.() !== 0) return
  host = mkdtempSync(join(tmpdir(), 'drydock-host-'))
  place = await enginePlace()
  engine = await place.open({ name: 'pier', labels: ['tide=high'], insecureRegistries: ['pier:5000', '10.0.0.0/8'] })
})
afterAll(async () => {
  await engine?.close()
  await place?.remove()
  if (host) rmSync(host, { recursive: true, force: true })
})

const filters = (all: Readonly<Record<string, readonly string[]>> = {}) => new Map(Object.entries(all))
const failure = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => 'done',
    ({ status, message }: { status: number; message: string }) => [status, message],
  )
const named = async (all: Readonly<Record<string, readonly string[]>> = {}) =>
  (await engine.volumes.list(filters(all))).Volumes.map(({ Name }) => Name)

/** What a program says in a container with these bindings, which goes again with its own volumes. */
async function say(command: string, host: object): Promise<string> {
  const { Id } = await engine.containers.create(body(['sh', '-c', command], {}, { AutoRemove: true, ...host }), {})
  const { stream } = await engine.containers.attach(Id, { stdin: false, stdout: true, stderr: true, stream: true, logs: false })
  const said = textOf(stream)
  const { end } = await engine.containers.wait(Id, 'removed')
  await engine.containers.start(Id)
  await end
  const { stdout, stderr } = await said
  return stdout + stderr
}

describe('volumes', () => {
  test('made with labels, told, found by filters, removed', async () => {
    let made: Document = {}
    const events = await eventsOf(engine, async () => {
      made = await engine.volumes.create({ Name: 'hold', Labels: { deck: 'lower' } })
      await engine.volumes.create({ Name: 'hold', Labels: { deck: 'upper' } })
    })
    expect(made).toEqual({
      CreatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      Driver: 'local',
      Labels: { deck: 'lower' },
      Mountpoint: join(place.root, 'volumes/hold/_data'),
      Name: 'hold',
      Options: null,
      Scope: 'local',
    })
    expect(events).toMatchObject([{ Type: 'volume', Action: 'create', Actor: { ID: 'hold', Attributes: { driver: 'local' } } }])
    expect(await engine.volumes.inspect('hold')).toEqual(made)
    const { Name: anonymous } = await engine.volumes.create({})
    expect(anonymous).toMatch(/^[0-9a-f]{64}$/)
    expect(await named()).toEqual([anonymous, 'hold'].sort())
    expect(await named({ label: ['deck=lower'] })).toEqual(['hold'])
    expect(await failure(named({ 'label!': ['deck'] }))).toEqual([400, "Invalid filter 'label!'"])
    expect(await named({ name: ['ol'], driver: ['local'], dangling: ['true'] })).toEqual(['hold'])
    expect(await named({ driver: ['nfs'] })).toEqual([])
    expect(await failure(named({ colour: ['red'] }))).toEqual([400, "Invalid filter 'colour'"])
    const gone = await eventsOf(engine, () => engine.volumes.remove(anonymous as string, { force: false }))
    expect(gone).toMatchObject([{ Action: 'destroy', Actor: { ID: anonymous } }])
    expect(await failure(engine.volumes.remove('nosuch', { force: false }))).toEqual([404, 'get nosuch: no such volume'])
    await engine.volumes.remove('nosuch', { force: true })
  })

  test('what is not to be had is refused by name', async () => {
    const refused = (document: object) => failure(engine.volumes.create({ Name: 'odd', ...document }))
    expect(await refused({ Driver: 'nfs' })).toEqual([404, 'create odd: error looking up volume plugin nfs: plugin "nfs" not found'])
    expect(await refused({ Name: 'a/b' })).toEqual([400, expect.stringContaining('create a/b: "a/b" includes invalid characters')])
    expect(await refused({ DriverOpts: { foo: 'bar' } })).toEqual([400, 'create odd: invalid option: "foo"'])
    expect(await refused({ DriverOpts: { size: '1m' } })).toEqual([400, 'create odd: quota size requested but no quota support'])
    expect(await refused({ DriverOpts: { type: 'tmpfs' } })).toEqual([400, 'create odd: missing required option: "device"'])
    expect(await refused({ DriverOpts: { type: 'nfs', device: ':/x', o: 'addr=127.0.0.1' } })).toEqual([
      400,
      expect.stringContaining('type nfs is not supported'),
    ])
    expect(await refused({ DriverOpts: { type: 'none', o: 'bind,noexec', device: '/x' } })).toEqual([
      400,
      expect.stringContaining('mount option noexec'),
    ])
    expect(await refused({ Labels: { a: 1 } })).toEqual([400, expect.stringContaining('Labels')])
    expect(await failure(engine.volumes.inspect('odd'))).toEqual([404, 'get odd: no such volume'])
  })

  test('one that stands for a directory of the host is that, and leaves it when it goes', async () => {
    writeFileSync(join(host, 'cargo'), 'tea\n')
    const options = { type: 'none', o: 'bind,ro', device: host }
    expect(await engine.volumes.create({ Name: 'quay', DriverOpts: options })).toMatchObject({ Options: options })
    expect(await say('cat /q/cargo; touch /q/new', { Binds: ['quay:/q'] })).toMatch(/^tea\ntouch: .*Read-only file system/)
    await engine.volumes.remove('quay', { force: false })
    expect(readFileSync(join(host, 'cargo'), 'utf8')).toBe('tea\n')
  })

  test('in use by a container, also a stopped one, it stays; pruned are those without a name, or all', async () => {
    const mount = { Type: 'volume', Target: '/x', VolumeOptions: { Labels: { own: 'yes' } } }
    const { Id } = await engine.containers.create(body(['true'], {}, { Binds: ['hold:/h'], Mounts: [mount] }), { name: 'user' })
    const [own] = await named({ label: ['own'] })
    expect(await failure(engine.volumes.remove('hold', { force: true }))).toEqual([409, `remove hold: volume is in use - [${Id}]`])
    expect(await named({ dangling: ['true'] })).toEqual([])
    expect(await engine.volumes.prune(filters(), { all: true })).toEqual({ VolumesDeleted: [], SpaceReclaimed: 0 })
    await engine.containers.remove(Id)
    writeFileSync(join(place.root, 'volumes', own as string, '_data/file'), 'x'.repeat(1000))
    const events = await eventsOf(engine, async () => {
      expect(await engine.volumes.prune(filters(), { all: false })).toEqual({ VolumesDeleted: [own], SpaceReclaimed: 1000 })
    })
    expect(events.map(({ Action, Actor }) => [Action, Actor.ID])).toEqual([
      ['destroy', own],
      ['prune', ''],
    ])
    expect(await engine.volumes.prune(filters({ 'label!': ['deck'] }), { all: true })).toMatchObject({ VolumesDeleted: [] })
    expect(await engine.volumes.prune(filters({ all: ['true'] }), { all: false })).toMatchObject({ VolumesDeleted: ['hold'] })
    expect(existsSync(join(place.root, 'volumes/hold'))).toBe(false)
  })

  test('one of before there was an engine is one too', async () => {
    const anonymous = 'a'.repeat(64)
    for (const name of ['old', anonymous]) mkdirSync(join(place.root, 'volumes', name, '_data'), { recursive: true })
    expect(await engine.volumes.inspect('old')).toMatchObject({ Labels: null, Options: null })
    expect(await engine.volumes.prune(filters(), { all: false })).toMatchObject({ VolumesDeleted: [anonymous] })
    await engine.volumes.remove('old', { force: false })
  })
})

describe('the engine itself', () => {
  test('says what it is, and what the machine is', async () => {
    expect(await engine.system.version()).toMatchObject({
      ApiVersion: '1.47',
      MinAPIVersion: '1.24',
      Os: 'linux',
      Components: [{ Name: 'Engine', Details: { ApiVersion: '1.47', MinAPIVersion: '1.24' } }, { Name: 'node' }],
    })
    const { Id } = await engine.containers.create(body(['sleep', '1000']), { name: 'idle' })
    expect(await engine.system.info()).toMatchObject({
      Containers: 1,
      ContainersRunning: 0,
      ContainersStopped: 1,
      Images: 1,
      Name: 'pier',
      Labels: ['tide=high'],
      LiveRestoreEnabled: true,
      Swarm: { LocalNodeState: 'inactive' },
      RegistryConfig: {
        InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8', '10.0.0.0/8'],
        IndexConfigs: { 'docker.io': { Official: true }, 'pier:5000': { Secure: false } },
      },
    })
    await engine.containers.start(Id)
    expect(await engine.system.info()).toMatchObject({ ContainersRunning: 1, ContainersStopped: 0 })
    await engine.containers.pause(Id)
    expect(await engine.system.info()).toMatchObject({ ContainersRunning: 0, ContainersPaused: 1 })
    await engine.containers.remove(Id, { force: true })
  })

  test('says how much room all takes, or what was asked for', async () => {
    await engine.volumes.create({ Name: 'full' })
    writeFileSync(join(place.root, 'volumes/full/_data/file'), 'x'.repeat(500))
    const { Id } = await engine.containers.create(body(['true'], {}, { Binds: ['full:/f'] }), {})
    const all = (await engine.system.diskUsage([])) as Record<string, Document[] & number>
    expect(all.Images).toMatchObject([{ Containers: 1, SharedSize: 0, Size: all.LayersSize }])
    expect(all.Containers).toMatchObject([{ Id, SizeRootFs: all.LayersSize }])
    expect(all.Volumes).toMatchObject([{ Name: 'full', UsageData: { RefCount: 1, Size: 500 } }])
    expect(all.BuildCache).toEqual([])
    expect(await engine.system.diskUsage(['volume'])).toMatchObject({ Images: null, Containers: null, Volumes: [{}], BuildCache: null })
    expect(await failure(engine.system.diskUsage(['boats']))).toEqual([400, 'unknown object type: boats'])
  })
})
