/**
 * `engine-reach`: scenes of who reaches whom, with an engine in this process's network namespace, which should be one that nobody else is in: links, networks of IPv6,
 * containers that are kept apart, ways out, resolvers of one's own, ports over UDP. Prints what was seen, as JSON.
 */
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decode, encode } from 'dns-packet'
import type { Engine } from '../../../lib/engine/index.js'
import { body, enginePlace } from '../engine.js'

const run = promisify(execFile)
const place = await enginePlace()
let engine: Engine = await place.open()
const seen: Record<string, unknown> = {}

async function failure(act: Promise<unknown>): Promise<unknown> {
  try {
    await act
    return 'done'
  } catch (error) {
    const { status, message } = error as { status?: number; message: string }
    return [status, message]
  }
}

const pidOf = (name: string): number => engine.context.containers.find(name).pid as number

/** In the namespaces of a container; what it prints, or why it fails. */
async function inside(name: string, script: string): Promise<string> {
  const args = ['--target', String(pidOf(name)), '--mount', '--net', '--pid', 'sh', '-c', script]
  return run('nsenter', args).then(
    ({ stdout }) => stdout.trim(),
    ({ stdout, stderr }: { stdout: string; stderr: string }) => `${stdout}${stderr}`.trim(),
  )
}

/** This machine's programs in a container's network. */
const near = async (name: string, ...argv: string[]): Promise<string> =>
  (await run('nsenter', ['--target', String(pidOf(name)), '--net', ...argv])).stdout.trim()

const reaches = (from: string, to: string) => inside(from, `ping -c 1 -W 2 ${to} > /dev/null && echo reached || echo not`)

async function start(name: string, network: string, host: object = {}, more: object = {}): Promise<void> {
  await engine.containers.create(body(['sleep', '1000'], { Hostname: name, ...more }, { NetworkMode: network, ...host }), { name })
  await engine.containers.start(name)
}

const stop = (name: string) => engine.containers.stop(name, { timeout: 0 })
const hosts = (name: string) => inside(name, "grep '^172' /etc/hosts")
const environment = (name: string) =>
  readFileSync(`/proc/${pidOf(name)}/environ`, 'utf8')
    .split('\0')
    .filter((one) => one.startsWith('STORE_'))

/** Links of old: addresses and variables, which follow the other one. */
async function links(): Promise<void> {
  await start('db', 'bridge', {}, { ExposedPorts: { '5432/tcp': {} }, Env: ['KIND=sql'] })
  await start('web', 'bridge', { Links: ['db:store'] })
  const told = async (name: string) => ((await engine.containers.inspect(name)) as { HostConfig: { Links: unknown } }).HostConfig.Links
  const steps: Record<string, unknown> = { hosts: await hosts('web'), env: environment('web'), told: await told('web') }
  const [row] = await engine.containers.list({ all: true, size: false, filters: new Map([['name', ['db']]]) })
  steps.names = row?.Names
  steps.reached = await reaches('web', 'store')
  await stop('db')
  await start('between', 'bridge')
  await engine.containers.start('db')
  steps.moved = await hosts('web')
  await engine.close()
  engine = await place.open()
  steps.found = ((await engine.containers.inspect('web/store')) as { Name: string }).Name
  await stop('web')
  await stop('db')
  steps.alone = await failure(engine.containers.start('web'))
  await engine.containers.remove('web/store', { link: true })
  steps.gone = await told('web')
  steps.without = await failure(engine.containers.start('web'))
  seen.links = steps
  for (const name of ['web', 'db', 'between']) await engine.containers.remove(name, { force: true })
}

/** Links of one network: names for one container. */
async function names(): Promise<void> {
  await engine.networks.create({ Name: 'sea', IPAM: { Config: [{ Subnet: '10.5.0.0/24' }] } })
  await start('one', 'sea', {}, { NetworkingConfig: { EndpointsConfig: { sea: { Links: ['two:second', 'later:soon'] } } } })
  await start('two', 'sea', {}, { Hostname: 'hull' })
  await start('later', 'sea')
  seen.names = {
    mine: [await reaches('one', 'second'), await reaches('one', 'soon'), await reaches('one', 'hull')],
    others: await reaches('two', 'second'),
  }
  for (const name of ['one', 'two', 'later']) await engine.containers.remove(name, { force: true })
}

