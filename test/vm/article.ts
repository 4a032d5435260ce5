/** The article from its first command to its last, on two virtual machines, as it is on two bottles (test/e2e/article.test.ts). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ARTICLE } from '../support/exercise/article.js'
import { done, type TwoHosts } from '../support/exercise/hosts.js'
import { type Client, Replay, SOCKETS } from '../support/exercise/replay.js'
import { SECURE } from '../support/exercise/secure.js'
import { openYard } from '../support/exercise/yard.js'
import { leadOutside, openVirtualMachines } from './hosts.js'
import { SSH_VARIABLE } from './places.js'

const MACHINES = ['vm-1', 'vm-2'] as const

let hosts: TwoHosts
beforeAll(async () => {
  hosts = await openVirtualMachines(process.env[SSH_VARIABLE] as string)
})

test('each has its name, its address, the other’s name, and drydock', async () => {
  for (const [own, other] of [MACHINES, [...MACHINES].reverse()] as const) {
    expect(await done(hosts, own as 'vm-1', 'hostname')).toBe(`${own}\n`)
    expect(await done(hosts, own as 'vm-1', 'ip -o -4 address')).toContain(` ${hosts.addresses[own as 'vm-1']}/24 `)
    expect(await done(hosts, own as 'vm-1', `getent hosts ${other}`)).toMatch(new RegExp(`^${hosts.addresses[other as 'vm-1']} `))
    await done(hosts, own as 'vm-1', `ping -c 1 -W 20 ${other}`)
    expect(await done(hosts, own as 'vm-1', 'drydock --version')).toMatch(/^drydock version \d/)
  }
})

test('provisioning has started nothing of the exercise', async () => {
  for (const machine of MACHINES) {
    expect(await done(hosts, machine, 'ss -Hltn "sport != :22"')).toBe('')
    expect(await done(hosts, machine, 'ls /run/drydock.sock /var/run/docker.sock 2>/dev/null || true')).toBe('')
  }
})

describe('the article', () => {
  beforeAll(async () => {
    await leadOutside(hosts)
    await openYard(hosts)
  })

  describe.each(Object.keys(SOCKETS) as Client[])('typed with %s', (client) => {
    let replay: Replay
    beforeAll(() => {
      replay = new Replay(hosts, client)
    })
    afterAll(() => replay?.close())
    for (const { name, run } of ARTICLE) test(name, () => run(replay))
  })
})

describe('what the article leaves out', () => {
  for (const { name, run } of SECURE) test(name, () => run(hosts))
})
