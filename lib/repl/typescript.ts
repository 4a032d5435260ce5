/** Values as TypeScript writes them, for `save`. */
import type { Ref, Text } from '../kernel/step.js'

/** TypeScript that stands for itself. */
export class Code {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A call of one of our functions: what it returns when a step is made, and its own text when it is saved. */
export class Expression {
  /** The file below lib/kernel from which it is imported. */
  readonly source: string
  readonly name: string
  readonly args: readonly unknown[]
  readonly value: unknown

  // biome-ignore lint/suspicious/noExplicitAny: any function of ours
  constructor(source: string, name: string, call: (...args: any[]) => unknown, args: readonly unknown[]) {
    this.source = source
    this.name = name
    this.args = args
    this.value = call(...args)
  }
}

const isRef = (value: object): value is Ref => 'ref' in value && Object.keys(value).length === 1
const isText = (value: object): value is Text => 'text' in value && Array.isArray(value.text)

/** `names`: what the text uses of ours, name → file below lib/kernel, filled here. */
export function typescript(value: unknown, names: Map<string, string>): string {
  if (value instanceof Code) return value.text
  if (value instanceof Expression) {
    names.set(value.name, value.source)
    return `${value.name}(${value.args.map((one) => typescript(one, names)).join(', ')})`
  }
  if (typeof value === 'string') return quoted(value)
  if (value === Number.POSITIVE_INFINITY) return 'Number.POSITIVE_INFINITY'
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Uint8Array) return `Buffer.from('${Buffer.from(value).toString('hex')}', 'hex')`
  if (Array.isArray(value)) return `[${value.map((one) => typescript(one, names)).join(', ')}]`
  if (isRef(value)) return reference(value, names)
  if (isText(value)) {
    names.set('text', 'step')
    const literal = (part: string) => part.replace(/[\\`]|\$\{/g, '\\$&')
    return `text\`${value.text.map((part) => (typeof part === 'string' ? literal(part) : `\${${reference(part, names)}}`)).join('')}\``
  }
  return `{ ${Object.entries(value)
    .map(([key, one]) => `${key}: ${typescript(one, names)}`)
    .join(', ')} }`
}

function reference({ ref }: Ref, names: Map<string, string>): string {
  const name = ref === 'child' ? 'child' : 'ref'
  names.set(name, 'step')
  return ref === 'child' ? 'child' : `ref(${quoted(ref)})`
}

/** A string in single quotes. */
export function quoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${inner}'`
}