/** Flags of an answer: recursion was desired and is available; and the code. RFC 1035, 4.1.1. */
const NO_ERROR = 0x0180
const NO_SUCH_NAME = 0x0183

/** A resolver of the container's own is asked for what the network does not know, and knows nothing of what the network does. */
async function resolvers(): Promise<void> {
  const server = createSocket('udp4')
  const asked: string[] = []
  server.on('message', (bytes, from) => {
    const query = decode(bytes)
    const name = query.questions?.[0]?.name ?? ''
    asked.push(name)
    const known = name === 'ship.example'
    const answers = known && query.questions?.[0]?.type === 'A' ? [{ type: 'A' as const, name, ttl: 0, data: '192.0.2.7' }] : []
    server.send(
      encode({ type: 'response', id: query.id ?? 0, flags: known ? NO_ERROR : NO_SUCH_NAME, questions: query.questions ?? [], answers }),
      from.port,
      from.address,
    )
  })
  await run('ip', ['address', 'add', '192.0.2.53/32', 'dev', 'lo'])
  server.bind(53, '192.0.2.53')
  await once(server, 'listening')
  await start('asks', 'sea', { Dns: ['192.0.2.53'], DnsSearch: ['harbour.example'], DnsOptions: ['ndots:1'] })
  await start('neighbour', 'sea')
  seen.resolvers = {
    file: await inside('asks', 'cat /etc/resolv.conf'),
    neighbour: await reaches('asks', 'neighbour'),
    answer: await inside('asks', "ping -c 1 -W 1 ship.example | grep -o '^PING.*192.0.2.7'"),
    asked: [...new Set(asked)],
  }
  server.close()
  for (const name of ['asks', 'neighbour']) await engine.containers.remove(name, { force: true })
}

/** Of several networks one leads out, and ports lead in by it. */
async function ways(): Promise<void> {
  await engine.networks.create({ Name: 'bay', IPAM: { Config: [{ Subnet: '10.6.0.0/24' }] } })
  const EndpointsConfig = { sea: { IPAMConfig: { IPv4Address: '10.5.0.9' }, MacAddress: '02:00:00:00:00:09' }, bay: {} }
  const ports = { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } }
  await start('byName', 'sea', ports, { NetworkingConfig: { EndpointsConfig } })
  await start('byPriority', 'bay', {}, { NetworkingConfig: { EndpointsConfig: { bay: {}, sea: { GwPriority: 5 } } } })
  const route = (name: string) => inside(name, "ip route | grep -o 'default via [0-9.]*'")
  const led = async () => /: (10[^ ]*)/.exec((await run('nft', ['list', 'map', 'ip', 'drydock', 'published_anywhere'])).stdout)?.[1]
  const steps: Record<string, unknown> = {
    byName: await route('byName'),
    byPriority: await route('byPriority'),
    led: await led(),
    mac: await inside('byName', 'cat /sys/class/net/eth*/address | grep 09'),
    address: await near('byName', 'sh', '-c', 'ip -4 -o addr | grep -o 10.5.0.9/24'),
  }
  await engine.networks.disconnect('bay', { Container: 'byName' })
  steps.without = [await route('byName'), await led()]
  await engine.networks.connect('bay', { Container: 'byName' })
  steps.again = [await route('byName'), await led()]
  const { NetworkSettings } = (await engine.containers.inspect('byName')) as { NetworkSettings: { Ports: object } }
  steps.told = NetworkSettings.Ports
  seen.ways = steps
  for (const name of ['byName', 'byPriority']) await engine.containers.remove(name, { force: true })
}

