/** Arguments of system calls, by the kind of thing they are. The constructors in `calls/` are made of these. */
import type { Arg, ArgValue, Descriptor, Field, Patch, Pathname, Ref } from './step.js'
import type { Group, Word } from './words.js'

const ENCODER = new TextEncoder()
const SHORT = 64

/** The bytes of a string. What is written to the kernel's files is a few digits, for which the encoder's own call takes longest. */
export function utf8(text: string): Uint8Array {
  const { length } = text
  if (length > SHORT) return ENCODER.encode(text)
  const encoded = new Uint8Array(length)
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80) return ENCODER.encode(text)
    encoded[i] = code
  }
  return encoded
}

export function int(name: string, value: number | bigint | Ref, shown?: string): Arg {
  if (typeof value === 'object') return { name, kind: 'ref', ref: value.ref }
  return shown === undefined ? { name, kind: 'int', value } : { name, kind: 'int', value, shown }
}

export const fd = (name: string, descriptor: Descriptor): Arg => int(name, descriptor)

/** The directory descriptor of the *at calls: absent means the current directory. */
export function dirfd(name: string, descriptor?: Descriptor): Arg {
  return descriptor === undefined ? word(name, 'at', 'fdcwd') : fd(name, descriptor)
}

export function bits<G extends Group>(name: string, group: G, words: readonly Word<G>[], extra?: number): Arg {
  return extra === undefined ? { name, kind: 'flags', group, words } : { name, kind: 'flags', group, words, extra }
}

export function word<G extends Group>(name: string, group: G, value: Word<G>): Arg {
  return { name, kind: 'word', group, word: value }
}

/** An octal number, as file modes are read. */
export const mode = (name: string, value: number): Arg => int(name, value, value === 0 ? '0' : `0${value.toString(8)}`)

export function path(name: string, value: Pathname): Arg {
  if (value instanceof Uint8Array) return { name, kind: 'bytes', bytes: value }
  return { name, kind: 'text', parts: typeof value === 'string' ? [value] : value.text }
}

/** A string that may be absent (a NULL pointer). */
export function pathOrNull(name: string, value: Pathname | null | undefined): Arg {
  return value === null || value === undefined ? { name, kind: 'null' } : path(name, value)
}

export const nothing = (name: string): Arg => ({ name, kind: 'null' })

export function strings(name: string, values: readonly string[]): Arg {
  return { name, kind: 'strings', values }
}

export function out(name: string, size: number): Arg {
  return { name, kind: 'out', size }
}

export function bytes(name: string, data: Uint8Array | string, options: { patches?: readonly Patch[]; shown?: string } = {}): Arg {
  const encoded = typeof data === 'string' ? utf8(data) : data
  return { name, kind: 'bytes', bytes: encoded, ...options }
}

export function struct(name: string, type: string, size: number, fields: readonly Field[], returned = false): Arg {
  return { name, kind: 'struct', struct: type, size, fields, ...(returned && { returned }) }
}

/** A member of a structure; `value` may be any argument, of which the name is dropped, or a plain number. */
export function field(name: string, offset: number, width: Field['width'], value: Arg | number | bigint | Ref): Field {
  if (typeof value === 'object' && 'kind' in value) {
    const { name: _, ...rest } = value
    return { name, offset, width, value: rest as ArgValue }
  }
  return field(name, offset, width, int(name, value))
}
