import { describe, expect, test } from 'vitest'
import { callKey, meetBefore, PHASE, PHASES, PLACES, plan } from '../../../lib/container/plan.js'
import { bpf_prog_attach_cgroup_device } from '../../../lib/kernel/calls/bpf.js'
import { capset, set_no_new_privs, setresuid } from '../../../lib/kernel/calls/credentials.js'
import { close, mkdir, open, rmdir, write } from '../../../lib/kernel/calls/files.js'
import { mount, pivot_root } from '../../../lib/kernel/calls/mounts.js'
import { clone, execve, getpid, sethostname } from '../../../lib/kernel/calls/process.js'
import { child, type Fragment, inPhase, type Phase, ref, type Step, text } from '../../../lib/kernel/step.js'
import { DEFAULT_DEVICES } from '../../../lib/primitives/cgroups/devices.js'
import { type CgroupHost, cgroups } from '../../../lib/primitives/cgroups/index.js'
import { idmap } from '../../../lib/primitives/idmap.js'
import { namespaces } from '../../../lib/primitives/namespaces.js'

const fragment = (...steps: Step[]): Fragment => ({ primitive: 'test', title: 'test', steps })
const at = (phase: Phase, step: Step): Step => ({ ...step, phase })
const cloned = at('clone', clone('uts'))

describe('the order', () => {
  test('is the design’s, and each phase says what, who and why', () => {
    expect(PHASES.map(({ name }) => name)).toEqual([
      'prepare',
      'clone',
      'admit',
      'become',
      'confine',
      'network',
      'mounts',
      'root',
      'name',
      'mask',
      'terminal',
      'filter',
      'privileges',
      'exec',
    ])
    for (const { name, actors, what, why } of PHASES) {
      expect(PHASE[name].what).toBe(what)
      expect(what.length).toBeGreaterThan(10)
      expect(why.length).toBeGreaterThan(40)
      expect(actors.length).toBeGreaterThan(0)
    }
  })

  test('sorts by phase and keeps the fragments’ order within one', () => {
    const first = fragment(at('name', sethostname('a')), cloned, at('mounts', mount('x', '/1', null)))
    const second = fragment(at('mounts', mount('x', '/2', null)), at('prepare', mkdir('/p')), at('mounts', mount('x', '/3', null)))
    expect(plan([first, second]).map(({ call, phase, actor }) => [phase, actor, call])).toEqual([
      ['prepare', 'host', 'mkdirat'],
      ['clone', 'host', 'clone3'],
      ['mounts', 'container', 'mount'],
      ['mounts', 'container', 'mount'],
      ['mounts', 'container', 'mount'],
      ['name', 'container', 'sethostname'],
    ])
    const targets = plan([first, second]).flatMap(({ call, args }) => (call === 'mount' && args[1]?.kind === 'text' ? args[1].parts : []))
    expect(targets).toEqual(['/1', '/2', '/3'])
  })

  test('is cut where something else must happen', () => {
    const steps = plan([fragment(cloned, at('become', setresuid(0)), at('name', sethostname('a')))])
    expect(meetBefore('become', steps).map((part) => part.map(({ call }) => call))).toEqual([['clone3'], ['setresuid', 'sethostname']])
    expect(meetBefore('exec', steps)[1]).toEqual([])
  })
})

