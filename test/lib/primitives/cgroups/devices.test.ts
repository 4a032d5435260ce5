import { describe, expect, test } from 'vitest'
import { constant } from '../../../../lib/kernel/constants.js'
import {
  DEFAULT_DEVICES,
  type DeviceRule,
  deviceProgram,
  deviceRuleText,
  parseDeviceRule,
} from '../../../../lib/primitives/cgroups/devices.js'

/** What the kernel passes to the program, and asks of it: struct bpf_cgroup_dev_ctx. */
interface Request {
  type: 'c' | 'b'
  major: number
  minor: number
  access: string
}

/** Runs the few instructions that the programs are made of, as the kernel's interpreter would. Codes are those of linux/bpf.h. */
function run(program: Uint8Array, { type, major, minor, access }: Request): number {
  const bits = { m: 1, r: 2, w: 4 }
  const wanted = [...access].reduce((sum, letter) => sum | bits[letter as keyof typeof bits], 0)
  const context = [(wanted << 16) | (type === 'b' ? 1 : 2), major, minor]
  const code = Buffer.from(program)
  const registers: number[] = Array(11).fill(0)
  for (let at = 0, steps = 0; steps < 10_000; at++, steps++) {
    const [opcode, operands, offset, value] = [
      code.readUInt8(at * 8),
      code.readUInt8(at * 8 + 1),
      code.readInt16LE(at * 8 + 2),
      code.readInt32LE(at * 8 + 4),
    ]
    const [to, from] = [operands & 15, operands >> 4]
    if (opcode === 0x61) {
      expect(from).toBe(1)
      registers[to] = context[offset / 4] as number
    } else if (opcode === 0xbf) registers[to] = registers[from] as number
    else if (opcode === 0xb7) registers[to] = value
    else if (opcode === 0x54) registers[to] = ((registers[to] as number) & value) >>> 0
    else if (opcode === 0x74) registers[to] = (registers[to] as number) >>> value
    else if (opcode === 0x55) at += registers[to] === value ? 0 : offset
    else if (opcode === 0x95) return registers[0] as number
    else throw new Error(`instruction ${opcode.toString(16)} at ${at}`)
  }
  throw new Error('the program does not end')
}

/** What a list of rules means, without a program. */
function allowed(rules: readonly DeviceRule[], request: Request): boolean {
  return rules.some(
    ({ type, major, minor, access }) =>
      (type === 'a' || type === request.type) &&
      (major === '*' || major === request.major) &&
      (minor === '*' || minor === request.minor) &&
      [...request.access].every((letter) => access.includes(letter)),
  )
}

describe('the program', () => {
  const accesses = ['r', 'w', 'm', 'rw', 'rwm', 'rm']
  const numbers = [0, 1, 3, 5, 7, 8, 10, 136, 259]
  const everything: DeviceRule = { type: 'a', major: '*', minor: '*', access: 'rwm' }
  test.each<[string, readonly DeviceRule[]]>([
    ['Docker’s default', DEFAULT_DEVICES],
    ['nothing', []],
    ['everything', [everything]],
    ['one disk for reading', [{ type: 'b', major: 8, minor: 0, access: 'r' }]],
    [
      'all of one kind, by major',
      [
        { type: 'c', major: '*', minor: 1, access: 'rw' },
        { type: 'b', major: 259, minor: '*', access: 'm' },
      ],
    ],
    ['any type', [{ type: 'a', major: 1, minor: 3, access: 'rw' }]],
  ])('answers as its rules say: %s', (_, rules) => {
    const program = deviceProgram(rules)
    for (const type of ['c', 'b'] as const)
      for (const major of numbers)
        for (const minor of numbers)
          for (const access of accesses) {
            const request = { type, major, minor, access }
            expect(run(program, request), JSON.stringify(request)).toBe(allowed(rules, request) ? 1 : 0)
          }
  })

  test('uses the codes of this machine’s headers', () => {
    const [first] = deviceProgram([])
    expect(first).toBe(constant('bpf_class', 'ldx') | constant('bpf_class', 'mem') | constant('bpf_class', 'w'))
    expect(deviceProgram([]).length).toBe(8 * 8)
  })
})

describe('rules in Docker’s words', () => {
  test.each(['c 1:3 rwm', 'b 8:* r', 'a *:* rwm', 'c 136:* rw'])('%s', (text) => {
    expect(deviceRuleText(parseDeviceRule(text))).toBe(text)
  })
  test.each(['', 'c 1:3', 'x 1:3 r', 'c 1 r', 'c 1:3 rx', 'c -1:3 r', 'c 1:3 rwmr'])('%j is none', (text) => {
    expect(() => parseDeviceRule(text)).toThrow("written like 'c 1:3 rwm'")
  })
})
