/** What a learner's function returned, looked at without trust: is it a list of steps? */
import { isPromise, isProxy } from 'node:util/types'
import type { Arg } from '../kernel/step.js'

/** More than any plan has; a list that grows for ever stops here. */
const MOST_STEPS = 1000

/** A sentence about what is wrong with the value, or undefined when it is a list of things that look like steps. */
export function problemWithSteps(value: unknown): string | undefined {
  if (!Array.isArray(value)) return `it returned ${describe(value)} where a list of steps is wanted`
  if (value.length > MOST_STEPS) return `it returned a list of ${value.length} elements; no plan here has more than ${MOST_STEPS} steps`
  for (const [index, element] of value.entries()) {
    const problem = problemWithStep(element)
    if (problem) return `element ${index + 1} of the list that it returned is ${problem}`
  }
  return undefined
}

function problemWithStep(element: unknown): string | undefined {
  if (Array.isArray(element)) return `${describe(element)}, not a step: spread it into the list with \`...\``
  if (isPromise(element)) return 'a promise, not a step: put `await` before what makes it'
  if (typeof element === 'function') return `${describe(element)}, not a step: call it`
  if (typeof element !== 'object' || element === null) return `${describe(element)}, not a step`
  const { call, args, steps } = element as { call?: unknown; args?: unknown; steps?: unknown }
  if (Array.isArray(steps) && call === undefined) return 'a fragment, not a step: spread its steps into the list with `...fragment.steps`'
  if (typeof call !== 'string') return `${describe(element)}, not a step: it names no call`
  if (!Array.isArray(args)) return `no step as the constructors make it: ${call} has no list of arguments`
  const odd = args.findIndex((argument) => !isArgument(argument))
  if (odd >= 0) return `no step as the constructors make it: argument ${odd + 1} of ${call} is ${describe(args[odd])}`
  return undefined
}

const KINDS: ReadonlySet<unknown> = new Set<Arg['kind']>([
  'int',
  'flags',
  'word',
  'ref',
  'text',
  'bytes',
  'strings',
  'out',
  'struct',
  'null',
])

function isArgument(argument: unknown): boolean {
  return typeof argument === 'object' && argument !== null && KINDS.has((argument as { kind?: unknown }).kind)
}

/** What kind of thing a value is, in words: `a string ("mount")`. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing (undefined: is a `return` missing?)'
  if (value === null) return 'null'
  if (isPromise(value)) return 'a promise'
  if (isProxy(value)) return 'a proxy'
  if (Array.isArray(value)) return `a list of ${value.length}`
  switch (typeof value) {
    case 'string':
      return `a string (${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)})`
    case 'function':
      return value.name ? `a function (${value.name})` : 'a function'
    case 'number':
    case 'boolean':
    case 'bigint':
      return `a ${typeof value} (${String(value)})`
    case 'symbol':
      return 'a symbol'
    default: {
      const keys = Object.keys(value).slice(0, 4)
      return keys.length > 0 ? `an object with ${keys.join(', ')}` : 'an empty object'
    }
  }
}
