/** A template of Go's text/template, as docker's `--format` takes it, filled in. */
import { ExecutionError } from './error.js'
import { CallError, call, NAMES } from './functions.js'
import { type Command, type Node, type Operand, type Pipe, parse } from './parse.js'
import { isMap, isTrue, Row, shown, sortedKeys } from './values.js'

/** Throws TemplateError, in docker's words. What it returns throws ExecutionError when the data has no such field. */
export function compile(text: string): (data: unknown) => string {
  const nodes = parse(text, NAMES)
  return (data) => new Execution(text, data).run(nodes, data)
}

type Leaving = 'break' | 'continue'

class Execution {
  readonly #text: string
  /** The innermost last. */
  readonly #variables: { readonly name: string; value: unknown }[]
  #out = ''

  constructor(text: string, data: unknown) {
    this.#text = text
    this.#variables = [{ name: '$', value: data }]
  }

  run(nodes: readonly Node[], dot: unknown): string {
    this.#walk(nodes, dot)
    return this.#out
  }

  #walk(nodes: readonly Node[], dot: unknown): Leaving | undefined {
    for (const node of nodes) {
      const leaving = this.#node(node, dot)
      if (leaving) return leaving
    }
    return undefined
  }

  #node(node: Node, dot: unknown): Leaving | undefined {
    switch (node.kind) {
      case 'text':
        this.#out += node.text
        return undefined
      case 'action': {
        const value = this.#pipe(node.pipe, dot)
        if (node.pipe.variables.length === 0) this.#out += shown(value)
        return undefined
      }
      case 'if':
      case 'with':
        return this.#scope(() => {
          const value = this.#pipe(node.pipe, dot)
          if (!isTrue(value)) return this.#walk(node.otherwise, dot)
          return this.#walk(node.body, node.kind === 'with' ? value : dot)
        })
      case 'range':
        return this.#scope(() => this.#range(node, dot))
      default:
        return node.kind
    }
  }

  /** What is declared in it is forgotten after it. */
  #scope<T>(act: () => T): T {
    const known = this.#variables.length
    try {
      return act()
    } finally {
      this.#variables.length = known
    }
  }

  #range(node: Extract<Node, { kind: 'range' }>, dot: unknown): Leaving | undefined {
    const { variables } = node.pipe
    const value = this.#commands(node.pipe, dot)
    const entries = this.#entries(value, node.pipe)
    if (entries.length === 0) return this.#walk(node.otherwise, dot)
    for (const [key, item] of entries) {
      const leaving = this.#scope(() => {
        const values = variables.length === 2 ? [key, item] : [item]
        for (const [at, name] of variables.entries()) this.#set(name, values[at], node.pipe.assigns)
        return this.#walk(node.body, item)
      })
      if (leaving === 'break') break
    }
    return undefined
  }

  #entries(value: unknown, pipe: Pipe): (readonly [unknown, unknown])[] {
    if (value === null || value === undefined) return []
    if (Array.isArray(value)) return value.map((item, at) => [at, item] as const)
    if (typeof value === 'number' && Number.isInteger(value))
      return Array.from({ length: Math.max(0, value) }, (_, at) => [at, at] as const)
    if (isMap(value)) return sortedKeys(value).map((key) => [key, value[key]] as const)
    const [command] = pipe.commands as [Command]
    throw this.#wrong(`range can't iterate over ${shown(value)}`, command.operands.at(-1) as Operand)
  }

  #pipe(pipe: Pipe, dot: unknown): unknown {
    const value = this.#commands(pipe, dot)
    for (const name of pipe.variables) this.#set(name, value, pipe.assigns)
    return value
  }

  #set(name: string, value: unknown, assigns: boolean): void {
    const known = assigns ? this.#variables.findLast((one) => one.name === name) : undefined
    if (known) known.value = value
    else this.#variables.push({ name, value })
  }

  #commands({ commands }: Pipe, dot: unknown): unknown {
    return commands.reduce<readonly unknown[]>((piped, command) => [this.#command(command, dot, piped)], [])[0]
  }

  /** `piped`: nothing, or the result of the command before. */
  #command({ operands }: Command, dot: unknown, piped: readonly unknown[]): unknown {
    const [first, ...rest] = operands as [Operand, ...Operand[]]
    if (first.value.kind === 'function') return this.#fields(first, this.#call(first, rest, dot, piped))
    const method = first.fields.length > 0 ? this.#operand(first, dot) : undefined
    if (typeof method === 'function') return method(...rest.map((one) => this.#operand(one, dot)), ...piped)
    if (rest.length > 0 || piped.length > 0) {
      const what = first.fields.at(-1) ?? first.text
      throw this.#wrong(
        first.fields.length > 0
          ? `${what} has arguments but cannot be invoked as function`
          : `can't give argument to non-function ${first.text}`,
        first,
      )
    }
    return first.fields.length > 0 ? method : this.#operand(first, dot)
  }

  #call(operand: Operand, rest: readonly Operand[], dot: unknown, piped: readonly unknown[]): unknown {
    const { name } = operand.value as { name: string }
    if (name === 'and' || name === 'or') return this.#shortcut(name, operand, rest, dot, piped)
    const args = [...rest.map((one) => this.#operand(one, dot)), ...piped]
    try {
      return call(name, args)
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      throw this.#wrong(error.message.startsWith('wrong ') ? error.message : `error calling ${name}: ${error.message}`, operand)
    }
  }

  /** The first argument that settles it; those after it are not looked at. */
  #shortcut(name: 'and' | 'or', operand: Operand, rest: readonly Operand[], dot: unknown, piped: readonly unknown[]): unknown {
    const thunks = [...rest.map((one) => () => this.#operand(one, dot)), ...piped.map((value) => () => value)]
    if (thunks.length === 0) throw this.#wrong(`wrong number of args for ${name}: want at least 1 got 0`, operand)
    let value: unknown
    for (const thunk of thunks) {
      value = thunk()
      if (isTrue(value) === (name === 'or')) break
    }
    return value
  }

  #operand(operand: Operand, dot: unknown): unknown {
    const { value } = operand
    switch (value.kind) {
      case 'literal':
        return value.value
      case 'dot':
        return this.#fields(operand, dot)
      case 'variable':
        return this.#fields(operand, this.#variables.findLast(({ name }) => name === value.name)?.value)
      case 'pipe':
        return this.#fields(operand, this.#pipe(value.pipe, dot))
      default:
        return this.#fields(operand, this.#call(operand, [], dot, []))
    }
  }

  #fields(operand: Operand, start: unknown): unknown {
    return operand.fields.reduce((value, name) => this.#field(operand, value, name), start)
  }

  #field(operand: Operand, value: unknown, name: string): unknown {
    if (value instanceof Row) {
      if (Object.hasOwn(value.fields, name)) return value.fields[name]
      throw this.#wrong(`can't evaluate field ${name} in type *${value.type}`, operand)
    }
    if (isMap(value)) return Object.hasOwn(value, name) ? value[name] : undefined
    if (value === null || value === undefined) throw this.#wrong(`nil pointer evaluating interface {}.${name}`, operand)
    if (typeof value === 'object' && !Array.isArray(value)) {
      if (Object.hasOwn(value, name)) return (value as Record<string, unknown>)[name]
      throw this.#wrong(`map has no entry for key "${name}"`, operand)
    }
    throw this.#wrong(`can't evaluate field ${name} in type ${Array.isArray(value) ? '[]interface {}' : typeof value}`, operand)
  }

  #wrong(sentence: string, { at, text }: Operand): ExecutionError {
    return new ExecutionError(sentence, this.#text, at, text)
  }
}
