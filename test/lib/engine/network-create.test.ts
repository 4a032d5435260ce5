/** A network out of what clients ask for, and by name what cannot be had. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFrom } from '../../../lib/engine/network/create.js'
import { checkIpv6, freeAddress6 } from '../../../lib/network/pool6.js'

let dataRoot: string
beforeEach(() => {
  dataRoot = mkdtempSync(join(tmpdir(), 'drydock-create-'))
})
afterEach(() => rmSync(dataRoot, { recursive: true, force: true }))

const refused = (document: object): Promise<unknown> =>
  createFrom(dataRoot, { Name: 'net', ...document }).then(
    () => 'made',
    ({ status, message }: { status: number; message: string }) => [status, message],
  )

test('everything that a bridge takes is written down', async () => {
  const document = {
    Name: 'net',
    CheckDuplicate: true,
    Driver: 'bridge',
    Internal: true,
    Attachable: true,
    IPAM: {
      Driver: 'default',
      Options: { a: 'b' },
      Config: [{ Subnet: '10.5.0.0/24', IPRange: '10.5.0.128/25', Gateway: '10.5.0.1', AuxiliaryAddresses: { router: '10.5.0.129' } }],
    },
    EnableIPv4: true,
    EnableIPv6: false,
    ConfigFrom: { Network: '' },
    Options: { 'com.docker.network.bridge.name': 'keel0', 'com.docker.network.driver.mtu': '1400', own: 'word' },
    Labels: { deep: 'yes' },
  }
  expect(await createFrom(dataRoot, document)).toMatchObject({
    name: 'net',
    bridge: 'keel0',
    subnet: '10.5.0.0/24',
    gateway: '10.5.0.1',
    mtu: 1400,
    labels: { deep: 'yes' },
    more: {
      internal: true,
      attachable: true,
      range: '10.5.0.128/25',
      reserved: { router: '10.5.0.129' },
      options: document.Options,
      ipamOptions: { a: 'b' },
    },
  })
})

test('an address is reserved once, and not the gateway’s', async () => {
  const config = { Subnet: '10.5.0.0/24', Gateway: '10.5.0.1' }
  const refused = (AuxiliaryAddresses: object) =>
    createFrom(dataRoot, { Name: 'net', IPAM: { Config: [{ ...config, AuxiliaryAddresses }] } })
  const sentence = (which: string) => `failed to allocate secondary ip address (${which}): Address already in use`
  await expect(refused({ a: '10.5.0.1' })).rejects.toMatchObject({ status: 403, message: sentence('a:10.5.0.1') })
  await expect(refused({ a: '10.5.0.9', b: '10.5.0.9' })).rejects.toMatchObject({ status: 403, message: sentence('b:10.5.0.9') })
})

test('nulls and empty things ask for nothing', async () => {
  const config = await createFrom(dataRoot, {
    Name: 'net',
    Driver: '',
    IPAM: { Config: [{}] },
    Options: null,
    Labels: null,
    Scope: 'local',
  })
  expect(config.more).toEqual({ subnetUnsaid: true })
  expect(
    await createFrom(dataRoot, { Name: 'plain', IPAM: null, Options: { 'com.docker.network.bridge.enable_ip_masquerade': 'false' } }),
  ).toMatchObject({
    more: { routed: true },
  })
  const Options = { 'com.docker.network.bridge.enable_icc': 'false', 'com.docker.network.bridge.host_binding_ipv4': '127.0.0.1' }
  expect(await createFrom(dataRoot, { Name: 'apart', Options })).toMatchObject({ more: { apart: true, hostBinding: '127.0.0.1' } })
})

test('what cannot be is refused by name, in docker’s words where it has some', async () => {
  expect(await refused({ Name: '' })).toEqual([400, 'a network needs a name'])
  expect(await refused({ Name: 'host' })).toEqual([403, 'operation is not permitted on predefined host network'])
  expect(await refused({ Driver: 'nope' })).toEqual([404, 'plugin "nope" not found'])
  expect(await refused({ Driver: 'macvlan' })).toEqual([400, 'the network driver macvlan is not supported: bridge is'])
  expect(await refused({ Driver: 'host' })).toEqual([403, 'only one instance of "host" network is allowed'])
  expect(await refused({ Driver: 'overlay' })).toEqual([503, expect.stringContaining('This node is not a swarm manager.')])
  expect(await refused({ Scope: 'swarm' })).toEqual([403, 'cannot create a swarm scoped network when swarm is not active'])
  expect(await refused({ EnableIPv4: false })).toEqual([400, expect.stringContaining('EnableIPv4=false')])
  expect(await refused({ ConfigFrom: { Network: 'x' } })).toEqual([400, expect.stringContaining('ConfigFrom is not supported')])
  expect(await refused({ IPAM: { Driver: 'nope' } })).toEqual([404, 'plugin "nope" not found'])
  expect(await refused({ IPAM: { Config: [{ Gateway: '10.5.0.1' }] } })).toEqual([400, expect.stringContaining('a subnet is needed')])
  expect(await refused({ IPAM: { Config: [{ Subnet: '10.5.0.0/24' }, { Subnet: '10.6.0.0/24' }] } })).toEqual([
    400,
    expect.stringContaining('names several'),
  ])
  expect(await refused({ IPAM: { Config: [{ Subnet: 'x' }] } })).toEqual([400, expect.stringContaining('invalid subnet x')])
  expect(await refused({ IPAM: { Config: [{ Subnet: '10.5.0.0/24', Gateway: '10.6.0.1' }] } })).toEqual([
    400,
    expect.stringContaining('failed to allocate gateway (10.6.0.1)'),
  ])
  const option = (name: string, value: string) => refused({ Options: { [`com.docker.network.${name}`]: value } })
  expect(await option('driver.mtu', 'x')).toEqual([400, expect.stringContaining('failed to parse com.docker.network.driver.mtu value: x')])
  expect(await option('bridge.host_binding_ipv4', 'fd00::1')).toEqual([400, expect.stringContaining('it is no IPv4 address')])
  expect(await option('bridge.gateway_mode_ipv4', 'routed')).toEqual([400, expect.stringContaining('is not supported')])
  expect(await option('bridge.enable_icc', 'perhaps')).toEqual([400, expect.stringContaining('failed to parse')])
  expect(await refused({ Labels: { a: 1 } })).toEqual([400, 'invalid JSON: Labels.a must be a string'])
  expect(await refused({ Labels: [] })).toEqual([400, 'invalid JSON: Labels must be an object'])
  expect(await refused({})).toBe('made')
  expect(await refused({})).toEqual([409, 'network with name net already exists'])
})

describe('IPv6', () => {
  const six = (Config: object[], more: object = {}) => createFrom(dataRoot, { Name: 'six', EnableIPv6: true, IPAM: { Config }, ...more })
  const able = existsSync('/proc/sys/net/ipv6')

  test.runIf(able)('is a subnet beside the other one, or one of its own', async () => {
    const pools = [
      { Subnet: 'fd77:0::/64', IPRange: 'fd77::ff:0/112', Gateway: 'fd77::1', AuxiliaryAddresses: { router: 'fd77::00ff:1' } },
      { Subnet: '10.5.0.0/24' },
    ]
    expect(await six(pools)).toMatchObject({
      subnet: '10.5.0.0/24',
      ipv6: { subnet: 'fd77::/64', gateway: 'fd77::1', range: 'fd77::ff:0/112', reserved: { router: 'fd77::ff:1' } },
    })
    const own = await createFrom(dataRoot, { Name: 'own', EnableIPv6: true })
    expect(own.ipv6?.subnet).toMatch(/^fd[0-9a-f]{2}:[0-9a-f:]+::\/64$/)
    expect(own.ipv6?.gateway).toBe(own.ipv6?.subnet.replace('::/64', '::1'))
  })

  test.runIf(able)('that cannot be is refused by name', async () => {
    const refusal = (Config: object[], more: object = {}) => six(Config, more).catch(({ status, message }) => [status, message])
    expect(await refusal([{ Subnet: 'fd77::/64' }], { EnableIPv6: false })).toEqual([400, expect.stringContaining('EnableIPv6 is not set')])
    expect(await refusal([{ Subnet: 'fd77::/64' }, { Subnet: 'fd78::/64' }])).toEqual([400, expect.stringContaining('names several')])
    expect(await refusal([{ Subnet: 'fd77::/127' }])).toEqual([400, expect.stringContaining('8 to 126 bits')])
    expect(await refusal([{ Subnet: 'fd77::1/64' }])).toEqual([400, expect.stringContaining('fd77::/64')])
    expect(await refusal([{ Subnet: 'fe80::/64' }])).toEqual([400, expect.stringContaining('a meaning of their own')])
    expect(await refusal([{ Subnet: 'fd77::/64', Gateway: 'fd78::1' }])).toEqual([400, expect.stringContaining('does not belong')])
    expect(await refusal([{ Subnet: 'fd77::/64', IPRange: 'fd78::/80' }])).toEqual([400, expect.stringContaining('does not belong')])
    await six([{ Subnet: 'fd77::/64' }])
    expect(await refusal([{ Subnet: 'fd77::/80' }], { Name: 'over' })).toEqual([403, expect.stringContaining('Pool overlaps')])
  })

  test('is refused by a kernel without', () => {
    expect(() => checkIpv6('/proc/sys/net/none')).toThrow('this kernel has no IPv6 (there is no /proc/sys/net/none)')
  })

  test('has addresses enough: where a container is in the other family, or the first that is free', () => {
    const place = { subnet: 'fd77::/120', gateway: 'fd77::1', reserved: { router: 'fd77::3' } }
    expect(freeAddress6(place, 2, () => false)).toBe('fd77::2')
    expect(freeAddress6(place, 2, (address) => address === 'fd77::2')).toBe('fd77::4')
    expect(freeAddress6(place, 300, () => false)).toBe('fd77::2')
    expect(freeAddress6({ ...place, range: 'fd77::f0/124' }, 3, () => false)).toBe('fd77::f3')
    expect(freeAddress6(place, 2, () => true)).toBeUndefined()
  })
})
