/** A filter as people read it, for the tutor: one line an instruction, with call names and verdicts in words. */
import { SYSCALLS, wordOf } from '../../kernel/constants.js'
import { decode, type Instruction } from './instructions.js'
import { ARCHITECTURE, NUMBER } from './nodes.js'
import { verdictWords } from './simulate.js'

const SIGNS = { jeq: '==', jgt: '>', jge: '>=', jset: '&' } as const
/** First number of the x32 interface; below it numbers are read in decimal. */
const X32 = 0x4000_0000
const OPERATIONS = { add: '+', sub: '-', mul: '*', div: '/', and: '&', or: '|', lsh: '<<', rsh: '>>' } as const

let known: ReadonlyMap<number, string> | undefined

/** Of all calls by number; made when the first filter is shown, which is seldom. */
function names(): ReadonlyMap<number, string> {
  known ??= new Map(Object.entries(SYSCALLS).map(([name, number]) => [number, name]))
  return known
}

/**
 * The listing of a program:
 *
 *       0  load arch
 *       1  arch == x86_64 ? 2 : 129
 *       2  load number
 *       3  number >= 217 (getdents64) ? 60 : 4
 *     128  return errno EPERM
 */
export function explainProgram(program: Uint8Array): string[] {
  const instructions = decode(program)
  const contents = contentsOf(instructions)
  const width = Math.max(3, String(instructions.length - 1).length)
  return instructions.map((one, index) => `${String(index).padStart(width)}  ${line(one, contents[index] ?? 'unreachable')}`)
}

/** What is in the accumulator before each instruction; jumps only go forward, so one pass is enough. */
function contentsOf(instructions: readonly Instruction[]): (string | undefined)[] {
  const contents: (string | undefined)[] = ['0']
  const flow = (to: number, what: string) => {
    contents[to] = contents[to] === undefined || contents[to] === what ? what : 'accumulator'
  }
  instructions.forEach((one, index) => {
    const before = contents[index]
    if (before === undefined) return
    if (one.kind === 'load') flow(index + 1, wordName(one.offset))
    else if (one.kind === 'alu') flow(index + 1, `(${before} ${OPERATIONS[one.operation]} ${hex(one.operand)})`)
    else if (one.kind === 'jump') flow(one.to, before)
    else if (one.kind === 'test') for (const to of [one.yes, one.no]) flow(to, before)
  })
  return contents
}

function line(one: Instruction, content: string): string {
  switch (one.kind) {
    case 'load':
      return `load ${wordName(one.offset)}`
    case 'alu':
      return `${content} ${OPERATIONS[one.operation]} ${hex(one.operand)}`
    case 'jump':
      return `go to ${one.to}`
    case 'test':
      return `${content} ${SIGNS[one.jump]} ${operandName(one, content)} ? ${one.yes} : ${one.no}`
    case 'return':
      return `return ${verdictWords(one.verdict)}`
  }
}

function wordName(offset: number): string {
  if (offset === NUMBER) return 'number'
  if (offset === ARCHITECTURE) return 'arch'
  if (offset < 16) return `instruction pointer ${offset === 8 ? 'low' : 'high'}`
  return `args[${(offset - 16) >> 3}] ${offset % 8 === 0 ? 'low' : 'high'}`
}

function operandName({ operand }: Instruction & { kind: 'test' }, content: string): string {
  if (content === 'arch') return wordOf('audit_arch', operand) ?? hex(operand)
  if (content === 'number')
    return names().has(operand) ? `${operand} (${names().get(operand)})` : operand < X32 ? String(operand) : hex(operand)
  return hex(operand)
}

const hex = (value: number): string => (value < 10 ? String(value) : `0x${value.toString(16)}`)
