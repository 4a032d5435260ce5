import { describe, expect, it } from 'vitest'
import { parseProfile } from '../../../../lib/primitives/seccomp/profile.js'

const rule = { names: ['read'], action: 'SCMP_ACT_ALLOW' }
const withRule = (change: object) => ({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ ...rule, ...change }] })
const withArgument = (change: object) => withRule({ args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ', ...change }] })

describe('profiles', () => {
  it('are read from JSON text, with the old single name and members that nobody knows', () => {
    const text = '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"name":"read","action":"SCMP_ACT_ALLOW","args":null,"x":1}],"y":2}'
    expect(parseProfile(text)).toEqual({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }] })
  })

  it('keep 64-bit numbers exactly, from text and from values, and leave long digits in strings alone', () => {
    const text = JSON.stringify(withArgument({ value: 7, valueTwo: 8 })).replace('"value":7', '"value": 18446744073709551615')
    expect(parseProfile(text.replace('"valueTwo":8', '"valueTwo":9007199254740993')).syscalls[0]?.args).toEqual([
      { index: 0, value: 2n ** 64n - 1n, valueTwo: 9007199254740993n, op: 'SCMP_CMP_EQ' },
    ])
    expect(parseProfile(withArgument({ value: 2n ** 63n })).syscalls[0]?.args?.[0]?.value).toBe(2n ** 63n)
    const comment = 'see 12345678901234567890 and \\"98765432109876543210\\"'
    expect(parseProfile(JSON.stringify(withRule({ comment }))).syscalls[0]?.comment).toBe(comment)
  })

  it('survive being validated again', () => {
    const once = parseProfile(
      withRule({ args: [{ index: 1, value: 5, op: 'SCMP_CMP_GE' }], includes: { caps: ['CAP_KILL'], minKernel: '4.8' } }),
    )
    expect(parseProfile(once)).toEqual(once)
  })

  const refusals: [string, unknown, RegExp][] = [
    ['no JSON', '{', /^the seccomp profile is no JSON: /],
    ['no object', [], /has \[\] for the profile, where an object belongs$/],
    ['nothing', undefined, /has nothing for the profile/],
    ['no default action', { syscalls: [] }, /has nothing in defaultAction; known are SCMP_ACT_ALLOW, /],
    ['an unknown action', withRule({ action: 'SCMP_ACT_MAYBE' }), /has "SCMP_ACT_MAYBE" in syscalls\[0\]\.action; known are /],
    [
      'a supervisor',
      withRule({ action: 'SCMP_ACT_NOTIFY' }),
      /asks for SCMP_ACT_NOTIFY in syscalls\[0\]\.action, which needs a supervising process/,
    ],
    [
      'an unknown comparison',
      withArgument({ op: 'SCMP_CMP_SPACESHIP' }),
      /has "SCMP_CMP_SPACESHIP" in syscalls\[0\]\.args\[0\]\.op; known are SCMP_CMP_EQ, /,
    ],
    ['an unknown flag', { defaultAction: 'SCMP_ACT_ALLOW', flags: ['SECCOMP_FILTER_FLAG_X'] }, /in flags\[0\]; known are /],
    [
      'a seventh argument',
      withArgument({ index: 6 }),
      /has 6 in syscalls\[0\]\.args\[0\]\.index, where a whole number from 0 to 5 belongs$/,
    ],
    [
      'a negative value',
      withArgument({ value: -1 }),
      /has -1 in syscalls\[0\]\.args\[0\]\.value, where a whole number from 0 to 2\^64-1 belongs$/,
    ],
    [
      'a value that JSON has rounded',
      withArgument({ value: 2 ** 60 }),
      /in syscalls\[0\]\.args\[0\]\.value, which may have been rounded; give numbers beyond 2\^53 as bigints/,
    ],
    ['a value beyond 64 bits', withArgument({ value: 2n ** 64n }), /has 18446744073709551616 in /],
    [
      'an error number beyond the kernel’s',
      withRule({ action: 'SCMP_ACT_ERRNO', errnoRet: 4096 }),
      /has 4096 in syscalls\[0\]\.errnoRet, where a whole number from 0 to 4095/,
    ],
    ['both names', withRule({ name: 'write' }), /has both 'name' and 'names' in syscalls\[0\]/],
    ['names that are no list', withRule({ names: 'read' }), /has "read" in syscalls\[0\]\.names, where a list belongs$/],
    ['a name that is none', withRule({ names: [''] }), /has "" in syscalls\[0\]\.names\[0\], where a name belongs$/],
    [
      'a kernel version that is none',
      withRule({ includes: { minKernel: '4' } }),
      /has "4" in syscalls\[0\]\.includes\.minKernel, where a kernel version such as "4\.8" belongs$/,
    ],
    [
      'both lists of architectures',
      { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86'], archMap: [{ architecture: 'SCMP_ARCH_X86_64' }] },
      /names both/,
    ],
  ]
  it.each(refusals)('are refused with one sentence for %s', (_, profile, sentence) => {
    expect(() => parseProfile(profile)).toThrow(sentence)
  })
})
