/**
 * A filter as a graph of decisions, before it is laid out as a program. Equal nodes are one node, and a test whose outcomes are the
 * same is no node at all. Word 0 of the data a filter sees is the call's number, word 1 the architecture; seccomp(2), seccomp_data.
 */

export type Jump = 'jeq' | 'jgt' | 'jge' | 'jset'

export type Node =
  /** The filter's answer. */
  | { readonly kind: 'return'; readonly verdict: number }
  /** Put the 32-bit word at this offset into the accumulator. */
  | { readonly kind: 'load'; readonly offset: number; readonly next: Node }
  /** Keep only these bits of the accumulator. */
  | { readonly kind: 'and'; readonly mask: number; readonly next: Node }
  /** Compare the accumulator with a constant, unsigned. */
  | { readonly kind: 'test'; readonly jump: Jump; readonly operand: number; readonly yes: Node; readonly no: Node }

/** Offsets in struct seccomp_data. */
export const NUMBER = 0
export const ARCHITECTURE = 4
/** Both supported architectures are little-endian: the low half of an argument stands first. */
export const low = (argument: number): number => 16 + 8 * argument
export const high = (argument: number): number => 20 + 8 * argument

/** Makes nodes, each only once. */
export class Nodes {
  readonly #known = new Map<string, Node>()
  readonly #ids = new Map<Node, number>()

  return(verdict: number): Node {
    return this.#only(`return ${verdict}`, () => ({ kind: 'return', verdict }))
  }

  load(offset: number, next: Node): Node {
    // A verdict needs no argument, and a load straight after a load makes the first one pointless.
    if (next.kind === 'return' || next.kind === 'load') return next
    return this.#only(`load ${offset} ${this.#id(next)}`, () => ({ kind: 'load', offset, next }))
  }

  and(mask: number, next: Node): Node {
    if (mask === 0xffff_ffff || next.kind === 'return') return next
    return this.#only(`and ${mask} ${this.#id(next)}`, () => ({ kind: 'and', mask, next }))
  }

  test(jump: Jump, operand: number, yes: Node, no: Node): Node {
    if (yes === no) return yes
    const key = `${jump} ${operand} ${this.#id(yes)} ${this.#id(no)}`
    return this.#only(key, () => ({ kind: 'test', jump, operand, yes, no }))
  }

  #id(node: Node): number {
    return this.#ids.get(node) as number
  }

  #only(key: string, make: () => Node): Node {
    const known = this.#known.get(key)
    if (known) return known
    const made = make()
    this.#known.set(key, made)
    this.#ids.set(made, this.#ids.size)
    return made
  }
}

/** From this number on (up to the next segment's), `node` decides. */
export interface Segment {
  readonly from: number
  readonly node: Node
}

/** Segments without those that only go on with what stands before them. */
export function merge(segments: readonly Segment[]): Segment[] {
  const merged: Segment[] = []
  for (const segment of segments) if (merged.at(-1)?.node !== segment.node) merged.push(segment)
  return merged
}

/** More single numbers than this in a row of otherwise equal segments are searched, not tried one after the other. */
const FEW = 3

/**
 * A balanced search of the accumulator over segments that begin at 0: about log2(n) tests a call. A few single numbers in the middle
 * of a long range are tested for equality, which takes one instruction instead of the two for a range of one.
 */
export function search(nodes: Nodes, segments: readonly Segment[]): Node {
  const merged = merge(segments)
  return searchBetween(nodes, merged, 0, merged.length)
}

function searchBetween(nodes: Nodes, segments: readonly Segment[], begin: number, end: number): Node {
  const first = segments[begin] as Segment
  if (end - begin === 1) return first.node
  const exceptions = exceptionsOf(segments, begin, end)
  if (exceptions) {
    return exceptions.reduceRight<Node>((otherwise, { from, node }) => nodes.test('jeq', from, node, otherwise), first.node)
  }
  const middle = middleOf(segments, begin, end)
  const below = searchBetween(nodes, segments, begin, middle)
  const above = searchBetween(nodes, segments, middle, end)
  return nodes.test('jge', (segments[middle] as Segment).from, above, below)
}

/** The single numbers in a row such as A B A C A, when there are few; undefined for any other row. */
function exceptionsOf(segments: readonly Segment[], begin: number, end: number): Segment[] | undefined {
  const count = (end - begin - 1) / 2
  if (!Number.isInteger(count) || count > FEW) return undefined
  const { node } = segments[begin] as Segment
  const exceptions: Segment[] = []
  for (let index = begin + 1; index < end; index += 2) {
    const [exception, after] = [segments[index], segments[index + 1]] as [Segment, Segment]
    if (after.node !== node || after.from !== exception.from + 1) return undefined
    exceptions.push(exception)
  }
  return exceptions
}

/** Where to divide: near the middle, but not through a single number and its surroundings. */
function middleOf(segments: readonly Segment[], begin: number, end: number): number {
  const middle = (begin + end) >> 1
  const splitsException = (index: number) => {
    const [before, at, after] = [segments[index - 1], segments[index], segments[index + 1]]
    return before && at && after && before.node === after.node && after.from === at.from + 1
  }
  for (const candidate of [middle, middle + 1, middle - 1]) {
    if (candidate > begin && candidate < end && !splitsException(candidate) && !splitsException(candidate - 1)) return candidate
  }
  return middle
}
