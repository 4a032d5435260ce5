import { describe, expect, it } from 'vitest'
import { capset, set_no_new_privs, setresuid } from '../../../../lib/kernel/calls/credentials.js'
import { chdir, execve } from '../../../../lib/kernel/calls/process.js'
import { showStep } from '../../../../lib/kernel/show.js'
import { explainProgram, INTERPRETER_CALLS, type Profile, seccomp, verdict } from '../../../../lib/primitives/seccomp/index.js'
import { decode } from '../../../../lib/primitives/seccomp/instructions.js'

const spec = { profile: 'default', capabilities: ['chown'], noNewPrivileges: false, kernel: '6.1.0' } as const

function programOf(fragment: ReturnType<typeof seccomp>): Uint8Array {
  const args = fragment.steps[0]?.args[2]
  const filter = args?.kind === 'struct' ? args.fields[1]?.value : undefined
  return filter?.kind === 'bytes' ? filter.bytes : new Uint8Array()
}

describe('the seccomp fragment', () => {
  it('is one step: before the privileges go, or last with no_new_privs', () => {
    const early = seccomp(spec)
    expect(early.steps.map(({ call, phase, actor }) => ({ call, phase, actor }))).toEqual([
      { call: 'seccomp', phase: 'filter', actor: 'container' },
    ])
    expect(showStep(early.steps[0] as never)).toMatch(/^seccomp\(set_mode_filter, 0, \{len=\d+, filter=\d+ instructions\}\)$/)
    const late = seccomp({ ...spec, noNewPrivileges: true })
    expect(late.steps.map(({ phase }) => phase)).toEqual(['exec'])
    expect(late.steps[0]?.why).not.toBe(early.steps[0]?.why)
    expect(verdict(programOf(early), 'mount')).toBe('errno EPERM')
  })

  it('is nothing when unconfined', () => {
    expect(seccomp({ ...spec, profile: 'unconfined' }).steps).toEqual([])
  })

  it('passes the flags on', () => {
    const profile: Profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      flags: ['SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_TSYNC'],
      syscalls: [],
    }
    expect(showStep(seccomp({ ...spec, profile, log: true }).steps[0] as never)).toMatch(/^seccomp\(set_mode_filter, spec_allow\|log, /)
  })

  it('is refused when the set-up could not go on behind it, in words that help', () => {
    const names = [...INTERPRETER_CALLS, 'execve', 'exit_group', 'setresuid', 'chdir']
    const profile: Profile = { defaultAction: 'SCMP_ACT_KILL_PROCESS', syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }] }
    const sets = { effective: [], permitted: [], inheritable: [] }
    const following = [setresuid(1000), chdir('/'), execve('/bin/true', ['true'])]
    expect(() => seccomp({ ...spec, profile, following })).not.toThrow()
    expect(() => seccomp({ ...spec, profile, following: [capset(sets), ...following] })).toThrow(
      /answers capset with 'kill process', but setting up the container still needs capset after the filter is loaded: allow capset in it, or set no-new-privileges/,
    )
    const silent: Profile = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['execve'], action: 'SCMP_ACT_ALLOW' }] }
    expect(() => seccomp({ ...spec, profile: silent, noNewPrivileges: true })).toThrow(
      /answers read with 'errno EPERM'.*: allow read in it$/,
    )
  })

  it('looks at arguments that are known', () => {
    const refuse38 = [{ index: 0, value: 38, op: 'SCMP_CMP_EQ' as const }]
    const profile: Profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['prctl'], action: 'SCMP_ACT_ERRNO', args: refuse38 }] }
    expect(() => seccomp({ ...spec, profile })).not.toThrow()
    expect(() => seccomp({ ...spec, profile, following: [set_no_new_privs()] })).toThrow(/answers prctl with 'errno EPERM'/)
  })

  it('lets the default profile’s own set-up through', () => {
    const sets = { effective: ['chown'], permitted: ['chown'], inheritable: [] } as const
    expect(() =>
      seccomp({ ...spec, following: [setresuid(5), capset(sets), set_no_new_privs(), chdir('/'), execve('/x', ['x'])] }),
    ).not.toThrow()
  })
})

