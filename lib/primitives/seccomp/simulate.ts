/** What a filter answers, without the kernel: an interpreter of classic BPF over struct seccomp_data. For lessons, checks and tests. */
import { errnoOf, SYSCALLS, wordOf } from '../../kernel/constants.js'
import { DrydockError } from '../../kernel/errors.js'
import { nativeAuditArch } from './decide.js'
import { decode, type Instruction } from './instructions.js'
import { ARCHITECTURE, NUMBER } from './nodes.js'

/** What a filter sees of a call; seccomp(2), struct seccomp_data. The instruction pointer is always 0 here. */
export interface CallData {
  readonly number: number
  /** AUDIT_ARCH_*; this machine's own when absent. */
  readonly arch?: number
  /** Up to six, each taken modulo 2^64; those that are absent are 0. */
  readonly args?: readonly (number | bigint)[]
}

/** The filter's 32-bit return value for a call. */
export function run(program: Uint8Array, data: CallData): number {
  return runDecoded(decode(program), data)
}

/** The same for a program that was decoded before; for many calls in a row. */
export function runDecoded(instructions: readonly Instruction[], { number, arch = nativeAuditArch(), args = [] }: CallData): number {
  const word = (offset: number): number => {
    if (offset === NUMBER) return number >>> 0
    if (offset === ARCHITECTURE) return arch
    if (offset < 16) return 0
    const argument = BigInt.asUintN(64, BigInt(args[(offset - 16) >> 3] ?? 0))
    return Number(offset % 8 === 0 ? argument & 0xffff_ffffn : argument >> 32n)
  }
  let accumulator = 0
  for (let index = 0; ; ) {
    const instruction = instructions[index] as Instruction
    switch (instruction.kind) {
      case 'return':
        return instruction.verdict
      case 'load':
        accumulator = word(instruction.offset)
        index++
        break
      case 'alu':
        accumulator = compute(instruction, accumulator)
        index++
        break
      case 'jump':
        index = instruction.to
        break
      case 'test':
        index = passes(instruction, accumulator) ? instruction.yes : instruction.no
        break
    }
  }
}

function passes({ jump, operand }: Instruction & { kind: 'test' }, accumulator: number): boolean {
  switch (jump) {
    case 'jeq':
      return accumulator === operand
    case 'jgt':
      return accumulator > operand
    case 'jge':
      return accumulator >= operand
    case 'jset':
      return (accumulator & operand) !== 0
  }
}

function compute({ operation, operand }: Instruction & { kind: 'alu' }, accumulator: number): number {
  switch (operation) {
    case 'add':
      return (accumulator + operand) >>> 0
    case 'sub':
      return (accumulator - operand) >>> 0
    case 'mul':
      return Math.imul(accumulator, operand) >>> 0
    case 'div':
      return Math.floor(accumulator / operand)
    case 'and':
      return (accumulator & operand) >>> 0
    case 'or':
      return (accumulator | operand) >>> 0
    case 'lsh':
      return (accumulator << operand) >>> 0
    case 'rsh':
      return accumulator >>> operand
  }
}

/** What the filter answers to a call by name (or number), in words: 'allow', 'errno EPERM', 'kill process', 'log', 'trap', … */
export function verdict(program: Uint8Array, call: string | number, args: readonly (number | bigint)[] = []): string {
  return verdictWords(run(program, { number: typeof call === 'number' ? call : numberOf(call), args }))
}

/** The number of a call's name. */
export function numberOf(name: string): number {
  const number = Object.hasOwn(SYSCALLS, name) ? SYSCALLS[name] : undefined
  if (number === undefined) throw new DrydockError(`'${name}' is no system call that the kernel headers of this machine know`)
  return number
}

/** A filter's return value in words. The upper half is the action, the lower one its data. */
export function verdictWords(value: number): string {
  const data = value % 0x1_0000
  const action = wordOf('seccomp_ret', value - data)
  if (action === undefined) return `unknown action 0x${value.toString(16)}`
  if (action === 'errno') return `errno ${errnoOf(data).name}`
  return action === 'trace' ? `trace ${data}` : action.replace('_', ' ')
}
