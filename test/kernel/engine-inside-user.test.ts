/** Execs and copies of an ordinary user's engine: in the user namespace of the container, with one id and with a range of them. */
import { expect } from 'vitest'
import { runAsOrdinaryUser, runWithRange } from '../support/ordinary.js'
import { program } from '../support/private-host.js'
import { requires } from '../support/requires.js'

const ended = { ExitCode: 0, Running: false }

for (const [who, run, map] of [
  ['without a range of ids', runAsOrdinaryUser, /^0\n 0 54321 1\n1\n$/],
  ['with a range of ids', runWithRange, /^0\n 0 54322 1\n 1 1000000 65536\n1\n$/],
] as const) {
  requires(
    'root',
    'command:busybox',
    'command:setpriv',
    'command:newuidmap',
    'command:unshare',
  )(`an ordinary user ${who}`, async () => {
    const { stdout, all, exitCode } = await run(program('inside-as-user'))
    expect(exitCode, String(all)).toBe(0)
    expect(JSON.parse(String(stdout))).toMatchObject({
      id: { stdout: expect.stringMatching(map), stderr: '', ...ended },
      terminal: { stdout: '/dev/pts/0\r\nmine\r\n', stderr: '', ...ended },
      copied: { stdout: 'copied', stderr: '', ...ended },
      processes: expect.any(Number),
      seen: 6,
      after: 6,
      log: '',
      documents: 1,
    })
  })
}