/** As compose 1.29 makes a container: its hardware address is said of none of its networks, and it leaves and joins before it is started. */
async function leavesAndJoins(): Promise<void> {
  const { containers, networks } = engine
  await containers.create(body(['sleep', '1000'], { MacAddress: '02:00:00:00:00:43' }, { NetworkMode: 'sea' }), { name: 'early' })
  await networks.disconnect('sea', { Container: 'early' })
  await networks.connect('bay', { Container: 'early' })
  await networks.connect('sea', { Container: 'early', EndpointConfig: { IPAMConfig: { IPv4Address: '10.5.0.43' } } })
  await containers.start('early')
  const links = await near('early', 'ip', '-o', 'link')
  seen.leavesAndJoins = [...links.matchAll(/(eth\d)@.*link\/ether (\S+)/g)].map(([, device, mac]) => `${device} ${mac}`)
  await containers.remove('early', { force: true })
}

/** Two that share a network are started again at once: whoever finds the other one gone says so, in docker's words. */
async function together(): Promise<void> {
  await start('base', 'sea')
  await start('guest', 'container:base', {}, { Hostname: '' })
  const ends = new Set<string>()
  for (let round = 0; round < 4; round++) {
    const restart = (name: string) => failure(engine.containers.restart(name, { timeout: 0 }))
    for (const end of await Promise.all([restart('guest'), restart('base')])) ends.add(JSON.stringify(end).replace(/[0-9a-f]{64}/, 'ID'))
  }
  await engine.containers.start('guest')
  const network = (name: string) => readlinkSync(`/proc/${pidOf(name)}/ns/net`)
  await engine.containers.restart('guest', { timeout: 0 })
  seen.together = { ends: [...ends], same: network('base') === network('guest') }
  for (const name of ['guest', 'base']) await engine.containers.remove(name, { force: true })
}

/** No one reaches a neighbour, and everyone the host; ports are where the network says. */
async function apart(): Promise<void> {
  const Options = { 'com.docker.network.bridge.enable_icc': 'false', 'com.docker.network.bridge.host_binding_ipv4': '127.0.0.1' }
  await engine.networks.create({ Name: 'apart', Options, IPAM: { Config: [{ Subnet: '10.7.0.0/24' }] } })
  await start('left', 'apart', { PortBindings: { '80/tcp': [{ HostPort: '8081' }] } })
  await start('right', 'apart')
  const { NetworkSettings } = (await engine.containers.inspect('left')) as { NetworkSettings: { Ports: object } }
  seen.apart = { neighbour: await reaches('right', 'left'), host: await reaches('right', '10.7.0.1'), ports: NetworkSettings.Ports }
  for (const name of ['left', 'right']) await engine.containers.remove(name, { force: true })
}

/** What answers on a port of both families and protocols, in a container's network. */
const SERVER = `
const { createServer } = require('node:net'), { createSocket } = require('node:dgram')
createServer((socket) => socket.end('tcp')).listen({ port: 80, host: '::' }, () => {
  const udp = createSocket({ type: 'udp6' })
  udp.on('message', (text, { port, address }) => udp.send('udp ' + text, port, address))
  udp.bind(53, '::', () => console.log('ready'))
})`

/** What it says. `patience` in seconds. */
const tcp = (address: string, port: number, patience = 5) =>
  run('python3', [
    '-c',
    'import socket,sys\ns=socket.create_connection((sys.argv[1],int(sys.argv[2])),int(sys.argv[3]))\nprint(s.recv(9).decode())',
    address,
    String(port),
    String(patience),
  ]).then(
    ({ stdout }) => stdout.trim(),
    ({ stderr }: { stderr: string }) => /\w+Error\b.*/.exec(stderr)?.[0],
  )

async function udp(address: string, port: number): Promise<string> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  try {
    socket.send('ahoy', port, address)
    const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })
    return String(answer)
  } finally {
    socket.close()
  }
}

