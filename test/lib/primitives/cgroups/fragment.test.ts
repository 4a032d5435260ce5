import { describe, expect, test } from 'vitest'
import { showStep } from '../../../../lib/kernel/show.js'
import type { Step } from '../../../../lib/kernel/step.js'
import { below, cgroupAt, cgroups, DEFAULT_DEVICES, detectCgroups, notEnforced } from '../../../../lib/primitives/cgroups/index.js'
import { asRoot, fixture, HYBRID, UNIFIED } from './fixture.js'

const TOP = '/sys/fs/cgroup'
const unified = detectCgroups(fixture({ files: { ...UNIFIED, ...asRoot, '/proc/self/cgroup': '0::/\n' } }))
const hybrid = detectCgroups(fixture({ files: { ...HYBRID, ...asRoot } }))
const none = { ...unified, layout: 'none' as const, hierarchies: [], problems: ['there is nothing'] }

/** Steps in short: `open file`, `write value`, `mkdir path`, otherwise as the tutor shows them. */
function brief(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => {
    const [shown, path] = [showStep(step), /"([^"]*)"/.exec(showStep(step))?.[1]?.replace(`${TOP}/`, '')]
    if (step.call === 'close') return []
    if (step.call === 'mkdirat') return [`mkdir ${path}`]
    if (step.call === 'write') return [`write ${path}`]
    if (step.call === 'openat') return [`open ${path}`]
    return [shown]
  })
}

describe('on cgroup v2', () => {
  const fragment = cgroups({ path: 'box', memory: 1 << 26, pids: 20, cpus: 0.5 }, { ...unified, cpus: 4 })

  test('one directory, controllers handed down to it, limits, and a descriptor to be born by', () => {
    expect(brief(fragment.steps)).toEqual([
      'open cgroup.subtree_control',
      'write +cpuset',
      'mkdir drydock',
      'open drydock/cgroup.subtree_control',
      'write +cpuset +cpu +io +memory +pids',
      'mkdir drydock/box',
      'open drydock/box/memory.max',
      'write 67108864',
      'open drydock/box/memory.swap.max',
      'write 67108864',
      'open drydock/box/pids.max',
      'write 20',
      'open drydock/box/cpu.max',
      'write 50000 100000',
      'open drydock/box',
    ])
    expect(fragment.steps.every(({ phase, actor }) => phase === 'prepare' && actor === 'host')).toBe(true)
    expect(fragment.clone).toEqual({ into: { ref: 'cgroup.unified' }, cgroupAtBirth: true })
    expect(fragment).toMatchObject({
      warnings: [],
      oomPath: `${TOP}/drydock/box/memory.events`,
      made: [`${TOP}/drydock`, `${TOP}/drydock/box`],
    })
  })

  test('what undoes it: the directories from the bottom up, and what the host’s own directory did not give before', () => {
    const undo = fragment.steps.flatMap((step) => (step.undo ? [brief(step.undo)] : []))
    expect(undo).toEqual([
      ['write -cpuset', 'open cgroup.subtree_control'],
      [`unlinkat(fdcwd, "${TOP}/drydock", removedir)`],
      [`unlinkat(fdcwd, "${TOP}/drydock", removedir)`, `rmdir_tree("${TOP}/drydock/box")`],
    ])
    // The shim runs an undo list from its end.
    const removals = fragment.steps.filter(({ call }) => call === 'mkdirat').at(-1)?.undo
    expect(removals?.map(({ allow }) => allow?.includes('EBUSY') ?? false)).toEqual([true, false])
  })

  test('devices are a program, where it may be loaded', () => {
    const { steps, warnings } = cgroups({ path: 'box', devices: DEFAULT_DEVICES }, unified)
    expect(steps.filter(({ call }) => call === 'bpf').map(showStep)).toEqual([
      expect.stringMatching(
        /^bpf\(prog_load, \{prog_type=prog_type_cgroup_device, insn_cnt=\d+, insns=\d+ instructions, license="MIT"\}, 48\)$/,
      ),
      'bpf(prog_attach, {target_fd=<cgroup.directory>, attach_bpf_fd=<cgroup.program>, attach_type=cgroup_device, attach_flags=f_allow_multi}, 16)',
    ])
    expect(warnings).toEqual([])
    const refused = cgroups({ path: 'box', devices: DEFAULT_DEVICES }, { ...unified, devicePrograms: false })
    expect(refused.steps.some(({ call }) => call === 'bpf')).toBe(false)
    expect(refused.warnings).toEqual([expect.stringMatching(/device access is not limited: on cgroup v2 that is an eBPF program/)])
    expect(cgroups({ path: 'box', devices: 'all' }, unified).steps.some(({ call }) => call === 'bpf')).toBe(false)
  })

  test('a controller that is not given to us is missed out loud', () => {
    const [tree] = unified.hierarchies
    const host = { ...unified, hierarchies: [{ ...(tree as NonNullable<typeof tree>), controllers: ['pids'] }] }
    const limits = { memory: 1 << 26, pids: 5, cpus: 0.5, cpusetCpus: '0', ioWeight: 100 }
    const { warnings } = cgroups({ path: 'box', ...limits }, { ...host, cpus: 4 })
    expect(notEnforced(limits, host)).toEqual(warnings)
    expect(warnings).toEqual([
      'the limit of memory is not enforced: there is no memory controller that drydock may use here',
      'the limit of processor time is not enforced: there is no cpu controller that drydock may use here',
      'the limit of input and output is not enforced: there is no io controller that drydock may use here',
      'the limit of processors is not enforced: there is no cpuset controller that drydock may use here',
    ])
  })
})

