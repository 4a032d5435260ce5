import { describe, expect, it } from 'vitest'
import { plan } from '../../../lib/container/plan.js'
import { errnoNumber } from '../../../lib/kernel/constants.js'
import type { Result } from '../../../lib/kernel/result.js'
import { showStep } from '../../../lib/kernel/show.js'
import type { Step } from '../../../lib/kernel/step.js'
import { dockerSets } from '../../../lib/primitives/capabilities.js'
import { namespaces } from '../../../lib/primitives/namespaces.js'
import {
  candidates,
  DEFAULT_PATH,
  execute,
  explainExec,
  parseRlimit,
  privileges,
  process,
  workplace,
} from '../../../lib/primitives/process.js'
import { seccomp } from '../../../lib/primitives/seccomp/index.js'

const shown = (steps: readonly Step[]) => steps.map(showStep)

describe('limits', () => {
  const good: [string, object][] = [
    ['nofile=1024:2048', { name: 'nofile', soft: 1024, hard: 2048 }],
    ['nofile=1024', { name: 'nofile', soft: 1024, hard: 1024 }],
    ['core=0:unlimited', { name: 'core', soft: 0, hard: Infinity }],
    ['NPROC=-1', { name: 'nproc', soft: Infinity, hard: Infinity }],
    ['RLIMIT_STACK=18446744073709551615', { name: 'stack', soft: Infinity, hard: Infinity }],
  ]
  it.each(good)('%s', (text, limit) => {
    expect(parseRlimit(text)).toEqual(limit)
  })

  const bad: [string, RegExp][] = [
    ['nofile', /^a limit is written as NAME=SOFT\[:HARD\], such as nofile=1024:2048; 'nofile' is not$/],
    ['nofile=', /^a limit is written as/],
    ['nofile=1:2:3', /^a limit is written as/],
    ['files=1', /^there is no limit 'files'; there are cpu, fsize, /],
    ['nofile=many', /^'many' in the limit 'nofile=many' is neither a whole number nor 'unlimited'$/],
    ['nofile=1.5', /^'1\.5' in the limit/],
    ['nofile=-2', /^'-2' in the limit/],
    ['nofile=2:1', /^the soft limit of nofile \(2\) cannot be above the hard one \(1\)$/],
    ['nofile=-1:5', /^the soft limit of nofile \(unlimited\) cannot be above the hard one \(5\)$/],
  ]
  it.each(bad)('refuses %s', (text, sentence) => {
    expect(() => parseRlimit(text)).toThrow(sentence)
  })
})

describe('privileges', () => {
  const capabilities = {
    bounding: ['chown', 'kill'],
    permitted: ['kill'],
    effective: ['kill'],
    inheritable: ['kill'],
    ambient: ['kill'],
  } as const
  const full = {
    uid: 1000,
    gid: 100,
    groups: [100, 5],
    rlimits: [parseRlimit('nofile=64')],
    capabilities,
    lastCap: 2,
    noNewPrivileges: true,
  }

  it('go in the order in which each can still be done', () => {
    expect(shown(privileges(full).steps)).toEqual([
      'prlimit64(0, nofile, {rlim_cur=64, rlim_max=64}, NULL)',
      'prctl(capbset_drop, dac_override, 0, 0, 0)',
      'prctl(capbset_drop, dac_read_search, 0, 0, 0)',
      'prctl(set_keepcaps, 1, 0, 0, 0)',
      'setgroups(2, [100, 5])',
      'setresgid(100, 100, 100)',
      'setresuid(1000, 1000, 1000)',
      'capset({version=v3, pid=0}, {effective=kill, permitted=kill, inheritable=kill})',
      'prctl(cap_ambient, raise, kill, 0, 0)',
      'prctl(set_no_new_privs, 1, 0, 0, 0)',
    ])
    expect(
      privileges(full).steps.every(({ phase, actor, why }) => phase === 'privileges' && actor === 'container' && why !== undefined),
    ).toBe(true)
  })

  it('leave out what is not asked for', () => {
    expect(shown(privileges({}).steps)).toEqual(['setresgid(0, 0, 0)', 'setresuid(0, 0, 0)'])
    expect(shown(privileges({ groups: [] }).steps)[0]).toBe('setgroups(0, [])')
    expect(shown(privileges({ enterAsRoot: '/root' }).steps)[0]).toBe('chdir("/root")')
  })

  const refusals: [object, RegExp][] = [
    [{ uid: -1 }, /^'-1' is no user id; they go from 0 to 4294967294$/],
    [{ uid: 2 ** 32 - 1 }, /^'4294967295' is no user id/],
    [{ gid: 1.5 }, /^'1\.5' is no group id/],
    [{ groups: [1, Number.NaN] }, /^'NaN' is no group id/],
    [{ groups: Array.from({ length: 65537 }, () => 1) }, /^a process can be in 65536 groups; these are 65537$/],
    [{ capabilities }, /lastCap$/],
    [{ enterAsRoot: 'here' }, /^the working directory is an absolute path; 'here' is not$/],
    [{ rlimits: [{ name: 'cpu', soft: 2, hard: 1 }] }, /^the soft limit of cpu/],
  ]
  it.each(refusals)('refuse %o', (spec, sentence) => {
    expect(() => privileges(spec)).toThrow(sentence)
  })
})

