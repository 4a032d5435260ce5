import { afterAll, beforeAll, describe, expect } from 'vitest'
import { open } from '../../lib/kernel/calls/files.js'
import { clone, execve, setns } from '../../lib/kernel/calls/process.js'
import { rtnetlink_socket } from '../../lib/kernel/calls/sockets.js'
import { address_add, link_up, route_add, veth_add } from '../../lib/kernel/netlink/steps.js'
import { container, host, ref } from '../../lib/kernel/step.js'
import { createNetwork } from '../../lib/network/index.js'
import { type Box, NetworkHost } from '../support/network.js'
import { requires } from '../support/requires.js'

const test = requires('root', 'command:nft')
/** The machine that containers run on, and another one outside of it: 203.0.113.1 and 203.0.113.2. TEST-NET-3, RFC 5737. */
let world: NetworkHost
let outside: NetworkHost
let one: Box
let two: Box
let other: Box

/** A server that says who calls: bash cannot listen, and node is there. */
const server = (port: number, text: string) => [
  process.execPath,
  '-e',
  `require('net').createServer((s) => s.on('error', () => 0).end('${text} ' + s.remoteAddress)).listen(${port}, '0.0.0.0')`,
]

/** Milliseconds: how long an answer may take to come, and how long it is waited for where none is to come. */
const [ANSWER, SILENCE] = [20_000, 700]

/** Connect, and print what comes; `ECONNREFUSED` or `TIMEOUT` otherwise. */
const client = (address: string, port: number, patience: number) => [
  process.execPath,
  '-e',
  `const s = require('net').connect(${port}, '${address}'); let all = ''
   s.on('data', (d) => { all += d }).on('end', () => { console.log(all); process.exit() }).on('error', (e) => { console.log(e.code); process.exit() })
   s.setTimeout(${patience}, () => { console.log('TIMEOUT'); process.exit() })`,
]

const call = async (from: NetworkHost, address: string, port: number, box?: Box, patience = ANSWER): Promise<string> =>
  (await from.run(client(address, port, patience), box)).output.trim()

/** Returns when the server answers, within its own network. */
const started = (from: NetworkHost, port: number, box?: Box) => {
  const script = `const go = () => require('net').connect(${port}, '127.0.0.1').on('error', () => setTimeout(go, 20)).on('connect', () => process.exit())\ngo()`
  return from.run([process.execPath, '-e', script], box)
}

beforeAll(async () => {
  if (process.geteuid?.() !== 0) return
  ;[world, outside] = [await NetworkHost.open(), await NetworkHost.open()]
  const wire = await world.another()
  const [here, there] = [ref('here'), ref('there')]
  await wire.run(
    host([
      rtnetlink_socket({ keep: 'here' }),
      open(`/proc/${outside.shim.pid}/ns/net`, ['rdonly'], { keep: 'their' }),
      veth_add(here, { name: 'up0', index: 50, up: true, peer: { name: 'up0', index: 51, netns: { fd: ref('their') } } }),
      address_add(here, 50, '203.0.113.1/24'),
      setns(ref('their'), ['net']),
      rtnetlink_socket({ keep: 'there' }),
      link_up(there, 51),
      address_add(there, 51, '203.0.113.2/24'),
      route_add(there, { to: '172.16.0.0/12', via: '203.0.113.1' }),
    ]),
  )
  await world.ensure()
  await createNetwork(world.dataRoot, 'apart', { known: [] })
  await world.ensure('apart')
  one = await world.box({ name: 'one', program: server(80, 'one'), ports: ['8080:80', '127.0.0.1:8081:80', '9000-9001:80-81'] })
  two = await world.box({ name: 'two', program: server(80, 'two') })
  other = await world.box({ name: 'other', network: 'apart', program: server(80, 'other') })
  for (const box of [one, two, other]) await started(world, 80, box)
})

afterAll(async () => {
  await world?.close()
  await outside?.close()
})

describe('between containers', () => {
  test('neighbours on a bridge reach each other', async () => {
    expect(await call(world, one.attachment.address, 80, two)).toBe(`one ${two.attachment.address}`)
  })

  test('a container on another bridge is not reached, and nothing from outside that is not published', async () => {
    expect(await call(world, one.attachment.address, 80, other, SILENCE)).toBe('TIMEOUT')
    expect(await call(outside, two.attachment.address, 80, undefined, SILENCE)).toBe('TIMEOUT')
  })

  test('the servers of the host on its loopback are out of reach', async () => {
    const [wire, loopback] = [two, '127.0.0.1']
    await world.run(['ip', 'address', 'delete', '127.0.0.1/8', 'dev', 'lo'], wire)
    await world.run(['ip', 'route', 'add', '127.0.0.1', 'via', wire.attachment.gateway], wire)
    expect(await call(world, loopback, 8081, wire, SILENCE)).not.toContain('one')
  })
})

describe('published ports', () => {
  test('answer from outside, and the container sees who calls', async () => {
    expect(await call(outside, '203.0.113.1', 8080)).toBe('one 203.0.113.2')
    expect(await call(outside, '203.0.113.1', 9000)).toBe('one 203.0.113.2')
  })

  test('answer on the host, by its address and by 127.0.0.1', async () => {
    expect(await call(world, '203.0.113.1', 8080)).toBe('one 203.0.113.1')
    expect(await call(world, '127.0.0.1', 8080)).toBe(`one ${one.attachment.gateway}`)
  })

  test('answer a neighbour, the container itself (hairpin), and a container on another bridge', async () => {
    expect(await call(world, '203.0.113.1', 8080, two)).toBe(`one ${one.attachment.gateway}`)
    expect(await call(world, '203.0.113.1', 8080, one)).toBe(`one ${one.attachment.gateway}`)
    expect(await call(world, '203.0.113.1', 8080, other)).toMatch(/^one /)
  })

  test('of one address answer there alone', async () => {
    expect(await call(world, '127.0.0.1', 8081)).toMatch(/^one /)
    expect(await call(outside, '203.0.113.1', 8081)).toBe('ECONNREFUSED')
  })

  test('may be hundreds, and are free again when the container has ended', async () => {
    for (const name of ['many', 'again']) {
      const box = await world.box({
        name,
        program: server(80, name),
        ports: ['20000-20199:20000-20199/udp', '20000-20199:20000-20199', '20200:80'],
      })
      await started(world, 80, box)
      expect(await call(outside, '203.0.113.1', 20200)).toBe(`${name} 203.0.113.2`)
      await box.shim.rollback()
    }
  })

  test('are held: a second container and a server of the host do not get them', async () => {
    const attachment = await world.attach({ ports: ['8080:80'] })
    const error = await world.box({ ports: ['8080:80'] }).catch((reason: unknown) => reason)
    expect(attachment.taken(error)).toBe(false)
    const listening = await world.run([
      process.execPath,
      '-e',
      `require('net').createServer().on('error', (e) => console.log(e.code)).listen(8080, '0.0.0.0')`,
    ])
    expect(listening.output.trim()).toBe('EADDRINUSE')
  })
})

describe('to the outside', () => {
  test('a container is seen with the host’s address', async () => {
    const shim = await outside.another()
    const [path, ...args] = server(7777, 'out') as [string, ...string[]]
    await shim.run([clone('uts'), ...container([execve(path, [path, ...args])])])
    await started(outside, 7777)
    expect(await call(world, '203.0.113.2', 7777, two)).toBe('out 203.0.113.1')
    await shim.rollback()
  })
})
