import { describe, expect, it } from 'vitest'
import { forwarding, ids, limits, namespaces, settings } from '../../../lib/doctor/isolation.js'
import { inPart } from '../../../lib/doctor/lessons.js'
import { capabilities, filter, kernel } from '../../../lib/doctor/machine.js'
import { ALL_CAPABILITIES } from '../../../lib/primitives/capabilities.js'
import type { CgroupHost, Hierarchy } from '../../../lib/primitives/cgroups/index.js'
import type { Facts } from '../../../lib/tutor/facts.js'
import type { Missing } from '../../../lib/tutor/needs.js'

const facts: Facts = {
  effectiveUid: 1000,
  userName: 'ada',
  kernel: '6.8.0',
  maxUserNamespaces: 15000,
  unprivilegedUsernsClone: undefined,
  apparmorRestrictsUserns: undefined,
  underSeccomp: false,
  controllers: new Map(),
  newuidmap: true,
  subordinateIds: true,
}
const REFUSED = 'clone3: -1 EPERM (Operation not permitted)'

describe('the machine', () => {
  it('needs a kernel of 5.12 or newer', () => {
    expect(kernel('5.12.0').word).toBe('ok')
    expect(kernel('6.1.0-rc3').word).toBe('ok')
    expect(kernel('5.4.0-200-generic')).toMatchObject({ word: 'missing', says: expect.stringContaining('drydock needs 5.12') })
  })

  it('names the capabilities that nothing here can have', () => {
    const found = capabilities(ALL_CAPABILITIES.filter((name) => name !== 'sys_resource'))
    expect(found).toMatchObject({ word: 'restricted', says: expect.stringContaining('CAP_SYS_RESOURCE') })
    expect(capabilities(ALL_CAPABILITIES).word).toBe('ok')
  })

  it('tells of a filter around', () => {
    expect(filter('filter')).toMatchObject({ word: 'restricted', remedy: expect.stringContaining('seccomp=unconfined') })
    expect(filter('disabled').word).toBe('ok')
  })
})

describe('namespaces', () => {
  it('are judged by the trial, with the setting that explains it', () => {
    expect(namespaces(facts, 'yes').word).toBe('ok')
    expect(namespaces({ ...facts, apparmorRestrictsUserns: 1 }, 'yes').word).toBe('ok')
    expect(namespaces({ ...facts, apparmorRestrictsUserns: 1 }, REFUSED)).toMatchObject({
      word: 'missing',
      says: expect.stringContaining('AppArmor'),
    })
  })

  it('show each setting that restricts somebody', () => {
    expect(settings(facts).map(({ word }) => word)).toEqual(['ok'])
    const strict = settings({ ...facts, maxUserNamespaces: 0, unprivilegedUsernsClone: 0, apparmorRestrictsUserns: 2 })
    expect(strict.map(({ word }) => word)).toEqual(['missing', 'restricted', 'restricted'])
    for (const { remedy } of strict) expect(remedy).toContain('sudo sysctl')
  })

  it('say what gives more ids', async () => {
    const trial = async () => 'yes'
    const plan = { says: 'Root inside is you.' }
    expect(await ids(facts, trial, plan)).toMatchObject({ word: 'ok', says: plan.says })
    expect(await ids({ ...facts, newuidmap: false }, trial, plan)).toMatchObject({
      word: 'restricted',
      remedy: expect.stringContaining('uidmap'),
    })
  })

  it('mention forwarding', () => {
    expect(forwarding('1').word).toBe('ok')
    expect(forwarding('0')).toMatchObject({ word: 'restricted', remedy: expect.stringContaining('ip_forward=1') })
  })
})

describe('limits', () => {
  const host = (parts: Partial<CgroupHost>): CgroupHost => ({
    layout: 'v2',
    hierarchies: [],
    problems: [],
    cpus: 2,
    devicePrograms: false,
    parents: ['drydock'],
    ...parts,
  })
  const tree = (version: 1 | 2, controllers: string[]): Hierarchy => ({
    version,
    name: version === 2 ? 'unified' : controllers.join(),
    controllers,
    mount: '/sys/fs/cgroup',
    base: '/sys/fs/cgroup',
    enabled: [],
    files: new Set(),
  })

  it('lists what can be limited and what cannot', () => {
    const { findings } = limits(host({ hierarchies: [tree(2, ['memory', 'pids', 'cpu', 'cpuset', 'io'])] }))
    expect(findings.map(({ word }) => word)).toEqual(['ok', 'ok', 'restricted'])
    expect(findings[1]?.says).toContain('freezer')
    expect(findings[2]?.says).toMatch(/^devices: /)
  })

  it('passes on why a tree is closed, and what opens it', () => {
    const problem =
      'no part of the cgroup tree at /sys/fs/cgroup is given to you, so nothing can be limited: start again with `systemd-run --user --scope -p Delegate=yes …`, or run with sudo'
    const { findings } = limits(host({ problems: [problem] }))
    expect(findings[1]).toMatchObject({ word: 'missing', remedy: expect.stringContaining('systemd-run --user --scope') })
    expect(findings[1]?.says).toContain('memory, cpu, cpuset, pids, io, devices, freezer: ')
  })

  it('says when there are none', () => {
    expect(limits(host({ layout: 'none' })).findings[0]).toMatchObject({ word: 'missing', remedy: expect.stringContaining('mount') })
  })
})

describe('a lesson', () => {
  const lack: Missing = { need: 'cgroup:memory', why: 'no memory controller', remedy: 'run it with sudo', root: true }

  it('can be played fully, in part, or only read', () => {
    expect(inPart('2 cgroups', [], [], 3, () => []).says).toBe('can be played fully')
    expect(inPart('2 cgroups', [], [lack], 3, () => ['Out of memory'])).toEqual({
      name: '2 cgroups',
      word: 'restricted',
      says: 'can be played; 1 of 3 parts are told and not shown (Out of memory): no memory controller',
      remedy: 'run it with sudo',
    })
    expect(inPart('2 cgroups', ['cgroup:memory'], [lack], 2, () => ['a', 'b']).says).toContain('can be read; nothing of it can be shown')
  })
})
