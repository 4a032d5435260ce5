/** The list of calls of docker exec: its order by the rules of the phases, for both versions of cgroups, with and without a user namespace. */
import { describe, expect, test } from 'vitest'
import { assembleExec, type ExecSpec } from '../../../lib/container/exec.js'
import { execError } from '../../../lib/container/exec-failures.js'
import type { Machine } from '../../../lib/container/index.js'
import { callKey, PHASES, PLACES, type PlannedStep, plan } from '../../../lib/container/plan.js'
import { likelyUser } from '../../../lib/container/users.js'
import { errnoNumber } from '../../../lib/kernel/constants.js'
import type { Result } from '../../../lib/kernel/result.js'
import { DEFAULT_CAPABILITIES } from '../../../lib/primitives/capabilities.js'
import type { Cgroup } from '../../../lib/primitives/cgroups/index.js'
import { specOf } from '../../support/spec.js'

const machine: Machine = {
  cgroups: { layout: 'v2', hierarchies: [], problems: [], cpus: 2, devicePrograms: true, parents: [] },
  capabilities: DEFAULT_CAPABILITIES,
  lastCapability: 40,
  masked: [],
  readOnly: [],
}
const rootless: Machine = {
  ...machine,
  idmap: {
    method: 'single',
    uids: [{ inside: 0, outside: 1000, count: 1 }],
    gids: [{ inside: 0, outside: 1000, count: 1 }],
  } as unknown as NonNullable<Machine['idmap']>,
}
const V1: Cgroup = ['memory', 'pids'].map((name) => ({ version: 1, name, controllers: [name], path: `/sys/fs/cgroup/${name}/drydock/x` }))
const V2: Cgroup = [{ version: 2, name: 'unified', controllers: ['memory'], path: '/sys/fs/cgroup/drydock/x' }]

const container = specOf({ layers: ['/layer'], argv: ['sleep'] })
const spec: ExecSpec = { container, argv: ['true'], env: [], user: '', cwd: '', privileged: false, stdin: false }
const listed = (changes: Partial<ExecSpec> = {}, cgroup = V1, on = machine) =>
  assembleExec({ ...spec, ...changes }, likelyUser(''), on, { pid: 77, cgroup }).steps
/** Neighbours of one name once. */
const calls = (steps: readonly PlannedStep[]) =>
  steps
    .map((step) => `${step.actor === 'host' ? 'host' : 'container'} ${callKey(step)}`)
    .filter((one, index, all) => one !== all[index - 1])

describe('the order', () => {
  test('on cgroup v1', () => {
    expect(calls(listed())).toEqual([
      'host openat',
      'host pidfd_open',
      'host pipe2',
      'host setns',
      'host clone3',
      'host close',
      'container setns',
      'container write',
      ...['openat2', 'read', 'close', 'openat2', 'read', 'close'].map((call) => `container ${call}`),
      'container keyctl',
      'container setsid',
      'container openat',
      'container dup3',
      'container prctl set_dumpable',
      'container seccomp set_mode_filter',
      'container chdir',
      'container prctl capbset_drop',
      'container setgroups',
      'container setresgid',
      'container setresuid',
      'container capset',
      'container umask',
      'container close_range',
      'container execve',
    ])
  })

  test('on cgroup v2 it is born in its cgroup', () => {
    const steps = listed({}, V2)
    expect(calls(steps)).not.toContain('container write')
    const clone = steps.find(({ call }) => call === 'clone3')
    expect(JSON.stringify(clone)).toContain('into_cgroup')
  })

  test('with a terminal, its master goes to the host before the rights go', () => {
    const order = calls(listed({ terminal: { rows: 1, columns: 1 } }))
    expect(order.indexOf('host pidfd_getfd')).toBeGreaterThan(order.indexOf('container ioctl tiocsctty'))
    expect(order.indexOf('host pidfd_getfd')).toBeLessThan(order.indexOf('container seccomp set_mode_filter'))
    // The console is the container's own program's.
    expect(order).not.toContain('container mount')
  })

  test('nobody inside can look into it: it is born so, or becomes so before its privileges go', () => {
    const mayTrace = { ...machine, capabilities: [...DEFAULT_CAPABILITIES, 'sys_ptrace' as const] }
    const born = calls(listed({}, V1, mayTrace))
    expect(born.indexOf('host prctl set_dumpable')).toBeLessThan(born.indexOf('host clone3'))
    expect(born.indexOf('host prctl set_dumpable')).not.toBe(-1)
    expect(born).not.toContain('container prctl set_dumpable')
    // An ordinary user's shim could not take the terminal's master out of one that is born so.
    const later = calls(listed({ terminal: { rows: 1, columns: 1 } }, V2, rootless))
    expect(later.indexOf('container prctl set_dumpable')).toBeGreaterThan(later.indexOf('host pidfd_getfd'))
    expect(later.indexOf('container prctl set_dumpable')).toBeLessThan(later.indexOf('container capset'))
  })

  test('without privileges on the host the user namespace comes first, as the right to the pid namespace is inside', () => {
    const kinds = listed({}, V2, rootless).flatMap(({ call, args }) =>
      call === 'setns' && args[1]?.kind === 'flags' ? [args[1].words] : [],
    )
    expect(kinds).toEqual([
      ['user', 'pid'],
      ['cgroup', 'ipc', 'uts', 'net', 'mnt'],
    ])
    expect(calls(listed({}, V2, rootless))).not.toContain('container setgroups')
  })

  test('obeys the rules of the phases: no step stands where it may not, and one that did would be refused', () => {
    const phases = PHASES.map(({ name }) => name)
    for (const cgroup of [V1, V2]) {
      for (const changes of [{}, { terminal: { rows: 0, columns: 0 } }, { privileged: true, stdin: true }]) {
        const steps = listed(changes, cgroup)
        const places = steps.map(({ phase }) => phases.indexOf(phase))
        expect(places).toEqual([...places].sort((a, b) => a - b))
        for (const step of steps) expect(PLACES[callKey(step)]?.phases ?? phases).toContain(step.phase)
        for (const [index, step] of steps.entries()) {
          const place = PLACES[callKey(step)]
          const wrong = phases.find((phase) => place && !place.phases.includes(phase))
          if (wrong === undefined) continue
          const moved = steps.with(index, { ...step, phase: wrong })
          expect(() => plan([{ primitive: 'moved', title: '', steps: moved }])).toThrow(`in phase '${wrong}': it belongs to`)
        }
      }
    }
  })
})

