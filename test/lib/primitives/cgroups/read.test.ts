import { describe, expect, test } from 'vitest'
import { killAll, remove } from '../../../../lib/primitives/cgroups/live.js'
import { cgroupOf, readEvents, readLimits, readProcesses, readUsage } from '../../../../lib/primitives/cgroups/read.js'
import { fixture, HYBRID, UNIFIED } from './fixture.js'

const v1 = [
  { version: 1, name: 'memory', controllers: ['memory'], path: '/m' },
  { version: 1, name: 'cpu,cpuacct', controllers: ['cpu', 'cpuacct'], path: '/c' },
  { version: 1, name: 'pids', controllers: ['pids'], path: '/p' },
] as const
const v2 = [{ version: 2, name: 'unified', controllers: ['cpu', 'memory', 'pids'], path: '/u' }] as const

const V1_FILES = {
  '/m/memory.limit_in_bytes': '67108864\n',
  '/m/memory.memsw.limit_in_bytes': '9223372036854771712\n',
  '/m/memory.usage_in_bytes': '4096\n',
  '/m/memory.max_usage_in_bytes': '8192\n',
  '/m/memory.stat': 'cache 1\ninactive_file 2\ntotal_inactive_file 1024\n',
  '/m/memory.failcnt': '7\n',
  '/m/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
  '/c/cpu.cfs_quota_us': '-1\n',
  '/c/cpu.cfs_period_us': '100000\n',
  '/c/cpu.shares': '1024\n',
  '/c/cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 123\n',
  '/c/cpuacct.usage': '5000\n',
  '/c/cpuacct.stat': 'user 2\nsystem 1\n',
  '/p/pids.max': 'max\n',
  '/p/pids.current': '3\n',
  '/p/pids.events': 'max 5\n',
  '/p/cgroup.procs': '20\n3\n0\n',
  '/p/inner/cgroup.procs': '21\n',
}
const V2_FILES = {
  '/u/memory.max': '67108864\n',
  '/u/memory.swap.max': 'max\n',
  '/u/memory.current': '4096\n',
  '/u/memory.stat': 'anon 1\ninactive_file 1024\n',
  '/u/memory.events': 'low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\n',
  '/u/cpu.max': 'max 100000\n',
  '/u/cpu.weight': '100\n',
  '/u/cpu.stat': 'usage_usec 5\nuser_usec 2\nsystem_usec 3\nnr_periods 10\nnr_throttled 4\nthrottled_usec 2\n',
  '/u/pids.max': '20\n',
  '/u/pids.current': '3\n',
  '/u/pids.events': 'max 5\n',
}
const values = (record: object) => Object.fromEntries(Object.entries(record).map(([key, { value }]) => [key, value]))

describe('v1', () => {
  const files = fixture({ files: V1_FILES })
  test('limits', () => {
    expect(values(readLimits(v1, files))).toEqual({
      memory: 67108864,
      swap: Number.POSITIVE_INFINITY,
      pids: Number.POSITIVE_INFINITY,
      cpuQuota: Number.POSITIVE_INFINITY,
      cpuPeriod: 100000,
      cpuShare: 1024,
    })
  })
  test('usage; ticks as nanoseconds', () => {
    expect(values(readUsage(v1, files))).toEqual({
      memory: 4096,
      memoryInactiveFile: 1024,
      memoryPeak: 8192,
      pids: 3,
      cpu: 5000,
      cpuUser: 2e7,
      cpuSystem: 1e7,
    })
  })
  test('events, with the kernel’s names', () => {
    expect(values(readEvents(v1, files))).toEqual({
      oomKills: 2,
      memoryLimitHits: 7,
      pidsRefused: 5,
      periods: 10,
      throttledPeriods: 4,
      throttledTime: 123,
    })
    expect(readEvents(v1, files).oomKills).toEqual({ value: 2, file: 'memory.oom_control', key: 'oom_kill' })
  })
  test('a limit of memory and swap together is met first, and counted elsewhere', () => {
    const both = { ...V1_FILES, '/m/memory.failcnt': '0\n', '/m/memory.memsw.failcnt': '3\n' }
    expect(readEvents(v1, fixture({ files: both })).memoryLimitHits).toEqual({ value: 3, file: 'memory.memsw.failcnt' })
  })
  test('processes, those below too, those that cannot be named not', () => {
    expect(readProcesses(v1, files)).toEqual([3, 20, 21])
  })
})

describe('v2', () => {
  const files = fixture({ files: V2_FILES })
  test('limits', () => {
    expect(values(readLimits(v2, files))).toEqual({
      memory: 67108864,
      swap: Number.POSITIVE_INFINITY,
      pids: 20,
      cpuQuota: Number.POSITIVE_INFINITY,
      cpuPeriod: 100000,
      cpuShare: 100,
    })
  })
  test('usage in the same units as v1', () => {
    expect(values(readUsage(v2, files))).toEqual({
      memory: 4096,
      memoryInactiveFile: 1024,
      pids: 3,
      cpu: 5000,
      cpuUser: 2000,
      cpuSystem: 3000,
    })
  })
  test('events', () => {
    expect(values(readEvents(v2, files))).toEqual({
      oomKills: 2,
      memoryLimitHits: 7,
      pidsRefused: 5,
      periods: 10,
      throttledPeriods: 4,
      throttledTime: 2000,
    })
    expect(readEvents(v2, files).oomKills?.file).toBe('memory.events')
  })
})

test('what a controller lacks is absent, not zero', () => {
  expect(readEvents([], fixture({ files: {} }))).toEqual({})
  expect(readLimits(v2, fixture({ files: {} }))).toEqual({})
})

test('the cgroups of a process', () => {
  const files = { ...HYBRID, '/proc/9/cgroup': '9:name=systemd:/drydock/box\n4:memory:/drydock/box\n1:cpu,cpuacct:/\n0::/drydock/box\n' }
  const found = cgroupOf(9, fixture({ files }))
  expect(found?.map(({ path }) => path)).toEqual([
    '/sys/fs/cgroup/memory/drydock/box',
    '/sys/fs/cgroup/cpu,cpuacct',
    '/sys/fs/cgroup/systemd/drydock/box',
    '/sys/fs/cgroup/unified/drydock/box',
  ])
  expect(cgroupOf(10, fixture({ files }))).toBeUndefined()
  expect(
    cgroupOf(9, fixture({ files: { ...UNIFIED, '/proc/9/cgroup': '0::/a\n', '/sys/fs/cgroup/a/cgroup.controllers': 'cpu memory\n' } })),
  ).toEqual([{ version: 2, name: 'unified', controllers: ['cpu', 'memory'], path: '/sys/fs/cgroup/a' }])
})

test('the host’s own cgroups are left alone', async () => {
  const foreign = [{ version: 2, name: 'unified', controllers: [], path: '/sys/fs/cgroup/user.slice' }] as const
  await expect(killAll(foreign)).rejects.toThrow("not below a directory of drydock's")
  await expect(remove(foreign)).rejects.toThrow("not below a directory of drydock's")
})
