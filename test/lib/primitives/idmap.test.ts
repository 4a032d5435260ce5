import { describe, expect, test } from 'vitest'
import { showStep } from '../../../lib/kernel/show.js'
import type { Step } from '../../../lib/kernel/step.js'
import { becomeRoot, explainUserNamespaceFailure, helpers, type IdmapHost, idmap, planIdmap } from '../../../lib/primitives/idmap.js'

const shown = (steps: readonly Step[]) => steps.map((step) => `${step.phase} ${step.actor}: ${showStep(step)}`)
const whole = { inside: 0, outside: 0, count: 4294967295 }
const range = { inside: 0, outside: 100000, count: 65536 }

describe('the steps', () => {
  test('root: the maps by the host, ids and groups by the container', () => {
    const { steps } = idmap({ method: 'root', uids: [range], gids: [range, { inside: 65536, outside: 5, count: 1 }] })
    expect(shown(steps)).toEqual([
      'admit host: openat(fdcwd, "/proc/<child>/gid_map", wronly|cloexec, 0)',
      'admit host: write(<idmap.gid_map>, "0 100000 65536\\n65536 5 1\\n", 25)',
      'admit host: close(<idmap.gid_map>)',
      'admit host: openat(fdcwd, "/proc/<child>/uid_map", wronly|cloexec, 0)',
      'admit host: write(<idmap.uid_map>, "0 100000 65536\\n", 15)',
      'admit host: close(<idmap.uid_map>)',
      'become container: setgroups(0, [])',
      'become container: setresgid(0, 0, 0)',
      'become container: setresuid(0, 0, 0)',
    ])
    for (const step of steps) expect(step.why, showStep(step)).toMatch(/^[A-Z].*\.$/)
  })

  test('single: setgroups is denied first, and not called', () => {
    const one = { inside: 0, outside: 1001, count: 1 }
    const lines = shown(idmap({ method: 'single', uids: [one], gids: [one] }).steps)
    expect(lines[0]).toContain('/proc/<child>/setgroups')
    expect(lines[1]).toContain('"deny"')
    expect(lines.some((line) => line.includes('setgroups('))).toBe(false)
  })

  test('newuidmap: the helpers write the maps', () => {
    const spec = {
      method: 'newuidmap',
      uids: [
        { inside: 0, outside: 1001, count: 1 },
        { ...range, inside: 1 },
      ],
      gids: [{ ...range, outside: 7 }],
    } as const
    expect(shown(idmap(spec).steps)).toEqual(shown(becomeRoot({ setgroups: true })))
    expect(helpers(spec, 55)).toEqual([
      ['newuidmap', '55', '0', '1001', '1', '1', '100000', '65536'],
      ['newgidmap', '55', '0', '7', '65536'],
    ])
    expect(helpers({ ...spec, method: 'root' }, 55)).toEqual([])
  })
})

describe('nonsense', () => {
  const map =
    (...uids: { inside: number; outside: number; count: number }[]) =>
    () =>
      idmap({ method: 'root', uids, gids: [range] })
  test('is named', () => {
    expect(map()).toThrow('at least one uid range')
    expect(map({ inside: 0, outside: 0, count: 0 })).toThrow("'0 0 0' is not")
    expect(map({ inside: 0, outside: -1, count: 1 })).toThrow('three whole numbers')
    expect(map({ inside: 0, outside: 4294967295, count: 1 })).toThrow('beyond the highest id')
    expect(map(range, { inside: 10, outside: 900000, count: 1 })).toThrow('overlap inside at 10')
    expect(map(range, { inside: 70000, outside: 100001, count: 1 })).toThrow('overlap outside at 100001')
    expect(map({ ...range, inside: 1 })).toThrow('no uid outside stands behind uid 0 inside')
    expect(() => idmap({ method: 'single', uids: [range], gids: [range] })).toThrow('can map one id')
  })
})

const user: IdmapHost = {
  uid: 1001,
  gid: 1002,
  user: 'ann',
  privileged: false,
  subuid: '',
  subgid: '',
  newuidmap: undefined,
  newgidmap: undefined,
  ownUidMap: [whole],
  ownGidMap: [whole],
  maxUserNamespaces: 15000,
  unprivilegedClone: 1,
  apparmorRestricts: 0,
  kernel: '6.8.0',
}
const tools = { newuidmap: '/usr/bin/newuidmap', newgidmap: '/usr/bin/newgidmap' }
const root: IdmapHost = { ...user, uid: 0, gid: 0, user: 'root', privileged: true }

