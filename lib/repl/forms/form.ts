/**
 * A form says how a call is typed: the kernel's name, what follows it in which order, and the constructor that makes the step.
 *
 *     form(mounts, 'umount2', 'umount2', [one('target', PATH), optional('flags', flags('umount'))])
 *
 * reads `umount2 . detach`, makes umount2('.', ['detach']), and is what `save` writes out again.
 */
import type { Step, StepOptions } from '../../kernel/step.js'
import type { Kind } from '../kinds.js'

/** Where a constructor is imported from: its file below lib/kernel. */
export type Source =
  | 'calls/bpf'
  | 'calls/credentials'
  | 'calls/files'
  | 'calls/internet'
  | 'calls/mounts'
  | 'calls/process'
  | 'calls/reading'
  | 'calls/sockets'

export interface Param {
  readonly name: string
  readonly kind: Kind
  /**
   * one: must stand there · optional: may be left out (with everything behind it) · word: exactly this word · null: may be `-` ·
   * rest: everything that is left · leading: any number of NAME=VALUE in front · named: `name=value` anywhere · switch: `name` anywhere
   */
  readonly form: 'one' | 'optional' | 'null' | 'optionalNull' | 'word' | 'rest' | 'leading' | 'named' | 'switch'
  /** Of `word`: as it must be typed. */
  readonly literal?: string
}

// biome-ignore lint/suspicious/noExplicitAny: what stands under a name is what the kind of its param has read
export type Values = Readonly<Record<string, any>>

export interface Form {
  /** The kernel's name, by which the card is found too. */
  readonly call: string
  /** The TypeScript function. It may be typed instead of the call's name when it says the same. */
  readonly maker: string
  readonly source: Source
  readonly params: readonly Param[]
  /**
   * The constructor's arguments. It moves values, and asks at most whether they are there, for `save` calls it with the values'
   * TypeScript instead of the values.
   */
  arguments(values: Values, options: StepOptions | undefined): readonly unknown[]
  make(...args: unknown[]): Step
}

type Maker<T extends Record<string, unknown>> = Extract<keyof T, string>

/** One row of the table. Without `args` the constructor takes the params in order and then its options. */
export function form<T extends Record<string, unknown>>(
  [source, module]: readonly [Source, T],
  maker: Maker<T>,
  call: string,
  params: readonly Param[],
  args: Form['arguments'] = (values, options) => [...params.filter(isValue).map(({ name }) => values[name]), options],
): Form {
  return {
    call,
    maker,
    source,
    params,
    arguments: (values, options) => withoutTail(args(values, options)),
    make: module[maker] as Form['make'],
  }
}

const isValue = (param: Param) => param.form !== 'word'

/** Arguments that are left out at the end are not passed. */
function withoutTail(args: readonly unknown[]): readonly unknown[] {
  const last = args.findLastIndex((argument) => argument !== undefined)
  return args.slice(0, last + 1)
}

/** An options object with only what is there; undefined when nothing is. */
export function only(entries: Record<string, unknown>): Record<string, unknown> | undefined {
  const present = Object.entries(entries).filter(([, value]) => value !== undefined && value !== false)
  return present.length > 0 ? Object.fromEntries(present) : undefined
}

export const one = (name: string, kind: Kind): Param => ({ name, kind, form: 'one' })
export const optional = (name: string, kind: Kind): Param => ({ name, kind, form: 'optional' })
export const orNull = (name: string, kind: Kind): Param => ({ name, kind, form: 'null' })
export const optionalOrNull = (name: string, kind: Kind): Param => ({ name, kind, form: 'optionalNull' })
export const rest = (name: string, kind: Kind): Param => ({ name, kind, form: 'rest' })
export const leading = (name: string, kind: Kind): Param => ({ name, kind, form: 'leading' })
export const named = (name: string, kind: Kind): Param => ({ name, kind, form: 'named' })
export const keyword = (name: string, kind: Kind, literal: string): Param => ({ name, kind, form: 'word', literal })
export const toggle = (name: string): Param => ({ name, kind: { what: `the word ${name}`, parse: () => true }, form: 'switch' })

/** How it is typed: `umount2 TARGET [FLAGS]`. */
export function usage({ call, params }: Form): string {
  const shown = params.map(({ name, form, literal }) => {
    const big = name.toUpperCase()
    switch (form) {
      case 'one':
      case 'null':
        return big
      case 'optional':
      case 'optionalNull':
        return `[${big}]`
      case 'word':
        return literal as string
      case 'rest':
        return `[${big}…]`
      case 'leading':
        return '[NAME=VALUE…]'
      case 'named':
        return `[${name}=…]`
      default:
        return `[${name}]`
    }
  })
  return [call, ...shown].join(' ')
}
