/**
 * Where this machine is not on the network of the two hosts, nothing for them leaves it. A private host stands for this machine: its default route leads
 * out, and its kernel counts what its programs would send to that network, before it is known who is there.
 */
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Bottle, endHostSpawner } from '../../lib/bottle.js'
import { runInside, type Surroundings } from '../../lib/hosts/inside.js'
import { DRYDOCK } from '../support/private-host.js'
import { missing, requires } from '../support/requires.js'
import { leadOut } from '../support/way-out.js'

const NEEDS = ['root', 'command:nft'] as const

const COUNTER = `table ip watch {
  chain output { type filter hook output priority 0; policy accept; ip daddr 172.20.122.0/24 counter name there; }
  counter there { }
}
`

let bottle: Bottle
let inside: Surroundings
beforeAll(async () => {
  if (missing(NEEDS).length > 0) return
  // In the bottle nothing can be made of the sources that would last.
  await execa(process.execPath, [DRYDOCK, '--version'])
  bottle = await Bottle.open({ name: 'way-out', fresh: [{ path: '/root', mode: 0o700 }] })
  inside = { name: 'way-out', socket: bottle.socket, env: [`PATH=${process.env.PATH}`, 'HOME=/root'], home: '/root' }
  const shim = await bottle.shim()
  await leadOut(shim, '10.9.9.1')
  await shim.rollback()
  await sh('nft -f -', COUNTER)
  await sh('printf "127.0.0.1 localhost\\n172.20.122.115 vm-1 ship.example\\n" > /etc/hosts; printf "hosts: files\\n" > /etc/nsswitch.conf')
})
afterAll(async () => {
  await bottle?.close()
  await endHostSpawner()
})

const sh = (script: string, input?: string) => runInside(inside, ['sh', '-c', script], input)
const left = async () => Number(/packets (\d+)/.exec((await sh('nft list counter ip watch there')).stdout)?.[1])

const refuses = async (...args: string[]) => {
  const { code, stderr } = await runInside(inside, [process.execPath, DRYDOCK, ...args])
  expect([code, stderr]).toEqual([1, expect.stringMatching(/172\.20\.122\.11[56] is vm-[12], and from here .* gateway 10\.9\.9\.1/)])
  expect(await left()).toBe(0)
}

describe('from here nothing leaves for the two hosts', () => {
  const test = requires(...NEEDS)
  test('by address', () => refuses('-H', 'tcp://172.20.122.115:2375', 'ps'))
  test('with TLS', () => refuses('-H', 'tcp://172.20.122.116:2376', '--tls', 'ps'))
  test('by a name that means one of them', () => refuses('-H', 'tcp://ship.example:2375', 'ps'))

  test('to a registry', async () => {
    await refuses('--no-engine', 'pull', '172.20.122.116:5000/library/box')
    await refuses('--no-engine', 'pull', 'ship.example:5000/library/box')
    await refuses('--no-engine', 'pull', '--registry-mirror', 'http://172.20.122.115:5000', 'box')
    await refuses('--no-engine', 'login', '-u', 'mate', '-p', 'harbour', '172.20.122.116:5000')
  })

  const withSsh = requires(...NEEDS, 'command:ssh')
  withSsh('by ssh', () => refuses('-H', 'ssh://mate@172.20.122.115', 'ps'))
  withSsh('by a name in the settings of ssh', async () => {
    await sh('mkdir -p -m 700 /root/.ssh && cat > /root/.ssh/config', 'Host flagship\n  HostName 172.20.122.116\n')
    // ssh(1) looks for its settings where the user's entry says that home is, and not in HOME.
    await sh('printf "root:x:0:0::/root:/bin/sh\\n" > /etc/passwd')
    await refuses('-H', 'ssh://flagship', 'ps')
  })

  test('and what does leave is counted', async () => {
    await sh(
      `exec '${process.execPath}' -e "const s = require('dgram').createSocket('udp4'); s.send('x', 9, '172.20.122.115', () => s.close())"`,
    )
    expect(await left()).toBe(1)
  })
})
