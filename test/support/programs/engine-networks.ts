/**
 * `engine-networks`: scenes with an engine and its networks, in this process's network namespace, which should be one that nobody else is in. Prints what was seen, as
 * JSON: a line a scene.
 */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Engine } from '../../../lib/engine/index.js'
import { readNetworks } from '../../../lib/network/config.js'
import { body, enginePlace } from '../engine.js'
import { eventsOf } from '../engine-events.js'

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
    return [status, message.replaceAll(/[0-9a-f]{64}/g, 'ID')]
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

async function start(name: string, network: string, host: object = {}, more: object = {}): Promise<void> {
  await engine.containers.create(body(['sleep', '1000'], { Hostname: name, ...more }, { NetworkMode: network, ...host }), { name })
  await engine.containers.start(name)
}

/** Interfaces with their addresses, the way out, the lines of its own in its files, where its port leads. */
async function view(name: string) {
  const addresses = await inside(name, 'busybox ip -4 -o a')
  return {
    addresses: [...addresses.matchAll(/(eth\d+)\s+inet (\S+)/g)].map(([, device, address]) => `${device} ${address}`),
    route: await inside(name, 'busybox ip r | grep default'),
    hosts: await inside(name, `grep ${name}$ /etc/hosts`),
    resolvers: (await inside(name, 'grep nameserver /etc/resolv.conf')).split('\n').filter((line) => line.startsWith('nameserver ')),
    ports: await portsIn(),
    told: Object.keys(((await engine.containers.inspect(name)) as { NetworkSettings: { Networks: object } }).NetworkSettings.Networks),
  }
}

async function portsIn(): Promise<string> {
  const { stdout } = await run('nft', ['list', 'map', 'ip', 'drydock', 'published_anywhere'])
  return /elements = \{ (.*) \}/.exec(stdout)?.[1] ?? ''
}

const leases = () =>
  Object.fromEntries(
    readNetworks(place.root).map(({ name }) => [
      name,
      readdirSync(join(place.root, 'networks', name, 'leases')).filter((one) => !one.startsWith('.')),
    ]),
  )

async function networksOfOne(): Promise<void> {
  const { networks } = engine
  await networks.create({ Name: 'sea', Labels: { deep: 'yes' }, IPAM: { Config: [{ Subnet: '10.5.0.0/24' }] } })
  await networks.create({ Name: 'lake', Internal: true, IPAM: { Config: [{ Subnet: '10.6.0.0/24' }] } })
  await start('one', 'bridge', { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } })
  await start('two', 'sea')
  const steps: Record<string, unknown> = { before: await view('one') }
  const events = await eventsOf(engine, async () => {
    await networks.connect('sea', { Container: 'one', EndpointConfig: { IPAMConfig: { IPv4Address: '10.5.0.9' }, Aliases: ['uno'] } })
  })
  steps.events = events.map(({ Type, Action, Actor }) => `${Type} ${Action} ${Actor.Attributes.name} ${Actor.Attributes.type}`)
  await networks.connect('lake', { Container: 'one' })
  steps.connected = await view('one')
  steps.names = {
    mine: await inside('one', 'ping -c 1 -W 5 two > /dev/null && echo reached'),
    mineElsewhere: await inside('two', 'ping -c 1 -W 5 uno > /dev/null && echo reached'),
    host: await inside('one', 'ping -c 1 -W 5 10.5.0.1 > /dev/null && echo reached'),
  }
  const { Containers } = (await networks.inspect('sea')) as { Containers: Record<string, { Name: string; IPv4Address: string }> }
  steps.members = Object.values(Containers)
    .map(({ Name, IPv4Address }) => `${Name} ${IPv4Address}`)
    .sort()
  await networks.disconnect('bridge', { Container: 'one' })
  steps.withoutBridge = await view('one')
  await inside('one', 'mkdir -p /www; echo ahoy > /www/index.html; busybox httpd -p 80 -h /www')
  steps.answers = await (await fetch('http://127.0.0.1:8080/')).text()
  await networks.disconnect('sea', { Container: 'one' })
  steps.onlyInternal = await view('one')
  await networks.connect('bridge', { Container: 'one' })
  steps.back = await view('one')
  seen.one = steps
}

async function refusals(): Promise<void> {
  const { networks } = engine
  await start('alone', 'none')
  await engine.containers.create(body(['sleep', '1000'], {}, { NetworkMode: 'host' }), { name: 'hosted' })
  await engine.containers.create(body(['sleep', '1000'], {}, { NetworkMode: 'bridge' }), { name: 'idle' })
  const connect = (network: string, Container: string, EndpointConfig?: object) =>
    failure(networks.connect(network, { Container, ...(EndpointConfig && { EndpointConfig }) }))
  await networks.create({ Name: 'pond', EnableIPv6: true })
  const inPond = { IPAMConfig: { IPv4Address: '172.18.0.9' } }
  const refused: Record<string, unknown> = {
    twice: await connect('lake', 'one'),
    nobody: await connect('sea', 'nobody'),
    nowhere: await connect('nowhere', 'one'),
    host: await connect('host', 'one'),
    hosted: await connect('sea', 'hosted'),
    alone: await connect('sea', 'alone'),
    none: await connect('none', 'one'),
    addressOnBridge: await connect('bridge', 'idle', { IPAMConfig: { IPv4Address: '172.17.0.9' } }),
    addressOfPool: await connect('pond', 'idle', inPond),
    addressOfPoolNow: await connect('pond', 'one', inPond),
    address6OfPool: await connect('pond', 'one', { IPAMConfig: { IPv6Address: 'fd00::9' } }),
    aliasOnBridge: await connect('bridge', 'idle', { Aliases: ['x'] }),
    links: await connect('sea', 'idle', { Links: ['two:two:too'] }),
    taken: await connect('sea', 'alone', {}),
    notThere: await failure(networks.disconnect('sea', { Container: 'one' })),
    notThereYet: await failure(networks.disconnect('sea', { Container: 'idle' })),
    forced: await failure(networks.disconnect('sea', { Container: 'nobody', Force: true })),
    inUse: await failure(networks.remove('sea')),
    predefined: await failure(networks.remove('bridge')),
  }
  const config = { NetworkingConfig: { EndpointsConfig: { pond: inPond } } }
  await engine.containers.create(body(['true'], config, { NetworkMode: 'pond' }), { name: 'pooled' })
  seen.refusals = { ...refused, atStart: await failure(engine.containers.start('pooled')) }
  await engine.containers.remove('pooled')
  await networks.remove('pond')
  const { Id } = (await networks.inspect('sea')) as { Id: string }
  seen.found = [await failure(networks.inspect(Id.slice(0, 12))), ((await networks.inspect(Id.slice(0, 8))) as { Name: string }).Name]
  await networks.disconnect('none', { Container: 'alone' })
  await networks.connect('sea', { Container: 'alone' })
  seen.aloneNoMore = await view('alone')
  await engine.containers.remove('hosted')
}

