/** Builds of an ordinary user's engine: what reads and writes is in the user namespace of the containers, with one id and with a range of them. */
import { expect } from 'vitest'
import { runAsOrdinaryUser, runWithRange } from '../support/ordinary.js'
import { program } from '../support/private-host.js'
import { requires } from '../support/requires.js'

const NEEDS = ['root', 'command:busybox', 'command:setpriv', 'command:newuidmap', 'command:unshare'] as const

for (const [who, run] of [
  ['without a range of ids', runAsOrdinaryUser],
  ['with a range of ids', runWithRange],
] as const) {
  requires(...NEEDS)(`an ordinary user ${who} builds`, async () => {
    const { stdout, all, exitCode } = await run(program('build-as-user'))
    expect(exitCode, String(all)).toBe(0)
    expect(JSON.parse(String(stdout))).toEqual({
      said: expect.stringContaining('made\nnoted\n/etc/hostname\n751 0:0\n644 0:0\n755 0:0\n/deep/er\n'),
      same: true,
      hits: 5,
      left: [],
    })
  })
}
