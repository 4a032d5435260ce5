/** Networks of an engine: what containers see when they get one or lose one while they run, and what an engine makes of it that comes later. */
import { beforeAll, describe, expect } from 'vitest'
import { onPrivateHost, program } from '../support/private-host.js'

const at = onPrivateHost('command:nft')
const { test } = at

interface View {
  readonly addresses: readonly string[]
  readonly route: string
  readonly hosts: string
  readonly resolvers: readonly string[]
  readonly ports: string
  readonly told: readonly string[]
}

interface Seen {
  readonly one: Record<string, View> & Record<string, unknown>
  readonly refusals: Record<string, [number, string]>
  readonly found: readonly string[]
  readonly aloneNoMore: View
  readonly idle: View & { readonly mac: string }
  readonly chosenMac: string
  readonly restarted: View
  readonly recovered: View
  readonly namesAgain: string
  readonly renamed: string
  readonly startedAgain: readonly string[]
  readonly left: readonly [Record<string, readonly string[]>, string]
  readonly mended: readonly [readonly string[], Record<string, readonly string[]>]
  readonly filtered: Record<string, unknown>
  readonly pruned: object
  readonly pruneEvents: readonly [string, object][]
  readonly prunedAgain: object
  readonly bip: object
}

let seen: Seen
beforeAll(async () => {
  if (!at.able) return
  const { exitCode, stdout, stderr } = await at.host.run(program('engine-networks'))
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  seen = JSON.parse(stdout)
}, 120_000)

const FIRST = { address: 'eth0 172.17.0.2/16', route: 'default via 172.17.0.1 dev eth0', port: 'tcp . 8080 : 172.17.0.2 . 80' }

describe('a container that runs', () => {
  test('gets networks: interfaces, names, lines in its files; the way out and the ports stay where they were', () => {
    expect(seen.one.before).toMatchObject({ addresses: [FIRST.address], route: FIRST.route, ports: FIRST.port, told: ['bridge'] })
    expect(seen.one.events).toEqual(['network connect sea bridge'])
    expect(seen.one.connected).toEqual({
      addresses: [FIRST.address, 'eth1 10.5.0.9/24', 'eth2 10.6.0.2/24'],
      route: FIRST.route,
      hosts: '172.17.0.2\tone\n10.5.0.9\tone\n10.6.0.2\tone',
      resolvers: ['nameserver 10.5.0.1', 'nameserver 10.6.0.1'],
      ports: FIRST.port,
      told: ['bridge', 'sea', 'lake'],
    })
    expect(seen.one.names).toEqual({ mine: 'reached', mineElsewhere: 'reached', host: 'reached' })
    expect(seen.one.members).toEqual(['one 10.5.0.9/24', 'two 10.5.0.2/24'])
  })

  test('loses the one that was its way out: another one is, and the ports lead there', () => {
    expect(seen.one.withoutBridge).toMatchObject({
      addresses: ['eth1 10.5.0.9/24', 'eth2 10.6.0.2/24'],
      route: 'default via 10.5.0.1 dev eth1',
      hosts: '10.5.0.9\tone\n10.6.0.2\tone',
      ports: 'tcp . 8080 : 10.5.0.9 . 80',
      told: ['sea', 'lake'],
    })
    expect(seen.one.answers).toBe('ahoy\n')
  })

  test('on an internal network alone has no way out, and its ports lead nowhere; they lead in again when there is a way', () => {
    expect(seen.one.onlyInternal).toMatchObject({ route: '', ports: '', resolvers: ['nameserver 10.6.0.1'], told: ['lake'] })
    expect(seen.one.back).toMatchObject({
      addresses: [FIRST.address, 'eth2 10.6.0.2/24'],
      route: FIRST.route,
      ports: FIRST.port,
      told: ['lake', 'bridge'],
    })
  })

  test('that had no network gets one', () => {
    expect(seen.aloneNoMore).toMatchObject({
      addresses: ['eth0 10.5.0.3/24'],
      route: 'default via 10.5.0.1 dev eth0',
      resolvers: ['nameserver 10.5.0.1'],
      told: ['sea'],
    })
  })
})

