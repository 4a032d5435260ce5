import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kill } from 'node:process'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { plan } from '../../lib/container/plan.js'
import { clone, execve } from '../../lib/kernel/calls/process.js'
import { showStep } from '../../lib/kernel/show.js'
import { leasesDirectory } from '../../lib/network/config.js'
import { createNetwork, ensureNetwork, inspectNetwork, removeNetwork } from '../../lib/network/index.js'
import { pluggedAt, reclaim, staleAddresses } from '../../lib/network/leases.js'
import { NetworkHost, newNamespaces, program } from '../support/network.js'
import { requires } from '../support/requires.js'

const test = requires('root')
let world: NetworkHost

beforeAll(async () => {
  if (process.geteuid?.() === 0) world = await NetworkHost.open()
})
afterAll(async () => {
  await world?.close()
})

/** Node with our TypeScript, as a shim's child in the host's network. */
const inNode = (script: string) => {
  const argv = [process.execPath, '--import', import.meta.resolve('tsx'), '-e', script]
  return [
    clone('uts'),
    execve(
      process.execPath,
      argv,
      ['PATH=/usr/bin:/bin', `DRYDOCK_NATIVE=${process.env.DRYDOCK_NATIVE ?? ''}`].filter((one) => !one.endsWith('=')),
    ),
  ]
}

const leases = (network = 'bridge') => readdirSync(leasesDirectory(world.dataRoot, network)).filter((name) => !name.startsWith('.'))

describe('the default network', () => {
  test('is made once, also by two at once', async () => {
    const [first, second] = await Promise.all([world.ensure(), world.ensure()])
    expect([...first, ...second].join('; ')).toContain('made the bridge drydock0 with the address 172.17.0.1/16')
    expect(await world.ensure()).toEqual([])
    expect(world.devices()).toContain('drydock0')
  })

  test('gives a container an address, a cable and a way out', async () => {
    const box = await world.box({ name: 'one' })
    expect(box.attachment).toMatchObject({
      address: '172.17.0.2',
      prefix: 16,
      gateway: '172.17.0.1',
      mac: '02:42:ac:11:00:02',
      interface: 'eth0',
    })
    expect(leases()).toEqual(['172.17.0.2'])
    const { output } = await world.run(['ip', '-o', 'address', 'show'], box)
    expect(output).toMatch(/lo +inet 127.0.0.1\/8/)
    expect(output).toMatch(/eth0 +inet 172.17.0.2\/16 brd 172.17.255.255/)
    expect((await world.run(['ip', 'route'], box)).output).toMatch(/^default via 172.17.0.1 dev eth0/)
    const device = (await inspectNetwork(world.dataRoot, 'bridge')).leases.get('172.17.0.2')?.device
    expect(world.devices()).toContain(device)
    await box.shim.rollback()
    expect(leases()).toEqual([])
    expect(existsSync(join(leasesDirectory(world.dataRoot, 'bridge'), '172.17.0.2'))).toBe(false)
  })
})

const elements = async () => (await world.run(['nft', 'list', 'map', 'ip', 'drydock', 'published_anywhere'])).output

/** Whatever the kernel does behind everybody's back: the devices go when it has taken the namespace apart. */
const cablesGone = () => expect.poll(() => world.devices().filter((name) => name.startsWith('veth')), { interval: 5 }).toEqual([])

describe('another data root in the same network', () => {
  test('takes the place of a bridge that nothing is plugged into, its rules included; one with containers stays', async () => {
    const shared = await NetworkHost.open()
    const other = mkdtempSync(join(tmpdir(), 'drydock-other-'))
    try {
      await shared.ensure()
      const ensureOther = () => ensureNetwork(shared.shim, other, 'bridge', shared.another)
      const box = await shared.box()
      await expect(ensureOther()).rejects.toThrow('the device drydock0 exists already and is not the bridge of network bridge')
      await box.shim.rollback()
      await expect.poll(() => shared.devices().filter((name) => name.startsWith('veth')), { timeout: 10_000 }).toEqual([])
      expect(await ensureOther()).toEqual([
        expect.stringMatching(/^made the bridge drydock0 with the address 172\.18\.0\.1/),
        expect.stringContaining('route_localnet'),
        expect.stringContaining('accept_ra'),
        expect.stringContaining('made the nft table ip drydock'),
      ])
      expect((await shared.run(['nft', 'list', 'set', 'ip', 'drydock', 'subnets'])).output).toContain('172.18.0.0/16')
      expect(await ensureOther()).toEqual([])
      // And back again; what somebody else has made under the name stays whatever it is.
      expect((await shared.ensure())[0]).toMatch(/^made the bridge drydock0 with the address 172\.17\.0\.1/)
      for (const kind of [['veth', 'peer', 'name', 'theirs'], ['bridge']]) {
        await shared.run(['ip', 'link', 'delete', 'drydock0'])
        expect(await shared.run(['ip', 'link', 'add', 'drydock0', 'type', ...kind])).toMatchObject({ code: 0 })
        await expect(shared.ensure()).rejects.toThrow('is not the bridge of network bridge: remove it')
      }
    } finally {
      await shared.close()
      rmSync(other, { recursive: true })
    }
  })
})

