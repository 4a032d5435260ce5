/** The two hosts: what each has of its own, that they reach each other and nobody else, and that nothing is left of them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cgroupsInside } from '../../lib/bottle/cgroup.js'
import { Bottle, endHostSpawner } from '../../lib/bottle.js'
import { Hosts } from '../../lib/hosts/hosts.js'
import { type NotStarted, runInside } from '../../lib/hosts/inside.js'
import { decodeNeighbours } from '../../lib/kernel/netlink/decode.js'
import { answerOf, neighbour_dump } from '../../lib/kernel/netlink/steps.js'
import { readNamespaces } from '../../lib/kernel/proc/namespaces.js'
import type { Result } from '../../lib/kernel/result.js'
import { diffSnapshots, hostSnapshot, lastingDifferences, type Snapshot } from '../../lib/kernel/snapshot.js'
import { host } from '../../lib/kernel/step.js'
import { refuseStrangers, routeTo } from '../../lib/network/two-hosts.js'
import { runAsOrdinaryUser, runWithRange } from '../support/ordinary.js'
import { program } from '../support/private-host.js'
import { requires } from '../support/requires.js'
import { leadOut } from '../support/way-out.js'

let before: Snapshot
let hosts: Hosts
beforeAll(async () => {
  before = await hostSnapshot()
  hosts = await Hosts.open({ internet: true })
})
afterAll(async () => {
  await hosts.close()
  await endHostSpawner()
  expect(await lastingDifferences(before)).toEqual([])
})

/** Where no part of the tree is this user's, a host has none of its own. */
const hasCgroups = cgroupsInside().hierarchies.length > 0

const inside = (name: 'vm-1' | 'vm-2' | 'internet', script: string, input?: string) =>
  runInside(hosts.record(name), ['sh', '-c', script], input)

/** A server of Node's on vm-1 that says one word and ends, and a client on vm-2. */
const SERVE = `require('net').createServer((c) => c.end('hello')).listen(2375, '172.20.122.115', () => console.log('listening'))`
const ASK = `require('net').connect(2375, '172.20.122.115').on('data', (d) => process.stdout.write(d)).on('error', (e) => console.log(e.code))`

describe('a host', () => {
  test('has namespaces of its own, each of them', () => {
    const all = [readNamespaces('self'), ...hosts.records.map(({ pid }) => readNamespaces(pid))]
    const kinds = ['mnt', 'pid', 'uts', 'ipc', 'net', ...(hasCgroups ? (['cgroup'] as const) : [])] as const
    for (const kind of kinds) {
      expect(new Set(all.map((one) => one?.[kind])).size, kind).toBe(4)
    }
  })

  test('has a name, a home, a data root, a /run and secrets of its own', async () => {
    await inside('vm-1', 'touch /run/mine /var/lib/drydock/mine /root/mine /etc/mine')
    const seen = await inside('vm-2', 'hostname; cat /etc/hostname; pwd; cut -d: -f1,2 /etc/shadow')
    expect(seen.stdout).toBe('vm-2\nvm-2\n/root\nroot:*\n')
    const found = await inside('vm-2', 'ls -d /run/mine /var/lib/drydock/mine /root/mine /etc/mine')
    expect([found.stdout, found.stderr.trim().split('\n').length]).toEqual(['', 4])
  })

  test('starts programs in its own cgroup, with its PATH, and hands their streams and their end on', async () => {
    const { stdout, stderr, code } = await inside(
      'vm-1',
      'cat /proc/self/cgroup; cat; command -v drydock; echo wrong >&2; exit 7',
      'typed\n',
    )
    if (hasCgroups) expect(stdout.split('\n').filter((line) => line.includes(':') && !line.endsWith(':/'))).toEqual([])
    expect(stdout).toContain('typed\n/usr/local/bin/drydock\n')
    expect([stderr, code]).toEqual(['wrong\n', 7])
    await expect(runInside(hosts.record('vm-1'), ['no-such-program'])).rejects.toMatchObject({
      exitCode: 127,
    } satisfies Partial<NotStarted>)
    await expect(runInside(hosts.record('vm-1'), ['/etc/hostname'])).rejects.toMatchObject({ exitCode: 126 })
  })

  test('does not see this machine’s processes, nor the other’s', async () => {
    const { stdout } = await inside('vm-1', 'ls /proc | grep -c "^[0-9]"; test -e /proc/1/exe && echo first')
    expect(Number(stdout.split('\n')[0])).toBeLessThan(12)
    expect(stdout).toContain('first')
  })
})

