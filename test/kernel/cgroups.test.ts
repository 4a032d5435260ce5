/**
 * Cgroups in the kernel: limits that bite, and nothing left. The trees are the host's, so everything is made below a directory of
 * this test's own and removed with it.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hostSpawner } from '../../lib/bottle.js'
import { plan } from '../../lib/container/plan.js'
import { open, read } from '../../lib/kernel/calls/files.js'
import { execve } from '../../lib/kernel/calls/process.js'
import { textOf } from '../../lib/kernel/result.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { inPhase, ref, type Step } from '../../lib/kernel/step.js'
import {
  below,
  type Cgroup,
  type CgroupHost,
  type CgroupSpec,
  type CgroupsFragment,
  cgroupOf,
  cgroups,
  detectCgroups,
  freeze,
  hierarchyOf,
  isFrozen,
  joinCgroups,
  killAll,
  Ledger,
  lostParent,
  parseDeviceRule,
  readEvents,
  readLedger,
  readLimits,
  readProcesses,
  readUsage,
  remove,
  removeLeftovers,
  thaw,
  update,
} from '../../lib/primitives/cgroups/index.js'
import { enterAll, type NamespacesSpec, namespaces } from '../../lib/primitives/namespaces.js'
import { missing, type Requirement } from '../support/requires.js'

const MIB = 1024 * 1024
const machine = detectCgroups()
/** Ours on this host, away from what other tests make. */
const host = below(machine, `test-${process.pid}`)
const unified = { ...host, hierarchies: host.hierarchies.filter(({ version }) => version === 2) }

const shims: Shim[] = []
afterEach(async () => {
  for (const shim of shims.splice(0).reverse()) await shim.rollback()
  expect(ours(), 'what a test leaves in the trees').toEqual([])
})
afterAll(async () => {
  if (started) await (await hostSpawner()).close()
})
let started = false
beforeAll(() => {
  started = host.hierarchies.length > 0
})

/** Directories of this test that are there. */
const ours = () => host.hierarchies.map(({ base }) => `${base}/drydock/test-${process.pid}`).filter((path) => existsSync(path))

/** A test that needs controllers (of either version), or a skip that names what is missing. */
function withControllers(controllers: readonly string[], requirements: readonly Requirement[] = []) {
  const lacks = [
    ...missing(requirements),
    ...controllers.filter((name) => !hierarchyOf(host.hierarchies, name)).map((name) => `the ${name} controller, given to this user`),
    ...(host.hierarchies.length === 0 ? ['cgroups that are given to this user'] : []),
  ]
  return (name: string, body: () => Promise<void>) => {
    if (lacks.length === 0) return test(name, body)
    console.warn(`skipped: ${name}: ${lacks.join('; ')}`)
    return test.skip(`${name} [needs: ${lacks.join('; ')}]`, body)
  }
}

interface Box {
  readonly shim: Shim
  readonly pid: number
  readonly fragment: CgroupsFragment
  readonly cgroup: Cgroup
}

async function box(spec: CgroupSpec, options: { kinds?: NamespacesSpec; argv?: string[]; where?: CgroupHost } = {}): Promise<Box> {
  const { kinds = { pid: 'new' }, argv, where = host } = options
  const fragment = cgroups(spec, where)
  const shim = await (await hostSpawner()).shim()
  shims.push(shim)
  await shim.run(plan([fragment, namespaces({ ...kinds, ...fragment.clone }), ...(argv ? [program(argv)] : [])]))
  return { shim, pid: shim.childPid as number, fragment, cgroup: fragment.cgroup }
}

const PATH = ['PATH=/usr/bin:/bin']
const program = (argv: string[]) => ({
  primitive: 'test',
  title: 'test',
  steps: inPhase('exec', 'container', [execve(argv[0] as string, argv, PATH)]),
})
const shell = (script: string) => ['/bin/sh', '-c', script]

