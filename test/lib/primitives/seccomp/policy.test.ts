import { describe, expect, it } from 'vitest'
import { SYSCALLS } from '../../../../lib/kernel/constants.js'
import { atLeast, NATIVE_ARCH, resolveProfile, verdictOf } from '../../../../lib/primitives/seccomp/policy.js'
import type { Profile, ProfileRule } from '../../../../lib/primitives/seccomp/profile.js'

const here = { capabilities: ['kill', 'sys_admin'] as const, kernel: '5.10.0-13-amd64', arch: 'amd64' }
const allowed: ProfileRule = { names: ['read'], action: 'SCMP_ACT_ALLOW' }

function decided(...syscalls: ProfileRule[]): readonly { tests: readonly unknown[]; verdict: number }[] {
  const profile: Profile = { defaultAction: 'SCMP_ACT_ERRNO', syscalls }
  return resolveProfile(profile, here).rules.get(SYSCALLS.read as number) ?? []
}

describe('a profile in its circumstances', () => {
  const conditions: [string, Partial<ProfileRule>, boolean][] = [
    ['includes a capability that is there', { includes: { caps: ['CAP_KILL'] } }, true],
    ['includes two of which one is missing', { includes: { caps: ['CAP_KILL', 'CAP_CHOWN'] } }, false],
    ['excludes one that is missing', { excludes: { caps: ['CAP_CHOWN'] } }, true],
    ['excludes two of which one is there', { excludes: { caps: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } }, false],
    ['includes a capability that no kernel knows', { includes: { caps: ['CAP_NEVER'] } }, false],
    ['includes this architecture', { includes: { arches: ['arm64', 'amd64'] } }, true],
    ['includes another architecture', { includes: { arches: ['s390x'] } }, false],
    ['excludes this architecture', { excludes: { arches: ['amd64'] } }, false],
    ['includes an older kernel', { includes: { minKernel: '4.8' } }, true],
    ['includes the same kernel', { includes: { minKernel: '5.10' } }, true],
    ['includes a newer kernel', { includes: { minKernel: '5.11' } }, false],
    ['excludes an older kernel', { excludes: { minKernel: '4.8' } }, false],
    ['includes and excludes', { includes: { minKernel: '4.8' }, excludes: { caps: ['CAP_SYS_ADMIN'] } }, false],
    ['has empty conditions', { includes: {}, excludes: { caps: [] } }, true],
  ]
  it.each(conditions)('counts a rule that %s: %o → %s', (_, change, counts) => {
    expect(decided({ ...allowed, ...change })).toHaveLength(counts ? 1 : 0)
  })

  it('skips names that no kernel header knows, and says which', () => {
    const profile: Profile = {
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [{ ...allowed, names: ['read', 'reed', 'toString', 'constructor'] }],
    }
    const policy = resolveProfile(profile, here)
    expect([...policy.rules.keys()]).toEqual([SYSCALLS.read])
    expect(policy.unknown).toEqual(['reed', 'toString', 'constructor'])
  })

  it('ignores rules that say what the default says', () => {
    expect(decided({ names: ['read'], action: 'SCMP_ACT_ERRNO' }, allowed)).toEqual([{ tests: [], verdict: verdictOf('SCMP_ACT_ALLOW') }])
    expect(decided({ names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 2 })).toHaveLength(1)
  })

  it('prefers a rule without arguments, and of two such rules the first', () => {
    const args = [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' as const }]
    expect(decided({ ...allowed, args }, { names: ['read'], action: 'SCMP_ACT_TRAP' }, allowed)).toEqual([
      { tests: [], verdict: verdictOf('SCMP_ACT_TRAP') },
    ])
  })

  it('takes tests of different arguments together, and of one argument apart, as runc does', () => {
    const test = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' as const })
    expect(decided({ ...allowed, args: [test(0, 1), test(1, 2)] }).map(({ tests }) => tests.length)).toEqual([2])
    expect(decided({ ...allowed, args: [test(0, 1), test(1, 2), test(0, 3)] }).map(({ tests }) => tests.length)).toEqual([1, 1, 1])
  })

  it('answers ENOSYS to newer calls only when the default refuses', () => {
    const highest = (defaultAction: Profile['defaultAction']) => resolveProfile({ defaultAction, syscalls: [allowed] }, here).highest
    expect(highest('SCMP_ACT_ERRNO')).toBe(SYSCALLS.read)
    expect(highest('SCMP_ACT_KILL_PROCESS')).toBe(SYSCALLS.read)
    expect(highest('SCMP_ACT_ALLOW')).toBeUndefined()
    expect(highest('SCMP_ACT_LOG')).toBeUndefined()
  })

  it('knows kernel versions by their first two numbers', () => {
    expect(atLeast('6.18.44-fc-v669', '6.2')).toBe(true)
    expect(atLeast('4.19.0', '4.8')).toBe(true)
    expect(atLeast('4.7', '4.8')).toBe(false)
    expect(() => atLeast('plan9', '4.8')).toThrow("'plan9' is no kernel version")
    expect(['amd64', 'arm64']).toContain(NATIVE_ARCH)
  })
})
