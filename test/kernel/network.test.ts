import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { leasesDirectory } from '../../lib/network/config.js'
import { NetworkHost } from '../support/network.js'
import { requires } from '../support/requires.js'

const test = requires('root')
let world: NetworkHost

beforeAll(async () => {
  if (process.geteuid?.() === 0) world = await NetworkHost.open()
})
afterAll(async () => {
  await world?.close()
})

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
    expect(world.devices()).toContain(`veth${box.id.slice(0, 7)}`)
    await box.shim.rollback()
    expect(leases()).toEqual([])
    expect(existsSync(join(leasesDirectory(world.dataRoot, 'bridge'), '172.17.0.2'))).toBe(false)
  })
})
