/** Id maps in the kernel: who one is inside, who that is outside, and what a single id cannot. */
import { readFileSync, statSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import { meetBefore, plan } from '../../lib/container/plan.js'
import { setgroups } from '../../lib/kernel/calls/credentials.js'
import { chown, open } from '../../lib/kernel/calls/files.js'
import { readIdMaps } from '../../lib/kernel/proc/idmap.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { type Fragment, inPhase, type Step } from '../../lib/kernel/step.js'
import { type IdmapSpec, type IdRange, idmap, planIdmap, readIdmapHost } from '../../lib/primitives/idmap.js'
import { namespaces } from '../../lib/primitives/namespaces.js'
import { RANGE_OWNER, runAsOrdinaryUser, runWithRange } from '../support/ordinary.js'
import { program } from '../support/private-host.js'
import { requires } from '../support/requires.js'

let bottle: Bottle
const shims: Shim[] = []
beforeAll(async () => {
  bottle = await Bottle.open({ name: 'idmap' })
})
afterEach(async () => {
  for (const shim of shims.splice(0)) await shim.rollback()
})
afterAll(() => bottle.close())

const doing = (...list: Step[]): Fragment => ({ primitive: 'test', title: 'test', steps: inPhase('mounts', 'container', list) })

async function run(spec: IdmapSpec, ...fragments: Fragment[]): Promise<{ shim: Shim; status: string; proc: (file: string) => string }> {
  const shim = await bottle.shim()
  shims.push(shim)
  await shim.run(plan([namespaces({ user: 'new' }), idmap(spec), ...fragments]))
  const proc = (file: string) => readFileSync(bottle.hostPath(`/proc/${shim.childPid}/${file}`), 'utf8')
  return { shim, status: proc('status'), proc }
}

const columns = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))

/** What an id of the bottle's is outside of it: the same for root, whose bottle has no user namespace. */
function outside(id: number, map: 'uid' | 'gid' = 'uid'): number {
  const own = readIdMaps(bottle.pid)?.[map].find(({ inside, count }) => id >= inside && id < inside + count)
  return own ? own.outside + id - own.inside : id
}

const ranged = requires('ids')

describe('ranges, written by the host', () => {
  const uids: IdRange[] = [
    { inside: 0, outside: 5000, count: 10 },
    { inside: 10, outside: 100, count: 5 },
  ]
  const gids: IdRange[] = [{ inside: 0, outside: 6000, count: 20 }]

  ranged('make the child root inside and somebody else outside', async () => {
    const { proc } = await run({ method: 'root', uids, gids })
    expect(columns(proc('uid_map'))).toEqual([
      [0, outside(5000), 10],
      [10, outside(100), 5],
    ])
    expect(columns(proc('gid_map'))).toEqual([[0, outside(6000, 'gid'), 20]])
    expect(proc('setgroups').trim()).toBe('allow')
    // Read from outside of the bottle.
    const ids = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(proc('status'))?.[1]?.split('\t').map(Number)
    expect([ids('Uid'), ids('Gid')]).toEqual([Array(4).fill(outside(5000)), Array(4).fill(outside(6000, 'gid'))])
  })

  ranged('own what the child makes', async () => {
    const file = '/tmp/made-inside'
    await run({ method: 'root', uids, gids }, doing(open(file, ['wronly', 'creat', 'excl'], { mode: 0o600 }), chown(file, 12, 3)))
    const { uid, gid } = statSync(bottle.hostPath(file))
    expect([uid, gid]).toEqual([outside(102), outside(6003, 'gid')])
  })

  ranged('leave the rest to nobody', async () => {
    const file = '/tmp/not-theirs'
    const { shim } = await run({ method: 'root', uids, gids }, doing(open(file, ['wronly', 'creat', 'excl'], { mode: 0o600 })))
    const [result] = await shim.attempt([{ ...chown(file, 4000, 0), actor: 'container' }])
    expect(result).toMatchObject({ status: 'failed', errno: 22 })
  })
})

describe('an ordinary user', () => {
  requires(
    'one-id',
    'command:setpriv',
    'user-namespaces',
  )('alone has one id, and no setgroups', async () => {
    const { stdout, stderr } = await runAsOrdinaryUser(program('idmap-as-user'))
    expect(stderr).not.toMatch(/Error/)
    const found = JSON.parse(String(stdout))
    expect(found).toMatchObject({ method: 'single', setgroups: 'deny', groups: 'EPERM', chown: 'EINVAL' })
    expect(found.uidMap).toEqual([[0, found.uid, 1]])
  })

  requires(
    'root',
    'command:newuidmap',
    'command:setpriv',
    'command:unshare',
  )('with newuidmap has its range', async () => {
    const { stdout, stderr } = await runWithRange(program('idmap-as-user'))
    expect(stderr).not.toMatch(/Error/)
    const { uid, ids } = RANGE_OWNER
    expect(JSON.parse(String(stdout))).toMatchObject({
      method: 'newuidmap',
      setgroups: 'allow',
      groups: '',
      chown: '',
      uidMap: [
        [0, uid, 1],
        [1, ids.start, ids.count],
      ],
    })
  })
})

test('the meeting for newuidmap lies before the child becomes root', () => {
  const range = [{ inside: 0, outside: 1, count: 1 }]
  const [before, after] = meetBefore(
    'become',
    plan([namespaces({ user: 'new' }), idmap({ method: 'newuidmap', uids: range, gids: range })]),
  )
  expect(before.at(-1)?.call).toBe('clone3')
  expect(after[0]?.call).toBe(setgroups([]).call)
})

test('this machine’s facts can be read', () => {
  const host = readIdmapHost()
  expect(host.uid).toBe(process.geteuid?.())
  expect(host.ownUidMap.length).toBeGreaterThan(0)
  expect(planIdmap(host).uids.length).toBeGreaterThan(0)
})
