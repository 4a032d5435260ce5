import { describe, expect, it } from 'vitest'
import { constant, SYSCALLS } from '../../../../lib/kernel/constants.js'
import { compileProfile } from '../../../../lib/primitives/seccomp/compile.js'
import { decode } from '../../../../lib/primitives/seccomp/instructions.js'
import { OPERATORS, type Profile, type ProfileRule } from '../../../../lib/primitives/seccomp/profile.js'
import { runDecoded, verdict, verdictWords } from '../../../../lib/primitives/seccomp/simulate.js'
import { argumentLists, EDGES, generator, meaning, randomProfile } from './random.js'

const circumstances = { capabilities: [], kernel: '6.1.0' }
const HIGHEST = Math.max(...Object.values(SYSCALLS))
const NUMBERS = [
  ...Array.from({ length: HIGHEST + 40 }, (_, number) => number),
  0x3fff_ffff,
  0x4000_0000,
  0x4000_003b,
  0xffff_fffe,
  0xffff_ffff,
]

/** Every number, those of which the profile speaks with every list of arguments: the program answers what the profile means. */
function compare(profile: Profile, lists: readonly bigint[][]): void {
  const instructions = decode(compileProfile(profile, circumstances).program)
  const spoken = new Set(profile.syscalls.flatMap(({ names }) => names.map((name) => SYSCALLS[name])))
  for (const number of NUMBERS) {
    for (const args of spoken.has(number) ? lists : lists.slice(0, 1)) {
      const answer = runDecoded(instructions, { number, args })
      const wanted = meaning(profile, number, args)
      if (answer !== wanted)
        expect(`call ${number}(${args}): ${verdictWords(answer)}`).toBe(`call ${number}(${args}): ${verdictWords(wanted)}`)
    }
  }
}

describe('compiled programs', () => {
  it('answer what the profile says, for random profiles, all numbers and arguments at the edges', () => {
    const random = generator(20240229)
    for (let round = 0; round < 120; round++) {
      const profile = randomProfile(random, round % 4 === 0 ? 60 : 8)
      compare(profile, argumentLists(profile, random, 12))
    }
  })

  it('compare each operator in full 64 bits', () => {
    for (const op of OPERATORS) {
      for (const value of EDGES) {
        const test = op === 'SCMP_CMP_MASKED_EQ' ? { index: 3, value, valueTwo: 2n ** 32n + 5n, op } : { index: 3, value, op }
        const profile: Profile = {
          defaultAction: 'SCMP_ACT_ERRNO',
          syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [test] }],
        }
        compare(
          profile,
          [...EDGES, value + 1n, value - 1n].map((argument) => [0n, 0n, 0n, BigInt.asUintN(64, argument), 0n, 0n]),
        )
      }
    }
  })

  it('reach any distance: a program of thousands of instructions is right, too', () => {
    const random = generator(7)
    const rules = Object.keys(SYSCALLS).map((name, index): ProfileRule => {
      const args = [0, 1].map((argument) => ({ index: argument, value: BigInt(index * 2 + argument), op: 'SCMP_CMP_EQ' as const }))
      return { names: [name], action: 'SCMP_ACT_ERRNO', errnoRet: 1 + index, args }
    })
    const profile: Profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: rules }
    const count = compileProfile(profile, circumstances).program.length / 8
    expect(count).toBeGreaterThan(2000)
    compare(profile, argumentLists(profile, random, 4))
    const instructions = decode(compileProfile(profile, circumstances).program)
    rules.forEach(({ names, args = [], errnoRet }) => {
      const data = { number: SYSCALLS[names[0] as string] as number, args: args.map(({ value }) => value) }
      expect(runDecoded(instructions, data)).toBe(constant('seccomp_ret', 'errno') + (errnoRet as number))
    })
  })

  it('try a long row of rules about one call one after the other', () => {
    const rules = Array.from({ length: 500 }, (_, index): ProfileRule => {
      const args = [
        {
          index: 0,
          value: 2n ** BigInt(index % 64),
          valueTwo: index % 2 ? 2n ** BigInt(index % 64) : 0,
          op: 'SCMP_CMP_MASKED_EQ' as const,
        },
      ]
      return {
        names: ['read'],
        action: 'SCMP_ACT_ERRNO',
        errnoRet: 1 + index,
        args: [...args, { index: 1, value: index, op: 'SCMP_CMP_EQ' }],
      }
    })
    const profile: Profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: rules }
    compare(
      profile,
      [0n, 1n, 499n, 500n].map((second) => [2n ** 64n - 1n, second, 0n, 0n, 0n, 0n]),
    )
  })

  it('are refused with one sentence over 4096 instructions', () => {
    const rules = Object.keys(SYSCALLS).flatMap((name, index) =>
      [0, 1, 2, 3, 4].map((argument): ProfileRule => {
        return {
          names: [name],
          action: 'SCMP_ACT_ERRNO',
          errnoRet: index,
          args: [{ index: argument, value: 2n ** 40n + BigInt(index), op: 'SCMP_CMP_GT' }],
        }
      }),
    )
    const profile: Profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: rules }
    expect(() => compileProfile(profile, circumstances)).toThrow(
      /^the seccomp profile compiles to \d+ instructions, and the kernel takes 4096 at most$/,
    )
  })

  it('need few instructions: neighbours with one answer are one range, and single numbers one test', () => {
    const allow: Profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }] }
    // load, arch, load, x32, no call, mkdir; allow, EPERM, ENOSYS, kill.
    expect(compileProfile(allow, circumstances).program.length / 8).toBeLessThanOrEqual(10)
  })

  it('search: no call takes more than a few steps', () => {
    const names = Object.keys(SYSCALLS).filter((_, index) => index % 2 === 0)
    const profile: Profile = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }] }
    const instructions = decode(compileProfile(profile, circumstances).program)
    const depths = new Map<number, number>([[0, 1]])
    instructions.forEach((one, index) => {
      const depth = (depths.get(index) ?? 0) + 1
      const next = one.kind === 'test' ? [one.yes, one.no] : one.kind === 'jump' ? [one.to] : one.kind === 'return' ? [] : [index + 1]
      for (const to of next) depths.set(to, Math.max(depths.get(to) ?? 0, depth))
    })
    expect(Math.max(...depths.values())).toBeLessThan(18)
  })

  it('kill what comes from another architecture, and know no x32 call', () => {
    const profile: Profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] }
    const { program } = compileProfile(profile, circumstances)
    const foreign = ['i386', 'arm', 'x86_64', 'aarch64'] as const
    const native = verdict(program, 'read') === 'allow'
    expect(native).toBe(true)
    const answers = foreign.map((arch) => verdictWords(runDecoded(decode(program), { number: 0, arch: constant('audit_arch', arch) })))
    expect(answers.filter((answer) => answer === 'kill process')).toHaveLength(3)
    expect(verdict(program, 0x4000_0000 + 59)).toBe('errno ENOSYS')
    expect(verdict(program, -1)).toBe('allow')
  })

  it('are made once for a profile and its circumstances', () => {
    const profile: Profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] }
    const first = compileProfile(profile, { capabilities: ['chown', 'kill'], kernel: '6.1.0' })
    expect(compileProfile(profile, { capabilities: ['kill', 'chown'], kernel: '6.1.0' })).toBe(first)
    expect(compileProfile(profile, { capabilities: ['kill'], kernel: '6.1.0' })).not.toBe(first)
    expect(compileProfile({ ...profile }, { capabilities: ['kill', 'chown'], kernel: '6.1.0' })).not.toBe(first)
  })
})
