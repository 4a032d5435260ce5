/**
 * From a policy to the graph of decisions: first the architecture, then a balanced search over call numbers, then the arguments of the
 * calls that have rules about them. Only loads, masks, tests and returns are used: these the kernel can evaluate when the filter is
 * loaded, and remember "always allowed" for each number (Linux 5.11), so that most calls never run the program.
 */
import { ARCH, constant, errnoNumber } from '../../kernel/constants.js'
import { ARCHITECTURE, high, low, merge, type Node, Nodes, NUMBER, type Segment, search } from './nodes.js'
import { type Comparison, type Policy, type Rule, verdictOf } from './policy.js'

/** First number of the x32 interface on x86-64: the same architecture word, other meanings of arguments. */
const X32 = 0x4000_0000
/** A tracer's way to say "make no call": the kernel does nothing for it. */
const NO_CALL = 0xffff_ffff
const WORD = 0x1_0000_0000n
const LAST_WORD = 0xffff_ffff

export function decisionOf(policy: Policy): Node {
  const nodes = new Nodes()
  // Another architecture's calls have other numbers, none of which was looked at. The program cannot run as it should in any case
  // (Docker lets i386 through, with a second list of numbers), so it ends at once and visibly: SIGSYS, "Bad system call".
  const foreign = nodes.return(constant('seccomp_ret', 'kill_process'))
  const calls = nodes.load(NUMBER, search(nodes, numberSegments(nodes, policy)))
  return nodes.load(ARCHITECTURE, nodes.test('jeq', nativeAuditArch(), calls, foreign))
}

/** The value of seccomp_data.arch for programs of this machine's own kind. */
export function nativeAuditArch(): number {
  return constant('audit_arch', ARCH === 'aarch64' || ARCH === 'arm64' ? 'aarch64' : 'x86_64')
}

function numberSegments(nodes: Nodes, policy: Policy): Segment[] {
  const otherwise = nodes.return(policy.otherwise)
  // ENOSYS is what a kernel without x32 says, and what it says of a number that it does not know.
  const missing = nodes.return(verdictOf('SCMP_ACT_ERRNO', errnoNumber('ENOSYS')))
  const segments: Segment[] = [{ from: 0, node: otherwise }]
  for (const number of [...policy.rules.keys()].sort((a, b) => a - b)) {
    const rules = policy.rules.get(number) as readonly Rule[]
    segments.push({ from: number, node: callDecision(nodes, rules, otherwise) }, { from: number + 1, node: otherwise })
  }
  if (policy.highest !== undefined) segments.push({ from: policy.highest + 1, node: missing })
  segments.push({ from: X32, node: missing }, { from: NO_CALL, node: nodes.return(constant('seccomp_ret', 'allow')) })
  return lastOfEach(segments)
}

/** Of segments that begin at the same number the last one counts. */
function lastOfEach(segments: readonly Segment[]): Segment[] {
  return merge(segments.filter(({ from }, index) => segments[index + 1]?.from !== from))
}

/** What decides about one call: the first rule that holds. */
function callDecision(nodes: Nodes, rules: readonly Rule[], otherwise: Node): Node {
  const [first] = rules
  // Most calls: nothing to test, so nothing to search.
  if (first?.tests.length === 0) return nodes.return(first.verdict)
  const argument = first?.tests[0]?.index
  const searchable = rules.every(({ tests: [test, ...more] }) => test?.index === argument && more.length === 0 && isInterval(test))
  if (argument !== undefined && searchable) return argumentSearch(nodes, argument, rules, otherwise)
  return rules.reduceRight<Node>((next, { tests, verdict }) => {
    return tests.reduceRight<Node>((then, test) => comparison(nodes, test, then, next), nodes.return(verdict))
  }, otherwise)
}

const isInterval = (test: Comparison | undefined): boolean => test !== undefined && test.op !== 'SCMP_CMP_MASKED_EQ'

interface Edge {
  readonly from: bigint
  readonly node: Node
}

