/** Docker's statistics out of the files of both versions of cgroups, as kernels write them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NO_USAGE, readUsage } from '../../../../lib/engine/inside/usage.js'
import type { Cgroup, CgroupDirectory } from '../../../../lib/primitives/cgroups/index.js'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drydock-usage-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function directory(version: 1 | 2, controllers: readonly string[], files: Readonly<Record<string, string>>): CgroupDirectory {
  const path = join(root, controllers.join(','))
  mkdirSync(path)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), `${content}\n`)
  return { version, name: controllers.join(','), controllers, path }
}

describe('version 1', () => {
  let cgroup: Cgroup
  beforeEach(() => {
    cgroup = [
      directory(1, ['cpuacct'], {
        'cpuacct.usage': '69672112',
        'cpuacct.usage_percpu': '34086516 35585596 ',
        'cpuacct.stat': 'user 5\nsystem 1',
      }),
      directory(1, ['cpu'], { 'cpu.stat': 'nr_periods 7\nnr_throttled 2\nthrottled_time 99' }),
      directory(1, ['memory'], {
        'memory.usage_in_bytes': '1032192',
        'memory.max_usage_in_bytes': '4091904',
        'memory.limit_in_bytes': '9223372036854771712',
        'memory.failcnt': '0',
        'memory.stat': 'cache 4096\nrss 151552\ntotal_inactive_file 7',
      }),
      directory(1, ['pids'], { 'pids.current': '3', 'pids.max': 'max' }),
      directory(1, ['blkio'], {
        'blkio.throttle.io_service_bytes_recursive': '8:0 Read 4096\n8:0 Write 0\n8:0 Total 4096\nTotal 4096',
        'blkio.throttle.io_serviced_recursive': 'Total 0',
      }),
    ]
  })

  test('is what Docker has', () => {
    const usage = readUsage(cgroup)
    expect(usage?.pids).toEqual({ current: 3 })
    expect(usage?.cpu).toMatchObject({
      cpu_usage: {
        total_usage: 69672112,
        percpu_usage: [34086516, 35585596],
        usage_in_kernelmode: 10_000_000,
        usage_in_usermode: 50_000_000,
      },
      throttling_data: { periods: 7, throttled_periods: 2, throttled_time: 99 },
    })
    expect(usage?.memory).toEqual({
      usage: 1032192,
      max_usage: 4091904,
      stats: { cache: 4096, rss: 151552, total_inactive_file: 7 },
      // No limit of its own: the machine's memory is one.
      limit: expect.any(Number),
    })
    expect(usage?.memory.limit).toBeLessThan(2 ** 50)
    expect(usage?.blkio).toMatchObject({
      io_service_bytes_recursive: [
        { major: 8, minor: 0, op: 'Read', value: 4096 },
        { major: 8, minor: 0, op: 'Write', value: 0 },
        { major: 8, minor: 0, op: 'Total', value: 4096 },
      ],
      io_serviced_recursive: [],
      sectors_recursive: [],
    })
  })

  test('limits are told', () => {
    writeFileSync(join(root, 'pids/pids.max'), '50\n')
    writeFileSync(join(root, 'memory/memory.limit_in_bytes'), '67108864\n')
    writeFileSync(join(root, 'memory/memory.failcnt'), '4\n')
    const usage = readUsage(cgroup)
    expect(usage?.pids).toEqual({ current: 3, limit: 50 })
    expect(usage?.memory).toMatchObject({ limit: 67108864, failcnt: 4 })
  })

  test('nothing when the cgroups are gone', () => {
    for (const { path } of cgroup) rmSync(path, { recursive: true })
    expect(readUsage(cgroup)).toBeUndefined()
  })
})

test('version 2 is what Docker has', () => {
  const cgroup = [
    directory(2, ['cpu', 'memory', 'pids', 'io'], {
      'cpu.stat': 'usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 3\nnr_throttled 1\nthrottled_usec 8',
      'memory.current': '5000000',
      'memory.max': '10000000',
      'memory.stat': 'anon 1\ninactive_file 2',
      'memory.events': 'low 0\nhigh 0\nmax 9\noom 2\noom_kill 1',
      'pids.current': '2',
      'pids.max': '20',
      'io.stat': '254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n7:0 \n254:16 rbytes=5 wbytes=6 rios=7 wios=8 dbytes=0 dios=0',
    }),
  ]
  expect(readUsage(cgroup)).toEqual({
    pids: { current: 2, limit: 20 },
    cpu: {
      cpu_usage: { total_usage: 1_500_000, usage_in_kernelmode: 500_000, usage_in_usermode: 1_000_000 },
      throttling_data: { periods: 3, throttled_periods: 1, throttled_time: 8000 },
      system_cpu_usage: expect.any(Number),
      online_cpus: expect.any(Number),
    },
    memory: { usage: 5_000_000, stats: { anon: 1, inactive_file: 2 }, failcnt: 2, limit: 10_000_000 },
    blkio: {
      ...Object.fromEntries(Object.keys(NO_USAGE.blkio).map((name) => [name, null])),
      io_service_bytes_recursive: [
        { major: 254, minor: 0, op: 'read', value: 1 },
        { major: 254, minor: 0, op: 'write', value: 2 },
        { major: 254, minor: 16, op: 'read', value: 5 },
        { major: 254, minor: 16, op: 'write', value: 6 },
      ],
      io_serviced_recursive: [
        { major: 254, minor: 0, op: 'read', value: 3 },
        { major: 254, minor: 0, op: 'write', value: 4 },
        { major: 254, minor: 16, op: 'read', value: 7 },
        { major: 254, minor: 16, op: 'write', value: 8 },
      ],
    },
  })
})
