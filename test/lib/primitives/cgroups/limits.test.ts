import { describe, expect, test } from 'vitest'
import { type CgroupLimits, checkLimits, ioWeightOf, pathComponents, weightOfShares } from '../../../../lib/primitives/cgroups/spec.js'
import { cpusetV1, translateV1 } from '../../../../lib/primitives/cgroups/v1.js'
import { translateV2 } from '../../../../lib/primitives/cgroups/v2.js'

const MIB = 1024 * 1024
const all = (_: string) => true
const none = (_: string) => false
const v1 = (limits: CgroupLimits, has = all) => translateV1(limits, has).values.map(({ file, value }) => `${file} ${value}`)
const v2 = (limits: CgroupLimits, has = all) => translateV2(limits, has).values.map(({ file, value }) => `${file} ${value}`)

describe('memory and swap, by Docker’s rules', () => {
  test.each<[string, CgroupLimits, string[], string[]]>([
    ['twice the memory when nothing is said', { memory: 64 * MIB }, ['67108864', '134217728'], ['67108864', '67108864']],
    ['no swap when both are the same', { memory: 64 * MIB, memorySwap: 64 * MIB }, ['67108864', '67108864'], ['67108864', '0']],
    ['any swap for -1', { memory: 64 * MIB, memorySwap: -1 }, ['67108864', '-1'], ['67108864', 'max']],
    ['both lifted', { memory: -1 }, ['-1', '-1'], ['max', 'max']],
  ])('%s', (_, limits, one, two) => {
    expect(v1(limits)).toEqual([`memory.limit_in_bytes ${one[0]}`, `memory.memsw.limit_in_bytes ${one[1]}`])
    expect(v2(limits)).toEqual([`memory.max ${two[0]}`, `memory.swap.max ${two[1]}`])
  })

  test('without swap accounting there is a warning, never silence', () => {
    expect(v1({ memory: MIB }, none)).toEqual(['memory.limit_in_bytes 1048576'])
    expect(translateV1({ memory: MIB }, none).warnings).toMatchObject([{ controller: 'memory', sentence: /swap is not limited/ }])
    expect(translateV2({ memory: MIB, memorySwap: -1 }, none).warnings).toMatchObject([{ sentence: /limit of swap is not enforced/ }])
  })

  test('reservation, swappiness, OOM killer', () => {
    const limits = { memoryReservation: MIB, memorySwappiness: 10, oomKillDisable: true }
    expect(v1(limits)).toEqual(['memory.soft_limit_in_bytes 1048576', 'memory.swappiness 10', 'memory.oom_control 1'])
    expect(v2(limits)).toEqual(['memory.low 1048576'])
    expect(translateV2(limits, all).warnings.map(({ sentence }) => sentence)).toEqual([
      'swappiness is not set: cgroup v2 has none for a cgroup of its own',
      'the OOM killer stays on: cgroup v2 cannot switch it off',
    ])
    expect(translateV1(limits, none).warnings).toHaveLength(2)
  })
})

test('processes', () => {
  expect([v1({ pids: 20 }), v2({ pids: 20 }), v1({ pids: -1 }), v2({ pids: -1 })]).toEqual([
    ['pids.max 20'],
    ['pids.max 20'],
    ['pids.max max'],
    ['pids.max max'],
  ])
})

describe('processor time', () => {
  test.each<[CgroupLimits, string[], string[]]>([
    [{ cpus: 0.5 }, ['cpu.cfs_period_us 100000', 'cpu.cfs_quota_us 50000'], ['cpu.max 50000 100000']],
    [{ cpus: 0.01 }, ['cpu.cfs_period_us 100000', 'cpu.cfs_quota_us 1000'], ['cpu.max 1000 100000']],
    [{ cpuQuota: 25000, cpuPeriod: 50000 }, ['cpu.cfs_period_us 50000', 'cpu.cfs_quota_us 25000'], ['cpu.max 25000 50000']],
    [{ cpuQuota: -1 }, ['cpu.cfs_period_us 100000', 'cpu.cfs_quota_us -1'], ['cpu.max max 100000']],
    [{ cpuPeriod: 20000 }, ['cpu.cfs_period_us 20000'], ['cpu.max max 20000']],
    [{ cpuShares: 512 }, ['cpu.shares 512'], ['cpu.weight 59']],
  ])('%j', (limits, one, two) => {
    expect(v1(limits)).toEqual(one)
    expect(v2(limits)).toEqual(two)
  })

  test('shares keep their ends and their middle as weights', () => {
    expect([0, 2, 1024, 262144, 300000].map(weightOfShares)).toEqual([1, 1, 100, 10000, 10000])
    const weights = Array.from({ length: 18 }, (_, power) => weightOfShares(2 ** (power + 1)))
    expect(weights).toEqual([...weights].sort((a, b) => a - b))
    expect([10, 500, 1000].map(ioWeightOf)).toEqual([1, 4950, 10000])
  })

  test('cpusets: on v1 the parent’s where nothing is said, as an empty one takes no process', () => {
    const parent = { cpus: '0-3', mems: '0' }
    const shown = (limits: CgroupLimits) => cpusetV1(limits, parent).map(({ file, value }) => `${file} ${value}`)
    expect(shown({})).toEqual(['cpuset.cpus 0-3', 'cpuset.mems 0'])
    expect(shown({ cpusetCpus: '1' })).toEqual(['cpuset.cpus 1', 'cpuset.mems 0'])
    expect(v2({ cpusetCpus: '1', cpusetMems: '0' })).toEqual(['cpuset.cpus 1', 'cpuset.mems 0'])
  })
})

