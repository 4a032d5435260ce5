/**
 * Which device numbers a container may open or make nodes for. cgroup v1 has two files of rules; on v2 it is a program that the
 * kernel runs at each open and mknod, here assembled by hand. bpf(2), Documentation/bpf/prog_cgroup_device (struct bpf_cgroup_dev_ctx).
 */
import { constant } from '../../kernel/constants.js'
import { DrydockError } from '../../kernel/errors.js'

export interface DeviceRule {
  /** Character, block, or both. */
  readonly type: 'c' | 'b' | 'a'
  readonly major: number | '*'
  readonly minor: number | '*'
  /** r: open for reading, w: for writing, m: mknod. */
  readonly access: string
}

const rule = (type: 'c' | 'b', major: number | '*', minor: number | '*', access = 'rwm'): DeviceRule => ({ type, major, minor, access })

/** What Docker allows every container: nodes may be made, but only these opened. */
export const DEFAULT_DEVICES: readonly DeviceRule[] = Object.freeze([
  rule('c', '*', '*', 'm'),
  rule('b', '*', '*', 'm'),
  rule('c', 1, 3), // null
  rule('c', 1, 5), // zero
  rule('c', 1, 7), // full
  rule('c', 1, 8), // random
  rule('c', 1, 9), // urandom
  rule('c', 5, 0), // tty
  rule('c', 5, 1), // console
  rule('c', 5, 2), // ptmx
  rule('c', 136, '*'), // pts
])

/** What `devices.deny` takes for "every device, every access". */
export const DENY_ALL_V1 = 'a'

/** A rule as cgroup v1 and Docker write it: `c 1:3 rwm`. */
export function deviceRuleText({ type, major, minor, access }: DeviceRule): string {
  return `${type} ${major}:${minor} ${access}`
}

/** A rule from Docker's text, as in `--device-cgroup-rule`. */
export function parseDeviceRule(text: string): DeviceRule {
  const [, type, major, minor, access] = /^([abc]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text.trim()) ?? []
  if (!type || !major || !minor || !access)
    throw new DrydockError(`a device rule is written like 'c 1:3 rwm'; ${JSON.stringify(text)} is not`)
  const number = (part: string) => (part === '*' ? part : Number(part))
  return { type: type as DeviceRule['type'], major: number(major), minor: number(minor), access }
}

/** Lists that were found right and cannot change: most containers have the same. */
const checked = new WeakSet<readonly DeviceRule[]>()

export function checkDeviceRules(rules: readonly DeviceRule[]): void {
  if (checked.has(rules)) return
  for (const one of rules) {
    const number = (value: number | '*') => value === '*' || (Number.isInteger(value) && value >= 0 && value < 2 ** 32)
    if (!['a', 'b', 'c'].includes(one.type) || !number(one.major) || !number(one.minor) || !/^[rwm]{1,3}$/.test(one.access)) {
      throw new DrydockError(
        `a device rule has a type (a, b, c), a major and a minor number or '*', and an access of r, w, m; ${deviceRuleText(one)} has not`,
      )
    }
  }
  if (Object.isFrozen(rules)) checked.add(rules)
}

const [CONTEXT, RESULT, TYPE, ACCESS, MAJOR, MINOR, SCRATCH] = [1, 0, 2, 3, 4, 5, 6] as const
const ALLOWED = 1
const DENIED = 0

/** Offsets in struct bpf_cgroup_dev_ctx: access in the upper 16 bits and type in the lower, then the two numbers. */
const CONTEXT_MEMBERS = { access_type: 0, major: 4, minor: 8 } as const
const TYPE_BITS = 16
const TYPE_MASK = 0xffff

/**
 * The eBPF program that allows what a rule allows in full, and nothing else: instructions of 8 bytes. A rule is a few comparisons,
 * each of which jumps past the rule when it does not hold.
 */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const load = (to: number, offset: number) => instruction(op.load32, { to, from: CONTEXT, offset })
  const program = [
    load(TYPE, CONTEXT_MEMBERS.access_type),
    instruction(op.copy, { to: ACCESS, from: TYPE }),
    instruction(op.and, { to: TYPE, value: TYPE_MASK }),
    instruction(op.shiftRight, { to: ACCESS, value: TYPE_BITS }),
    load(MAJOR, CONTEXT_MEMBERS.major),
    load(MINOR, CONTEXT_MEMBERS.minor),
    ...rules.flatMap(ruleInstructions),
    instruction(op.set, { to: RESULT, value: DENIED }),
    instruction(op.exit, {}),
  ]
  return Buffer.concat(program)
}

function ruleInstructions({ type, major, minor, access }: DeviceRule): Buffer[] {
  const tests: ((skip: number) => Buffer)[] = []
  const unlessEqual = (register: number, value: number) => {
    tests.push((skip) => instruction(op.jumpUnlessEqual, { to: register, value, offset: skip }))
  }
  if (type !== 'a') unlessEqual(TYPE, constant('bpf', type === 'c' ? 'devcg_dev_char' : 'devcg_dev_block'))
  const before: Buffer[] = []
  const forbidden = ACCESS_BITS.filter(([letter]) => !access.includes(letter)).reduce((sum, [, word]) => sum | constant('bpf', word), 0)
  if (forbidden !== 0) {
    before.push(instruction(op.copy, { to: SCRATCH, from: ACCESS }), instruction(op.and, { to: SCRATCH, value: forbidden }))
    unlessEqual(SCRATCH, 0)
  }
  if (major !== '*') unlessEqual(MAJOR, major)
  if (minor !== '*') unlessEqual(MINOR, minor)
  const allow = [instruction(op.set, { to: RESULT, value: ALLOWED }), instruction(op.exit, {})]
  // A jump of n skips n instructions after itself: the tests that are left, and the two that allow.
  return [...before, ...tests.map((test, index) => test(tests.length - index - 1 + allow.length)), ...allow]
}

const ACCESS_BITS = [
  ['m', 'devcg_acc_mknod'],
  ['r', 'devcg_acc_read'],
  ['w', 'devcg_acc_write'],
] as const

/** Codes of eBPF instructions: class, size or operation, source. Jumps compare 64 bits, of which the upper half is 0 here. */
const op = {
  load32: constant('bpf_class', 'ldx') | constant('bpf_class', 'mem') | constant('bpf_class', 'w'),
  copy: constant('bpf', 'alu64') | constant('bpf', 'mov') | constant('bpf_class', 'x'),
  set: constant('bpf', 'alu64') | constant('bpf', 'mov') | constant('bpf_class', 'k'),
  and: constant('bpf_class', 'alu') | constant('bpf_class', 'and') | constant('bpf_class', 'k'),
  shiftRight: constant('bpf_class', 'alu') | constant('bpf_class', 'rsh') | constant('bpf_class', 'k'),
  jumpUnlessEqual: constant('bpf_class', 'jmp') | constant('bpf', 'jne') | constant('bpf_class', 'k'),
  exit: constant('bpf_class', 'jmp') | constant('bpf', 'exit'),
}

function instruction(
  code: number,
  { to = 0, from = 0, offset = 0, value = 0 }: { to?: number; from?: number; offset?: number; value?: number },
): Buffer {
  const encoded = Buffer.alloc(8)
  encoded.writeUInt8(code, 0)
  encoded.writeUInt8(to | (from << 4), 1)
  encoded.writeInt16LE(offset, 2)
  encoded.writeInt32LE(value | 0, 4)
  return encoded
}
