/** Many runs, and runs whose runner is killed at any point: nothing is left of them, anywhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect } from 'vitest'
import { hierarchiesOf } from '../../lib/kernel/proc/cgroup.js'
import { parseMountinfo } from '../../lib/kernel/proc/mountinfo.js'
import { busyboxRoot } from '../support/full.js'
import { PrivateHost, program } from '../support/private-host.js'
import { missing, requires } from '../support/requires.js'

const NEEDS = ['root', 'command:unshare', 'command:busybox', 'command:ip', 'command:nft'] as const
const test = requires(...NEEDS)
const able = missing(NEEDS).length === 0

let host: PrivateHost
let root: ReturnType<typeof busyboxRoot>
beforeAll(async () => {
  if (!able) return
  host = await PrivateHost.open()
  root = busyboxRoot()
})
afterAll(async () => {
  if (!able) return
  root.remove()
  await host.close()
})

/** Everything of a run that the kernel or a disk could still have: mounts, links, cgroups, files, processes. */
async function everything(): Promise<Record<string, readonly string[]>> {
  const list = (path: string): string[] => (existsSync(path) ? readdirSync(path) : [])
  const cgroups = hierarchiesOf(parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'))).flatMap(({ mountPoint }) =>
    list(`${mountPoint}/drydock`).filter((name) => /^[0-9a-f]{64}$/.test(name)),
  )
  const files = ['/run/drydock', '/var/lib/drydock/containers', '/var/lib/drydock/overlay', '/var/lib/drydock/names']
  return {
    mounts: readFileSync(`/proc/${host.pid}/mountinfo`, 'utf8')
      .split('\n')
      .filter((line) => /overlay|drydock\/./.test(line)),
    links: (await host.run(['ip', '-o', 'link'])).stdout.split('\n').filter((line) => line.includes('veth')),
    cgroups,
    files: files.flatMap((path) => list(host.path(path))),
    leases: list(host.path('/var/lib/drydock/networks')).flatMap((name) => list(host.path(`/var/lib/drydock/networks/${name}/leases`))),
    processes: (await host.run(['pgrep', '-af', 'sleep 1000|native/build/shim'])).stdout.split('\n').filter((line) => line !== ''),
  }
}

/** Cgroups are the machine's, on which somebody else may run containers. */
let before: Awaited<ReturnType<typeof everything>>
beforeAll(async () => {
  if (able) before = await everything()
})

test('a thousand runs in a row leave nothing', { timeout: 240_000 }, async () => {
  const { exitCode, stdout, stderr } = await host.run(program('run-many', root.path, '1000', '4', 'bridge'))
  expect([exitCode, stderr]).toEqual([0, ''])
  // stdio, the event loop's own, and the directory that is listed.
  expect(Number(stdout)).toBeLessThan(40)
  await expect.poll(everything).toEqual(before)
})

test('a hundred runs whose runner is killed, each at another call, leave nothing', { timeout: 240_000 }, async () => {
  const whole = await host.run(program('run-killed', root.path, '100000', 'bridge'))
  const calls = Number(whole.stdout)
  expect(calls).toBeGreaterThan(100)
  const points = Array.from({ length: 100 }, (_, index) => Math.floor((index * calls) / 99))
  const four = [0, 1, 2, 3].map(async (lane) => {
    for (const point of points.filter((_, index) => index % 4 === lane)) {
      const { stdout } = await host.run(program('run-killed', root.path, String(point), 'bridge'))
      expect(stdout).toBe(point >= calls ? String(calls) : '')
    }
  })
  await Promise.all(four)
  await expect.poll(everything, { timeout: 5000 }).toEqual(before)
})
