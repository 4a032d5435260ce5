/** Containers that are started again by themselves, and what containers share with the host and with each other. */
import { once } from 'node:events'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { describe, expect } from 'vitest'
import type { AttachOptions, EngineEvent } from '../../lib/engine/types.js'
import { cgroupAt } from '../../lib/primitives/cgroups/index.js'
import { body, textOf } from '../support/engine.js'
import { engineOfPlace } from '../support/engine-of-place.js'
import { requires } from '../support/requires.js'

const test = requires('root', 'command:busybox')
const BOTH: AttachOptions = { stdin: false, stdout: true, stderr: true, stream: true, logs: false }

const at = engineOfPlace()

const create = async (...args: Parameters<typeof body>) => (await at.engine.containers.create(body(...args), {})).Id
const stateOf = async (id: string) => {
  const { State, RestartCount } = (await at.engine.containers.inspect(id)) as { State: Record<string, unknown>; RestartCount: number }
  return { ...State, RestartCount }
}

async function output(id: string): Promise<string> {
  const { stream } = await at.engine.containers.attach(id, BOTH)
  const said = textOf(stream)
  await at.engine.containers.start(id)
  const { stdout, stderr } = await said
  return stdout + stderr
}

/** Listens from the call on; resolves with the so-manyth event of that kind about the container. */
function nth(id: string, action: string, count: number): Promise<EngineEvent> {
  const over = new AbortController()
  const events = at.engine.events.stream({
    filters: new Map([
      ['container', [id]],
      ['event', [action]],
    ]),
    signal: over.signal,
  })
  return (async () => {
    let seen = 0
    for await (const event of events) {
      if (++seen < count) continue
      over.abort()
      return event
    }
    throw new Error('the events ended')
  })()
}

describe('restart policies', () => {
  test('on-failure, so often and no more', async () => {
    const id = await create(['sh', '-c', 'exit 6'], {}, { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } })
    const last = nth(id, 'die', 3)
    await at.engine.containers.start(id)
    await last
    expect(await stateOf(id)).toMatchObject({ Status: 'exited', ExitCode: 6, RestartCount: 2, Restarting: false })
  })

  test('always: while it rests it counts as running; stopped it stays so, until an engine begins', async () => {
    const id = await create(['sh', '-c', 'exit 0'], {}, { RestartPolicy: { Name: 'always' } })
    // Each rest is twice as long as the one before: after the fifth end there is more than a second to look.
    const ended = nth(id, 'die', 5)
    await at.engine.containers.start(id)
    await ended
    expect(await stateOf(id)).toMatchObject({ Status: 'restarting', Running: true, Restarting: true, Pid: 0, RestartCount: 4 })
    await expect(at.engine.containers.remove(id)).rejects.toMatchObject({ status: 409 })
    expect(await at.engine.containers.stop(id)).toBe(true)
    expect(await stateOf(id)).toMatchObject({ Status: 'exited', Running: false })
    const others = await Promise.all(['always', 'unless-stopped'].map((Name) => create(['sleep', '1000'], {}, { RestartPolicy: { Name } })))
    for (const other of others) {
      await at.engine.containers.start(other)
      await at.engine.containers.stop(other, { timeout: 0 })
    }
    await at.reopen()
    const [always = '', unless = ''] = others
    // It begins in its own time.
    await at.engine.context.containers.find(always).exclusively(async () => undefined)
    expect(await stateOf(always)).toMatchObject({ Status: 'running' })
    expect(await stateOf(unless)).toMatchObject({ Status: 'exited' })
  })

  test('what it may not be asked together with', async () => {
    const refused = (host: object) =>
      create(['true'], {}, host as Record<string, unknown>).catch(({ status, message }) => [status, message])
    expect(await refused({ RestartPolicy: { Name: 'always' }, AutoRemove: true })).toEqual([
      400,
      "can't create 'AutoRemove' container with restart policy",
    ])
    expect(await refused({ RestartPolicy: { Name: 'sometimes' } })).toEqual([400, expect.stringContaining("unknown policy 'sometimes'")])
    expect(await refused({ RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } })).toEqual([400, expect.stringContaining('on-failure')])
  })
})