describe('the plan of an ordinary user', () => {
  test('with newuidmap and ranges, by name and by number', () => {
    const plan = planIdmap({ ...user, ...tools, subuid: 'bob:1:5\nann:100000:65536\n1001:300000:10\n', subgid: 'ann:200000:65536\n' })
    expect(plan.method).toBe('newuidmap')
    expect(plan.uids).toEqual([
      { inside: 0, outside: 1001, count: 1 },
      { inside: 1, outside: 100000, count: 65536 },
      { inside: 65537, outside: 300000, count: 10 },
    ])
    expect(plan.gids).toEqual([
      { inside: 0, outside: 1002, count: 1 },
      { inside: 1, outside: 200000, count: 65536 },
    ])
    expect(plan.problem).toBeUndefined()
    idmap(plan)
  })

  test.each([
    [{}, 'package uidmap'],
    [{ ...tools, subuid: 'bob:1:5' }, 'no range for ann'],
    [{ ...tools, subuid: 'ann:x:5\nann:5:0', subgid: 'ann:1:1' }, 'no range for ann'],
  ])('one id otherwise, and it says why', (change, reason) => {
    const plan = planIdmap({ ...user, ...change })
    expect(plan).toMatchObject({
      method: 'single',
      uids: [{ inside: 0, outside: 1001, count: 1 }],
      gids: [{ inside: 0, outside: 1002, count: 1 }],
    })
    expect(plan.says).toContain(reason)
    idmap(plan)
  })

  test.each([
    [{ maxUserNamespaces: 0 }, 'max_user_namespaces is 0'],
    [{ unprivilegedClone: 0 }, 'unprivileged_userns_clone is 0'],
    [{ apparmorRestricts: 1 }, 'apparmor_restrict_unprivileged_userns is 1'],
  ])('and what will not work: %j', (change, reason) => {
    expect(planIdmap({ ...user, ...change }).problem).toContain(reason)
  })
})

describe('the plan of root', () => {
  test('with the one id of a user namespace: that one again, and no setgroups', () => {
    const one = [{ inside: 0, outside: 1000, count: 1 }]
    const plan = planIdmap({ ...root, ownUidMap: one, ownGidMap: one })
    expect(plan).toMatchObject({
      method: 'single',
      uids: [{ inside: 0, outside: 0, count: 1 }],
      gids: [{ inside: 0, outside: 0, count: 1 }],
      says: expect.stringContaining('a user namespace already'),
    })
    idmap(plan)
  })

  test('takes the range of drydock, of dockremap, its own, or one that nobody has', () => {
    const at = (subuid: string) => planIdmap({ ...root, subuid, subgid: subuid }).uids
    expect(at('dockremap:165536:65536\ndrydock:300000:65536\n')).toEqual([{ inside: 0, outside: 300000, count: 65536 }])
    expect(at('dockremap:165536:65536\n')).toEqual([{ inside: 0, outside: 165536, count: 65536 }])
    expect(at('ann:100000:65536\nbob:165536:65536\n')).toEqual([{ inside: 0, outside: 231072, count: 65536 }])
    expect(at('')).toEqual([range])
  })

  test('in a user namespace it can give only what it has', () => {
    const own = [{ inside: 0, outside: 100000, count: 65536 }]
    const plan = planIdmap({ ...root, ownUidMap: own, ownGidMap: own, subuid: 'drydock:300000:65536', subgid: 'drydock:300000:65536' })
    expect(plan.uids).toEqual([{ inside: 0, outside: 0, count: 65536 }])
    expect(plan.says).toContain('no ids to spare')
    idmap(plan)
  })

  test('restrictions for ordinary users are not root’s', () => {
    expect(planIdmap({ ...root, apparmorRestricts: 1, unprivilegedClone: 0 }).problem).toBeUndefined()
    expect(planIdmap({ ...root, maxUserNamespaces: 0 }).problem).toContain('max_user_namespaces')
  })
})

describe('a failure explained', () => {
  test.each<[string, Partial<IdmapHost>, RegExp | undefined]>([
    ['EPERM', { apparmorRestricts: 1 }, /AppArmor.*is 1/],
    ['EACCES', { apparmorRestricts: 2 }, /AppArmor.*is 2/],
    ['EPERM', { unprivilegedClone: 0 }, /unprivileged_userns_clone=1/],
    ['EPERM', { ownUidMap: [{ inside: 0, outside: 5, count: 1 }] }, /user id \(1001\) is not mapped/],
    ['EPERM', {}, undefined],
    ['ENOSPC', {}, /max_user_namespaces is 15000.*32 deep/],
    ['EUSERS', { maxUserNamespaces: 0 }, /switched off/],
    ['ENOSYS', { kernel: '4.4.0' }, /kernel \(4\.4\.0\)/],
    ['EIO', {}, undefined],
  ])('%s with %j', (errno, change, sentence) => {
    const explained = explainUserNamespaceFailure(errno, { ...user, ...change })
    if (sentence) expect(explained).toMatch(sentence)
    else expect(explained).toBeUndefined()
  })
})
