import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import { open } from '../../lib/kernel/calls/files.js'
import { clone, execve } from '../../lib/kernel/calls/process.js'
import { netlink, rtnetlink_socket } from '../../lib/kernel/calls/sockets.js'
import { errnoOf } from '../../lib/kernel/constants.js'
import { decodeAddresses, decodeLinks, decodeNeighbours, decodeRoutes, type Link } from '../../lib/kernel/netlink/decode.js'
import { linkDump } from '../../lib/kernel/netlink/link.js'
import { loopbackUp } from '../../lib/kernel/netlink/loopback.js'
import {
  address_add,
  address_delete,
  address_dump,
  answerOf,
  bridge_add,
  link_delete,
  link_dump,
  link_get,
  link_set,
  link_up,
  neighbour_dump,
  route_add,
  route_delete,
  route_dump,
  veth_add,
} from '../../lib/kernel/netlink/steps.js'
import { readNetDev, readRoutes } from '../../lib/kernel/proc/net.js'
import type { Result } from '../../lib/kernel/result.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { child, container, host, ref, type Step } from '../../lib/kernel/step.js'

/** Two network namespaces: the bottle's, in which the shim is (host), and that of its child (container). Each has a socket. */
const outer = ref('outer')
const inner = ref('inner')

let bottle: Bottle
let shim: Shim
beforeAll(async () => {
  bottle = await Bottle.open({ name: 'netlink-test' })
})
afterAll(() => bottle.close())
beforeEach(async () => {
  shim = await bottle.shim()
  await shim.run([host(rtnetlink_socket({ keep: 'outer' })), clone('net'), container(rtnetlink_socket({ keep: 'inner' }))])
})
afterEach(() => shim.rollback())

const last = (results: Result[]) => answerOf(results.at(-1) as Result)
const linksOf = async (dump: Step) => decodeLinks(last(await shim.run([dump])))
const innerLinks = () => linksOf(container(link_dump(inner)))
const outerLinks = () => linksOf(host(link_dump(outer)))
const named = (links: Link[], name: string) => links.find((link) => link.name === name)

/** Errors' names in the order of the steps; 'ok' where there is none. */
async function outcomes(steps: Step[]): Promise<string[]> {
  const results: string[] = []
  for (const step of steps) {
    const [result] = await shim.attempt([step])
    results.push(result?.errno ? errnoOf(result.errno).name : (result?.status ?? 'none'))
  }
  return results
}

