/** Who reaches whom, by which name, and by which of several networks: links, IPv6, containers that are kept apart, resolvers and addresses of one's own. */
import { existsSync } from 'node:fs'
import { beforeAll, describe, expect } from 'vitest'
import { onPrivateHost, program } from '../support/private-host.js'

const at = onPrivateHost('command:nft', 'command:python3')
const { test } = at

type Scene = Readonly<Record<string, unknown>>

let seen: Readonly<Record<'links' | 'names' | 'resolvers' | 'ways' | 'leavesAndJoins' | 'together' | 'apart' | 'six', Scene>>
beforeAll(async () => {
  if (!at.able) return
  const { exitCode, stdout, stderr } = await at.host.run(program('engine-reach'))
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  seen = JSON.parse(stdout)
}, 120_000)

describe('links', () => {
  test('of old are an address in the hosts file, which follows the other one, and variables', () => {
    expect(seen.links).toEqual({
      hosts: '172.17.0.2\tstore db\n172.17.0.3\tweb',
      env: [
        'STORE_PORT=tcp://172.17.0.2:5432',
        'STORE_PORT_5432_TCP=tcp://172.17.0.2:5432',
        'STORE_PORT_5432_TCP_ADDR=172.17.0.2',
        'STORE_PORT_5432_TCP_PORT=5432',
        'STORE_PORT_5432_TCP_PROTO=tcp',
        'STORE_NAME=/web/store',
        'STORE_ENV_KIND=sql',
      ],
      told: ['/db:/web/store'],
      names: ['/db', '/web/store'],
      reached: 'reached',
      moved: '172.17.0.4\tstore db\n172.17.0.3\tweb',
      found: '/db',
      alone: [409, 'Cannot link to a non running container: /db AS /web/store'],
      gone: null,
      without: 'done',
    })
  })

  test('of one network are names for one container, also of those that come later', () => {
    expect(seen.names).toEqual({ mine: ['reached', 'reached', 'reached'], others: 'not' })
  })
})

test('a resolver of one’s own is asked for what the network does not know', () => {
  expect(seen.resolvers).toEqual({
    file: 'nameserver 10.5.0.1\nsearch harbour.example\noptions ndots:1',
    neighbour: 'reached',
    answer: 'PING ship.example (192.0.2.7',
    asked: ['neighbour.harbour.example', 'ship.example'],
  })
})

test('of several networks the first by priority, then by name, is the way out, and ports lead in by it, from then on too', () => {
  expect(seen.ways).toEqual({
    byName: 'default via 10.6.0.1',
    byPriority: 'default via 10.5.0.1',
    led: '10.6.0.2',
    mac: '02:00:00:00:00:09',
    address: '10.5.0.9/24',
    without: ['default via 10.5.0.1', '10.5.0.9'],
    again: ['default via 10.6.0.1', '10.6.0.2'],
    told: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] },
  })
})

test('a hardware address of its own stays when it leaves its network and joins it again before it is started', () => {
  expect(seen.leavesAndJoins).toEqual([expect.stringMatching(/^eth0 02:42:0a:06:00:/), 'eth1 02:00:00:00:00:43'])
})

test('two of one network that are started again at once are started, or hear that the other one does not run', () => {
  const { ends, same } = seen.together
  const allowed = ['"done"', '[409,"cannot join network of a non running container: ID"]']
  expect((ends as string[]).filter((end) => !allowed.includes(end))).toEqual([])
  expect(same).toBe(true)
})

test('on a network without enable_icc neighbours are kept apart; its ports are where it says', () => {
  expect(seen.apart).toEqual({ neighbour: 'not', host: 'reached', ports: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8081' }] } })
})

describe.runIf(existsSync('/proc/sys/net/ipv6'))('IPv6', () => {
  const both = (port: string) => [
    { HostIp: '0.0.0.0', HostPort: port },
    { HostIp: '::', HostPort: port },
  ]

  test('has addresses, a way out and names', () => {
    expect(seen.six).toMatchObject({
      addresses: [['eth0 fd77::2/64'], ['eth0 fd77::99/64']],
      route: 'default via fd77::1',
      told: ['fd77::2', 64, 'fd77::1'],
      name: 'reached',
      hosts: 'fd77::99\tfixed',
      stranger: ['not', 'reached'],
      taken: [403, 'Address already in use: fd77::99 in network six'],
      acceptRa: '0',
      leases: ['10.8.0.2', '10.8.0.3', 'fd77::2', 'fd77::99'],
    })
  })

  test('has published ports, of TCP and UDP; on ::1 a connection is refused at once', () => {
    expect(seen.six.ports).toEqual({ '80/tcp': both('8080'), '53/udp': both('5353') })
    expect(seen.six.published).toEqual(['tcp', 'tcp', 'udp ahoy', 'udp ahoy'])
    expect(seen.six.loopback).toMatch(/ConnectionRefused/)
  })

  test('comes and goes while a container runs, is found again, and leaves nothing', () => {
    expect(seen.six).toMatchObject({
      connected: [['eth1 fd77::4/64'], ['10.8.0.2', '10.8.0.3', '10.8.0.4', 'fd77::2', 'fd77::4', 'fd77::99']],
      without: [[], '', expect.stringMatching(/Error/)],
      again: [['eth0 fd77::2/64'], 'default via fd77::1', 'tcp'],
      recovered: 'fd77::2',
      left: [],
      rules: false,
    })
  })
})