async function stoppedOnes(): Promise<void> {
  const { networks, containers } = engine
  await networks.connect('sea', {
    Container: 'idle',
    EndpointConfig: { IPAMConfig: { IPv4Address: '10.5.0.77' }, MacAddress: '02:00:00:00:00:77' },
  })
  await networks.disconnect('bridge', { Container: 'idle' })
  await containers.start('idle')
  await containers.create(body(['true'], { MacAddress: '02-00-00-00-00-78' }, { NetworkMode: 'bridge' }), { name: 'chosen' })
  seen.chosenMac = ((await containers.inspect('chosen')) as { Config: { MacAddress?: string } }).Config.MacAddress
  await containers.remove('chosen')
  seen.idle = { ...(await view('idle')), mac: await inside('idle', 'cat /sys/class/net/eth0/address') }
  await containers.remove('idle', { force: true })
  await containers.restart('one', { timeout: 0 })
  seen.restarted = await view('one')
}

async function anotherEngine(): Promise<void> {
  await engine.networks.disconnect('lake', { Container: 'one' })
  await engine.networks.connect('sea', { Container: 'one', EndpointConfig: { IPAMConfig: { IPv4Address: '10.5.0.9' } } })
  await engine.close()
  engine = await place.open()
  seen.recovered = await view('one')
  seen.namesAgain = await inside('two', 'ping -c 1 -W 5 one > /dev/null && echo reached')
  await engine.containers.rename('one', 'uno')
  seen.renamed = await inside('two', 'ping -c 1 -W 5 uno > /dev/null && echo reached')
  await engine.containers.kill('uno')
  await engine.context.containers.find('uno').ended
  await engine.containers.start('uno')
  seen.startedAgain = (await view('uno')).addresses
  for (const { id } of engine.context.containers.all()) await engine.containers.remove(id, { force: true })
  seen.left = [leases(), await portsIn()]
}

/** An engine that is killed when the cable is plugged in, and nobody has said so yet. */
async function killedBetween(): Promise<void> {
  await start('half', 'bridge')
  const { config } = engine.context.containers.find('half').layout
  const before = readFileSync(config)
  await engine.networks.connect('sea', { Container: 'half' })
  await engine.close()
  writeFileSync(config, before)
  engine = await place.open()
  seen.mended = [(await view('half')).addresses, leases()]
  await engine.containers.remove('half', { force: true })
}

async function pruned(): Promise<void> {
  const { networks } = engine
  await start('anchor', 'sea')
  const named = async (filters: Record<string, readonly string[]>) =>
    (await networks.list(new Map(Object.entries(filters)))).map(({ Name }) => Name)
  seen.filtered = {
    all: await named({}),
    name: await named({ name: ['ea'] }),
    driver: await named({ driver: ['null'] }),
    builtin: await named({ type: ['builtin'] }),
    custom: await named({ type: ['custom'], label: ['deep=yes'] }),
    dangling: await named({ dangling: ['true'] }),
    wrong: [await failure(named({ type: ['x'] })), await failure(named({ colour: ['red'] }))],
  }
  const events = await eventsOf(engine, async () => {
    seen.pruned = await networks.prune(new Map())
  })
  seen.pruneEvents = events.map(({ Action, Actor }) => [Action, Actor.Attributes])
  await engine.containers.remove('anchor', { force: true })
  await networks.remove('sea')
  seen.prunedAgain = await networks.prune(new Map())
}

/** With the default bridge elsewhere, when nobody is on it; and where it was, when somebody is. */
async function bip(): Promise<void> {
  await engine.close()
  engine = await place.open({ bip: '192.168.77.1/24' })
  await start('moved', 'bridge')
  const moved = (await view('moved')).addresses
  await engine.close()
  const said: string[] = []
  engine = await place.open({ bip: '192.168.78.1/24', log: (level, sentence) => said.push(`${level}: ${sentence}`) })
  const { IPAM } = (await engine.networks.inspect('bridge')) as { IPAM: object }
  seen.bip = { moved, stays: IPAM, said }
}

try {
  for (const scene of [networksOfOne, refusals, stoppedOnes, anotherEngine, killedBetween, pruned, bip]) await scene()
  process.stdout.write(JSON.stringify(seen))
} finally {
  await engine.close()
  await place.remove()
  rmSync(place.root, { recursive: true, force: true })
}
