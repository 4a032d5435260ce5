/**
 * What only cgroup v2 has, in the kernel. Where the controllers are with version 1 these are skipped; `npm run test:v2` runs them in a
 * guest.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { Bottle, endHostSpawner, hostSpawner } from '../../lib/bottle.js'
import { plan } from '../../lib/container/plan.js'
import { open, read } from '../../lib/kernel/calls/files.js'
import { execve } from '../../lib/kernel/calls/process.js'
import { textOf } from '../../lib/kernel/result.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { inPhase, ref } from '../../lib/kernel/step.js'
import {
  below,
  type CgroupHost,
  type CgroupSpec,
  cgroups,
  detectCgroups,
  freeze,
  isFrozen,
  killAll,
  readProcesses,
  thaw,
  update,
} from '../../lib/primitives/cgroups/index.js'
import { type NamespacesSpec, namespaces } from '../../lib/primitives/namespaces.js'

const MIB = 1024 * 1024
const NEEDED = ['cpuset', 'cpu', 'io', 'memory', 'pids']
const machine = detectCgroups()
const top = machine.hierarchies.find(({ version }) => version === 2)
const host: CgroupHost = below({ ...machine, hierarchies: top ? [top] : [] }, `test-v2-${process.pid}`)

const lacking = NEEDED.filter((name) => !top?.controllers.includes(name))
const needs = `cgroup v2 with ${lacking.join(', ')} (npm run test:v2 brings a guest that has it)`
if (lacking.length > 0) console.warn(`skipped: cgroup v2: needs ${needs}`)
const onV2 = lacking.length > 0 ? (name: string, _: () => Promise<void>) => test.skip(`${name} [needs: ${needs}]`) : test

const shims: Shim[] = []
afterEach(async () => {
  for (const shim of shims.splice(0).reverse()) await shim.rollback()
  expect(existsSync(`${top?.base}/drydock/test-v2-${process.pid}`), 'what a test leaves in the tree').toBe(false)
})
afterAll(endHostSpawner)

/** Only root makes other namespaces without a user namespace. */
const USER: NamespacesSpec = process.geteuid?.() === 0 ? {} : { user: 'new' }
const PID: NamespacesSpec = { ...USER, pid: 'new' }

async function box(spec: CgroupSpec, script?: string, kinds: NamespacesSpec = PID) {
  const fragment = cgroups(spec, host)
  const shim = await (await hostSpawner()).shim()
  shims.push(shim)
  const program =
    script === undefined ? [] : inPhase('exec', 'container', [execve('/bin/sh', ['sh', '-c', script], ['PATH=/usr/bin:/bin'])])
  await shim.run(plan([fragment, namespaces({ ...kinds, ...fragment.clone }), { primitive: 'test', title: 'test', steps: program }]))
  const path = fragment.cgroup[0]?.path as string
  return { shim, path, fragment, cgroup: fragment.cgroup, pid: shim.childPid as number }
}

const content = (path: string) => readFileSync(path, 'utf8').trim()
const line = (path: string, key: string) => Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(content(path))?.[1])

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('the files of cgroup v2', () => {
  onV2('say what was asked for, in their own units', async () => {
    const limits = { memory: 64 * MIB, memorySwap: 96 * MIB, memoryReservation: 32 * MIB, pids: 20, cpus: 0.5, cpuShares: 1024 }
    const { path, fragment } = await box({ path: 'limits', ...limits, cpusetCpus: '0', cpusetMems: '0' })
    expect(fragment.warnings).toEqual([])
    const found = ['memory.max', 'memory.low', 'pids.max', 'cpu.max', 'cpu.weight', 'cpuset.cpus', 'cpuset.mems']
    expect(found.map((file) => content(`${path}/${file}`))).toEqual([
      String(64 * MIB),
      String(32 * MIB),
      '20',
      '50000 100000',
      '100',
      '0',
      '0',
    ])
    if (existsSync(`${path}/memory.swap.max`)) expect(content(`${path}/memory.swap.max`)).toBe(String(32 * MIB))
  })

  onV2('take the shares and weights of v1 on v2’s scale', async () => {
    const { path, cgroup } = await box({ path: 'weights', cpuShares: 2 })
    const weight = () => content(`${path}/cpu.weight`)
    expect(weight()).toBe('1')
    for (const [shares, expected] of [
      [512, '59'],
      [1024, '100'],
      [262_144, '10000'],
    ] as const) {
      update(cgroup, { cpuShares: shares }, host)
      expect(weight()).toBe(expected)
    }
    const weighed = existsSync(`${path}/io.bfq.weight`) ? ['io.bfq.weight', '500'] : ['io.weight', '4950']
    if (existsSync(`${path}/${weighed[0]}`)) {
      update(cgroup, { ioWeight: 500 }, host)
      expect(content(`${path}/${weighed[0]}`)).toContain(`default ${weighed[1]}`)
    }
  })

  onV2('limit a disk', async () => {
    const disk = wholeDisk()
    if (!disk) return
    const { path, cgroup } = await box({ path: 'io', ioMax: [{ device: disk, readBps: 1_000_000, writeIops: 50 }] })
    expect(content(`${path}/io.max`)).toBe(`${disk.join(':')} rbps=1000000 wbps=max riops=max wiops=50`)
    update(cgroup, { ioMax: [{ device: disk, writeBps: 2_000_000 }] }, host)
    expect(content(`${path}/io.max`)).toBe(`${disk.join(':')} rbps=1000000 wbps=2000000 riops=max wiops=50`)
  })
})

