/** A network out of what clients ask for, and by name what cannot be had. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFrom } from '../../../lib/engine/network/create.js'

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

test('nulls and empty things ask for nothing', async () => {
  const config = await createFrom(dataRoot, {
    Name: 'net',
    Driver: '',
    IPAM: { Config: [{}] },
    Options: null,
    Labels: null,
    Scope: 'local',
  })
  expect(config.more).toBeUndefined()
  expect(
    await createFrom(dataRoot, { Name: 'plain', IPAM: null, Options: { 'com.docker.network.bridge.enable_ip_masquerade': 'false' } }),
  ).toMatchObject({
    more: { routed: true },
  })
})

test('what cannot be is refused by name, in docker’s words where it has some', async () => {
  expect(await refused({ Name: '' })).toEqual([400, 'a network needs a name'])
  expect(await refused({ Name: 'host' })).toEqual([403, 'operation is not permitted on predefined host network'])
  expect(await refused({ Driver: 'nope' })).toEqual([404, 'plugin "nope" not found'])
  expect(await refused({ Driver: 'macvlan' })).toEqual([400, 'the network driver macvlan is not supported: bridge is'])
  expect(await refused({ Driver: 'host' })).toEqual([403, 'only one instance of "host" network is allowed'])
  expect(await refused({ Driver: 'overlay' })).toEqual([503, expect.stringContaining('This node is not a swarm manager.')])
  expect(await refused({ Scope: 'swarm' })).toEqual([403, 'cannot create a swarm scoped network when swarm is not active'])
  expect(await refused({ EnableIPv6: true })).toEqual([400, 'EnableIPv6 is not supported: containers have no IPv6 addresses'])
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
  expect(await option('bridge.enable_icc', 'false')).toEqual([
    400,
    expect.stringContaining('enable_icc=false of network net is not supported'),
  ])
  expect(await option('bridge.gateway_mode_ipv4', 'routed')).toEqual([400, expect.stringContaining('is not supported')])
  expect(await option('bridge.enable_icc', 'perhaps')).toEqual([400, expect.stringContaining('failed to parse')])
  expect(await refused({ Labels: { a: 1 } })).toEqual([400, 'invalid JSON: Labels.a must be a string'])
  expect(await refused({ Labels: [] })).toEqual([400, 'invalid JSON: Labels must be an object'])
  expect(await refused({})).toBe('made')
  expect(await refused({})).toEqual([409, 'network with name net already exists'])
})