describe('cgroups above its own', () => {
  test('below drydock’s, shared by those that ask for it, and gone with the last of them', async () => {
    const ids = await Promise.all([1, 2].map(() => create(['sleep', '1000'], {}, { CgroupParent: '/../fleet/deck', Memory: 32 << 20 })))
    for (const id of ids) await at.engine.containers.start(id)
    const [first = '', second = ''] = ids
    const { pid = 0 } = at.engine.context.containers.find(first)
    expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toContain(`/drydock/fleet/deck/${first}\n`)
    await at.engine.containers.pause(first)
    expect(await stateOf(first)).toMatchObject({ Status: 'paused' })
    await at.engine.containers.unpause(first)
    const stats = at.engine.containers.stats(first, { stream: false, oneShot: true })
    for await (const one of stats) expect(one).toMatchObject({ memory_stats: { limit: 32 << 20 } })
    expect((await at.engine.containers.top(first)).Processes).toHaveLength(1)
    const [directory] = cgroupAt('fleet/deck', at.engine.context.machine.cgroups)
    await at.engine.containers.remove(first, { force: true })
    expect(existsSync(directory?.path ?? '')).toBe(true)
    await at.reopen()
    expect(await stateOf(second)).toMatchObject({ Status: 'running' })
    await at.engine.containers.remove(second, { force: true })
    expect(existsSync(directory?.path ?? '')).toBe(false)
    const refused = (CgroupParent: string) => create(['true'], {}, { CgroupParent }).catch(({ status }) => status)
    expect(await Promise.all(['a/cgroup.procs', 'a b', first, '1/2/3/4/5/6/7/8/9'].map(refused))).toEqual([400, 400, 400, 400])
  })
})

describe('what is told of one that has ended, and what cannot be changed of one', () => {
  test('its networks keep their ids, and one that was never started has none', async () => {
    const networks = async (id: string) => {
      const { NetworkSettings } = (await at.engine.containers.inspect(id)) as {
        NetworkSettings: { Networks: Record<string, { NetworkID: string }> }
      }
      return NetworkSettings.Networks.none?.NetworkID
    }
    const id = await create(['true'])
    expect(await networks(id)).toBe('')
    await at.engine.containers.start(id)
    await at.engine.context.containers.find(id).ended
    const [none] = await at.engine.networks.list(new Map([['name', ['none']]]))
    expect(await networks(id)).toBe(none?.Id)
    const [row] = await at.engine.containers.list({ all: true, size: false, filters: new Map([['id', [id]]]) })
    expect(row).toMatchObject({ NetworkSettings: { Networks: { none: { NetworkID: none?.Id } } } })
  })

  test('a restart policy of one that goes when it has ended; the next end of another one follows the new policy', async () => {
    const gone = await create(['sleep', '1000'], {}, { AutoRemove: true })
    await expect(at.engine.containers.update(gone, { RestartPolicy: { Name: 'always' } })).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('Restart policy cannot be updated because AutoRemove is enabled'),
    })
    const id = await create(['sh', '-c', 'exit 4'])
    const last = nth(id, 'die', 3)
    await at.engine.containers.update(id, { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } })
    await at.engine.containers.start(id)
    await last
    expect(await stateOf(id)).toMatchObject({ Status: 'exited', RestartCount: 2 })
    await at.engine.containers.update(id, { RestartPolicy: { Name: 'always' } })
    const again = nth(id, 'die', 2)
    await at.engine.containers.start(id)
    await again
    await at.engine.containers.update(id, { RestartPolicy: { Name: 'no' } })
    await at.engine.context.containers.find(id).exclusively(async () => undefined)
    expect(await at.engine.containers.inspect(id)).toMatchObject({ HostConfig: { RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } } })
  })
})