describe('what is left', () => {
  test('when the client goes at any moment of the plan: no lease, no element, no cable', async () => {
    const ports = ['8080:80', '53:53/udp']
    const next = async () => plan([newNamespaces(), (await world.attach({ ports })).fragment, program(['sleep', 'infinity'])])
    const { length } = await next()
    for (let count = 1; count <= length; count++) {
      const steps = await next()
      const shim = await world.another()
      await shim.run(steps.slice(0, count))
      await shim.close()
      await expect
        .poll(async () => ({ leases: readdirSync(leasesDirectory(world.dataRoot, 'bridge')), held: /8080|53/.test(await elements()) }), {
          interval: 5,
        })
        .toEqual({ leases: [], held: false })
    }
    await cablesGone()
  })

  test('when the shim itself is killed: a lease that is known as stale, and a port that can be had again', async () => {
    const killed = await world.box({ name: 'killed', ports: ['8080:80'] })
    const stale = () => staleAddresses(world.dataRoot, 'bridge', pluggedAt(world.shim))
    expect(await stale()).toEqual([])
    const ended = killed.shim.ended
    // The container's program outlives its shim.
    const orphan = killed.shim.childPid as number
    kill(killed.shim.pid, 'SIGKILL')
    await ended
    // Its lock goes with its last descriptor, which need not be the connection's; and its cable is there: nobody else may have the address.
    await expect.poll(() => staleAddresses(world.dataRoot, 'bridge', async () => new Set()), { interval: 5 }).toEqual(['172.17.0.2'])
    expect(await stale()).toEqual([])
    expect(await reclaim(world.dataRoot, 'bridge', pluggedAt(world.shim))).toEqual([])
    await expect(world.box({ ip: '172.17.0.2' })).rejects.toThrow('Address already in use: 172.17.0.2')
    kill(orphan, 'SIGKILL')
    await expect.poll(stale, { interval: 5 }).toEqual(['172.17.0.2'])
    expect((await inspectNetwork(world.dataRoot, 'bridge')).leases.size).toBe(0)
    await cablesGone()
    const next = await world.box({ name: 'next', ip: '172.17.0.2', ports: ['8080:80'] })
    expect(next.attachment.address).toBe('172.17.0.2')
    expect(await elements()).toContain('172.17.0.2 . 80')
    await next.shim.rollback()
    expect(await elements()).not.toContain('8080')
    expect(leases()).toEqual([])
  })
})

