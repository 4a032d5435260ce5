/** `drydock run` on its networks: an address, a way out, ports, names, and what is said when something is taken. */
import { existsSync, readdirSync, rmdirSync } from 'node:fs'
import { expect } from 'vitest'
import { readCgroup, readHierarchies } from '../../lib/kernel/proc/cgroup.js'
import { ownCgroups } from '../../lib/kernel/snapshot.js'
import { onPrivateHost, program } from '../support/private-host.js'

const at = onPrivateHost('command:nft')
const { test } = at

const sh = (flags: readonly string[], script: string) =>
  at.host.drydock('run', '--rm', ...flags, '--rootfs', at.root.path, 'sh', '-c', script)
const leases = (network: string) => {
  const directory = at.host.path(`/var/lib/drydock/networks/${network}/leases`)
  return existsSync(directory) ? readdirSync(directory).filter((name) => !name.startsWith('.')) : []
}

test('an address of the default network, which its hosts file has for its name; the gateway answers', async () => {
  const { stdout, exitCode } = await sh(
    ['-h', 'boat'],
    'ip -4 -o addr show eth0; grep boat /etc/hosts; ip route; ping -c 1 -W 5 172.17.0.1 > /dev/null && echo answered',
  )
  expect(exitCode).toBe(0)
  expect(stdout).toContain('inet 172.17.0.2/16')
  expect(stdout).toContain('172.17.0.2\tboat')
  expect(stdout).toContain('default via 172.17.0.1')
  expect(stdout).toMatch(/answered$/)
  expect(leases('bridge')).toEqual([])
})

test('thirty at once all start, each with an address of its own', async () => {
  const { exitCode, stdout, stderr } = await at.host.run(program('run-crowd', at.root.path, '30', 'bridge'))
  expect([exitCode, stderr]).toEqual([0, ''])
  const addresses: string[] = JSON.parse(stdout)
  expect(new Set(addresses).size).toBe(30)
  expect(leases('bridge')).toEqual([])
})

test('a container whose shim was killed keeps its address as long as it runs', async () => {
  const start = (name: string, ...flags: string[]) =>
    at.host.drydock('run', '-d', '--rm', '--name', name, ...flags, '--rootfs', at.root.path, 'sleep', '1000')
  const { stdout: id, stderr } = await start('orphan', '--ip', '172.17.0.9')
  expect(stderr).toBe('')
  const orphan = await at.host.newest('sleep 1000')
  const { stdout: shim } = await at.host.run(['ps', '-o', 'ppid=', '-p', orphan])
  await at.host.run(['kill', '-KILL', shim.trim()])
  expect(await start('other', '--ip', '172.17.0.9')).toMatchObject({
    exitCode: 125,
    stderr: expect.stringContaining('Address already in use: 172.17.0.9'),
  })
  await at.host.run(['kill', '-KILL', orphan])
  await expect.poll(async () => (await start('next', '--ip', '172.17.0.9')).exitCode, { interval: 20 }).toBe(0)
  await at.host.drydock('rm', '-f', 'next', 'orphan')
  await expect.poll(() => leases('bridge')).toEqual([])
  // Nobody was there to remove its cgroups, which are not the private host's own.
  for (const path of ownCgroups(readHierarchies(), readCgroup('self') ?? []).filter((one) => one.endsWith(id))) rmdirSync(path)
})

test('two at once have two addresses and reach each other; a published port is reached from the host and from inside', async () => {
  await at.host.drydock(
    'run',
    '-d',
    '--rm',
    '--name',
    'server',
    '-p',
    '8080:80',
    '--rootfs',
    at.root.path,
    'sh',
    '-c',
    'mkdir -p /www; hostname > /www/name; exec busybox httpd -f -p 80 -h /www',
  )
  const get = 'until busybox wget -q -O - http://$AT/name; do sleep 0.05; done'
  const from = async (address: string, flags: readonly string[] = []) => (await sh(['-e', `AT=${address}`, ...flags], get)).stdout
  const name = await from('172.17.0.2')
  expect(name).toMatch(/^[0-9a-f]{12}$/)
  expect(await from('172.17.0.1:8080')).toBe(name)
  expect(await from('127.0.0.1:8080', ['--network', 'host'])).toBe(name)
  expect(await at.host.drydock('run', '--rm', '-p', '8080:81', '--rootfs', at.root.path, 'true')).toMatchObject({
    exitCode: 125,
    stderr: expect.stringContaining('Bind for 0.0.0.0:8080 failed: port is already allocated'),
  })
  expect((await at.host.drydock('ps')).stdout).toMatch(/0\.0\.0\.0:8080->80\/tcp +server/)
  await at.host.drydock('rm', '-f', 'server')
  const free = await at.host.drydock('run', '--rm', '-p', '8080:81', '--rootfs', at.root.path, 'true')
  expect([free.exitCode, free.stderr]).toEqual([0, ''])
})