describe('what is shared', () => {
  const ns = (kind: string, pid: number | string = 'self') => readlinkSync(`/proc/${pid}/ns/${kind}`)

  test('the host’s processes, queues, name, cgroups and network', async () => {
    const id = await create(
      ['sh', '-c', 'for n in pid ipc uts cgroup net mnt; do readlink /proc/self/ns/$n; done; hostname; sleep 1000 & exec true'],
      {},
      { PidMode: 'host', IpcMode: 'host', UTSMode: 'host', CgroupnsMode: 'host', NetworkMode: 'host' },
    )
    const lines = (await output(id)).trim().split('\n')
    expect(lines.slice(0, 5)).toEqual(['pid', 'ipc', 'uts', 'cgroup', 'net'].map((kind) => ns(kind)))
    expect(lines[5]).not.toBe(ns('mnt'))
    expect(lines[6]).toBe(hostname())
    // Whom it has left behind has no first process to end with.
    await at.engine.context.containers.find(id).ended
    expect(at.engine.context.containers.find(id).status).toBe('exited')
  })

  test('another container’s processes and network, its files of names too; not of one that does not run', async () => {
    const first = await create(['sleep', '1000'], { Hostname: 'boat' })
    const id = await create(
      ['sh', '-c', 'readlink /proc/self/ns/pid; readlink /proc/self/ns/net; hostname; cat /etc/hostname; cat /proc/1/comm'],
      {},
      { PidMode: `container:${first}`, NetworkMode: `container:${first.slice(0, 12)}` },
    )
    await expect(at.engine.containers.start(id)).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('non running container'),
    })
    await at.engine.containers.start(first)
    const { pid = 0 } = at.engine.context.containers.find(first)
    expect((await output(id)).trim().split('\n')).toEqual([ns('pid', pid), ns('net', pid), 'boat', 'boat', 'sleep'])
  })

  test('another container’s queues and shared memory, if that one shares them; and none at all', async () => {
    const first = await create(
      ['sh', '-c', 'echo here > /dev/shm/note; echo ready; exec sleep 1000'],
      {},
      { IpcMode: 'shareable', ShmSize: 1 << 20 },
    )
    const { stream } = await at.engine.containers.attach(first, BOTH)
    await at.engine.containers.start(first)
    await once(stream, 'data')
    const look = 'readlink /proc/self/ns/ipc; readlink /proc/self/ns/mnt; cat /dev/shm/note; echo seen > /dev/shm/answer; ls /dev/mqueue'
    const id = await create(['sh', '-c', look], {}, { IpcMode: `container:${first.slice(0, 12)}` })
    const { pid = 0 } = at.engine.context.containers.find(first)
    const [ipc, mnt, note] = (await output(id)).trim().split('\n')
    expect([ipc, note]).toEqual([ns('ipc', pid), 'here'])
    expect([ns('mnt'), ns('mnt', pid)]).not.toContain(mnt)
    expect(readFileSync(`/proc/${pid}/root/dev/shm/answer`, 'utf8')).toBe('seen\n')
    const alone = await create(['sleep', '1000'], {}, { IpcMode: 'private' })
    await at.engine.containers.start(alone)
    const guest = await create(['true'], {}, { IpcMode: `container:${alone}` })
    await expect(at.engine.containers.start(guest)).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('non-shareable IPC'),
    })
    await at.engine.containers.stop(first, { timeout: 0 })
    await expect(at.engine.containers.start(id)).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('non running container'),
    })
    const none = await create(['sh', '-c', 'ls -d /dev/shm /dev/mqueue; readlink /proc/self/ns/ipc'], {}, { IpcMode: 'none' })
    const said = await output(none)
    expect(said).toContain('/dev/shm: No such file')
    expect(said).not.toContain(ns('ipc'))
  })

  test('devices, rules for them, and settings of its own namespaces', async () => {
    const id = await create(
      [
        'sh',
        '-c',
        'ls -l /dev/mine | cut -c1; head -c 3 /dev/mine | wc -c; cat /proc/sys/net/core/somaxconn /proc/sys/kernel/shmmni; head -c1 /dev/kmsg',
      ],
      {},
      {
        Devices: [{ PathOnHost: '/dev/zero', PathInContainer: '/dev/mine', CgroupPermissions: 'r' }],
        Sysctls: { 'net.core.somaxconn': '77', 'kernel.shmmni': '55' },
      },
    )
    const lines = (await output(id)).trim().split('\n')
    expect(lines.slice(0, 4)).toEqual(['c', '3', '77', '55'])
    expect(readFileSync('/proc/sys/kernel/shmmni', 'utf8').trim()).not.toBe('55')
    const refused = (host: object) =>
      create(['true'], {}, host as Record<string, unknown>).catch(({ status, message }) => [status, message])
    expect(await refused({ Sysctls: { 'kernel.hostname': 'x' } })).toEqual([
      400,
      'sysctl "kernel.hostname" is not in a separate kernel namespace',
    ])
    expect(await refused({ Sysctls: { 'net.core.somaxconn': '1' }, NetworkMode: 'host' })).toEqual([400, expect.any(String)])
    expect(await refused({ Devices: [{ PathOnHost: '/dev/none' }] })).toEqual([400, expect.stringContaining('no such file or directory')])
    expect(await refused({ IpcMode: 'container:x' })).toEqual([400, 'No such container: x'])
    expect(await refused({ IpcMode: 'other' })).toEqual([400, expect.stringContaining('HostConfig.IpcMode is not supported')])
    expect(await refused({ Runtime: 'kata' })).toEqual([400, expect.stringContaining('HostConfig.Runtime')])
  })
})
