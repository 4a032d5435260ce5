/**
 * Documents that clients send, member by member: of each member a table says what shape its value has, and what is done with it. Unknown members are passed
 * over, as Docker does; null is as good as nothing.
 */
import { DrydockError } from '../../kernel/errors.js'
import type { Document } from '../types.js'
import { INNER, type Inner } from './inner.js'

/** What a value is to be. `words`: one word stands for a list of it. */
export type Shape = 'text' | 'flag' | 'integer' | 'number' | 'texts' | 'words' | 'map' | 'list' | 'object'

export interface Member {
  readonly shape: Shape
  /** It asks for something that cannot be done here: why. Values that ask for nothing are let pass. */
  readonly refused?: string
  /** It means nothing here, whatever it says. */
  readonly idle?: true
}

export type Members = Readonly<Record<string, Member>>

/** It is read. */
export const is = (shape: Shape): Member => ({ shape })
/** Whoever wants it hears that it cannot be had. */
export const refused = (shape: Shape, why: string): Member => ({ shape, refused: why })
/** It concerns other platforms, or nothing that a container could tell. */
export const idle = (shape: Shape): Member => ({ shape, idle: true })

const isText = (value: unknown): value is string => typeof value === 'string'
const isObject = (value: unknown): value is Document => typeof value === 'object' && value !== null && !Array.isArray(value)

/** `unset`: what null is within a list or a map. */
const FITS: Readonly<Record<Shape, { readonly what: string; readonly test: (value: unknown) => boolean; readonly unset: unknown }>> = {
  text: { what: 'a string', test: isText, unset: '' },
  flag: { what: 'true or false', test: (value) => typeof value === 'boolean', unset: false },
  integer: { what: 'a whole number', test: (value) => Number.isSafeInteger(value), unset: 0 },
  number: { what: 'a number', test: (value) => typeof value === 'number', unset: 0 },
  texts: { what: 'a list of strings', test: (value) => Array.isArray(value) && value.every(isText), unset: [] },
  words: {
    what: 'a string or a list of strings',
    test: (value) => isText(value) || (Array.isArray(value) && value.every(isText)),
    unset: [],
  },
  map: { what: 'an object', test: isObject, unset: {} },
  list: { what: 'a list', test: Array.isArray, unset: [] },
  object: { what: 'an object', test: isObject, unset: {} },
}

/** The members that say something, checked. `path` is where the document stands, for messages: `HostConfig.`. */
export function readMembers(document: unknown, members: Members, path = ''): Document {
  if (document === undefined || document === null) return {}
  if (!isObject(document)) throw wrong(path.replace(/\.$/, '') || 'the body', 'an object')
  const found: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(document)) {
    const known = Object.hasOwn(members, name) ? name : Object.keys(members).find((one) => one.toLowerCase() === name.toLowerCase())
    const member = known === undefined ? undefined : members[known]
    if (known === undefined || !member || value === null || value === undefined) continue
    const { what, test } = FITS[member.shape]
    if (!test(value)) throw wrong(`${path}${known}`, what)
    if (member.refused !== undefined && !saysNothing(value))
      throw new DrydockError(`${path}${known} is not supported: ${member.refused}`, { status: 400 })
    found[known] = member.shape === 'words' && isText(value) ? [value] : within(value, `${path}${known}`)
  }
  return found
}

/** What is in it, checked too, where that is known. */
function within(value: unknown, path: string): unknown {
  const inner = INNER[path.replace(/\[\d+\]/g, '[]')]
  return inner === undefined ? value : readInner(value, inner, path)
}

/** As Go reads it: null is what nobody has set, and unknown members are passed over. */
function readInner(value: unknown, inner: Inner, path: string): unknown {
  if (typeof inner === 'string') {
    const { what, test, unset } = FITS[inner]
    if (value === null) return unset
    if (!test(value)) throw wrong(path, what)
    return value
  }
  if ('each' in inner) {
    if (value === null) return null
    if (!Array.isArray(value)) throw wrong(path, 'a list')
    return value.map((one, at) => readInner(one, inner.each, `${path}[${at}]`))
  }
  if (value !== null && !isObject(value)) throw wrong(path, 'an object')
  const entries = Object.entries(value ?? {})
  if ('values' in inner) return Object.fromEntries(entries.map(([name, one]) => [name, readInner(one, inner.values, `${path}.${name}`)]))
  const { members } = inner
  const names = Object.keys(members)
  return Object.fromEntries(
    entries.flatMap(([name, one]) => {
      const known = Object.hasOwn(members, name) ? name : names.find((other) => other.toLowerCase() === name.toLowerCase())
      return known === undefined || one === null ? [] : [[known, readInner(one, members[known] as Inner, `${path}.${known}`)]]
    }),
  )
}

const wrong = (path: string, what: string): DrydockError => new DrydockError(`invalid JSON: ${path} must be ${what}`, { status: 400 })

/** What Go leaves in a member that nobody has set. */
export function saysNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (isObject(value)) return Object.values(value).every(saysNothing)
  return value === '' || value === 0 || value === false || value === null || value === undefined
}