describe('a step in the wrong phase', () => {
  test('explains itself', () => {
    expect(() => plan([fragment(cloned, at('root', mount('proc', '/proc', 'proc')))])).toThrow(
      /^mount in phase 'root': it belongs to 'mounts' or 'mask' or 'terminal', because .* \(phase 'root' is for pivot_root, .*: after the last path of the host/,
    )
    expect(() => plan([fragment(cloned, at('mounts', pivot_root('.', '.')))])).toThrow("pivot_root in phase 'mounts': it belongs to 'root'")
    expect(() => plan([fragment(cloned, at('mounts', capset({ effective: [], permitted: [], inheritable: [] })))])).toThrow(
      "it belongs to 'privileges', because what it takes away is needed by every phase before",
    )
    expect(() => plan([fragment(cloned, at('become', set_no_new_privs()))])).toThrow("prctl set_no_new_privs in phase 'become'")
  })

  test('is no fragment', () => {
    expect(() => plan([fragment(cloned), sethostname('x') as never])).toThrow(
      /^a step alone \(sethostname\) is among the fragments of a plan: a fragment is \{/,
    )
    expect(() => plan([[cloned] as never])).toThrow(/^a list is among the fragments/)
  })

  test('has no phase, or one that there is not', () => {
    expect(() => plan([fragment(getpid())])).toThrow('is in no phase')
    expect(() => plan([fragment(at('later' as Phase, getpid()))])).toThrow("a phase 'later' that there is not")
  })

  test('is made by the wrong side', () => {
    expect(() => plan([fragment(cloned, { ...at('mounts', mkdir('/x')), actor: 'host' })])).toThrow(
      "in phase 'mounts' is the host's, but that phase is the container's",
    )
    expect(() => plan([fragment({ ...at('prepare', mkdir('/x')), actor: 'container' }, cloned)])).toThrow("that phase is the host's")
  })
})

describe('references', () => {
  const opened = at('prepare', open('/x', ['rdonly'], { keep: 'x' }))
  const kept = (one: Step) => () => plan([fragment(cloned, one)])

  test('that no step keeps', () => {
    expect(kept(at('mounts', close(ref('x'))))).toThrow(`close(<x>) refers to 'x', which no step keeps`)
    expect(kept(at('admit', open(text`/proc/${ref('y')}/x`, ['wronly'])))).toThrow("refers to 'y'")
    expect(kept(at('admit', bpf_prog_attach_cgroup_device(ref('z'), 3)))).toThrow("refers to 'z'")
  })

  test('that are kept too late', () => {
    expect(() =>
      plan([fragment(at('prepare', close(ref('x'))), at('clone', clone()), at('mounts', open('/x', [], { keep: 'x' })))]),
    ).toThrow(/is kept only later, by openat\(.*\) in phase 'mounts'/)
    expect(() => plan([fragment(at('prepare', open(text`/proc/${child}`, [])), cloned)])).toThrow(
      /'child', which is kept only later, by clone3/,
    )
  })

  test('that are there', () => {
    const steps = [opened, at('mounts', close(ref('x'))), at('admit', open(text`/proc/${child}/uid_map`, ['wronly']))]
    expect(plan([fragment(cloned, ...steps, at('admit', close(ref('pidfd'))))])).toHaveLength(5)
  })

  test('of undo steps: to what was kept before, and by themselves', () => {
    const undoing = (...undo: Step[]) => plan([fragment(at('prepare', mkdir('/x', 0o755, { undo })))])
    expect(undoing(open('/y', [], { keep: 'y' }), write(ref('y'), '-'))).toHaveLength(1)
    expect(() => undoing(rmdir('/x', { dirfd: ref('gone') }))).toThrow(
      'what undoes mkdirat(fdcwd, "/x", 0755), unlinkat(<gone>, "/x", removedir), refers to \'gone\'',
    )
  })
})

describe('clone and exec', () => {
  const run = (path: string, allow?: string[]) => at('exec', execve(path, [path], [], allow ? { allow } : {}))
  test('one container', () => {
    expect(() => plan([fragment(cloned, cloned)])).toThrow('2 clones')
    expect(() => plan([fragment(at('name', sethostname('a')))])).toThrow('a clone is missing')
  })
  test('nothing comes after the program', () => {
    expect(() => plan([fragment(cloned, run('/bin/a'), at('exec', getpid()))])).toThrow('getpid() comes after execve')
  })
  test('a search goes on where it allows ENOENT', () => {
    expect(plan([fragment(cloned, run('/bin/a', ['ENOENT', 'EACCES']), run('/sbin/a'))])).toHaveLength(3)
    expect(() => plan([fragment(cloned, run('/bin/a'), run('/sbin/a'))])).toThrow('is followed by another execve')
  })
})

test('every call with a place of its own is named as the steps name it', () => {
  const made = [set_no_new_privs(), setresuid(0), pivot_root('.', '.'), sethostname('x')]
  for (const step of made) expect(PLACES).toHaveProperty([callKey(step)])
  for (const { phases, why } of Object.values(PLACES)) {
    expect(phases.every((phase) => PHASE[phase])).toBe(true)
    expect(why.length).toBeGreaterThan(20)
  }
})

test('the primitives fit together', () => {
  const v1 = (name: string) => ({
    version: 1 as const,
    name,
    controllers: [name],
    mount: `/cg/${name}`,
    base: `/cg/${name}`,
    enabled: [],
    files: new Set<string>(),
  })
  const host: CgroupHost = {
    layout: 'v1',
    hierarchies: [v1('memory'), v1('devices')],
    problems: [],
    cpus: 2,
    devicePrograms: false,
    parents: ['drydock'],
  }
  const range = { inside: 0, outside: 100000, count: 65536 }
  const group = cgroups({ path: 'box', memory: 1 << 26, devices: DEFAULT_DEVICES }, host)
  const steps = plan([
    fragment(...inPhase('exec', 'container', [execve('/bin/true', ['true'])])),
    group,
    namespaces({ user: 'new', pid: 'new', cgroup: 'new', ...group.clone }),
    idmap({ method: 'root', uids: [range], gids: [range] }),
  ])
  const order = steps.map(({ phase, call }) => `${phase} ${call}`)
  expect(order.indexOf('confine write')).toBeGreaterThan(order.indexOf('become setresuid'))
  expect(order.at(-1)).toBe('exec execve')
  // The fragments’ order holds within a phase.
  expect(plan([group, namespaces({ cgroup: 'new', ...group.clone })]).at(-1)?.call).toBe('unshare')
  expect(() => plan([namespaces({ cgroup: 'new' }), group])).toThrow(
    /write\(.*\) comes after unshare\(cgroup\) in phase 'confine'.*give cgroups before namespaces/,
  )
  const joined = namespaces({ user: { join: 7 } })
  expect(() => plan([idmap({ method: 'root', uids: [range], gids: [range] }), joined])).toThrow('give namespaces before idmap')
})
