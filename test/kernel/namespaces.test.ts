/** Namespaces in the kernel: which ones a process ends up in. Everything happens in a bottle, or in processes that end with the test. */
import { readFileSync, readlinkSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Bottle, hostSpawner } from '../../lib/bottle.js'
import { plan } from '../../lib/container/plan.js'
import { execve, type Namespace, sethostname } from '../../lib/kernel/calls/process.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { type Fragment, inPhase, type Phase, type Step } from '../../lib/kernel/step.js'
import { becomeRoot, idmap, planIdmap } from '../../lib/primitives/idmap.js'
import { enterAll, NAMESPACES, type NamespacesSpec, namespaces } from '../../lib/primitives/namespaces.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { requires } from '../support/requires.js'

let bottle: Bottle
const shims: Shim[] = []
beforeAll(async () => {
  bottle = await Bottle.open({ name: 'namespaces' })
})
afterEach(async () => {
  for (const shim of shims.splice(0).reverse()) await shim.rollback()
})
afterAll(() => bottle.close())

const steps = (phase: Phase, ...list: Step[]): Fragment => ({
  primitive: 'test',
  title: 'test',
  steps: inPhase(phase, 'container', list),
})

/** Identities of a process's namespaces; `pid` as the shims in the bottle count. */
function identities(pid: number): Record<Namespace, string> {
  return Object.fromEntries(NAMESPACES.map((kind) => [kind, readlinkSync(bottle.hostPath(`/proc/${pid}/ns/${kind}`))])) as Record<
    Namespace,
    string
  >
}

/** Run fragments in a shim of the bottle; the child waits for its next step. */
async function run(...fragments: Fragment[]): Promise<{ shim: Shim; pid: number; own: Record<Namespace, string> }> {
  const shim = await bottle.shim()
  shims.push(shim)
  await shim.run(plan(fragments))
  const pid = shim.childPid as number
  return { shim, pid, own: identities(pid) }
}

const ALL_NEW: NamespacesSpec = { user: 'new', cgroup: 'new', ipc: 'new', uts: 'new', net: 'new', pid: 'new', time: 'new', mnt: 'new' }
const kept = () => identities(1)
/** Those of an ordinary user are in several pieces, of which root is one. */
const IDS = [{ inside: 0, outside: 0, count: process.geteuid?.() === 0 ? 65536 : 1 }]
const map = () => idmap({ method: 'root', uids: IDS, gids: IDS })
const differing = (a: Record<Namespace, string>, b: Record<Namespace, string>) => NAMESPACES.filter((kind) => a[kind] !== b[kind])

describe('a process', () => {
  test.each(NAMESPACES)('in a new %s namespace alone', async (kind) => {
    const fragments = kind === 'user' ? [namespaces({ user: 'new' }), map()] : [namespaces({ [kind]: 'new' })]
    expect(differing((await run(...fragments)).own, kept())).toEqual([kind])
  })

  test('in eight new ones', async () => {
    expect(differing((await run(namespaces(ALL_NEW), map())).own, kept())).toEqual([...NAMESPACES])
  })

  test('in none', async () => {
    expect(differing((await run(namespaces({}))).own, kept())).toEqual([])
  })
})

