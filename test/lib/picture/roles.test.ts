import { expect, test } from 'vitest'
import { differ, isEngine } from '../../../lib/picture/roles.js'

test.each([
  [['node', 'scripts/drydock.cjs', 'daemon'], true],
  [['/usr/bin/node', '/usr/local/bin/drydock', '-H', 'unix:///run/d.sock', 'daemon'], true],
  [['node', '/src/lib/cli/main.ts', 'daemon', '--debug'], true],
  [['node', 'scripts/drydock.cjs', 'run', 'host'], false],
  [['node', 'server.js', 'daemon'], false],
  [['node', '/tmp/daemon', 'drydock'], false],
  [[], false],
])('an engine by its command line: %j', (argv, is) => {
  expect(isEngine(argv)).toBe(is)
})

test('a kind of namespace that one has left is not compared', () => {
  expect(differ({ uts: 1, net: 2 }, { uts: 1, net: 2, mnt: 3 })).toBe(false)
  expect(differ({ uts: 1, net: 2 }, { uts: 1, net: 3 })).toBe(true)
  expect(differ({}, { uts: 1 })).toBe(false)
})
