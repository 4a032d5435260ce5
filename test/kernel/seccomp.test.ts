import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import { int } from '../../lib/kernel/args.js'
import { mkdir } from '../../lib/kernel/calls/files.js'
import { mount } from '../../lib/kernel/calls/mounts.js'
import { clone, execve, getpid, join_session_keyring, setns, unshare } from '../../lib/kernel/calls/process.js'
import { errnoOf, SYSCALLS } from '../../lib/kernel/constants.js'
import { readStatus } from '../../lib/kernel/proc/status.js'
import { type Step, step } from '../../lib/kernel/step.js'
import { dockerSets, lastCapability } from '../../lib/primitives/capabilities.js'
import { execute, privileges, process as processOf, workplace } from '../../lib/primitives/process.js'
import { INTERPRETER_CALLS, type Profile, run, type SeccompSpec, seccomp, verdictWords } from '../../lib/primitives/seccomp/index.js'
import { generator } from '../lib/primitives/seccomp/random.js'
import { exitWith, exitWithErrnoOf, onX86, writeProgram } from '../support/program.js'
import { requires } from '../support/requires.js'

let bottle: Bottle
beforeAll(async () => {
  bottle = await Bottle.open({ name: 'seccomp-test' })
})
afterAll(() => bottle?.close())

const spec = { profile: 'default', capabilities: [], noNewPrivileges: false } as const

/** What each step answers in a child that has loaded the filter: 'ok' or the error's name. */
async function behind(filter: SeccompSpec, steps: readonly Step[]): Promise<string[]> {
  const shim = await bottle.shim()
  const allowed = steps.map((one) => ({ ...one, allow: ['EPERM', 'EACCES', 'ENOSYS', 'EBADF', 'EINVAL', 'ENOENT'] }))
  const loading = seccomp(filter).steps
  const results = await shim.attempt([clone('pid'), ...loading, ...allowed])
  const outcomes = results
    .slice(1 + loading.length)
    .map(({ status, errno }) => (status === 'not run' ? status : errno === 0 ? 'ok' : errnoOf(errno).name))
  await shim.rollback()
  return outcomes
}

describe('a filter in the kernel', () => {
  test('the default profile refuses what a container must not do, and lets the rest pass', async () => {
    const steps = [getpid(), unshare(['mnt']), mount('none', '/tmp', 'tmpfs'), setns(-1), join_session_keyring('x'), mkdir('/tmp/default')]
    expect(await behind(spec, steps)).toEqual(['ok', 'EPERM', 'EPERM', 'EPERM', 'EPERM', 'ok'])
    // The same calls without a filter do what they do; with CAP_SYS_ADMIN the profile opens all but the keyrings.
    expect(await behind({ ...spec, profile: 'unconfined' }, steps)).toEqual(['ok', 'ok', 'ok', 'EBADF', 'ok', 'ok'])
    expect(await behind({ ...spec, capabilities: ['sys_admin'] }, steps)).toEqual(['ok', 'ok', 'ok', 'EBADF', 'EPERM', 'ok'])
  })

  test('is seen in the status of the program, with and without no_new_privs', async () => {
    for (const noNewPrivileges of [false, true]) {
      const shim = await bottle.shim()
      const filter = seccomp({ ...spec, noNewPrivileges })
      const { steps } = processOf({
        argv: ['sleep', '60'],
        noNewPrivileges,
        filter,
        capabilities: dockerSets([], 0),
        lastCap: lastCapability(),
      })
      await shim.run([clone('pid'), ...steps])
      const status = readStatus(bottle.hostPid(shim.childPid as number) as number)
      expect(status).toMatchObject({ seccomp: 'filter', noNewPrivs: noNewPrivileges })
      await shim.rollback()
    }
  })

  requires('root')('cannot be loaded by an ordinary process without no_new_privs', async () => {
    const shim = await bottle.shim()
    const ordinary = privileges({ uid: 1000, gid: 1000, groups: [], capabilities: dockerSets([], 1000), lastCap: lastCapability() }).steps
    const results = await shim.attempt([clone('pid'), ...ordinary, ...seccomp(spec).steps])
    expect(errnoOf(results.at(-1)?.errno ?? 0).name).toBe('EACCES')
    await shim.rollback()
  })

  test('compares arguments in 64 bits as the interpreter here says, for random rules', async () => {
    const random = generator(11)
    const edges = [0n, 1n, 7n, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 0x1_0000_0007n, 2n ** 63n, 2n ** 64n - 1n]
    const operators = ['EQ', 'NE', 'LT', 'LE', 'GT', 'GE', 'MASKED_EQ'] as const
    for (let round = 0; round < 12; round++) {
      const syscalls = Array.from({ length: 1 + random.below(4) }, (_, index) => ({
        names: ['pidfd_getfd'],
        action: 'SCMP_ACT_ERRNO' as const,
        errnoRet: 1000 + index,
        args: Array.from({ length: 1 + random.below(2) }, () => ({
          index: 1 + random.below(2),
          value: random.pick(edges),
          valueTwo: random.pick(edges),
          op: `SCMP_CMP_${random.pick(operators)}` as const,
        })),
      }))
      const profile: Profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls }
      const filter = seccomp({ ...spec, profile })
      const program = filterOf(filter.steps[0] as Step)
      const pairs = Array.from({ length: 30 }, () => [random.pick(edges), random.pick(edges)] as const)
      const shim = await bottle.shim()
      // With a descriptor that is none, pidfd_getfd answers EBADF (or, for flags that it does not know, EINVAL) and does nothing.
      const steps = pairs.map(([a, b]) => ({
        ...step('pidfd_getfd', [int('pidfd', -1), int('targetfd', signed(a)), int('flags', signed(b))]),
        allow: ['EBADF', 'EINVAL'],
      }))
      await shim.run([clone('pid'), ...filter.steps])
      for (const [index, one] of steps.entries()) {
        const [{ errno = 0 } = {}] = await shim.attempt([one])
        const [a, b] = pairs[index] as readonly [bigint, bigint]
        const answer = run(program, { number: SYSCALLS.pidfd_getfd as number, args: [2n ** 64n - 1n, a, b] })
        const wanted = verdictWords(answer) === 'allow' ? errno === 9 || errno === 22 : errno === answer % 0x10000
        expect({ a, b, errno, answer: verdictWords(answer), wanted, syscalls }).toMatchObject({ wanted: true })
      }
      await shim.rollback()
    }
  })

  test('of thousands of instructions is taken and obeyed', async () => {
    const syscalls = Object.keys(SYSCALLS).map((name) => ({
      names: [name],
      action: 'SCMP_ACT_ERRNO' as const,
      errnoRet: 2000,
      args: [1, 2].map((index) => ({ index, value: 0x1234_0000_0000n + BigInt(SYSCALLS[name] as number), op: 'SCMP_CMP_EQ' as const })),
    }))
    const filter: SeccompSpec = { ...spec, profile: { defaultAction: 'SCMP_ACT_ALLOW', syscalls } }
    expect(filterOf(seccomp(filter).steps[0] as Step).length / 8).toBeGreaterThan(2000)
    const number = 0x1234_0000_0000n + BigInt(SYSCALLS.pidfd_getfd as number)
    const call = (a: bigint, b: bigint) =>
      step('pidfd_getfd', [int('pidfd', -1), int('targetfd', a), int('flags', b)], { allow: ['EBADF', 'EINVAL'] })
    const shim = await bottle.shim()
    await shim.run([clone('pid'), ...seccomp(filter).steps])
    const errnos: number[] = []
    for (const one of [call(number, number), call(number, 0n), call(number, number + 1n)])
      errnos.push((await shim.attempt([one]))[0]?.errno ?? 0)
    expect(errnos).toEqual([2000, 9, 22])
    await shim.rollback()
  })
})