describe('what it is', () => {
  const execve = (changes: Partial<ExecSpec>) => {
    const args = listed(changes).findLast(({ call }) => call === 'execve')?.args
    return args?.[2]?.kind === 'strings' ? args[2].values : []
  }

  test('its environment is the container’s, with its own over it', () => {
    const own = { ...container, env: ['A=1', 'B=2', 'PATH=/bin'], hostname: 'box' }
    expect(execve({ container: own, env: ['A=x', 'B', 'C=3'], terminal: { rows: 1, columns: 1 } })).toEqual([
      'HOSTNAME=box',
      'TERM=xterm',
      'A=x',
      'PATH=/bin',
      'C=3',
      'HOME=/root',
    ])
  })

  test('all capabilities when it is privileged, under the container’s filter', () => {
    const of = (changes: Partial<ExecSpec>) => listed(changes).find(({ call }) => call === 'capset')
    expect(of({ privileged: true })).toEqual(of({}))
    const wider = assembleExec(
      { ...spec, privileged: true },
      likelyUser(''),
      { ...machine, capabilities: ['sys_admin', 'chown'] },
      { pid: 1, cgroup: V2 },
    )
    expect(JSON.stringify(wider.steps.find(({ call }) => call === 'capset'))).not.toBe(JSON.stringify(of({})))
  })
})

describe('failures', () => {
  const failing = (call: string, errno: string, phase: string): Result[] => {
    const step = listed().findLast((one) => one.call === call && one.phase === phase) as PlannedStep
    return [{ step, status: 'failed', ret: -1n, errno: errnoNumber(errno), nanoseconds: 0, outs: [] }]
  }
  const of = (call: string, errno: string, phase: string) => execError(failing(call, errno, phase), spec)

  for (const [call, errno, phase] of [
    ['pidfd_open', 'ESRCH', 'prepare'],
    ['setns', 'ESRCH', 'become'],
    ['openat', 'ENOENT', 'prepare'],
    ['write', 'ENODEV', 'confine'],
    ['clone3', 'ENOMEM', 'clone'],
    ['execve', 'ECHILD', 'exec'],
  ] as const) {
    test(`${call} answers ${errno}: the container has ended`, () => {
      expect(of(call, errno, phase)).toMatchObject({ status: 409, message: `Container ${container.id} is not running` })
    })
  }

  test('anything else is told with the call', () => {
    expect(of('setns', 'EPERM', 'become')).toMatchObject({ status: 500, exitCode: 125, message: expect.stringContaining('setns') })
    expect(of('execve', 'ENOEXEC', 'exec')).toMatchObject({
      status: 400,
      exitCode: 126,
      message: expect.stringContaining('exec true: exec format error'),
    })
    expect(execError([], spec)).toBeUndefined()
  })
})
