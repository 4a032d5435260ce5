/** Many runs, and runs whose runner is killed at any point: nothing is left of them, anywhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { beforeAll, expect } from 'vitest'
import { hierarchiesOf } from '../../lib/kernel/proc/cgroup.js'
import { parseMountinfo } from '../../lib/kernel/proc/mountinfo.js'
import { onPrivateHost, program } from '../support/private-host.js'

const at = onPrivateHost('command:nft')
const { test } = at

/** Everything of a run that the kernel or a disk could still have: mounts, links, cgroups, files, processes. */
async function everything(): Promise<Record<string, readonly string[]>> {
  const list = (path: string): string[] => (existsSync(path) ? readdirSync(path) : [])
  const cgroups = hierarchiesOf(parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'))).flatMap(({ mountPoint }) =>
    list(`${mountPoint}/drydock`).filter((name) => /^[0-9a-f]{64}$/.test(name)),
  )
  const files = ['/run/drydock', '/var/lib/drydock/containers', '/var/lib/drydock/overlay', '/var/lib/drydock/names']
  return {
    mounts: readFileSync(`/proc/${at.host.pid}/mountinfo`, 'utf8')
      .split('\n')
      .filter((line) => /overlay|drydock\/./.test(line)),
    links: (await at.host.run(['ip', '-o', 'link'])).stdout.split('\n').filter((line) => line.includes('veth')),
    cgroups,
    files: files.flatMap((path) => list(at.host.path(path))),
    leases: list(at.host.path('/var/lib/drydock/networks')).flatMap((name) =>
      list(at.host.path(`/var/lib/drydock/networks/${name}/leases`)),
    ),
    processes: (await at.host.run(['pgrep', '-af', 'sleep 1000|native/build/shim'])).stdout.split('\n').filter((line) => line !== ''),
  }
}

/** Cgroups are the machine's, on which somebody else may run containers. */
let before: Awaited<ReturnType<typeof everything>>
beforeAll(async () => {
  if (at.able) before = await everything()
})

test('a thousand runs in a row leave nothing', { timeout: 600_000 }, async () => {
  const { exitCode, stdout, stderr } = await at.host.run(program('run-many', at.root.path, '1000', '4', 'bridge'))
  expect([exitCode, stderr]).toEqual([0, ''])
  // stdio, the event loop's own, and the directory that is listed.
  expect(Number(stdout)).toBeLessThan(40)
  await expect.poll(everything).toEqual(before)
})

test('a hundred runs whose runner is killed, each at another call, leave nothing', { timeout: 600_000 }, async () => {
  const whole = await at.host.run(program('run-killed', at.root.path, '100000', 'bridge'))
  const calls = Number(whole.stdout)
  expect(calls).toBeGreaterThan(100)
  const points = Array.from({ length: 100 }, (_, index) => Math.floor((index * calls) / 99))
  const four = [0, 1, 2, 3].map(async (lane) => {
    for (const point of points.filter((_, index) => index % 4 === lane)) {
      const { stdout } = await at.host.run(program('run-killed', at.root.path, String(point), 'bridge'))
      // Past its last call it is not killed, unless it lost its address to a run beside it and made more calls.
      expect(point >= calls ? ['', String(calls)] : ['']).toContain(stdout)
    }
  })
  await Promise.all(four)
  await expect.poll(everything).toEqual(before)
})
