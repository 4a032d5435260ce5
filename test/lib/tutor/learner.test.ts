import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LearnerLimits, runLearner } from '../../../lib/tutor/learner.js'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-learner-'))
  // As in the project, whose modules are ES modules.
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
})
afterAll(() => rmSync(directory, { recursive: true }))

const calls = fileURLToPath(new URL('../../../lib/kernel/calls', import.meta.url))
let counter = 0

/** Runs `task` of a module with this text. */
async function learn(source: string, limits: Partial<LearnerLimits> = {}) {
  const file = join(directory, `task${counter++}.ts`)
  const imports = `import { clone, sethostname } from '${relative(directory, join(calls, 'process.js'))}'\n`
  writeFileSync(file, imports + source)
  const { outcome, printed } = await runLearner(file, 'task', { name: 'whale-1234' }, limits)
  return {
    problem: 'problem' in outcome ? outcome.problem : undefined,
    steps: 'steps' in outcome ? outcome.steps : undefined,
    printed,
    file,
  }
}

describe('a learner’s function', () => {
  it('gets its challenge and gives its steps', async () => {
    const { steps, printed } = await learn(`
      export async function task({ name }: { name: string }) {
        console.log('passed!')
        return [clone('uts'), sethostname(name)]
      }`)
    expect(steps?.map(({ call }) => call)).toEqual(['clone3', 'sethostname'])
    expect(printed).toBe('passed!\n')
  })

  it('that throws is told with its place, also where a path has what addresses write otherwise', async () => {
    const odd = join(directory, '100% ünder')
    mkdirSync(odd)
    const file = join(odd, 'task.ts')
    writeFileSync(file, "export function task() {\n  throw new Error('here')\n}")
    const { outcome } = await runLearner(file, 'task', {})
    expect(outcome).toEqual({ problem: expect.stringMatching(/^it threw Error: here \(at .*100% ünder\/task\.ts:2:\d+\)$/) })
  })

  it('that does not compile is told with its place', async () => {
    const { problem } = await learn('export function task() {\n  const x = = 3\n}')
    expect(problem).toMatch(/task\d+\.ts:3:13 does not compile: Unexpected "="$/)
  })

  it.each<[string, string, string | RegExp]>([
    [
      'throws',
      "export function task() {\n  throw new RangeError('too deep')\n}",
      /^it threw RangeError: too deep \(at .*task\d+\.ts:3:\d+\)$/,
    ],
    [
      'throws later',
      "export function task() {\n  setTimeout(() => { throw new Error('late') })\n  return new Promise(() => {})\n}",
      /late/,
    ],
    [
      'throws with a stack of its own making',
      "export function task() { throw Object.assign(new Error('mine'), { stack: 'at (/100%/task.ts:1:1)' }) }",
      'it threw Error: mine',
    ],
    ['throws a string', "export function task() { throw 'x' }", 'it threw x'],
    [
      'returns nothing',
      'export function task() {}',
      'it returned nothing (undefined: is a `return` missing?) where a list of steps is wanted',
    ],
    [
      'returns a step alone',
      "export const task = () => clone('uts')",
      /^it returned an object with call, args.* where a list of steps is wanted$/,
    ],
    [
      'returns a string in the list',
      "export const task = () => [clone('uts'), 'mount']",
      'element 2 of the list that it returned is a string ("mount"), not a step',
    ],
    [
      'returns a function in the list',
      'export const task = () => [clone]',
      'element 1 of the list that it returned is a function (clone), not a step: call it',
    ],
    ['returns a promise in the list', "export const task = () => [(async () => clone('uts'))()]", /is a promise, not a step/],
    ['returns a list in the list', "export const task = () => [[clone('uts')]]", /element 1 .* is a list of 1, not a step: spread it/],
    ['hides a function in a step', "export const task = () => [{ ...clone('uts'), why: () => 1 }]", /cannot be sent on/],
    [
      'invents a call',
      "export const task = () => [{ call: 'makecontainer', args: [] }]",
      /makes a call 'makecontainer', which Linux does not have/,
    ],
    [
      'invents an argument',
      "export const task = () => [{ call: 'getpid', args: [3] }]",
      /no step as the constructors make it: argument 1 of getpid is a number \(3\)/,
    ],
    ['invents a word', "export const task = () => [clone('sea' as never)]", /clone constant 'sea'/],
    [
      'refers to what was never kept',
      "export const task = () => [{ call: 'close', args: [{ name: 'fd', kind: 'ref', ref: 'gone' }] }]",
      /refers to 'gone'/,
    ],
    ['never settles', 'export const task = () => new Promise(() => {})', /a promise that is never settled/],
    ['ends the process', 'export const task = () => process.exit(0)', /ended its own process \(with status 0\)/],
    ['kills itself', "export const task = () => process.kill(process.pid, 'SIGTERM')", /ended by SIGTERM/],
    ['has another name', 'export const tusk = () => []', /does not export a function task \(it exports tusk\)/],
    ['is no function', 'export const task = 3', /exports task, but it is no function/],
    ['imports what is not there', "import { nope } from 'node:fs'\nexport const task = () => [nope]", /nope/],
    ['imports a file that is not there', "import { x } from './nowhere.js'\nexport const task = () => [x]", /cannot be loaded: .*nowhere/],
  ])('that %s gets one clear sentence', async (_, source, expected) => {
    const { problem } = await learn(source)
    if (typeof expected === 'string') expect(problem).toBe(expected)
    else expect(problem).toMatch(expected)
    expect(problem).not.toContain('\n')
  })

  it('that loops for ever, or waits for ever, is ended and told apart', async () => {
    // While a program is being read it is as busy as a loop.
    const limits = { milliseconds: 3000 }
    const [loop, wait] = await Promise.all([
      learn('export function task() { for (;;); }', limits),
      learn('export const task = () => new Promise(() => setInterval(() => {}, 1000))', limits),
    ])
    expect(loop.problem).toMatch(/within 3 s and kept the processor busy: there is a loop/)
    expect(wait.problem).toMatch(/within 3 s: it waits for something/)
  })

  it('that eats memory is ended', async () => {
    const heap = await learn('export function task() { const all: string[][] = []; for (;;) all.push(Array(1e5).fill("x")) }', {
      memoryMiB: 256,
    })
    expect(heap.problem).toMatch(/^it used more than \d+ MiB of memory/)
    const buffers = await learn(
      'export async function task() { const all: Buffer[] = []; for (;;) { all.push(Buffer.alloc(1e7, 1)); await new Promise((r) => setTimeout(r, 5)) } }',
      { memoryMiB: 256 },
    )
    expect(buffers.problem).toMatch(/^it used more than 256 MiB of memory/)
  })

  it('that prints without end is cut, not drowned in', async () => {
    const { printed, steps } = await learn(
      "export function task() {\n  for (let i = 0; i < 1e5; i++) process.stdout.write('passed '.repeat(10))\n  return []\n}",
    )
    expect(printed.length).toBeLessThan(70_000)
    expect(steps).toEqual([])
  })

  it('that answers the tutor behind its back is still judged by its steps', async () => {
    const { problem } = await learn("process.send?.({ kind: 'returned', value: 'passed' })\nexport const task = () => []")
    expect(problem).toBe('it returned a string ("passed") where a list of steps is wanted')
  })
})