describe('the workplace', () => {
  it('is a directory, a umask, and nothing open', () => {
    expect(shown(workplace({ cwd: '/srv', umask: 0o27 }).steps)).toEqual(['chdir("/srv")', 'umask(027)', 'close_range(3, last, cloexec)'])
    expect(shown(workplace({}).steps)[0]).toBe('chdir("/")')
  })

  it.each([
    [{ cwd: 'srv' }, /absolute path/],
    [{ cwd: '/a\0b' }, /NUL byte/],
    [{ cwd: `/${'x'.repeat(5000)}` }, /5001 bytes long/],
    [{ umask: 0o1000 }, /umask is an octal number/],
  ])('refuses %o', (spec, sentence) => {
    expect(() => workplace(spec)).toThrow(sentence)
  })
})

describe('the program', () => {
  it('with a slash is one execve that allows nothing', () => {
    const { steps } = execute({ argv: ['/bin/sh', '-c', 'id'], env: ['A=1'] })
    expect(shown(steps)).toEqual(['execve("/bin/sh", ["/bin/sh", "-c", "id"], ["A=1"])'])
    expect(steps[0]?.allow).toBeUndefined()
    expect(candidates('./run', [])).toEqual(['./run'])
  })

  it('without one is looked for along PATH', () => {
    const { steps } = execute({ argv: ['sh'], env: ['PATH=/a:/b//::/a:/c'] })
    expect(steps.map(({ args }) => showStep({ call: 'x', args: args.slice(0, 1) }))).toEqual([
      'x("/a/sh")',
      'x("/b/sh")',
      'x("./sh")',
      'x("/c/sh")',
    ])
    expect(steps.map(({ allow }) => allow)).toEqual([...Array.from({ length: 3 }, () => ['ENOENT', 'EACCES', 'ENOTDIR']), undefined])
    expect(candidates('sh', ['X=1'])).toEqual(DEFAULT_PATH.split(':').map((directory) => `${directory}/sh`))
    expect(candidates('sh', ['PATH=/'])).toEqual(['/sh'])
  })

  it('gets each variable once, the last value', () => {
    const [step] = execute({ argv: ['/x'], env: ['A=1', 'B=', 'A=2=3'] }).steps
    expect(step?.args[2]).toMatchObject({ values: ['A=2=3', 'B='] })
  })

  const refusals: [object, RegExp][] = [
    [{ argv: [] }, /^there is no program to start: the list of arguments is empty$/],
    [{ argv: [''] }, /^the program to start has an empty name$/],
    [{ argv: ['a', 'b\0'] }, /^argument 1 holds a NUL byte/],
    [{ argv: ['a'.repeat(131072)] }, /is 131072 bytes long; the kernel takes 131071$/],
    [{ argv: ['a'], env: ['NOTHING'] }, /^a variable is written as NAME=VALUE; "NOTHING" is not$/],
    [{ argv: ['a'], env: ['=x'] }, /^a variable is written as NAME=VALUE; "=x" is not$/],
    [{ argv: ['a'], env: ['A=\0'] }, /^the variable "A" holds a NUL byte/],
  ]
  it.each(refusals)('is refused: %o', (spec, sentence) => {
    expect(() => execute(spec as never)).toThrow(sentence)
  })
})