describe('links', () => {
  test('lo is down in a new namespace until it is raised', async () => {
    expect(await innerLinks()).toMatchObject([{ index: 1, name: 'lo', mtu: 65536, operstate: 'down' }])
    await shim.run(container(loopbackUp()))
    const [lo] = await innerLinks()
    expect(lo?.flags).toEqual(expect.arrayContaining(['up', 'loopback', 'running', 'lower_up']))
    const addresses = decodeAddresses(last(await shim.run([container(address_dump(inner))])))
    expect(addresses).toContainEqual(expect.objectContaining({ index: 1, address: '127.0.0.1', prefixLength: 8, scope: 'host' }))
  })

  test('a bridge has the settings, the name and the index that were asked for', async () => {
    const settings = { stp: true, forwardDelay: 4, ageingTime: 100 }
    await shim.run([container(bridge_add(inner, { name: 'br0', index: 77, mac: '02:42:00:00:00:01', mtu: 1300, up: true, ...settings }))])
    const [bridge] = decodeLinks(last(await shim.run([container(link_get(inner, 'br0'))])))
    expect(bridge).toMatchObject({
      index: 77,
      name: 'br0',
      kind: 'bridge',
      mac: '02:42:00:00:00:01',
      mtu: 1300,
      bridge: { ...settings, vlanFiltering: false },
    })
    expect(bridge?.flags).toContain('up')
    expect(decodeLinks(last(await shim.run([container(link_get(inner, 77))])))).toEqual([bridge])
  })

  test('a cable is made by the host with its other end in the child, by pid', async () => {
    await shim.run([
      host(bridge_add(outer, { name: 'br1', index: 300, up: true, stp: false })),
      host(
        veth_add(outer, {
          name: 'cable',
          index: 301,
          master: { index: 300, name: 'br1' },
          up: true,
          peer: { name: 'eth0', index: 2, mac: '02:42:ac:11:00:02', mtu: 1400, netns: { pid: child } },
        }),
      ),
    ])
    const eth0 = named(await innerLinks(), 'eth0')
    expect(eth0).toMatchObject({ index: 2, mac: '02:42:ac:11:00:02', mtu: 1400, kind: 'veth', link: 301 })
    expect(eth0?.linkNetnsid).toBeTypeOf('number')
    expect(named(await outerLinks(), 'cable')).toMatchObject({ index: 301, master: 300, kind: 'veth', link: 2 })
    await shim.run([host(link_delete(outer, 'br1'))])
  })

  test('a cable is made from the inside, over a socket of the namespace outside', async () => {
    await shim.run([
      container(open('/proc/self/ns/net', ['rdonly'], { keep: 'mine' })),
      container(veth_add(outer, { name: 'out0', index: 310, peer: { name: 'in0', index: 10, netns: { fd: ref('mine') } } })),
      container(link_up(inner, 'in0')),
      container(link_up(outer, 'out0')),
    ])
    expect(named(await innerLinks(), 'in0')?.flags).toEqual(expect.arrayContaining(['up', 'lower_up']))
    expect(named(await outerLinks(), 'out0')).toMatchObject({ index: 310, link: 10 })
  })

  test('a link moves, is renamed by its index, and leaves its bridge', async () => {
    await shim.run([
      host(bridge_add(outer, { name: 'br2', index: 320 })),
      host(veth_add(outer, { name: 'one', index: 321, master: 320, peer: { name: 'two', index: 322 } })),
    ])
    expect(named(await outerLinks(), 'one')?.master).toBe(320)
    await shim.run([
      host(link_set(outer, 'one', { master: null, mtu: 1280, alias: 'first end' })),
      host(link_set(outer, 322, { name: 'eth9', netns: { pid: child } })),
      host(link_delete(outer, 320)),
    ])
    const links = await outerLinks()
    expect(named(links, 'one')).toMatchObject({ mtu: 1280, alias: 'first end' })
    expect(named(links, 'one')?.master).toBeUndefined()
    expect(links.map(({ name }) => name)).not.toContain('two')
    expect(named(await innerLinks(), 'eth9')).toMatchObject({ kind: 'veth' })
    await shim.run([container(link_delete(inner, 'eth9'))])
    expect(named(await outerLinks(), 'one')).toBeUndefined()
  })

  test('the kernel refuses what cannot be', async () => {
    await shim.run([container(bridge_add(inner, { name: 'br0', index: 50 }))])
    expect(
      await outcomes(
        [
          link_get(inner, 'nobody'),
          link_up(inner, 4711),
          link_delete(inner, 'lo'),
          bridge_add(inner, { name: 'br0' }),
          bridge_add(inner, { name: 'br1', index: 50 }),
          veth_add(inner, { name: 'a', peer: { name: 'b', netns: { pid: 0x3fff_ffff } } }),
          link_set(inner, 'lo', { master: 50 }),
        ].map((step) => container(step)),
      ),
    ).toEqual(['ENODEV', 'ENODEV', 'EOPNOTSUPP', 'EEXIST', 'EEXIST', 'ESRCH', 'EINVAL'])
  })

  test('an answer with too little room is an error to look at, not a part of the truth', async () => {
    const [result] = await shim.run([container(netlink(inner, linkDump(), { answer: 64 }))])
    expect(() => answerOf(result as Result)).toThrow(/longer than the 64 bytes/)
    const [refused] = await shim.attempt([container(link_get(inner, 'nobody'))])
    expect(() => answerOf(refused as Result)).toThrow(/not answered/)
  })
})

