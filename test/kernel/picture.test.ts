/** A picture against what others say of the same kernel: stat, ip, lsns, nft, the cgroup files. The containers are on a private host, seen from outside. */
import { lstatSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, vi } from 'vitest'
import { readStatus } from '../../lib/kernel/proc/status.js'
import { capabilityNames } from '../../lib/picture/capabilities.js'
import { deltaBetween } from '../../lib/picture/delta.js'
import { Photographer } from '../../lib/picture/take.js'
import type { Picture, ProcessView } from '../../lib/picture/types.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { onPrivateHost, program } from '../support/private-host.js'
import { requires } from '../support/requires.js'

const at = onPrivateHost('command:nft', 'command:lsns')

/** Changes files of every kind, is killed for want of memory once, and leaves a child to a program that does not ask for its end: a zombie. */
const PROGRAM = `
busybox rm /etc/lost; busybox rm -r /srv/old; busybox mkdir /srv/old; echo 1 > /srv/old/fresh
echo more >> /etc/kept; echo made > /etc/made; busybox ln -s made /etc/pointer
(exec busybox tail /dev/zero)
busybox sleep 0.1 &
exec sleep 1000`

let photographer: Photographer
let picture: Picture
let id: string
let ship: ProcessView

const namespaceOf = (pid: number, kind: string) => Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/${kind}`))?.[0])
const processes = () => Object.values(picture.tables.processes)
const inContainer = async (...argv: string[]) => {
  const { stdout } = await execa('nsenter', ['--target', String(ship.pid), '--net', '--', ...argv])
  return stdout
}

/** Pictures until one shows it. */
function pictureWith(shows: (picture: Picture) => unknown): Promise<Picture> {
  const taken = async () => {
    const one = await photographer.take()
    return shows(one) && one
  }
  return vi.waitUntil(taken, { interval: 20, timeout: 60_000 }) as Promise<Picture>
}

beforeAll(async () => {
  photographer = new Photographer()
  if (!at.able) return
  const { path } = at.root
  mkdirSync(join(path, 'srv/old'), { recursive: true })
  for (const name of ['etc/kept', 'etc/lost', 'srv/old/inner']) writeFileSync(join(path, name), 'below\n')
  const limits = '-m 32m --cpus 0.5 --pids-limit 50'
  const flags = `-d --name ship -h ship ${limits} -p 8080:80 --cap-drop chown`.split(' ')
  const { stdout, stderr } = await at.host.drydock('run', ...flags, '--rootfs', path, 'sh', '-c', PROGRAM)
  id = stdout.trim()
  if (!/^[0-9a-f]{64}$/.test(id)) throw new Error(stderr)
  // As long as it is a shell it has zombies too, but not for long.
  picture = await pictureWith(({ tables: { processes } }) =>
    Object.values(processes).some(({ state, parent: above }) => {
      const parent = processes[above]
      return state === 'Z' && parent?.cgroup.includes(id) && parent.command === 'sleep 1000' && parent.state === 'S'
    }),
  )
  ship = processes().find(({ cgroup, pids }) => cgroup.includes(id) && pids.at(-1) === 1) as ProcessView
})
afterAll(() => photographer.close())

describe('a container on a private host', () => {
  at.test('its first process: namespaces, ids, capabilities, filter, both pids and more', () => {
    const status = readStatus(ship.pid)
    for (const kind of ['uts', 'pid', 'mnt', 'ipc', 'net', 'user', 'cgroup'])
      expect(ship.namespaces[kind], kind).toBe(namespaceOf(ship.pid, kind))
    expect(ship.pids).toEqual(status?.nsPids)
    // Here, on the private host, and in the container.
    expect(ship.pids).toHaveLength(3)
    expect(ship).toMatchObject({
      name: 'sleep',
      command: 'sleep 1000',
      state: 'S',
      role: 'container',
      uid: [0, 0],
      seccomp: 'filter',
      noNewPrivs: false,
    })
    expect(capabilityNames(ship.capabilities.effective)).toEqual(status?.capabilities.effective.names)
    expect(capabilityNames(ship.capabilities.effective)).not.toContain('chown')
    expect(BigInt(`0x${ship.capabilities.bounding}`)).toBe(status?.capabilities.bounding.bits)
    expect(picture.host.missing).toEqual([])
  })

  at.test('its shim is above it, its zombie below; and what looks is not in the picture', () => {
    const shim = picture.tables.processes[ship.parent]
    expect(shim).toMatchObject({ role: 'shim' })
    const zombie = processes().find(({ parent, state }) => parent === ship.pid && state === 'Z')
    expect(zombie).toMatchObject({ role: 'container', command: '' })
    expect(zombie?.pids).toHaveLength(3)
    expect(processes().filter(({ parent, role }) => parent === process.pid && role === 'shim')).toEqual([])
  })

  at.test('its namespaces: who is in them, whose they are, how they are nested', async () => {
    const { namespaces } = picture.tables
    const key = (kind: string) => `${kind}:${namespaceOf(ship.pid, kind)}`
    expect(namespaces[key('uts')]).toMatchObject({ host: false, hostname: 'ship', owner: `user:${namespaceOf(ship.pid, 'user')}` })
    expect(namespaces[key('user')]?.drawn).toContain(ship.pid)
    // Nested: the container's in the private host's, and that in ours.
    const outer = `pid:${namespaceOf(at.host.pid, 'pid')}`
    expect(namespaces[key('pid')]?.parent).toBe(outer)
    expect(namespaces[outer]?.parent).toBe(`pid:${namespaceOf(process.pid, 'pid')}`)
    expect(namespaces[`uts:${namespaceOf(process.pid, 'uts')}`]?.host).toBe(true)
    // Shared: the shim is in the private host's, and the engine's too.
    expect(namespaces[`uts:${namespaceOf(at.host.pid, 'uts')}`]?.drawn).toContain(ship.parent)
    const { stdout } = await execa('lsns', ['--json', '--type', 'net', '--output', 'NS,NPROCS'])
    const told = (JSON.parse(stdout) as { namespaces: { ns: number; nprocs: number }[] }).namespaces
    expect(namespaces[key('net')]?.members).toBe(told.find(({ ns }) => Number(ns) === namespaceOf(ship.pid, 'net'))?.nprocs)
  })

  at.test('its cable: both ends, the bridge, addresses and the way out, as ip has them', async () => {
    const links = Object.values(picture.tables.links)
    const eth = links.find(({ name, namespace }) => name === 'eth0' && namespace === ship.namespaces.net)
    const [told] = JSON.parse(await inContainer('ip', '-json', 'address', 'show', 'eth0'))
    expect(eth).toMatchObject({ index: told.ifindex, mac: told.address, mtu: told.mtu, kind: 'veth', up: true, running: true })
    const addresses = told.addr_info.map((one: { local: string; prefixlen: number }) => `${one.local}/${one.prefixlen}`)
    expect([...(eth?.addresses ?? [])].sort()).toEqual(addresses.sort())
    expect(eth?.gateways).toEqual(['172.17.0.1'])
    const other = picture.tables.links[eth?.peer ?? '']
    expect(other).toMatchObject({
      namespace: namespaceOf(at.host.pid, 'net'),
      index: told.link_index,
      peer: `${eth?.namespace}/${eth?.index}`,
    })
    const bridge = picture.tables.links[other?.bridge ?? '']
    expect(bridge).toMatchObject({ kind: 'bridge', name: 'drydock0', up: true })
    expect(bridge?.addresses).toContain('172.17.0.1/16')
  })

  at.test('what crossed the cable, and who listens', async () => {
    const before = picture
    await inContainer('ping', '-c', '1', '-W', '5', '172.17.0.1')
    const after = await photographer.take()
    const eth = (one: Picture) =>
      Object.values(one.tables.links).find(({ name, namespace }) => name === 'eth0' && namespace === ship.namespaces.net)
    expect(eth(after)?.sent.packets).toBeGreaterThan(eth(before)?.sent.packets ?? 0)
    expect(after.tables.links[`${namespaceOf(at.host.pid, 'net')}/1`]?.listening).toContain('0.0.0.0:8080')
  })

  at.test('its published port, in the packet filter’s own words', async () => {
    const namespace = namespaceOf(at.host.pid, 'net')
    const rules = Object.values(picture.tables.rules).filter((rule) => rule.namespace === namespace)
    expect(rules).toContainEqual({
      namespace,
      kind: 'dnat',
      place: 'ip drydock published_anywhere',
      text: 'element ip drydock published_anywhere { tcp . 8080 : 172.17.0.2 . 80 }',
      publishes: { protocol: 'tcp', port: '8080', to: '172.17.0.2:80' },
    })
    const { stdout } = await at.host.run(['nft', 'list', 'chain', 'ip', 'drydock', 'leaving'])
    const told = stdout.split('\n').filter((line) => line.endsWith('masquerade'))
    const texts = rules.filter(({ place }) => place === 'ip drydock leaving').map(({ text }) => text)
    expect(texts).toEqual(told.map((line) => line.trim()))
  })

  at.test('its cgroup: limits, use, and the kill for want of memory', () => {
    const cgroup = picture.tables.cgroups[ship.cgroup]
    expect(cgroup).toMatchObject({
      memory: { max: 32 * 1024 * 1024, oomKills: 1 },
      cpu: { max: 0.5 },
      pids: { max: 50, refused: 0 },
      frozen: false,
    })
    expect(cgroup?.drawn).toContain(ship.pid)
    expect(cgroup?.processes).toBe(cgroup?.drawn.length)
    expect(cgroup?.cpu?.usage).toBeGreaterThan(0)
    expect(cgroup?.pids?.current).toBe(2) // the zombie is counted
    const parent = ship.cgroup.slice(0, ship.cgroup.lastIndexOf('/'))
    expect(picture.tables.cgroups[parent]?.path).toBe(parent)
  })

  at.test('its layers: copied up, hidden, opaque and new, each as the upper directory has it', () => {
    const overlay = Object.values(picture.tables.overlays).find(({ namespace }) => namespace === ship.namespaces.mnt)
    expect(overlay).toMatchObject({ mountPoint: '/', more: false, lower: [at.root.path] })
    expect(overlay?.unseen).toBeUndefined()
    expect(overlay?.drawn).toContain(ship.pid)
    const changes = Object.values(picture.tables.changes).filter(({ upper }) => upper === overlay?.upper)
    const kinds = Object.fromEntries(changes.map(({ path, kind, type }) => [path, `${kind} ${type}`]))
    expect(kinds).toMatchObject({
      '/etc': 'copied up directory',
      '/etc/kept': 'copied up file',
      '/etc/lost': 'whiteout other',
      '/etc/made': 'new file',
      '/etc/pointer': 'new link',
      '/srv/old': 'opaque directory',
      '/srv/old/fresh': 'new file',
    })
    const upper = at.host.path(overlay?.upper ?? '')
    for (const { path, type, size } of changes) if (type === 'file') expect(size, path).toBe(lstatSync(join(upper, path)).size)
    const whiteout = lstatSync(join(upper, '/etc/lost'))
    expect([whiteout.isCharacterDevice(), whiteout.rdev]).toEqual([true, 0])
    expect(Object.values(overlay?.counts ?? {}).reduce((sum, count) => sum + count)).toBe(changes.length)
  })

  at.test('of its focus alone it is the same, and nothing of a neighbour', async () => {
    const { stdout } = await at.host.drydock('run', '-d', '--name', 'neighbour', '--rootfs', at.root.path, 'sleep', '1000')
    const near = await photographer.take({ scope: 'focus', focus: [ship.pid] })
    const { namespaces, cgroups, links, overlays } = near.tables
    expect(near.tables.processes[ship.pid]).toEqual(ship)
    expect(namespaces[`net:${ship.namespaces.net}`]).toMatchObject({ drawn: [ship.pid] })
    expect(Object.keys(cgroups).filter((path) => path.includes(stdout.trim()))).toEqual([])
    expect(cgroups[ship.cgroup]?.memory?.max).toBe(32 * 1024 * 1024)
    expect(Object.values(overlays).map(({ namespace }) => namespace)).toContain(ship.namespaces.mnt)
    const eth = Object.values(links).find(({ name }) => name === 'eth0')
    expect(links[links[eth?.peer ?? '']?.bridge ?? '']?.name).toBe('drydock0')
    expect(Object.values(links).filter(({ name }) => name === 'eth0')).toHaveLength(1)
    await at.host.drydock('rm', '-f', 'neighbour')
  })

  at.test('is whole also where another one was let go of just before', async () => {
    const other = new Photographer()
    await other.take()
    const before = photographer.pids
    const [, next] = await Promise.all([other.close(), other.take()])
    await other.close()
    expect(next.tables.namespaces[`uts:${ship.namespaces.uts}`]?.hostname).toBe('ship')
    expect(Object.values(next.tables.links).map(({ name }) => name)).toContain('drydock0')
    // But for what takes the pictures of the other tests.
    const shims = Object.values(next.tables.processes).filter(({ parent, role }) => parent === process.pid && role === 'shim')
    expect(shims.filter(({ pid }) => !before.has(pid))).toEqual([])
    expect(next.host.missing).toEqual([])
  })

  at.test('what does not change is the same object; what ends is gone, with all that it had', async () => {
    const [one, two] = [await photographer.take(), await photographer.take()]
    expect(two.tables.processes[ship.pid]).toBe(one.tables.processes[ship.pid])
    expect(two.tables.namespaces[`uts:${ship.namespaces.uts}`]).toBe(one.tables.namespaces[`uts:${ship.namespaces.uts}`])
    await at.host.drydock('rm', '-f', 'ship')
    // When its shim has ended, all that the shim takes away is gone; the kernel takes its time for the network.
    const after = await pictureWith(
      ({ tables }) => (tables.processes[ship.parent]?.state ?? 'Z') === 'Z' && !tables.namespaces[`net:${ship.namespaces.net}`],
    )
    const { gone } = deltaBetween(two, after)
    expect(gone.processes).toContain(`${ship.pid}`)
    expect(gone.links).toContain(`${ship.namespaces.net}/100`)
    expect(gone.cgroups).toContain(ship.cgroup)
    expect(Object.values(after.tables.changes).filter(({ upper }) => upper.includes(id))).toEqual([])
    expect(Object.values(after.tables.rules).filter(({ publishes }) => publishes?.port === '8080')).toEqual([])
    expect(after.host.missing).toEqual([])
  })
})

requires('user-namespaces')('an ordinary user sees his own, nested and shared; what he may not see is told once', async () => {
  const { stdout, stderr, exitCode } = await runAsOrdinaryUser(program('picture-as-user'))
  expect([exitCode, stderr]).toEqual([0, ''])
  const { picture, reader, shim, bottle, child, made } = JSON.parse(String(stdout)) as {
    picture: Picture
    reader: Record<string, number>
    shim: number
    bottle: number
    child: number
    made: Record<string, number>
  }
  const { processes, namespaces, links } = picture.tables
  expect(picture.host.namespaces).toMatchObject(reader)
  expect(processes[shim]?.role).toBe('shim')
  // Before its execve it still runs the shim's program.
  expect(processes[child]).toMatchObject({ role: 'container', parent: shim, name: 'shim' })
  expect(processes[child]?.pids.at(-1)).toBe(1)
  expect(processes[child]?.namespaces).toMatchObject(made)
  // Shared with the shim, and so with the bottle.
  expect(processes[child]?.namespaces.net).toBe(processes[shim]?.namespaces.net)
  expect(namespaces[`net:${processes[shim]?.namespaces.net}`]?.drawn).toEqual(expect.arrayContaining([bottle, shim, child]))
  // Nested: reader, bottle, child.
  const userOf = (pid: number) => `user:${processes[pid]?.namespaces.user}`
  expect(namespaces[userOf(child)]?.parent).toBe(userOf(bottle))
  expect(namespaces[userOf(bottle)]?.parent).toBe(`user:${reader.user}`)
  expect(namespaces[`pid:${made.pid}`]?.owner).toBe(userOf(child))
  expect(namespaces[`uts:${processes[shim]?.namespaces.uts}`]).toMatchObject({ hostname: 'pictured', owner: userOf(bottle) })
  expect(namespaces[userOf(bottle)]?.uidMap?.[0]).toMatch(/^0 \d+ 1$/)
  // The bottle's own network, entered by way of its user namespace.
  const lo = Object.values(links).find(({ namespace, name }) => namespace === processes[shim]?.namespaces.net && name === 'lo')
  expect(lo).toMatchObject({ kind: 'loopback', up: true, addresses: expect.arrayContaining(['127.0.0.1/8']) })
  // Somebody else's: this very test's.
  if (process.geteuid?.() === 0) expect(picture.host.missing).toContainEqual(expect.stringContaining('look as root'))
  expect(new Set(picture.host.missing).size).toBe(picture.host.missing.length)
})