test('what cannot be is refused in docker’s words', () => {
  const host = [400, 'container cannot be disconnected from host network or connected to host network']
  const pool = [400, 'user specified IP address is supported only when connecting to networks with user configured subnets']
  const none = [400, 'container cannot be connected to multiple networks with one of the networks in private (none) mode']
  expect(seen.refusals).toEqual({
    twice: [403, 'endpoint with name one already exists in network lake'],
    nobody: [404, 'No such container: nobody'],
    nowhere: [404, 'network nowhere not found'],
    host,
    hosted: [400, 'container sharing network namespace with another container or host cannot be connected to any other network'],
    alone: none,
    none,
    addressOnBridge: [400, 'user specified IP address is supported on user defined networks only'],
    addressOfPool: pool,
    addressOfPoolNow: pool,
    address6OfPool: pool,
    atStart: pool,
    aliasOnBridge: [400, 'network-scoped alias is supported only for containers in user defined networks'],
    links: [400, 'bad format for links: two:two:too'],
    taken: none,
    notThere: [500, 'container ID is not connected to network sea'],
    notThereYet: [500, 'container ID is not connected to the network sea'],
    forced: [404, 'endpoint nobody not found'],
    inUse: [
      403,
      expect.stringMatching(/^error while removing network: network sea has active endpoints \(name:"two" id:"[0-9a-f]{12}"\)$/),
    ],
    predefined: [403, 'bridge is a pre-defined network and cannot be removed'],
  })
  expect(seen.found).toEqual(['done', 'sea'])
})

test('one that does not run gets it at its next start, with the addresses that were asked for', () => {
  expect(seen.idle).toMatchObject({ addresses: ['eth0 10.5.0.77/24'], mac: '02:00:00:00:00:77', told: ['sea'] })
  expect(seen.chosenMac).toBe('02:00:00:00:00:78')
  expect(seen.restarted).toMatchObject({ route: 'default via 172.17.0.1 dev eth1', ports: FIRST.port, told: ['lake', 'bridge'] })
})

test('another engine knows all of it, answers for names, and takes the addresses back at the end', () => {
  expect(seen.recovered).toMatchObject({
    addresses: ['eth0 10.5.0.9/24', 'eth1 172.17.0.2/16'],
    hosts: '172.17.0.2\tone\n10.5.0.9\tone',
    told: ['bridge', 'sea'],
  })
  expect([seen.namesAgain, seen.renamed]).toEqual(['reached', 'reached'])
  expect(seen.startedAgain).toEqual([FIRST.address, 'eth1 10.5.0.9/24'])
  expect(seen.left).toEqual([{ bridge: [], lake: [], sea: [] }, ''])
})

test('what an engine that was killed has plugged in and not said is pulled out', () => {
  expect(seen.mended).toEqual([[FIRST.address], { bridge: ['172.17.0.2'], lake: [], sea: [] }])
})

test('they are found by filters, and pruned when nobody is on them', () => {
  expect(seen.filtered).toEqual({
    all: ['bridge', 'host', 'none', 'lake', 'sea'],
    name: ['sea'],
    driver: ['none'],
    builtin: ['bridge', 'host', 'none'],
    custom: ['sea'],
    dangling: ['lake'],
    wrong: [
      [400, "invalid filter: 'type'='x'"],
      [400, "Invalid filter 'colour'"],
    ],
  })
  expect([seen.pruned, seen.prunedAgain]).toEqual([{ NetworksDeleted: ['lake'] }, { NetworksDeleted: null }])
  expect(seen.pruneEvents).toEqual([
    ['destroy', { name: 'lake', type: 'bridge' }],
    ['prune', { reclaimed: '0' }],
  ])
})

test('the default bridge has the address that the engine is told, unless somebody is on it', () => {
  expect(seen.bip).toMatchObject({
    moved: ['eth0 192.168.77.2/24'],
    stays: { Config: [{ Subnet: '192.168.77.0/24', Gateway: '192.168.77.1' }] },
    said: [expect.stringMatching(/^warn: network bridge stays at 192\.168\.77\.1 .*active endpoints \(name:"moved" /)],
  })
})