describe('the network of the hosts', () => {
  test('joins them, by name and by address, and has a way to 8.8.8.8', async () => {
    const ping = (to: string) => `busybox ping -c 1 -W 5 ${to} | grep -c "1 packets received"`
    const { stdout: one } = await inside('vm-1', `${ping('vm-2')}; ${ping('172.20.122.116')}; ${ping('8.8.8.8')}`)
    const { stdout: two } = await inside('vm-2', `${ping('vm-1')}; ${ping('8.8.8.8')}`)
    expect([one, two]).toEqual(['1\n1\n1\n', '1\n1\n'])
  })

  test('carries connections: a server on vm-1 is reached from vm-2, and is not there from here', async () => {
    const server = inside('vm-1', `exec node -e "${SERVE}"`)
    await expect.poll(async () => (await inside('vm-2', `exec node -e "${ASK}"`)).stdout).toBe('hello')
    await inside('vm-1', 'kill $(pidof node)')
    expect((await server).stdout).toBe('listening\n')
  })

  test('is not this machine’s: here it has no address, no route and no link of it', async () => {
    expect((await routeTo('172.20.122.115'))?.src ?? '').not.toMatch(/^172\.20\.122\./)
    expect(diffSnapshots(before, await hostSnapshot()).filter((difference) => /link/.test(difference))).toEqual([])
  })

  requires(
    'root',
    'command:busybox',
    'command:nft',
  )('is reached by a container on vm-1, and so is 8.8.8.8', async () => {
    const { stdout, stderr } = await inside(
      'vm-1',
      'DRYDOCK_ENGINE=none drydock run --rm host sh -c "busybox ping -c 1 -W 5 8.8.8.8; busybox ping -c 1 -W 5 172.20.122.116"',
    )
    expect(stderr).toBe('')
    expect(stdout.match(/1 packets received/g)).toHaveLength(2)
  })
})

describe('the guard', () => {
  /** A network whose default route leads out, by a gateway or by a tunnel that has none. */
  async function withDefaultRoute(via: string | undefined, check: (bottle: Bottle) => Promise<void>): Promise<void> {
    const bottle = await Bottle.open({ name: 'way-out' })
    try {
      const shim = await bottle.shim()
      const socket = await leadOut(shim, via)
      await check(bottle)
      const results = await shim.run([host(neighbour_dump(socket, 4))])
      // Not even the gateway was asked for.
      expect(decodeNeighbours(answerOf(results.at(-1) as Result)).filter(({ address }) => address.startsWith('10.'))).toEqual([])
    } finally {
      await bottle.close()
    }
  }

  test('refuses the hosts’ addresses where the default route would take the packet, and nothing leaves', async () => {
    await withDefaultRoute('10.9.9.1', async (bottle) => {
      const check = (address: string) => refuseStrangers(address, () => bottle.shim())
      await expect(check('172.20.122.115')).rejects.toThrow(
        /172\.20\.122\.115 is vm-1, and from here .* gateway 10\.9\.9\.1, .*hosts -- shell/,
      )
      await expect(check('172.20.122.200')).rejects.toThrow(/on the network of vm-1 and vm-2/)
      await check('10.9.9.7')
      await check('8.8.8.8')
      await check('fd00::1')
    })
    await withDefaultRoute(undefined, async (bottle) => {
      await expect(refuseStrangers('172.20.122.116', () => bottle.shim())).rejects.toThrow(/is vm-2, and from here .* as 10\.9\.9\.2/)
    })
  })

  test('refuses them where there is no way at all, and lets those speak who are on that network', async () => {
    const bottle = await Bottle.open({ name: 'no-way' })
    await expect(refuseStrangers('172.20.122.115', () => bottle.shim())).rejects.toThrow(/there is no way to it from here/)
    await bottle.close()
    for (const name of ['vm-1', 'vm-2', 'internet'] as const) {
      await refuseStrangers('172.20.122.115', () => hosts.bottle(name).shim())
    }
  })
})

describe('hosts of an ordinary user', () => {
  const NEEDS = ['command:setpriv', 'user-namespaces', 'command:busybox'] as const

  async function expectWhole(
    run: (argv: readonly string[]) => Promise<{ stdout?: unknown; stderr?: unknown }>,
    ids: number,
  ): Promise<void> {
    const { stdout, stderr } = await run(program('hosts-inside'))
    expect(stderr).toBe('')
    const found = JSON.parse(String(stdout))
    expect(found).toMatchObject({ hostname: 'vm-1\n', pinged: 2, contained: 1, uid: '0\n', left: [] })
    expect(found.ids).toBe(ids)
  }

  requires('one-id', ...NEEDS, 'command:nft')('are the same with one id', () => expectWhole(runAsOrdinaryUser, 1))
  requires('root', ...NEEDS, 'command:newuidmap', 'command:nft')('… and with a range of them', () => expectWhole(runWithRange, 65537))
})