describe('refusals', () => {
  test('a network whose addresses are all in use', async () => {
    await createNetwork(world.dataRoot, 'tiny', { subnet: '10.99.0.0/29', known: [] })
    await world.ensure('tiny')
    const boxes = []
    for (let count = 0; count < 5; count++) boxes.push(await world.box({ network: 'tiny' }))
    await expect(world.box({ network: 'tiny' })).rejects.toThrow(
      /no available IPv4 addresses on this network's address pools: all 5 of network tiny/,
    )
    await expect(removeNetwork(world.dataRoot, 'tiny', world.shim, world.another)).rejects.toThrow(/has active endpoints/)
    await Promise.all(boxes.map(({ shim }) => shim.rollback()))
    await removeNetwork(world.dataRoot, 'tiny', world.shim, world.another)
    await expect(world.attach({ network: 'tiny' })).rejects.toThrow('network tiny not found')
    expect(world.devices().filter((name) => name.startsWith('br-'))).toEqual([])
  })

  test('two that choose the same address: one gets it, the other is told that planning again will help', async () => {
    const [first, second] = await Promise.all([world.attach(), world.attach()])
    expect(first.address).toBe(second.address)
    const [one, two] = [await world.another(), await world.another()]
    await one.run(plan([newNamespaces(), first.fragment]))
    const error = await two.run(plan([newNamespaces(), second.fragment])).catch((reason: unknown) => reason)
    expect(second.taken(error)).toBe(true)
    await Promise.all([one.rollback(), two.rollback()])
  })

  test('a cable whose name or index is there already: planning again will help', async () => {
    for (const alike of ['name', 'index'] as const) {
      const attachment = await world.attach()
      const [, name = '', index = ''] =
        attachment.fragment.steps
          .map(showStep)
          .join()
          .match(/link add (veth\w+) index (\d+)/) ?? []
      const link = alike === 'name' ? ['name', name] : ['name', 'other0', 'index', index]
      expect(await world.run(['ip', 'link', 'add', ...link, 'type', 'bridge'])).toMatchObject({ code: 0 })
      const shim = await world.another()
      const error = await shim.run(plan([newNamespaces(), attachment.fragment])).catch((reason: unknown) => reason)
      expect(attachment.taken(error), `${alike}: ${error}`).toBe(true)
      await shim.rollback()
      await world.run(['ip', 'link', 'delete', link[1] as string])
      expect(leases()).toEqual([])
    }
  })

  test('a port that is in use, in Docker’s words; a chosen one is chosen again', async () => {
    const holder = await world.box({ ports: ['8080:80'] })
    const attachment = await world.attach({ ports: ['8080:80'] })
    const shim = await world.another()
    const error = await shim.run(plan([newNamespaces(), attachment.fragment])).catch((reason: unknown) => reason)
    expect(attachment.taken(error)).toBe(false)
    expect(attachment.explain(error)?.message).toBe('Bind for 0.0.0.0:8080 failed: port is already allocated')
    await Promise.all([shim.rollback(), holder.shim.rollback()])
    // Given back by the time that the shim says it is done.
    for (let count = 0; count < 5; count++) await (await world.box({ ports: ['8080:80'] })).shim.rollback()
    const open = await world.attach({ ports: ['80'] })
    expect(open.ports[0]?.hostPort).toBeGreaterThanOrEqual(32768)
  })
})

describe('names', () => {
  test('are those of the network’s containers, by name, alias and id, and backwards', async () => {
    await createNetwork(world.dataRoot, 'named', { known: [] })
    await world.ensure('named')
    const names = join(import.meta.dirname, '../../lib/network/names.ts')
    const service = await world.another()
    const script = `import(${JSON.stringify(names)}).then(async (m) => { await m.startNameService(${JSON.stringify(world.dataRoot)}, 'named'); setInterval(() => 0, 1e6) })`
    await service.run(inNode(script))
    const web = await world.box({ name: 'Web', network: 'named', aliases: ['www'] })
    const other = await world.box({ name: 'other', network: 'named' })
    expect(web.attachment).toMatchObject({ userDefined: true, nameservers: [web.attachment.gateway] })
    // The service has started when it answers; a name that is not ours is asked for once, and nobody is there to know it.
    const ask = `const { Resolver } = require('dns').promises
      const resolver = (timeout) => { const r = new Resolver({ timeout, tries: 1 }); r.setServers(['${web.attachment.gateway}']); return r }
      const [r, is] = [resolver(20_000), (p) => p.catch((e) => e.code)]
      const ready = () => resolver(500).resolve4('web').catch(ready)
      ready().then(() => Promise.all([r.resolve4('web'), r.resolve4('www'), r.resolve4('other.named'), r.resolve4('${web.id.slice(0, 12)}'),
        is(r.resolve6('web')), r.reverse('${web.attachment.address}'), is(r.resolve4('nobody.invalid'))])).then((all) => console.log(JSON.stringify(all)))`
    const { output } = await world.run([process.execPath, '-e', ask], other)
    const [here, there] = [[web.attachment.address], [other.attachment.address]]
    expect(JSON.parse(output)).toEqual([
      here,
      here,
      there,
      here,
      'ENODATA',
      ['Web.named'],
      expect.stringMatching(/^E(SERVFAIL|SERVER|TIMEOUT|NOTFOUND)/),
    ])
    await Promise.all([web, other].map(({ shim }) => shim.rollback()))
    await service.rollback()
  })
})