describe('a program behind a filter', () => {
  async function exitOf(code: Buffer, filter: SeccompSpec) {
    writeProgram(bottle.hostPath('/tmp/program'), code)
    const shim = await bottle.shim()
    await shim.run([clone('pid'), ...seccomp(filter).steps, execve('/tmp/program', ['program'])])
    const { code: status, signal } = await shim.exited
    await shim.ended
    return signal === 0 ? `exit ${status}` : `signal ${signal}`
  }

  test('needs no more than what the plan, the interpreter and the program itself call', async () => {
    const setup = [...privileges({ noNewPrivileges: true }).steps, ...workplace({}).steps, ...execute({ argv: ['/tmp/program'] }).steps]
    const names = [...new Set([...setup.map(({ call }) => call), ...INTERPRETER_CALLS, 'exit_group'])]
    const profile: Profile = { defaultAction: 'SCMP_ACT_KILL_PROCESS', syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }] }
    writeProgram(bottle.hostPath('/tmp/program'), exitWith(42))
    const shim = await bottle.shim()
    // One step at a time, so that the process has to speak with its shim in between.
    for (const one of [clone('pid'), ...seccomp({ ...spec, profile, following: setup }).steps, ...setup]) await shim.run([one])
    expect(await shim.exited).toMatchObject({ code: 42, signal: 0 })
    await shim.ended
  })

  test('is killed with SIGSYS where the profile says so', async () => {
    const profile: Profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['exit_group'], action: 'SCMP_ACT_KILL_PROCESS' }] }
    expect(await exitOf(exitWith(1), { ...spec, profile })).toBe('signal 31')
  })

  onX86('has no second way in: i386 calls kill it, x32 calls are not there', async () => {
    const getpidOfI386 = 20
    const getpidOfX32 = 0x4000_0000 + 39
    expect(await exitOf(exitWithErrnoOf(SYSCALLS.getpid as number, 'syscall'), spec)).toBe('exit 0')
    expect(await exitOf(exitWithErrnoOf(getpidOfI386, 'int80'), spec)).toBe('signal 31')
    expect(await exitOf(exitWithErrnoOf(getpidOfX32, 'syscall'), spec)).toBe('exit 38')
    const permissive: Profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['getpid'], action: 'SCMP_ACT_ERRNO' }] }
    expect(await exitOf(exitWithErrnoOf(SYSCALLS.getpid as number, 'syscall'), { ...spec, profile: permissive })).toBe('exit 1')
    expect(await exitOf(exitWithErrnoOf(getpidOfX32, 'syscall'), { ...spec, profile: permissive })).toBe('exit 38')
  })

  onX86('hears of a call that nobody knew yet that it is not there', async () => {
    expect(await exitOf(exitWithErrnoOf(5000, 'syscall'), spec)).toBe('exit 38')
    expect(await exitOf(exitWithErrnoOf(SYSCALLS.clone3 as number, 'syscall'), spec)).toBe('exit 38')
    expect(await exitOf(exitWithErrnoOf(SYSCALLS.io_uring_setup as number, 'syscall'), spec)).toBe('exit 1')
  })
})

const signed = (value: bigint) => BigInt.asIntN(64, value)

function filterOf(one: Step): Uint8Array {
  const args = one.args[2]
  const filter = args?.kind === 'struct' ? args.fields.find(({ name }) => name === 'filter')?.value : undefined
  if (filter?.kind !== 'bytes') throw new Error('the step has no filter')
  return filter.bytes
}