describe('joining', () => {
  test.each(NAMESPACES)('the %s namespace of another', async (kind) => {
    // Who owns a user namespace may enter the others that belong to it; where the user namespace is the same, root may.
    const theirs = kind === 'user' ? await run(namespaces({ user: 'new' }), map()) : await run(namespaces({ [kind]: 'new' }))
    const mine = await run(namespaces({ [kind]: { join: theirs.pid } }))
    expect(mine.own[kind]).toBe(theirs.own[kind])
    expect(differing(mine.own, kept())).toEqual([kind])
  })

  test('all of them, by their paths', async () => {
    const theirs = await run(namespaces(ALL_NEW), map())
    const spec = Object.fromEntries(NAMESPACES.map((kind) => [kind, { join: `/proc/${theirs.pid}/ns/${kind}` }]))
    const mine = await run(namespaces(spec))
    expect(mine.own).toEqual(theirs.own)
    expect(mine.pid).not.toBe(theirs.pid)
  })

  test('a user namespace, in which the new namespaces then are', async () => {
    const theirs = await run(namespaces({ user: 'new' }), map())
    const mine = await run(
      namespaces({ user: { join: theirs.pid }, uts: 'new' }),
      steps('become', ...becomeRoot({ setgroups: true })),
      steps('name', sethostname('theirs')),
    )
    expect(differing(mine.own, kept())).toEqual(['user', 'uts'])
    expect(mine.own.user).toBe(theirs.own.user)
  })

  test('a network, under a new user namespace', async () => {
    const theirs = await run(namespaces({ net: 'new' }))
    const mine = await run(namespaces({ user: 'new', net: { join: theirs.pid } }), map())
    expect(mine.own.net).toBe(theirs.own.net)
    expect(differing(mine.own, kept())).toEqual(['user', 'net'])
  })

  test('what there is not', async () => {
    const shim = await bottle.shim()
    shims.push(shim)
    await expect(shim.run(plan([namespaces({ net: { join: 3_999_999 } })]))).rejects.toThrow(
      /openat\(fdcwd, "\/proc\/3999999\/ns\/net".*ENOENT/,
    )
  })
})

describe('entering a container', () => {
  test.each<[string, NamespacesSpec]>([
    ['without a user namespace', { ...ALL_NEW, user: 'host' }],
    ['with one', ALL_NEW],
  ])('%s, in all its namespaces at once', async (_, spec) => {
    const theirs = await run(...(spec.user === 'new' ? [namespaces(spec), map()] : [namespaces(spec)]))
    const kinds = NAMESPACES.filter((kind) => spec[kind] === 'new')
    const mine = await run(enterAll({ pid: theirs.pid, kinds }))
    expect(mine.own).toEqual(theirs.own)
    const status = readFileSync(bottle.hostPath(`/proc/${mine.pid}/status`), 'utf8')
    expect(/^NSpid:.*\t2$/m.test(status)).toBe(true)
  })

  requires('command:setpriv', 'user-namespaces')('as an ordinary user', async () => {
    const { stdout, stderr } = await runAsOrdinaryUser(['node', '--import', 'tsx', 'test/support/programs/enter-as-user.ts'])
    expect(stderr).not.toMatch(/Error/)
    expect(JSON.parse(String(stdout))).toEqual({ entered: true, joined: true })
  })
})

describe('clocks', () => {
  const DAY = 86_400
  const offsets = (pid: number, proc = bottle.hostPath('/proc')) =>
    Object.fromEntries(
      readFileSync(`${proc}/${pid}/timens_offsets`, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .map(([clock, seconds]) => [clock, Number(seconds)]),
    )
  const sleep = steps('exec', execve('/bin/sleep', ['sleep', '60'], []))

  // The bottle's root has no CAP_SYS_TIME, so that it cannot set the host's clock: this one is a process of the host.
  requires('root')('are set before the clone', async () => {
    const shim = await (await hostSpawner()).shim()
    shims.push(shim)
    await shim.run(plan([namespaces({ time: 'new', pid: 'new', clocks: { boottime: 10 * DAY, monotonic: DAY } }), sleep]))
    const pid = shim.childPid as number
    expect(offsets(pid, '/proc')).toEqual({ boottime: 10 * DAY, monotonic: DAY })
    expect(readlinkSync(`/proc/${pid}/ns/time`)).not.toBe(readlinkSync('/proc/self/ns/time'))
  })

  requires('kernel>=6.2')('in a user namespace, by the container, for the program that it becomes', async () => {
    const { pid } = await run(namespaces({ user: 'new', time: 'new', clocks: { boottime: DAY } }), map(), sleep)
    expect(offsets(pid)).toEqual({ boottime: DAY, monotonic: 0 })
    expect(readlinkSync(bottle.hostPath(`/proc/${pid}/ns/time`))).not.toBe(kept().time)
  })
})

test('the plan for this machine has a namespace that works here', async () => {
  const here = planIdmap()
  expect(here.problem).toBeUndefined()
})
