/** The instructions of a classic BPF program as data, and their check by the kernel's own rules. linux/filter.h, net/core/filter.c. */
import { constant } from '../../kernel/constants.js'
import { DrydockError } from '../../kernel/errors.js'
import { INSTRUCTION_SIZE, MAX_INSTRUCTIONS } from './assemble.js'

export type Instruction =
  | { readonly kind: 'load'; readonly offset: number }
  | { readonly kind: 'alu'; readonly operation: 'add' | 'sub' | 'mul' | 'div' | 'and' | 'or' | 'lsh' | 'rsh'; readonly operand: number }
  | { readonly kind: 'jump'; readonly to: number }
  | {
      readonly kind: 'test'
      readonly jump: 'jeq' | 'jgt' | 'jge' | 'jset'
      readonly operand: number
      readonly yes: number
      readonly no: number
    }
  | { readonly kind: 'return'; readonly verdict: number }

const of = (word: Parameters<typeof constant<'bpf_class'>>[1]) => constant('bpf_class', word)

const CODES = new Map<number, (operand: number, next: number, whenTrue: number, whenFalse: number) => Instruction>([
  [of('ld') | of('w') | of('abs'), (offset) => ({ kind: 'load', offset })],
  [of('ret') | of('k'), (verdict) => ({ kind: 'return', verdict })],
  [of('jmp') | of('ja'), (distance, next) => ({ kind: 'jump', to: next + distance })],
])
for (const jump of ['jeq', 'jgt', 'jge', 'jset'] as const) {
  CODES.set(of('jmp') | of(jump) | of('k'), (operand, next, whenTrue, whenFalse) => {
    return { kind: 'test', jump, operand, yes: next + whenTrue, no: next + whenFalse }
  })
}
for (const operation of ['add', 'sub', 'mul', 'div', 'and', 'or', 'lsh', 'rsh'] as const) {
  CODES.set(of('alu') | of(operation) | of('k'), (operand) => ({ kind: 'alu', operation, operand }))
}

/**
 * The program's instructions, with absolute targets of jumps. Refused, each with its place: what the kernel would refuse (a length
 * that is no whole number of instructions or over 4096, a jump out of the program, a load outside struct seccomp_data or not at a
 * whole word, an end that is no return), and instructions of the index register and the scratch memory, which no filter here needs.
 */
export function decode(program: Uint8Array): Instruction[] {
  const count = program.length / INSTRUCTION_SIZE
  if (!Number.isInteger(count) || count < 1 || count > MAX_INSTRUCTIONS) {
    throw new DrydockError(
      `a filter of ${program.length} bytes is not between 1 and ${MAX_INSTRUCTIONS} instructions of ${INSTRUCTION_SIZE} bytes`,
    )
  }
  const view = Buffer.from(program.buffer, program.byteOffset, program.length)
  const decoded: Instruction[] = []
  for (let index = 0; index < count; index++) {
    const at = index * INSTRUCTION_SIZE
    const make = CODES.get(view.readUInt16LE(at))
    if (!make)
      throw new DrydockError(
        `instruction ${index} of the filter has the code 0x${view.readUInt16LE(at).toString(16)}, which is not known here`,
      )
    const instruction = make(view.readUInt32LE(at + 4), index + 1, view.readUInt8(at + 2), view.readUInt8(at + 3))
    check(instruction, index, count)
    decoded.push(instruction)
  }
  return decoded
}

/** sizeof(struct seccomp_data): number, architecture, instruction pointer, six arguments. */
const DATA_SIZE = 64

function check(instruction: Instruction, index: number, count: number): void {
  const refuse = (what: string): never => {
    throw new DrydockError(`instruction ${index} of the filter ${what}`)
  }
  if (instruction.kind === 'jump' && instruction.to >= count) refuse('jumps out of the program')
  if (instruction.kind === 'test' && Math.max(instruction.yes, instruction.no) >= count) refuse('jumps out of the program')
  if (instruction.kind === 'load' && (instruction.offset % 4 !== 0 || instruction.offset >= DATA_SIZE)) {
    refuse(`loads from offset ${instruction.offset}, where struct seccomp_data has no word`)
  }
  if (instruction.kind === 'alu' && instruction.operation === 'div' && instruction.operand === 0) refuse('divides by 0')
  if (instruction.kind === 'alu' && /sh$/.test(instruction.operation) && instruction.operand > 31) refuse('shifts by more than 31 bits')
  if (index === count - 1 && instruction.kind !== 'return') refuse('is the last one and no return')
}