describe('a failed search', () => {
  const results = (argv: readonly string[], ...errors: string[]): Result[] =>
    errors.map((error, index) => ({
      step: { ...(execute({ argv, env: [] }).steps[0] as Step), actor: 'container' },
      status: index === errors.length - 1 ? 'failed' : 'allowed',
      ret: -1n,
      errno: errnoNumber(error),
      nanoseconds: 0,
      outs: [],
    }))

  const cases: [string, Result[], number, RegExp][] = [
    ['nowhere', results(['nope'], 'ENOENT', 'ENOENT', 'ENOTDIR'), 127, /^'nope' was not found in any of the 3 directories of PATH$/],
    ['one path', results(['/nope'], 'ENOENT'), 127, /^'\/nope' was not found \(neither is the interpreter/],
    ['seen on the way', results(['x'], 'EACCES', 'ENOENT'), 126, /^'x' cannot be executed by this user/],
    ['no program', results(['/x'], 'ENOEXEC'), 126, /^'\/x' is no program for this machine/],
    ['something else', results(['/x'], 'E2BIG'), 126, /^'\/x' cannot be executed: E2BIG \(/],
  ]
  it.each(cases)('is told: %s', (_, outcome, exitCode, message) => {
    const failure = explainExec(outcome)
    expect(failure?.exitCode).toBe(exitCode)
    expect(failure?.message).toMatch(message)
  })

  it('is nothing when a program runs', () => {
    const [first, second] = results(['x'], 'ENOENT', 'ENOENT') as [Result, Result]
    expect(explainExec([first, { ...second, status: 'ok', errno: 0 }])).toBeUndefined()
    expect(explainExec([])).toBeUndefined()
  })
})

describe('a whole process', () => {
  const spec = {
    argv: ['/bin/true'],
    uid: 5,
    capabilities: dockerSets(['kill'], 5),
    lastCap: 0,
    oomScoreAdj: 100,
    groups: [5],
  }
  const filterSpec = { profile: 'default', capabilities: ['kill'], kernel: '6.1.0' } as const
  const calls = (noNewPrivileges: boolean) => {
    const filter = seccomp({ ...filterSpec, noNewPrivileges })
    return plan([namespaces({ pid: 'new' }), process({ ...spec, noNewPrivileges, filter })]).map(({ call }) => call)
  }

  it('is a plan: the filter before the privileges', () => {
    expect(calls(false)).toEqual(
      'clone3 openat write close seccomp prctl setgroups setresgid setresuid capset chdir umask close_range execve'.split(' '),
    )
  })

  it('or, with no_new_privs, last', () => {
    expect(calls(true)).toEqual(
      'clone3 openat write close prctl setgroups setresgid setresuid capset prctl chdir umask close_range seccomp execve'.split(' '),
    )
  })

  it('enters its directory as its user, or as root before that', () => {
    const chdirs = (cwdAsRoot: boolean) =>
      process({ argv: ['/x'], cwd: '/srv', cwdAsRoot }).steps.flatMap(({ call, phase }) => (call === 'chdir' ? [phase] : []))
    expect(chdirs(false)).toEqual(['exec'])
    expect(chdirs(true)).toEqual(['privileges'])
  })

  it.each([-1001, 1001, 0.5])('refuses the OOM score %d', (oomScoreAdj) => {
    expect(() => process({ argv: ['/x'], oomScoreAdj })).toThrow(/^the OOM score adjustment is a whole number from -1000 to 1000/)
  })
})