test('a network of one’s own: names, aliases, apart from the others; removed when nobody is on it', async () => {
  const { stdout: id } = await at.host.drydock('network', 'create', 'sea', '--subnet', '10.9.0.0/24')
  expect(id).toMatch(/^[0-9a-f]{64}$/)
  await at.host.drydock('run', '-d', '--rm', '--name', 'one', '--network', 'sea', '--rootfs', at.root.path, 'sleep', '1000')
  const { stdout } = await sh(
    ['--network', 'sea', '--network-alias', 'other'],
    'for name in one other; do nslookup $name | grep -A 1 Name; done; ping -c 1 -W 5 one > /dev/null && echo answered',
  )
  expect(stdout).toMatch(/Name:\s+one\nAddress:? ?1?:? ?10\.9\.0\.2\s+Name:\s+other\nAddress:? ?1?:? ?10\.9\.0\.3/)
  expect(stdout).toMatch(/answered$/)
  // From another bridge nothing gets through: the packet is dropped, and nobody says so.
  expect((await sh([], 'ping -c 1 -W 1 10.9.0.2 > /dev/null || echo silence')).stdout).toBe('silence')
  expect(await at.host.drydock('network', 'rm', 'sea')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/network sea has active endpoints \(name:"one" id:"[0-9a-f]{12}"\)/),
  })
  await at.host.drydock('rm', '-f', 'one')
  expect(await at.host.drydock('network', 'rm', 'sea')).toMatchObject({ exitCode: 0, stdout: 'sea' })
  expect(await at.host.drydock('run', '--rm', '--network', 'sea', '--rootfs', at.root.path, 'true')).toMatchObject({
    exitCode: 125,
    stderr: expect.stringContaining('network sea not found'),
  })
})

test('an address of one’s own choice, and a pool that is used up', async () => {
  await at.host.drydock('network', 'create', 'tiny', '--subnet', '10.8.0.0/29')
  const on = (...flags: string[]) =>
    at.host.drydock('run', '-d', '--rm', '--network', 'tiny', ...flags, '--rootfs', at.root.path, 'sleep', '1000')
  expect((await on('--ip', '10.8.0.5', '--mac-address', '02:00:00:00:00:05')).exitCode).toBe(0)
  expect(await on('--ip', '10.8.0.5')).toMatchObject({ exitCode: 125, stderr: expect.stringContaining('Address already in use') })
  expect(await on('--ip', '10.9.9.9')).toMatchObject({ exitCode: 125, stderr: expect.stringContaining('does not belong to network tiny') })
  const more = [await on(), await on(), await on(), await on(), await on()]
  expect(more.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 125])
  expect(more.at(-1)?.stderr).toContain('no available IPv4 addresses')
  expect(leases('tiny').sort()).toEqual(['10.8.0.2', '10.8.0.3', '10.8.0.4', '10.8.0.5', '10.8.0.6'])
  const { stdout: ids } = await at.host.drydock('ps', '-q')
  await at.host.drydock('rm', '-f', ...ids.split('\n'))
  await expect.poll(() => leases('tiny')).toEqual([])
})

test('a bridge that somebody removed between two runs of one process is made again', async () => {
  const { exitCode, stdout, stderr } = await at.host.run(program('run-without-bridge', at.root.path))
  expect([exitCode, stdout, stderr]).toEqual([0, '0 0', ''])
})
