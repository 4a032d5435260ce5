/** An engine on vm-1 and clients on vm-2: without TLS, with it, and what a client on neither of them is told. */
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SECURE } from '../support/exercise/secure.js'
import { DRYDOCK } from '../support/private-host.js'
import { missing, requires } from '../support/requires.js'
import { openTwoBottles, type TwoBottles } from '../support/two-bottles.js'

const NEEDS = ['root', 'command:nft', 'command:busybox'] as const

let hosts: TwoBottles
beforeAll(async () => {
  if (missing(NEEDS).length === 0) hosts = await openTwoBottles()
})
afterAll(() => hosts?.close())

describe('an engine on vm-1', () => {
  for (const { name, run } of SECURE) requires(...NEEDS)(name, () => run(hosts))
})

test('from here an engine on vm-1 is not asked', async () => {
  const env = { DRYDOCK_ENGINE: '', DOCKER_HOST: 'tcp://172.20.122.115:2375' }
  const { exitCode, stderr } = await execa(process.execPath, [DRYDOCK, 'ps'], { reject: false, env })
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/172\.20\.122\.115 is vm-1, and .*npm run hosts -- shell vm-2/)
})
