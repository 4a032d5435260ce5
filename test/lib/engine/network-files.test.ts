import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ContainerHandle } from '../../../lib/engine/context.js'
import { changeHosts } from '../../../lib/engine/network/files.js'

test('lines come and go; a file that a container has filled is not read into the engine', () => {
  const place = mkdtempSync(join(tmpdir(), 'drydock-hosts-'))
  const hosts = join(place, 'hosts')
  const container = { layout: { hosts } } as unknown as ContainerHandle
  writeFileSync(hosts, '127.0.0.1\tlocalhost\n10.0.0.2\tone\n# the end')
  changeHosts(container, { add: ['10.0.1.2\tone'], remove: ['10.0.0.2\tone'] })
  expect(readFileSync(hosts, 'utf8')).toBe('127.0.0.1\tlocalhost\n10.0.1.2\tone\n# the end')
  truncateSync(hosts, 300 * 1024 * 1024)
  const { external } = process.memoryUsage()
  expect(() => changeHosts(container, { add: ['10.0.2.2\tone'] })).toThrow('has more than 1048576 bytes')
  expect(process.memoryUsage().external - external).toBeLessThan(64 * 1024 * 1024)
  rmSync(place, { recursive: true })
})