describe('addresses and routes', () => {
  /**
   * A cable with both ends up: 10.9.N.1 outside, 10.9.N.2 inside, where it is device 10. Each test has a number of its own, since the end
   * outside goes a while after the namespace of the other.
   */
  const cable = (n: number): Step[] => [
    host(veth_add(outer, { name: `a${n}`, index: 400 + n, up: true, peer: { name: 'b0', index: 10, netns: { pid: child } } })),
    host(address_add(outer, 400 + n, `10.9.${n}.1/24`)),
    container(link_up(inner, 'b0')),
    container(address_add(inner, 10, `10.9.${n}.2/24`, { broadcast: 'auto' })),
  ]
  const addresses = async () => decodeAddresses(last(await shim.run([container(address_dump(inner))])))
  const routes = async () => decodeRoutes(last(await shim.run([container(route_dump(inner))])))

  test('addresses come with the route to their network, and go', async () => {
    await shim.run([...cable(1), container(address_add(inner, 10, 'fd00:9::2/64', { nodad: true }))])
    const found = await addresses()
    expect(found).toContainEqual({
      family: 4,
      index: 10,
      address: '10.9.1.2',
      prefixLength: 24,
      broadcast: '10.9.1.255',
      label: 'b0',
      scope: 'universe',
      flags: ['permanent'],
    })
    const six = found.find(({ address }) => address === 'fd00:9::2')
    expect(six?.flags).toEqual(expect.arrayContaining(['nodad', 'permanent']))
    expect(six?.flags).not.toContain('tentative')
    expect(await routes()).toContainEqual(
      expect.objectContaining({ to: '10.9.1.0/24', dev: 10, src: '10.9.1.2', protocol: 'kernel', scope: 'link', table: 'main' }),
    )
    await shim.run([container(address_delete(inner, 10, '10.9.1.2/24'))])
    expect((await addresses()).map(({ address }) => address)).not.toContain('10.9.1.2')
    expect(await outcomes([container(address_delete(inner, 10, '10.9.1.2/24'))])).toEqual(['EADDRNOTAVAIL'])
  })

  test('routes are added, seen by dump and by /proc alike, and deleted', async () => {
    await shim.run([
      ...cable(2),
      container(route_add(inner, { to: 'default', via: '10.9.2.1', dev: { index: 10, name: 'b0' } })),
      container(route_add(inner, { to: '10.20.0.0/16', via: '10.9.2.1', metric: 7 })),
      container(route_add(inner, { to: '192.0.2.0/24', type: 'blackhole', table: 1000 })),
    ])
    const found = await routes()
    expect(found).toContainEqual(expect.objectContaining({ to: 'default', via: '10.9.2.1', dev: 10, table: 'main', protocol: 'boot' }))
    expect(found).toContainEqual(expect.objectContaining({ to: '10.20.0.0/16', via: '10.9.2.1', metric: 7 }))
    expect(found).toContainEqual(expect.objectContaining({ to: '192.0.2.0/24', type: 'blackhole', table: 1000 }))
    const proc = bottle.hostPath('/proc')
    expect(readRoutes(shim.childPid as number, proc)).toEqual(
      expect.arrayContaining([
        { device: 'b0', destination: '0.0.0.0', prefixLength: 0, gateway: '10.9.2.1', metric: 0 },
        { device: 'b0', destination: '10.20.0.0', prefixLength: 16, gateway: '10.9.2.1', metric: 7 },
        { device: 'b0', destination: '10.9.2.0', prefixLength: 24, metric: 0 },
      ]),
    )
    expect(readNetDev(shim.childPid as number, proc)?.map(({ name }) => name)).toEqual(expect.arrayContaining(['lo', 'b0']))
    expect(
      await outcomes([
        container(route_delete(inner, { to: 'default', via: '10.9.2.1' })),
        container(route_delete(inner, { to: 'default' })),
        container(route_add(inner, { to: 'default', via: '10.77.0.1' })),
      ]),
    ).toEqual(['ok', 'ESRCH', 'ENETUNREACH'])
  })

  test('neighbours are known once somebody has answered', async () => {
    await shim.run(cable(3))
    const before = decodeNeighbours(last(await shim.run([container(neighbour_dump(inner, 4))])))
    expect(before).toEqual([])
    const other = await bottle.shim()
    await other.run(packetTo('10.9.3.2'))
    await other.exited
    await expect
      .poll(async () => decodeNeighbours(last(await shim.run([host(neighbour_dump(outer, 4))]))), { interval: 10 })
      .toContainEqual(
        expect.objectContaining({ family: 4, index: 403, address: '10.9.3.2', mac: expect.stringMatching(/^[0-9a-f:]{17}$/) }),
      )
  })
})

/** One UDP packet to an address, from the bottle's namespace: bash has a name for that. */
function packetTo(address: string): Step[] {
  return [clone('uts'), execve('/bin/bash', ['bash', '-c', `echo x > /dev/udp/${address}/9`])]
}