describe('input and output', () => {
  const ioMax = [{ device: [8, 16], readBps: 1000, writeIops: 5 } as const]
  test('limits', () => {
    expect(v1({ ioMax })).toEqual(['blkio.throttle.read_bps_device 8:16 1000', 'blkio.throttle.write_iops_device 8:16 5'])
    expect(v2({ ioMax })).toEqual(['io.max 8:16 rbps=1000 wiops=5'])
    expect(translateV1({ ioMax }, none).warnings).toHaveLength(2)
    expect(v2({ ioMax: [{ device: [8, 0] }] })).toEqual([])
  })
  test('weights, by the scheduler that there is', () => {
    const only = (name: string) => (file: string) => file === name
    expect(v1({ ioWeight: 500 }, only('blkio.bfq.weight'))).toEqual(['blkio.bfq.weight 500'])
    expect(v2({ ioWeight: 500 }, only('io.bfq.weight'))).toEqual(['io.bfq.weight 500'])
    expect(v2({ ioWeight: 500 }, only('io.weight'))).toEqual(['io.weight 4950'])
    expect(translateV1({ ioWeight: 500 }, none).warnings).toMatchObject([{ controller: 'blkio' }])
    expect(translateV2({ ioWeight: 500 }, none).warnings).toMatchObject([{ controller: 'io' }])
  })
})

test('every value says why', () => {
  const limits: CgroupLimits = {
    memory: MIB,
    memoryReservation: MIB,
    pids: 5,
    cpus: 1,
    cpuShares: 5,
    cpusetCpus: '0',
    cpusetMems: '0',
    ioWeight: 10,
    ioMax: [{ device: [1, 1], readBps: 1, writeBps: 1, readIops: 1, writeIops: 1 }],
    memorySwappiness: 1,
    oomKillDisable: true,
  }
  for (const { why, file } of [...translateV1(limits, all).values, ...translateV2(limits, all).values]) expect(why, file).toMatch(/[.…]$/)
})

describe('nonsense', () => {
  test.each<[CgroupLimits, string | RegExp]>([
    [{ memory: 0 }, 'whole number of bytes'],
    [{ memory: 1.5 }, 'whole number of bytes'],
    [{ memory: Number.NaN }, 'whole number of bytes'],
    [{ memorySwap: MIB }, 'needs a limit of memory too'],
    [{ memory: -1, memorySwap: MIB }, 'needs a limit of memory too'],
    [{ memory: 2 * MIB, memorySwap: MIB }, 'cannot be less than memory alone'],
    [{ memory: MIB, memoryReservation: 2 * MIB }, 'cannot be more than the memory limit'],
    [{ memorySwappiness: 101 }, 'from 0 to 100'],
    [{ pids: 0 }, 'from 1 to'],
    [{ pids: -2 }, 'from 1 to'],
    [{ cpus: 0 }, 'cpus can be from 0.01 to 4, as there are 4 here; 0 is not'],
    [{ cpus: 4.5 }, 'as there are 4 here'],
    [{ cpus: 1, cpuQuota: 1000 }, 'not both'],
    [{ cpuQuota: 999 }, 'from 1000'],
    [{ cpuPeriod: 1_000_001 }, 'from 1000 to 1000000'],
    [{ cpuShares: 1 }, 'from 2 to 262144'],
    [{ ioWeight: 9 }, 'from 10 to 1000'],
    [{ cpusetCpus: 'all' }, 'written like 0-2,4'],
    [{ cpusetCpus: '0-4' }, "numbered 0 to 3 here; the cpuset '0-4' names 4"],
    [{ cpusetMems: '' }, 'written like 0-2,4'],
    [{ ioMax: [{ device: [8, -1] }] }, 'major and minor'],
    [{ ioMax: [{ device: [8, 0], readBps: 0 }] }, 'readBps of device 8:0'],
    [{ devices: [{ type: 'c', major: 1, minor: 3, access: 'x' }] }, 'a device rule has'],
  ])('%j', (limits, sentence) => {
    expect(() => checkLimits(limits, { cpus: 4 })).toThrow(sentence)
  })

  test.each(['', '..', 'a/../b', '/a', 'a//b', 'a b', '.hidden', 'memory.max', 'cgroup.procs', 'x'.repeat(101), 'a\nb'])(
    'the name %j',
    (path) => {
      expect(() => pathComponents(path)).toThrow('is no name for a cgroup')
    },
  )
  test('names that are fine', () => {
    expect(pathComponents('bottle-1/box_2.x')).toEqual(['bottle-1', 'box_2.x'])
  })
})