describe('on a hybrid host', () => {
  const { steps, clone, oomPath, cgroup } = cgroups(
    { path: 'box', memory: 1 << 26, devices: [{ type: 'c', major: 1, minor: 3, access: 'rw' }] },
    hybrid,
  )

  test('a directory in each tree, joined by the container through what it inherits', () => {
    expect(brief(steps.filter(({ phase }) => phase === 'prepare'))).toEqual([
      'mkdir memory/drydock',
      'mkdir memory/drydock/box',
      'open memory/drydock/box/memory.limit_in_bytes',
      'write 67108864',
      'open memory/drydock/box/memory.memsw.limit_in_bytes',
      'write 134217728',
      'open memory/drydock/box/tasks',
      'mkdir cpu,cpuacct/drydock',
      'mkdir cpu,cpuacct/drydock/box',
      'open cpu,cpuacct/drydock/box/tasks',
      'mkdir cpuset/drydock',
      'open cpuset/drydock/cpuset.cpus',
      'write 0-3',
      'open cpuset/drydock/cpuset.mems',
      'write 0',
      'mkdir cpuset/drydock/box',
      'open cpuset/drydock/box/cpuset.cpus',
      'write 0-3',
      'open cpuset/drydock/box/cpuset.mems',
      'write 0',
      'open cpuset/drydock/box/tasks',
      'mkdir devices/drydock',
      'mkdir devices/drydock/box',
      'open devices/drydock/box/devices.deny',
      'write a',
      'open devices/drydock/box/devices.allow',
      'write c 1:3 rw',
      'open devices/drydock/box/tasks',
      'mkdir systemd/drydock',
      'mkdir systemd/drydock/box',
      'open systemd/drydock/box/tasks',
      'mkdir unified/drydock',
      'mkdir unified/drydock/box',
      'open unified/drydock/box',
    ])
    const joins = steps.filter(({ phase }) => phase === 'confine')
    expect(joins.map(showStep)).toEqual(
      ['memory', 'cpu,cpuacct', 'cpuset', 'devices', 'systemd'].map((name) => `write(<cgroup.${name}>, "0", 1)`),
    )
    expect(joins.every(({ actor }) => actor === 'container')).toBe(true)
  })

  test('it is born in the v2 tree, but its cgroup namespace must wait', () => {
    expect(clone).toEqual({ into: { ref: 'cgroup.unified' }, cgroupAtBirth: false })
    expect(oomPath).toBe(`${TOP}/memory/drydock/box/memory.oom_control`)
    expect(cgroup.map(({ path }) => path)).toContain(`${TOP}/unified/drydock/box`)
  })
})

describe('everywhere', () => {
  test('directories above are removed by the last, or by whoever made them and came no further, unless they are kept', () => {
    const undoOf = (keepParents: boolean) =>
      cgroups({ path: 'a/b', keepParents }, { ...unified, hierarchies: unified.hierarchies.slice(0, 1) })
        .steps.filter(({ call }) => call === 'mkdirat')
        .flatMap(({ undo }) => undo?.map(showStep) ?? [])
    const removed = (path: string) => `unlinkat(fdcwd, "${TOP}/${path}", removedir)`
    const own = `rmdir_tree("${TOP}/drydock/a/b")`
    const above = [removed('drydock'), removed('drydock/a')]
    expect(undoOf(false)).toEqual([...above, ...above, own])
    expect(undoOf(true)).toEqual([own])
  })

  test('only the directory of this one must not be there yet', () => {
    const made = cgroups({ path: 'a/b' }, unified).steps.filter(({ call }) => call === 'mkdirat')
    expect(made.map(({ allow }) => allow)).toEqual([['EEXIST'], ['EEXIST'], undefined])
  })

  test('below another’s', () => {
    const inner = below(unified, 'bottle-1')
    expect(cgroups({ path: 'box' }, inner).made.at(-1)).toBe(`${TOP}/drydock/bottle-1/box`)
    expect(cgroupAt('box', inner)).toMatchObject([{ version: 2, path: `${TOP}/drydock/bottle-1/box` }])
  })

  test('without any cgroups there are no steps, and a sentence for each limit', () => {
    const fragment = cgroups({ path: 'box', memory: 1 << 26, pids: 3, devices: DEFAULT_DEVICES }, none)
    expect(fragment).toMatchObject({ steps: [], clone: {}, made: [] })
    expect(fragment.warnings).toHaveLength(3)
    expect(fragment.oomPath).toBeUndefined()
    expect(cgroups({ path: 'box' }, none).warnings).toEqual([])
  })

  test('every step says why', () => {
    for (const host of [unified, hybrid]) {
      for (const step of cgroups({ path: 'box', memory: 1 << 26, devices: DEFAULT_DEVICES }, host).steps) {
        expect(step.why, showStep(step)).toMatch(/^(…|[A-Z0]).*[.…]$/)
      }
    }
  })

  test('nonsense is refused before a step is made', () => {
    expect(() => cgroups({ path: '../up' }, unified)).toThrow('is no name for a cgroup')
    expect(() => cgroups({ path: 'box', memory: -7 }, unified)).toThrow('whole number of bytes')
  })
})
