/** What a daemon says: one entry a line, whatever clients have put into it. */
import { afterEach, expect, test, vi } from 'vitest'
import { DaemonLog } from '../../../../lib/cli/daemon/log.js'

const written: string[] = []
vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
  written.push(String(text))
  return true
})
afterEach(() => void written.splice(0))

test('a client’s words forge no entry and move no cursor', () => {
  new DaemonLog('info').say('warn', 'web was not started: a\r\n2026-01-01T00:00:00.000Z info  all is well\u001b[2J\u2028x')
  expect(written).toHaveLength(1)
  expect(written[0]).toMatch(
    /^\S+Z warn {2}web was not started: a\\r\n {4}2026-01-01T00:00:00\.000Z info {2}all is well\\u001b\[2J\\u2028x\n$/,
  )
})

test('a long entry is cut in the middle', () => {
  new DaemonLog('info').say('warn', `begin${'x'.repeat(100_000)}end`)
  expect(written[0]?.length).toBeLessThan(8100)
  expect(written[0]).toMatch(/beginx+… \(\d+ characters more\) …x+end\n$/)
})