const topOf = (edges: readonly Edge[], index: number): number => Number((edges[index] as Edge).from / WORD)

/** When all rules look at one argument alone, its 64-bit values are searched as call numbers are: high half, then low half. */
function argumentSearch(nodes: Nodes, argument: number, rules: readonly Rule[], otherwise: Node): Node {
  const edges = new Set([0n])
  for (const { tests } of rules) {
    const { value } = tests[0] as Comparison
    edges.add(value)
    if (value + 1n < WORD * WORD) edges.add(value + 1n)
  }
  const sorted = [...edges].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const at = sorted.map((from): Edge => {
    const rule = rules.find(({ tests }) => holds(tests[0] as Comparison, from))
    return { from, node: rule ? nodes.return(rule.verdict) : otherwise }
  })
  const halves: Segment[] = []
  for (let index = 0; index < at.length; ) {
    const top = topOf(at, index)
    // What the values below this high half ended with goes on until the first edge in it.
    const inside: Segment[] = [{ from: 0, node: (at[index - 1] ?? (at[0] as Edge)).node }]
    for (; index < at.length && topOf(at, index) === top; index++) {
      const { from, node } = at[index] as Edge
      inside.push({ from: Number(from % WORD), node })
    }
    halves.push({ from: top, node: nodes.load(low(argument), search(nodes, lastOfEach(inside))) })
    if (top < LAST_WORD) halves.push({ from: top + 1, node: (at[index - 1] as Edge).node })
  }
  return nodes.load(high(argument), search(nodes, lastOfEach(halves)))
}

/** Does the comparison hold for this value of its argument? */
export function holds({ op, value, mask }: Comparison, argument: bigint): boolean {
  switch (op) {
    case 'SCMP_CMP_EQ':
      return argument === value
    case 'SCMP_CMP_NE':
      return argument !== value
    case 'SCMP_CMP_LT':
      return argument < value
    case 'SCMP_CMP_LE':
      return argument <= value
    case 'SCMP_CMP_GT':
      return argument > value
    case 'SCMP_CMP_GE':
      return argument >= value
    case 'SCMP_CMP_MASKED_EQ':
      return (argument & mask) === value
  }
}

/** One comparison of a 64-bit argument in its two halves. */
function comparison(nodes: Nodes, { index, op, value, mask }: Comparison, yes: Node, no: Node): Node {
  const [top, bottom] = [Number(value / WORD), Number(value % WORD)]
  const equal = (then: Node, otherwise: Node) =>
    nodes.load(high(index), nodes.test('jeq', top, nodes.load(low(index), nodes.test('jeq', bottom, then, otherwise)), otherwise))
  const greater = (jump: 'jgt' | 'jge', then: Node, otherwise: Node) => {
    const lower = nodes.load(low(index), nodes.test(jump, bottom, then, otherwise))
    return nodes.load(high(index), nodes.test('jgt', top, then, nodes.test('jeq', top, lower, otherwise)))
  }
  switch (op) {
    case 'SCMP_CMP_EQ':
      return equal(yes, no)
    case 'SCMP_CMP_NE':
      return equal(no, yes)
    case 'SCMP_CMP_GT':
      return greater('jgt', yes, no)
    case 'SCMP_CMP_LE':
      return greater('jgt', no, yes)
    case 'SCMP_CMP_GE':
      return greater('jge', yes, no)
    case 'SCMP_CMP_LT':
      return greater('jge', no, yes)
    case 'SCMP_CMP_MASKED_EQ': {
      const lower = masked(nodes, low(index), Number(mask % WORD), bottom, yes, no)
      return masked(nodes, high(index), Number(mask / WORD), top, lower, no)
    }
  }
}

function masked(nodes: Nodes, offset: number, mask: number, value: number, yes: Node, no: Node): Node {
  if (mask === 0) return yes
  if (value === 0) return nodes.load(offset, nodes.test('jset', mask, no, yes))
  return nodes.load(offset, nodes.and(mask, nodes.test('jeq', value, yes, no)))
}
