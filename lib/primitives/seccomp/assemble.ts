/**
 * From the graph of decisions to the bytes of a classic BPF program. bpf(4)-style instructions, linux/filter.h: u16 code, u8 jump if
 * true, u8 jump if false, u32 operand.
 */
import { flags } from '../../kernel/constants.js'
import { DrydockError } from '../../kernel/errors.js'
import type { Node } from './nodes.js'

/** BPF_MAXINSNS: what the kernel takes at most. */
export const MAX_INSTRUCTIONS = 4096
export const INSTRUCTION_SIZE = 8

/** How far a conditional jump reaches: its offsets are bytes. */
const REACH = 255

interface Instruction {
  readonly code: number
  readonly whenTrue: number
  readonly whenFalse: number
  readonly operand: number
}

const CODES = {
  load: flags('bpf_class', ['ld', 'w', 'abs']),
  and: flags('bpf_class', ['alu', 'and', 'k']),
  return: flags('bpf_class', ['ret', 'k']),
  ja: flags('bpf_class', ['jmp', 'ja']),
  jeq: flags('bpf_class', ['jmp', 'jeq', 'k']),
  jgt: flags('bpf_class', ['jmp', 'jgt', 'k']),
  jge: flags('bpf_class', ['jmp', 'jge', 'k']),
  jset: flags('bpf_class', ['jmp', 'jset', 'k']),
}

/** The program of a graph whose first instruction is `entry`'s. */
export function assemble(entry: Node): Uint8Array {
  const program = new Program()
  for (const node of leavesFirst(entry)) program.add(node)
  return program.bytes()
}

/**
 * The program grows from its end to its beginning: jumps only go forward, so whatever an instruction leads to stands already when it
 * is added, and its distance is known.
 */
class Program {
  readonly #backwards: Instruction[] = []
  /** Where a node's first instruction stands, counted from the program's end; the nearest one when there are several. */
  readonly #places = new Map<Node, number>()

  add(node: Node): void {
    switch (node.kind) {
      case 'return':
        this.#put(CODES.return, node.verdict)
        break
      case 'load':
        this.#leadTo(node.next)
        this.#put(CODES.load, node.offset)
        break
      case 'and':
        this.#leadTo(node.next)
        this.#put(CODES.and, node.mask)
        break
      case 'test':
        this.#bringNear(node.yes, node.no)
        this.#put(CODES[node.jump], node.operand, this.#distance(node.yes), this.#distance(node.no))
        break
    }
    this.#places.set(node, this.#backwards.length - 1)
  }

  bytes(): Uint8Array {
    const count = this.#backwards.length
    if (count > MAX_INSTRUCTIONS) {
      throw new DrydockError(`the seccomp profile compiles to ${count} instructions, and the kernel takes ${MAX_INSTRUCTIONS} at most`, {
        status: 400,
      })
    }
    const bytes = Buffer.alloc(count * INSTRUCTION_SIZE)
    this.#backwards.reverse().forEach(({ code, whenTrue, whenFalse, operand }, index) => {
      bytes.writeUInt16LE(code, index * INSTRUCTION_SIZE)
      bytes[index * INSTRUCTION_SIZE + 2] = whenTrue
      bytes[index * INSTRUCTION_SIZE + 3] = whenFalse
      bytes.writeUInt32LE(operand, index * INSTRUCTION_SIZE + 4)
    })
    return bytes
  }

  #put(code: number, operand: number, whenTrue = 0, whenFalse = 0): void {
    this.#backwards.push({ code, operand, whenTrue, whenFalse })
  }

  /** Instructions between the one that is put next and the node. */
  #distance(node: Node): number {
    return this.#backwards.length - 1 - (this.#places.get(node) as number)
  }

  /** The node's instruction is what the next one falls through to. */
  #leadTo(node: Node): void {
    if (this.#distance(node) > 0) this.#repeat(node)
  }

  /** Both nodes are in reach of the conditional jump that is put next. */
  #bringNear(yes: Node, no: Node): void {
    for (;;) {
      if (this.#distance(yes) > REACH) this.#repeat(yes)
      else if (this.#distance(no) > REACH) this.#repeat(no)
      else return
    }
  }

  /** A stepping stone: a return once more, or an unconditional jump (whose operand has 32 bits) to where the node stands. */
  #repeat(node: Node): void {
    if (node.kind === 'return') this.#put(CODES.return, node.verdict)
    else this.#put(CODES.ja, this.#distance(node))
    this.#places.set(node, this.#backwards.length - 1)
  }
}

/** All nodes, each after those that it leads to. Without recursion: a profile may have thousands of rules in a row. */
function leavesFirst(entry: Node): Node[] {
  const order: Node[] = []
  const seen = new Set<Node>()
  const waiting: { node: Node; ready: boolean }[] = [{ node: entry, ready: false }]
  for (let top = waiting.pop(); top; top = waiting.pop()) {
    const { node, ready } = top
    if (ready) {
      order.push(node)
    } else if (!seen.has(node)) {
      seen.add(node)
      waiting.push({ node, ready: true })
      for (const next of successors(node)) if (!seen.has(next)) waiting.push({ node: next, ready: false })
    }
  }
  return order
}

function successors(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'return':
      return []
    case 'load':
    case 'and':
      return [node.next]
    case 'test':
      // The last one is placed first, hence farther away.
      return [node.yes, node.no]
  }
}