/** Look until it is so; the test's own time limit is the end. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

const inside = async (shim: Shim, path: string) => {
  const results = await shim.run([open(path, ['rdonly'], { keep: 'looked' }), read(ref('looked'), 4096)])
  return textOf(results[1] as NonNullable<(typeof results)[1]>)
}

describe('membership', () => {
  withControllers([])('in every tree, in a directory of the container’s own', async () => {
    const { pid, cgroup } = await box({ path: 'member' })
    const found = cgroupOf(pid) ?? []
    for (const { name, path } of cgroup) expect(found.find((one) => one.name === name)?.path, name).toBe(path)
    expect(readProcesses(cgroup)).toEqual([pid])
  })

  withControllers([])('which is the top of what it sees', async () => {
    const { shim } = await box({ path: 'top' }, { kinds: { cgroup: 'new' } })
    const lines = (await inside(shim, '/proc/self/cgroup')).trim().split('\n')
    expect(lines.map((line) => line.split(':').slice(2).join(':'))).toEqual(lines.map(() => '/'))
  })

  withControllers([])('also for a process that is run in it later', async () => {
    const { cgroup, pid } = await box({ path: 'joined' })
    const joining = joinCgroups(cgroup)
    const shim = await (await hostSpawner()).shim()
    shims.push(shim)
    await shim.run(plan([joining, enterAll({ pid, kinds: ['pid'], ...joining.clone })]))
    expect(readProcesses(cgroup)).toEqual([pid, shim.childPid])
    for (const directory of cgroup) expect(readProcesses([directory]), directory.name).toHaveLength(2)
  })

  withControllers([], ['kernel>=5.7'])('at birth on v2, together with its cgroup namespace', async () => {
    const { shim, cgroup, fragment } = await box({ path: 'born' }, { kinds: { cgroup: 'new' }, where: unified })
    expect(fragment.clone.cgroupAtBirth).toBe(true)
    expect(await inside(shim, '/proc/self/cgroup')).toMatch(/^0::\/$/m)
    expect(cgroup).toHaveLength(1)
  })
})

describe('undoing', () => {
  withControllers([])('removes the directories, those above with the last container', async () => {
    const first = await box({ path: 'first' })
    const second = await box({ path: 'second' })
    await first.shim.rollback()
    for (const { path } of first.cgroup) expect(existsSync(path)).toBe(false)
    for (const { path } of second.cgroup) expect(existsSync(path)).toBe(true)
    await second.shim.rollback()
    expect(ours()).toEqual([])
  })

  withControllers([])('removes what was made when a later step fails', async () => {
    const fragment = cgroups({ path: 'half' }, host)
    const shim = await (await hostSpawner()).shim()
    shims.push(shim)
    await shim.run(fragment.steps.filter(({ phase }) => phase === 'prepare').slice(0, 7))
    expect(ours().length).toBeGreaterThan(0)
    await shim.rollback()
    expect(ours()).toEqual([])
  })

  withControllers([])('does not take somebody else’s directory for its own', async () => {
    await box({ path: 'mine' })
    await expect(box({ path: 'mine' })).rejects.toThrow(/mkdirat\(.*\/mine", 0755\): EEXIST/)
  })

  withControllers([])('by somebody else at the wrong moment is told from a failure', async () => {
    const shim = await (await hostSpawner()).shim()
    shims.push(shim)
    const prepare = cgroups({ path: 'lost' }, host).steps.filter(({ phase }) => phase === 'prepare')
    const last = prepare.findIndex(({ undo }) => undo?.some(({ call }) => call === 'rmdir_tree'))
    await shim.run(prepare.slice(0, last))
    for (const path of ours()) rmdirSync(path)
    const error = await shim.run(prepare.slice(last, last + 1)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ message: expect.stringContaining('ENOENT') })
    expect(lostParent(error)).toBe(true)
    await expect(box({ path: 'other' })).resolves.toBeDefined()
    const exists = await box({ path: 'other' }).catch((thrown: unknown) => thrown)
    expect(lostParent(exists)).toBe(false)
    expect(lostParent(new Error('ENOENT'))).toBe(false)
  })

  withControllers([])('happens when the program that asked is killed', async () => {
    const child = spawn('node', ['--import', 'tsx', 'test/support/programs/cgroup-holder.ts'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
    const made = JSON.parse(chunk.toString()) as string[]
    expect(made.filter((path) => existsSync(path))).toEqual(made)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await until(() => made.every((path) => !existsSync(path)))
  })
})

describe('limits', () => {
  withControllers(['memory', 'pids', 'cpu'])('stand in the files, and can be changed up and down', async () => {
    const { cgroup, fragment } = await box({ path: 'limits', memory: 64 * MIB, pids: 20, cpus: 0.5, cpuShares: 512 })
    const now = () => Object.fromEntries(Object.entries(readLimits(cgroup)).map(([key, { value }]) => [key, value]))
    const v1 = hierarchyOf(cgroup, 'memory')?.version === 1
    expect(now()).toMatchObject({ memory: 64 * MIB, pids: 20, cpuQuota: 50_000, cpuPeriod: 100_000 })
    const swap = (both: number, memory: number) =>
      fragment.warnings.some((line) => line.includes('swap')) ? {} : { swap: v1 ? both : both - memory }
    expect(now()).toMatchObject(swap(128 * MIB, 64 * MIB))
    expect(update(cgroup, { memory: 256 * MIB, pids: 30 }, host)).toEqual(fragment.warnings)
    expect(now()).toMatchObject({ memory: 256 * MIB, pids: 30, ...swap(512 * MIB, 256 * MIB) })
    update(cgroup, { memory: 32 * MIB, cpuQuota: -1 }, host)
    expect(now()).toMatchObject({ memory: 32 * MIB, cpuQuota: Number.POSITIVE_INFINITY, ...swap(64 * MIB, 32 * MIB) })
    // Of quota and period, the one that is not changed stays as it is.
    update(cgroup, { cpuQuota: 20_000, cpuPeriod: 50_000 }, host)
    update(cgroup, { cpuQuota: 10_000 }, host)
    expect(now()).toMatchObject({ cpuQuota: 10_000, cpuPeriod: 50_000 })
    update(cgroup, { cpuPeriod: 25_000 }, host)
    expect(now()).toMatchObject({ cpuQuota: 10_000, cpuPeriod: 25_000 })
    expect(() => update(cgroup, { devices: 'all' }, host)).toThrow('cannot be changed')
    expect(readUsage(cgroup).pids?.value).toBe(1)
  })

  withControllers(['memory'])('of memory: who takes more is killed, and it is counted', async () => {
    const { shim, cgroup, fragment } = await box({ path: 'memory', memory: 16 * MIB })
    await shim.monitor({ oomPath: fragment.oomPath as string })
    await shim.run([execve('/bin/sh', ['sh', '-c', 'tail /dev/zero; while :; do :; done'], PATH)])
    await until(() => (readEvents(cgroup).oomKills?.value ?? 0) > 0)
    expect(readEvents(cgroup).memoryLimitHits?.value).toBeGreaterThan(0)
    shim.signal(9)
    expect(await shim.exited).toMatchObject({ signal: 9, oomKilled: true })
  })

  withControllers(['pids'])('of processes: a fork bomb fizzles, and each refusal is counted', async () => {
    const { cgroup } = await box(
      { path: 'pids', pids: 6 },
      { argv: shell('(for i in 1 2 3 4 5 6 7 8 9; do sleep 60 & done); while :; do :; done') },
    )
    await until(() => (readEvents(cgroup).pidsRefused?.value ?? 0) > 0)
    expect(readUsage(cgroup).pids?.value).toBeLessThanOrEqual(6)
  })

  withControllers(['cpu'])('of processor time: a busy loop waits, and each period in which it did is counted', async () => {
    const { cgroup } = await box({ path: 'cpu', cpus: 0.1 }, { argv: shell('while :; do :; done') })
    await until(() => (readEvents(cgroup).throttledPeriods?.value ?? 0) >= 2)
    // The time is added when a wait is over.
    await until(() => (readEvents(cgroup).throttledTime?.value ?? 0) > 0)
    expect(readUsage(cgroup).cpu?.value).toBeGreaterThan(0)
  })

  withControllers(['cpuset'])('of processors', async () => {
    const { shim } = await box({ path: 'cpuset', cpusetCpus: '0' })
    expect(await inside(shim, '/proc/self/status')).toMatch(/^Cpus_allowed_list:\t0$/m)
  })
})

describe('devices', () => {
  const rules = ['c 1:3 rwm', 'c 1:5 r'].map(parseDeviceRule)
  const opened: [string, Step, number][] = [
    ['/dev/null for writing', open('/dev/null', ['wronly']), 0],
    ['/dev/zero for reading', open('/dev/zero', ['rdonly']), 0],
    ['/dev/zero for writing', open('/dev/zero', ['wronly']), 1],
    ['/dev/urandom', open('/dev/urandom', ['rdonly']), 1],
  ]
  async function expectRules(shim: Shim): Promise<void> {
    for (const [what, step, errno] of opened) {
      const [result] = await shim.attempt([step])
      expect(result?.errno, what).toBe(errno)
    }
  }

  withControllers(['devices'])('by the lists of v1', async () => {
    const { shim, fragment } = await box({ path: 'devices', devices: rules })
    expect(fragment.warnings).toEqual([])
    await expectRules(shim)
  })

  withControllers([], ['root', 'kernel>=5.7'])('by a program on v2', async () => {
    const { shim, fragment } = await box({ path: 'program', devices: rules }, { where: unified })
    expect(fragment.steps.filter(({ call }) => call === 'bpf')).toHaveLength(2)
    await expectRules(shim)
  })
})

describe('a living cgroup', () => {
  const busy = shell('while :; do :; done')
  const time = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ').slice(13, 15).join()

  withControllers([])('is frozen, does nothing meanwhile, and thaws', async () => {
    const { cgroup, pid } = await box({ path: 'frozen' }, { argv: busy })
    await freeze(cgroup)
    expect(isFrozen(cgroup)).toBe(true)
    const before = time(pid)
    for (let index = 0; index < 20; index++) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(time(pid)).toBe(before)
    await thaw(cgroup)
    expect(isFrozen(cgroup)).toBe(false)
    await until(() => time(pid) !== before)
  })

  const cases: [string, string[], (cgroup: Cgroup) => Cgroup][] = [
    ['by one write on v2', [], (cgroup) => cgroup],
    ['while they stand still on v1', ['freezer'], (cgroup) => cgroup.filter(({ version }) => version === 1)],
  ]
  for (const [how, needs, part] of cases) {
    withControllers(needs)(`is killed with all that is in it, ${how}`, async () => {
      // Without a pid namespace nobody else kills them all.
      const { cgroup, shim } = await box(
        { path: 'killed' },
        { kinds: {}, argv: shell('for i in 1 2 3 4; do setsid sleep 60 & done; wait') },
      )
      await until(() => readProcesses(cgroup).length >= 5)
      await killAll(part(cgroup))
      expect(readProcesses(cgroup)).toEqual([])
      await shim.exited
    })
  }

  withControllers([])('is removed with what was made in it, when it is empty', async () => {
    const { cgroup, shim } = await box({ path: 'removed' })
    for (const { path } of cgroup) mkdirSync(`${path}/inner`)
    await expect(remove(cgroup, 20)).rejects.toThrow(/cannot be removed: these processes are in it: \d+/)
    await killAll(cgroup)
    await remove(cgroup)
    for (const { path } of cgroup) expect(existsSync(path)).toBe(false)
    await remove(cgroup)
    await shim.rollback()
  })
})

describe('the ledger', () => {
  const pages = () => mkdtempSync(join(tmpdir(), 'drydock-ledger-'))
  /** A page of this process becomes one of a process that has ended: no process had this id with this start. */
  const orphan = (directory: string) => {
    const [page = ''] = readdirSync(directory)
    renameSync(join(directory, page), join(directory, `cgroups-${process.pid}-1.ledger`))
  }

  withControllers([])('has what is made until it is gone', async () => {
    const directory = pages()
    const ledger = new Ledger(directory)
    const { made } = cgroups({ path: 'written' }, host)
    ledger.willMake(made)
    expect(readLedger(directory).map(({ state }) => state)).toEqual(made.map(() => 'owned'))
    const { shim } = await box({ path: 'written' })
    ledger.strikeOut(made)
    expect(readLedger(directory)).toHaveLength(made.length)
    await shim.rollback()
    ledger.strikeOut(made)
    expect(readLedger(directory).filter(({ path }) => path.includes('written'))).toEqual([])
    rmSync(directory, { recursive: true })
  })

  withControllers([])('lets go of leftovers, by name, when nobody has them', async () => {
    const directory = pages()
    const { made, cgroup } = cgroups({ path: 'left' }, host)
    const stranger = host.hierarchies.map(({ base }) => `${base}/drydock/test-${process.pid}/stranger`)
    new Ledger(directory).willMake(made.filter((path) => path.includes(`test-${process.pid}`)))
    for (const path of [...cgroup.map(({ path }) => path), ...stranger]) mkdirSync(path, { recursive: true })
    expect(removeLeftovers(directory), 'while the owner lives').toEqual([])
    orphan(directory)
    expect(new Set(readLedger(directory).map(({ state }) => state))).toEqual(new Set(['left', 'used']))
    expect(removeLeftovers(directory).sort()).toEqual(cgroup.map(({ path }) => path).sort())
    expect(
      stranger.every((path) => existsSync(path)),
      'what nobody wrote down stays',
    ).toBe(true)
    for (const path of stranger) rmdirSync(path)
    removeLeftovers(directory)
    expect([ours(), readdirSync(directory)]).toEqual([[], []])
    rmSync(directory, { recursive: true })
    for (const { base } of host.hierarchies) if (readdirSync(base).includes('drydock')) removeIfEmpty(`${base}/drydock`)
  })

  withControllers([])('leaves alone what is in use', async () => {
    const directory = pages()
    const { cgroup } = await box({ path: 'used' })
    new Ledger(directory).willMake(cgroup.map(({ path }) => path))
    orphan(directory)
    expect(readLedger(directory).every(({ state }) => state === 'used')).toBe(true)
    expect(removeLeftovers(directory)).toEqual([])
    for (const { path } of cgroup) expect(existsSync(path)).toBe(true)
    rmSync(directory, { recursive: true })
  })

  test('leaves alone what is no cgroup, or on another file system than was written down', () => {
    const directory = pages()
    const fake = join(directory, 'drydock', 'box')
    mkdirSync(fake, { recursive: true })
    const page = join(directory, `cgroups-${process.pid}-1.ledger`)
    const lines = [
      { made: fake, device: 0 },
      { made: `${directory}/drydock/../elsewhere/drydock`, device: 0 },
    ]
    writeFileSync(page, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n{"made":"/cut sho`)
    expect(readLedger(directory)).toEqual([{ path: fake, owner: process.pid, state: 'used' }])
    expect(removeLeftovers(directory)).toEqual([])
    expect(existsSync(fake)).toBe(true)
    expect(() => new Ledger(directory).willMake(['/sys/fs/cgroup/memory/somebody'])).toThrow('does not belong in the ledger')
    rmSync(directory, { recursive: true })
  })
})

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // Other tests have something in it.
  }
}

test('a busy host’s trees are described without touching them', () => {
  expect(machine.layout).toMatch(/^(v1|v2|hybrid|none)$/)
  for (const { base } of machine.hierarchies) expect(existsSync(base)).toBe(true)
})