async function six(): Promise<void> {
  await run('ip', ['address', 'add', '2001:db8::1/128', 'dev', 'lo'])
  // As some hosts have it.
  writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1')
  await engine.networks.create({ Name: 'six', EnableIPv6: true, IPAM: { Config: [{ Subnet: '10.8.0.0/24' }, { Subnet: 'fd77::/64' }] } })
  await engine.networks.create({ Name: 'far', EnableIPv6: true })
  const PortBindings = { '80/tcp': [{ HostPort: '8080' }], '53/udp': [{ HostPort: '5353' }] }
  await start('server', 'six', { PortBindings })
  await start('fixed', 'six', {}, { NetworkingConfig: { EndpointsConfig: { six: { IPAMConfig: { IPv6Address: 'fd77::99' } } } } })
  await start('stranger', 'far')
  const server = execFile('nsenter', ['--target', String(pidOf('server')), '--net', process.execPath, '-e', SERVER])
  await once(server.stdout as NodeJS.ReadableStream, 'data')
  const addresses = async (name: string) =>
    [...(await near(name, 'ip', '-6', '-o', 'addr', 'show', 'scope', 'global')).matchAll(/(eth\d) +inet6 (\S+)/g)].map(
      ([, device, one]) => `${device} ${one}`,
    )
  const route = (name: string) => near(name, 'sh', '-c', "ip -6 route | grep -o 'default via [0-9a-f:]*' || true")
  const leases = () =>
    readdirSync(join(place.root, 'networks/six/leases'))
      .filter((one) => !one.startsWith('.'))
      .sort()
  const document = (await engine.containers.inspect('server')) as {
    NetworkSettings: { Ports: unknown; Networks: { six: Record<string, unknown> } }
  }
  const { six: endpoint } = document.NetworkSettings.Networks
  const steps: Record<string, unknown> = {
    addresses: [await addresses('server'), await addresses('fixed')],
    route: await route('server'),
    told: [endpoint.GlobalIPv6Address, endpoint.GlobalIPv6PrefixLen, endpoint.IPv6Gateway],
    ports: document.NetworkSettings.Ports,
    name: await inside('fixed', 'ping -6 -c 1 -W 2 server > /dev/null && echo reached'),
    hosts: await inside('fixed', "grep '^fd' /etc/hosts"),
    published: [await tcp('127.0.0.1', 8080), await tcp('2001:db8::1', 8080), await udp('127.0.0.1', 5353), await udp('2001:db8::1', 5353)],
    loopback: await tcp('::1', 8080),
    stranger: [
      await inside('stranger', 'ping -6 -c 1 -W 1 fd77::2 > /dev/null && echo reached || echo not'),
      await inside('stranger', 'ping -6 -c 1 -W 2 2001:db8::1 > /dev/null && echo reached'),
    ],
    taken: await failure(
      start('other', 'six', {}, { NetworkingConfig: { EndpointsConfig: { six: { IPAMConfig: { IPv6Address: 'fd77::99' } } } } }),
    ),
    acceptRa: readFileSync(`/proc/sys/net/ipv6/conf/${bridgeOf('six')}/accept_ra`, 'utf8').trim(),
    leases: leases(),
  }
  await engine.networks.connect('six', { Container: 'stranger' })
  // The other network's own prefix is a random one, and may begin like this one's.
  steps.connected = [(await addresses('stranger')).filter((one) => one.includes(' fd77::')), leases()]
  await engine.networks.disconnect('six', { Container: 'server' })
  steps.without = [await addresses('server'), await route('server'), await tcp('2001:db8::1', 8080, 1)]
  await engine.networks.connect('six', { Container: 'server' })
  steps.again = [await addresses('server'), await route('server'), await tcp('2001:db8::1', 8080)]
  await engine.close()
  engine = await place.open()
  const { NetworkSettings } = (await engine.containers.inspect('server')) as typeof document
  steps.recovered = NetworkSettings.Networks.six.GlobalIPv6Address
  server.kill()
  for (const name of ['server', 'fixed', 'stranger', 'other']) await engine.containers.remove(name, { force: true })
  steps.left = leases()
  for (const name of ['six', 'far']) await engine.networks.remove(name)
  steps.rules = (await run('nft', ['list', 'set', 'ip6', 'drydock', 'bridges'])).stdout.includes('elements')
  seen.six = steps
}

const bridgeOf = (name: string): string => JSON.parse(readFileSync(join(place.root, 'networks', `${name}.json`), 'utf8')).bridge

try {
  const scenes = [links, names, resolvers, ways, leavesAndJoins, together, apart, ...(existsSync('/proc/sys/net/ipv6') ? [six] : [])]
  for (const scene of scenes) await scene()
  process.stdout.write(JSON.stringify(seen))
} finally {
  await engine.close()
  await place.remove()
  rmSync(place.root, { recursive: true, force: true })
}