describe('limits of cgroup v2', () => {
  onV2('of memory: an OOM kill is in memory.events', async () => {
    const { path, shim } = await box({ path: 'oom', memory: 16 * MIB }, 'tail /dev/zero; while :; do sleep 60; done')
    await until(() => line(`${path}/memory.events`, 'oom_kill') > 0)
    expect(line(`${path}/memory.events`, 'max')).toBeGreaterThan(0)
    expect(line(`${path}/cgroup.events`, 'populated')).toBe(1)
    shim.signal(9)
    expect(await shim.exited).toMatchObject({ signal: 9 })
  })

  onV2('of processes: refusals are in pids.events', async () => {
    const { path } = await box({ path: 'pids', pids: 4 }, 'for i in 1 2 3 4 5 6 7 8; do (sleep 60 &) ; done; while :; do sleep 60; done')
    await until(() => line(`${path}/pids.events`, 'max') > 0)
    expect(Number(content(`${path}/pids.current`))).toBeLessThanOrEqual(4)
  })

  onV2('of processor time: stopped periods are in cpu.stat', async () => {
    const { path } = await box({ path: 'cpu', cpus: 0.1 }, 'while :; do :; done')
    await until(() => line(`${path}/cpu.stat`, 'nr_throttled') > 1)
    // The time is added when a wait is over.
    await until(() => line(`${path}/cpu.stat`, 'throttled_usec') > 0)
  })

  onV2('of processors: what is asked for is what is effective', async () => {
    const { path, pid } = await box({ path: 'cpuset', cpusetCpus: '0' })
    expect(content(`${path}/cpuset.cpus.effective`)).toBe('0')
    expect(content(`/proc/${pid}/status`)).toMatch(/^Cpus_allowed_list:\t0$/m)
  })
})

describe('a living cgroup of v2', () => {
  onV2('is frozen by cgroup.freeze, and killed with those in it while it is frozen', async () => {
    const { path, cgroup, shim } = await box({ path: 'cold' }, 'for i in 1 2 3; do setsid sleep 60 & done; wait', {})
    await until(() => readProcesses(cgroup).length === 4)
    await freeze(cgroup)
    expect([content(`${path}/cgroup.freeze`), line(`${path}/cgroup.events`, 'frozen')]).toEqual(['1', 1])
    await thaw(cgroup)
    expect([content(`${path}/cgroup.freeze`), isFrozen(cgroup)]).toEqual(['0', false])
    await freeze(cgroup)
    await killAll(cgroup)
    expect(readProcesses(cgroup)).toEqual([])
    expect(await shim.exited).toMatchObject({ signal: 9 })
  })

  onV2('is the top of what it sees when its namespace is made at birth', async () => {
    const { shim, path } = await box({ path: 'born' }, undefined, { ...PID, cgroup: 'new' })
    const [, own] = await shim.run([open('/proc/self/cgroup', ['rdonly'], { keep: 'file' }), read(ref('file'), 4096)])
    expect(own && textOf(own)).toMatch(/^0::\/$/m)
    expect(content(`/proc/${shim.childPid}/cgroup`)).toContain(path.slice((top as { mount: string }).mount.length))
  })
})

describe('a bottle on cgroup v2', () => {
  onV2('gives its controllers to those inside, from a top without processes', async () => {
    const bottle = await Bottle.open({ name: 'v2' })
    const [own] = bottle.cgroup.directories.map(({ path }) => path)
    expect(bottle.cgroup.inside.hierarchies.find(({ version }) => version === 2)?.base).toMatch(/^\/sys\/fs\/cgroup/)
    expect(content(`${own}/cgroup.procs`)).toBe('')
    expect(content(`${own}/cgroup.subtree_control`).split(' ').sort()).toEqual(expect.arrayContaining([...NEEDED].sort()))
    expect(content(`${own}/init/cgroup.procs`).split('\n')).toContain(String(bottle.pid))
    const shim = await bottle.shim()
    const inside = cgroups({ path: 'crew', pids: 7 }, bottle.cgroup.inside)
    await shim.run(plan([inside, namespaces({ pid: 'new', ...inside.clone })]))
    expect(content(`${own}/crew/pids.max`)).toBe('7')
    expect(content(`${own}/crew/cgroup.procs`)).toBe(String(bottle.hostPid(shim.childPid as number)))
    await bottle.close()
    expect(existsSync(own as string)).toBe(false)
  })

  onV2('takes along what was made, frozen or nested in it', async () => {
    const bottle = await Bottle.open({ name: 'nest' })
    const [own = ''] = bottle.cgroup.directories.map(({ path }) => path)
    for (const path of [`${own}/a`, `${own}/a/b`, `${own}/a/b/c`]) mkdirSync(path)
    writeFileSync(`${own}/a/cgroup.freeze`, '1')
    await bottle.close()
    expect(existsSync(own)).toBe(false)
  })

  onV2('makes way for another one beside it', async () => {
    const bottles = await Promise.all([Bottle.open({ name: 'one' }), Bottle.open({ name: 'two' })])
    const own = bottles.map(({ cgroup }) => cgroup.directories[0]?.path as string)
    await bottles[0]?.close()
    expect(own.map((path) => existsSync(path))).toEqual([false, true])
    await bottles[1]?.close()
    expect(own.map((path) => existsSync(path))).toEqual([false, false])
  })
})

/** Major and minor number of a disk that is no part of another; io.max is for whole ones. */
function wholeDisk(): [number, number] | undefined {
  const found = readdirSync('/sys/block').find((name) => /^(vd|sd|nvme|xvd|mmcblk)/.test(name))
  const [major, minor] = found ? content(`/sys/block/${found}/dev`).split(':').map(Number) : []
  return major === undefined || minor === undefined ? undefined : [major, minor]
}
