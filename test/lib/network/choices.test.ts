/** What can be chosen of a network beside the usual: ranges, reserved addresses, a gateway, ways out, the default bridge's place. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { chooseAddress } from '../../../lib/network/addresses.js'
import { leasesDirectory, networkOf } from '../../../lib/network/config.js'
import { createNetwork, leaseOf, leave, renameLease, rewriteLease, settleDefaultNetwork } from '../../../lib/network/index.js'
import { type Lease, liveLeases, readAllLeases, readLeases } from '../../../lib/network/leases.js'
import { parseBip } from '../../../lib/network/networks.js'
import { ruleset, withdrawal } from '../../../lib/network/nft.js'
import { checkedGateway, checkPart, gatewayOf } from '../../../lib/network/pool.js'
import { SharedNames } from '../../../lib/network/shared-names.js'

let dataRoot: string
beforeEach(() => {
  dataRoot = mkdtempSync(join(tmpdir(), 'drydock-choices-'))
})
afterEach(() => rmSync(dataRoot, { recursive: true, force: true }))

const SUBNET = '10.5.0.0/24'

describe('addresses', () => {
  test('the gateway is the first of the range, but for what is reserved; one of one’s own is in the subnet', () => {
    expect(gatewayOf(SUBNET)).toBe('10.5.0.1')
    expect(gatewayOf(SUBNET, '10.5.0.128/25')).toBe('10.5.0.128')
    expect(gatewayOf(SUBNET, SUBNET, ['10.5.0.1', '10.5.0.2'])).toBe('10.5.0.3')
    expect(checkedGateway(SUBNET, '10.5.0.254')).toBe('10.5.0.254')
    for (const wrong of ['10.5.0.0', '10.5.0.255', '10.6.0.1', 'x', '10.5.0.1/24'])
      expect(() => checkedGateway(SUBNET, wrong)).toThrow(`failed to allocate gateway (${wrong}): Requested address is out of range`)
    expect(() => gatewayOf('10.5.0.0/29', '10.5.0.2/32', ['10.5.0.2'])).toThrow('no address of 10.5.0.2/32 is left')
    checkPart(SUBNET, '10.5.0.64/26')
    for (const wrong of ['10.5.0.0/23', '10.6.0.1', 'fd00::1', 'x'])
      expect(() => checkPart(SUBNET, wrong)).toThrow(`${wrong} does not belong to the subnet`)
  })

  test('are given from the range alone, and reserved ones to nobody', async () => {
    const more = { range: '10.5.0.248/29', reserved: { router: '10.5.0.249' } }
    const config = await createNetwork(dataRoot, 'net', { subnet: SUBNET, more, known: [] })
    expect(config.gateway).toBe('10.5.0.248')
    expect(await chooseAddress(dataRoot, config)).toBe('10.5.0.250')
    expect(await chooseAddress(dataRoot, config, { wanted: '10.5.0.7' })).toBe('10.5.0.7')
    await expect(chooseAddress(dataRoot, config, { wanted: '10.5.0.249' })).rejects.toThrow('is reserved in network net, for router')
    for (const last of [250, 251, 252, 253, 254]) {
      // Locked by nobody, but its cable is there.
      lease('net', `10.5.0.${last}`, { device: `veth${last}` })
    }
    const plugged = async (devices: readonly string[]) => new Set(devices)
    await expect(chooseAddress(dataRoot, config, { plugged })).rejects.toThrow('all 6 of network net (10.5.0.248/29) are in use')
    await expect(createNetwork(dataRoot, 'wrong', { subnet: SUBNET.replace('5', '6'), more, known: [] })).rejects.toThrow('does not belong')
  })
})

test('an internal network has no way out, a routed one keeps addresses; both are taken out as they were put in', async () => {
  const make = (name: string, more: object) => createNetwork(dataRoot, name, { more, known: [] })
  const [usual, internal, routed] = [
    await make('usual', {}),
    await make('inner', { internal: true }),
    await make('outer', { routed: true }),
  ]
  const added = (config: typeof usual) =>
    ruleset(config)
      .split('\n')
      .filter((line) => line.startsWith('add element'))
  expect(added(usual).join()).toContain(`subnets { ${usual.subnet} }`)
  expect(added(internal).join()).toContain(`internal { "${internal.bridge}" }`)
  for (const config of [internal, routed]) expect(added(config).join()).not.toContain('subnets')
  expect(added(routed).join()).not.toContain('internal')
  for (const config of [usual, internal, routed])
    expect(withdrawal(config).trim().split('\n')).toEqual(added(config).map((line) => line.replace('add', 'delete')))
  const [accept, drop] = ['iifname . oifname @within accept', 'iifname @internal drop'].map((rule) => ruleset(usual).indexOf(rule))
  expect(accept).toBeLessThan(drop as number)
})

test('a bridge of one’s own name is one network’s', async () => {
  expect(await createNetwork(dataRoot, 'one', { bridge: 'keel0', known: [] })).toMatchObject({ bridge: 'keel0' })
  await expect(createNetwork(dataRoot, 'two', { bridge: 'keel0', known: [] })).rejects.toMatchObject({ status: 403 })
  await expect(createNetwork(dataRoot, 'two', { bridge: 'a name', known: [] })).rejects.toMatchObject({ status: 400 })
})

describe('the default network', () => {
  test('--bip is an address of the bridge, with the bits of its network', () => {
    expect(parseBip('172.20.3.1/16')).toEqual({ subnet: '172.20.0.0/16', gateway: '172.20.3.1' })
    for (const wrong of ['172.20.0.1', 'x/16', '172.20.0.1/16/2', 'fd00::1/64']) expect(() => parseBip(wrong)).toThrow('invalid --bip')
    expect(() => parseBip('172.20.0.0/16')).toThrow('out of range')
  })

  test('is written down once, and says when another place is wanted', () => {
    const { config } = settleDefaultNetwork(dataRoot, '10.9.0.1/24')
    expect(config).toMatchObject({ name: 'bridge', bridge: 'drydock0', subnet: '10.9.0.0/24', gateway: '10.9.0.1' })
    expect(settleDefaultNetwork(dataRoot)).toEqual({ config })
    expect(settleDefaultNetwork(dataRoot, '10.9.0.1/24')).toEqual({ config })
    const { config: wanted, old } = settleDefaultNetwork(dataRoot, '10.8.0.1/24')
    expect([old, wanted.id, wanted.subnet]).toEqual([config, config.id, '10.8.0.0/24'])
    expect(networkOf(dataRoot, 'bridge')).toEqual(config)
  })
})

function lease(network: string, address: string, more: Partial<Lease> = {}): Lease {
  const whole: Lease = { id: 'a'.repeat(64), name: 'one', hostname: 'h', aliases: [], mac: '02:42:0a:05:00:02', device: 'lo', ...more }
  mkdirSync(leasesDirectory(dataRoot, network), { recursive: true })
  writeFileSync(join(leasesDirectory(dataRoot, network), address), `${JSON.stringify(whole)}\n`)
  return whole
}

describe('leases of containers that run', () => {
  test('are rewritten where they are, and never shorter for a reader than they say', () => {
    const long = lease('net', '10.5.0.2', { aliases: ['a-long-alias', 'another-one'] })
    const path = join(leasesDirectory(dataRoot, 'net'), '10.5.0.2')
    const { ino } = statSync(path)
    rewriteLease(dataRoot, 'net', '10.5.0.2', { ...long, aliases: [] })
    expect(readLeases(dataRoot, 'net').get('10.5.0.2')).toEqual({ ...long, aliases: [] })
    rewriteLease(dataRoot, 'net', '10.5.0.2', { ...long, aliases: ['x'.repeat(500)] })
    expect(readFileSync(path, 'utf8')).toMatch(/^\{.*\}\n *$/)
    expect(statSync(path).ino).toBe(ino)
  })

  test('get another name when the container does, and only that one’s', () => {
    const one = lease('net', '10.5.0.2')
    renameLease(dataRoot, 'net', '10.5.0.2', 'b'.repeat(64), 'wrong')
    expect(readLeases(dataRoot, 'net').get('10.5.0.2')).toEqual(one)
    renameLease(dataRoot, 'net', '10.5.0.2', one.id, 'two')
    expect(readLeases(dataRoot, 'net').get('10.5.0.2')).toEqual({ ...one, name: 'two' })
  })

  test('that nobody holds go when the container leaves; of two the one it has counts', () => {
    const one = lease('net', '10.5.0.2')
    lease('net', '10.5.0.3', { left: true })
    expect(leaseOf(dataRoot, 'net', one.id)).toEqual({ address: '10.5.0.2', lease: one })
    leave(dataRoot, 'net', '10.5.0.2', one)
    expect([...readAllLeases(dataRoot, 'net').keys()]).toEqual(['10.5.0.3'])
    expect(leaseOf(dataRoot, 'net', one.id)?.lease.left).toBe(true)
    expect(readLeases(dataRoot, 'net').size).toBe(0)
    expect(liveLeases(dataRoot, 'net').size).toBe(0)
  })
})

test('who asks one network’s names knows those of the other networks that it is on, and no others', async () => {
  for (const name of ['sea', 'lake', 'pond']) await createNetwork(dataRoot, name, { known: [] })
  const [me, other] = ['a'.repeat(64), 'b'.repeat(64)]
  lease('sea', '172.17.0.2', { id: me })
  lease('lake', '172.18.0.2', { id: me })
  lease('lake', '172.18.0.3', { id: other, name: 'two' })
  lease('pond', '172.19.0.3', { id: other, name: 'two' })
  const names = new SharedNames(dataRoot, 'sea')
  expect([...names.others('172.17.0.2')].map(({ network }) => network)).toEqual(['lake'])
  expect([...names.others('172.17.0.2')][0]?.addresses.get('two')).toEqual(['172.18.0.3'])
  expect([...names.others('172.17.0.9')]).toEqual([])
  lease('pond', '172.19.0.2', { id: me })
  await createNetwork(dataRoot, 'puddle', { known: [] })
  expect([...names.others('172.17.0.2')].map(({ network }) => network).sort()).toEqual(['lake', 'pond'])
})
