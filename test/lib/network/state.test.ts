import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chooseAddress } from '../../../lib/network/addresses.js'
import { leasesDirectory, networkOf } from '../../../lib/network/config.js'
import { createNetwork, describeNetwork, listNetworks } from '../../../lib/network/index.js'
import { macOf, reclaim, staleAddresses } from '../../../lib/network/leases.js'
import { checkedSubnet, freeSubnet, gatewayOf, overlap } from '../../../lib/network/pool.js'

let dataRoot: string
beforeEach(() => {
  dataRoot = mkdtempSync(join(tmpdir(), 'drydock-net-'))
})
afterEach(() => rmSync(dataRoot, { recursive: true, force: true }))

describe('the pool', () => {
  it('gives the first network that collides with nothing', () => {
    expect(freeSubnet([])).toBe('172.17.0.0/16')
    expect(freeSubnet(['172.17.3.1/24', '172.18.0.0/15'])).toBe('172.20.0.0/16')
    expect(freeSubnet(['172.16.0.0/12'])).toBe('192.168.0.0/20')
    expect(() => freeSubnet(['128.0.0.0/1'])).toThrow(/all predefined address pools/)
    expect(gatewayOf('192.168.16.0/20')).toBe('192.168.16.1')
    expect(overlap('10.0.0.0/8', '10.1.2.3/32')).toBe(true)
    expect(overlap('10.0.0.0/24', '10.0.1.0/24')).toBe(false)
  })

  it('takes a network that a person names, when it is one and free', () => {
    expect(checkedSubnet('10.5.0.0/24', [])).toBe('10.5.0.0/24')
    expect(() => checkedSubnet('10.5.0.1/24', [])).toThrow('the first address of that one is 10.5.0.0/24')
    expect(() => checkedSubnet('10.5.0.0/31', [])).toThrow(/8 to 30 bits/)
    expect(() => checkedSubnet('fd00::/64', [])).toThrow(/no IPv4 network/)
    expect(() => checkedSubnet('10.5.0.0/24', ['10.0.0.0/8'])).toThrow(/Pool overlaps with other one/)
  })
})

describe('networks on disk', () => {
  it('are made once, keep clear of each other, and are described', async () => {
    const first = await createNetwork(dataRoot, 'first', { known: [] })
    expect(first).toMatchObject({
      subnet: '172.17.0.0/16',
      gateway: '172.17.0.1',
      mtu: 1500,
      bridge: expect.stringMatching(/^br-[0-9a-f]{12}$/),
    })
    expect(networkOf(dataRoot, 'first')).toEqual(first)
    expect((await createNetwork(dataRoot, 'second', { known: [] })).subnet).toBe('172.18.0.0/16')
    await expect(createNetwork(dataRoot, 'first')).rejects.toThrow('network with name first already exists')
    await expect(createNetwork(dataRoot, 'host')).rejects.toThrow(/predefined host network/)
    await expect(createNetwork(dataRoot, '../x')).rejects.toThrow(/cannot be a network's name/)
    expect((await listNetworks(dataRoot)).map(({ name }) => name)).toEqual(['first', 'second'])
    expect(describeNetwork(dataRoot, 'first')[0]).toContain('172.17.0.1/16')
    expect(describeNetwork(dataRoot, 'bridge')[0]).toContain('drydock0')
    expect(() => describeNetwork(dataRoot, 'third')).toThrow('network third not found')
  })
})

describe('addresses', () => {
  const leave = (address: string, lease: object = {}) => {
    mkdirSync(leasesDirectory(dataRoot, 'net'), { recursive: true })
    writeFileSync(join(leasesDirectory(dataRoot, 'net'), address), JSON.stringify(lease))
  }

  it('are the lowest that nobody has, or the wanted one', async () => {
    const config = await createNetwork(dataRoot, 'net', { subnet: '10.5.0.0/24', known: [] })
    expect(await chooseAddress(dataRoot, config)).toBe('10.5.0.2')
    leave('10.5.0.2')
    expect(await chooseAddress(dataRoot, config)).toBe('10.5.0.3')
    expect(await chooseAddress(dataRoot, config, { wanted: '10.5.0.77' })).toBe('10.5.0.77')
    for (const wrong of ['10.5.1.1', '10.5.0.0', '10.5.0.255', 'fd00::1'])
      await expect(chooseAddress(dataRoot, config, { wanted: wrong })).rejects.toThrow(/invalid address/)
    await expect(chooseAddress(dataRoot, config, { wanted: '10.5.0.1' })).rejects.toThrow(/is the gateway/)
    expect(macOf('10.5.0.77')).toBe('02:42:0a:05:00:4d')
  })

  it('are spread out for those of a crowd that come again, each time wider', async () => {
    const config = await createNetwork(dataRoot, 'net', { subnet: '10.5.0.0/24', known: [] })
    const widths: number[] = []
    const random = (below: number) => widths.push(below) && below - 1
    const chosen: string[] = []
    for (const attempt of [1, 2, 3, 20]) chosen.push(await chooseAddress(dataRoot, config, { attempt, random }))
    expect(chosen).toEqual(['10.5.0.2', '10.5.0.33', '10.5.0.65', '10.5.0.254'])
    expect(widths).toEqual([32, 64, 253])
    leave('10.5.0.2')
    expect(await chooseAddress(dataRoot, config, { attempt: 2, random: () => 0 })).toBe('10.5.0.3')
  })

  it('whose cable is plugged in are not stale, whoever was killed', async () => {
    const config = await createNetwork(dataRoot, 'net', { subnet: '10.5.0.0/29', known: [] })
    for (const last of [2, 3, 4, 5, 6]) leave(`10.5.0.${last}`, { device: `veth000000${last}` })
    const plugged = async () => new Set(['veth0000004'])
    expect(await staleAddresses(dataRoot, 'net', plugged)).toEqual(['10.5.0.2', '10.5.0.3', '10.5.0.5', '10.5.0.6'])
    await expect(chooseAddress(dataRoot, config, { wanted: '10.5.0.4', plugged })).rejects.toThrow('Address already in use: 10.5.0.4')
    // The other four went when the look was taken.
    expect(await staleAddresses(dataRoot, 'net', async () => new Set())).toEqual(['10.5.0.4'])
  })

  it('that nobody has locked are stale, and are had again when they are needed', async () => {
    const config = await createNetwork(dataRoot, 'net', { subnet: '10.5.0.0/29', known: [] })
    for (const last of [2, 3, 4, 5, 6]) leave(`10.5.0.${last}`)
    expect(await staleAddresses(dataRoot, 'net')).toHaveLength(5)
    expect(await chooseAddress(dataRoot, config)).toBe('10.5.0.2')
    expect(await staleAddresses(dataRoot, 'net')).toEqual([])
    leave('10.5.0.4')
    writeFileSync(join(leasesDirectory(dataRoot, 'net'), '.reclaim'), '')
    expect(await reclaim(dataRoot, 'net')).toEqual([])
    // Who was at it has died.
    const longAgo = new Date(Date.now() - 60_000)
    utimesSync(join(leasesDirectory(dataRoot, 'net'), '.reclaim'), longAgo, longAgo)
    expect(await chooseAddress(dataRoot, config, { wanted: '10.5.0.4' })).toBe('10.5.0.4')
  })
})