describe('a program explained', () => {
  it('is one line an instruction, in words', () => {
    const profile: Profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { names: ['mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 13, args: [{ index: 1, value: 2n ** 32n + 7n, op: 'SCMP_CMP_EQ' }] },
      ],
    }
    const text = explainProgram(programOf(seccomp({ ...spec, profile }))).join('\n')
    expect(text).toMatch(/^ {2}0 {2}load arch\n {2}1 {2}arch == \w+ \? 2 : \d+\n {2}2 {2}load number\n/)
    expect(text).toMatch(/number == \d+ \(mkdirat\) \? \d+ : \d+/)
    expect(text).toMatch(/load args\[1\] high\n.*args\[1\] high == 1 \?/)
    expect(text).toMatch(/args\[1\] low == 7 \?/)
    expect(text).toMatch(/number >= 0x40000000 \?/)
    for (const answer of ['allow', 'errno EACCES', 'errno ENOSYS', 'kill process']) expect(text).toContain(`return ${answer}`)
  })

  it('shows masks', () => {
    const args = [{ index: 2, value: 0xff, valueTwo: 0x11, op: 'SCMP_CMP_MASKED_EQ' as const }]
    const profile: Profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['read'], action: 'SCMP_ACT_LOG', args }] }
    const text = explainProgram(programOf(seccomp({ ...spec, profile }))).join('\n')
    expect(text).toMatch(/args\[2\] low & 0xff\n.*\(args\[2\] low & 0xff\) == 0x11 \?/)
  })
})

describe('programs of others', () => {
  const instruction = (code: number, yes = 0, no = 0, k = 0) => {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt16LE(code, 0)
    bytes.writeUInt8(yes, 2)
    bytes.writeUInt8(no, 3)
    bytes.writeUInt32LE(k, 4)
    return bytes
  }
  const allow = instruction(0x06, 0, 0, 0x7fff0000)
  const refusals: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(), /^a filter of 0 bytes is not between 1 and 4096 instructions of 8 bytes$/],
    ['half an instruction', new Uint8Array(12), /^a filter of 12 bytes/],
    ['no return at the end', instruction(0x20), /^instruction 0 of the filter is the last one and no return$/],
    ['a jump beyond the end', Buffer.concat([instruction(0x15, 0, 1), allow]), /^instruction 0 of the filter jumps out of the program$/],
    ['a load outside the data', Buffer.concat([instruction(0x20, 0, 0, 64), allow]), /^instruction 0 of the filter loads from offset 64/],
    ['an unknown code', Buffer.concat([instruction(0xffff), allow]), /has the code 0xffff, which is not known here$/],
    ['a division by nothing', Buffer.concat([instruction(0x34), allow]), /divides by 0$/],
  ]
  it.each(refusals)('are refused for %s', (_, program, sentence) => {
    expect(() => decode(program)).toThrow(sentence)
  })

  it('are run with their arithmetic', () => {
    // (number + 3) * 2 >> 1 & 0xff | 0x100: 0x106 for 3; load 16 is the first argument.
    const steps = [
      [0x20, 16],
      [0x04, 3],
      [0x24, 2],
      [0x74, 1],
      [0x54, 0xff],
      [0x44, 0x100],
      [0x14, 1],
      [0x64, 1],
      [0x34, 2],
    ]
    const program = Buffer.concat([
      ...steps.map(([code, k]) => instruction(code as number, 0, 0, k)),
      instruction(0x15, 0, 1, 0x105),
      allow,
      instruction(0x06),
    ])
    expect(verdict(program, 'read', [3])).toBe('allow')
    expect(verdict(program, 'read', [4])).toBe('kill thread')
  })
})
