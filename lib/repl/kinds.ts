/** The kinds of things that stand in a typed line, and how each is read. */
import { isIP } from 'node:net'
import type { Descriptor, Pathname } from '../kernel/step.js'
import { type Group, WORDS } from '../kernel/words.js'
import { didYouMean } from './near.js'
import { LineError, literal, reference, type Token } from './tokens.js'

/** What may be completed there. */
export type Completion =
  | { readonly kind: 'path' }
  | { readonly kind: 'kept' }
  | { readonly kind: 'words'; readonly words: readonly string[]; readonly many: boolean }

export interface Kind<T = unknown> {
  /** `a path`, for sentences about mistakes. */
  readonly what: string
  readonly completion?: Completion
  /** The group that its words are of. */
  readonly group?: Group
  /** Throws a LineError that says what was expected, without the call's name. */
  parse(token: Token): T
  /** For what takes all the words that are left. */
  parseAll?(tokens: readonly Token[]): T
}

/** More words than this are not listed in a sentence about a mistake. */
const LISTED = 12

const wrong = (token: Token, what: string, more = '') => new LineError(`${token.raw} is not ${what}${more}`)

/** `-` or `NULL`, when not in quotes. */
export const isNull = (token: Token): boolean => !token.quoted && /^(-|NULL)$/.test(token.raw)

export const PATH: Kind<Pathname> = {
  what: 'a path',
  completion: { kind: 'path' },
  parse: (token) => literal(token) ?? { text: token.parts.filter((part) => part !== '') },
}

/** A string without references: names, types, arguments of programs. */
export const STRING: Kind<string> = {
  what: 'a string',
  parse(token) {
    const text = literal(token)
    if (text === undefined) throw new LineError(`${token.raw}: a kept number can stand in a path or for a number, not in this string`)
    return text
  },
}

/** A string, or bytes as hex:0011ff. */
export const BYTES: Kind<string | Uint8Array> = {
  what: 'a string, or bytes as hex:00ff',
  parse(token) {
    const text = STRING.parse(token)
    if (token.quoted || !text.startsWith('hex:')) return text
    const digits = text.slice(4)
    if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) throw wrong(token, 'hex: and an even number of hexadecimal digits')
    return Uint8Array.from(Buffer.from(digits, 'hex'))
  },
}

/** The instructions of a program: 8 bytes each. */
export const PROGRAM: Kind<Uint8Array> = {
  what: 'a program as hex:…, 8 bytes an instruction',
  parse(token) {
    const bytes = BYTES.parse(token)
    if (typeof bytes === 'string' || bytes.length === 0 || bytes.length % 8 !== 0) throw wrong(token, PROGRAM.what)
    return bytes
  },
}

/** Decimal, 0x…, 0o… or octal with a leading 0. */
export const NUMBER: Kind<number> = {
  what: 'a number (12, 0x1f, 017)',
  parse(token) {
    const value = integer(literal(token) ?? '')
    if (value === undefined) throw wrong(token, NUMBER.what)
    return value
  },
}

function integer(text: string): number | undefined {
  const [, sign = '', digits = ''] = /^(-?)((?:0x[0-9a-fA-F]+)|(?:0o?[0-7]+)|(?:0|[1-9]\d*))$/.exec(text) ?? []
  if (digits === '') return undefined
  const octal = /^0o?([0-7]+)$/.exec(digits)?.[1]
  const value = octal === undefined ? Number(digits) : Number.parseInt(octal, 8)
  if (!Number.isSafeInteger(value)) return undefined
  return sign === '-' ? -value : value
}

/** Mode bits: digits are octal, with a leading 0 or without. */
export const MODE: Kind<number> = {
  what: 'a mode (an octal number: 755, 0644, 1777)',
  parse(token) {
    const digits = /^(?:0o)?([0-7]{1,6})$/.exec(literal(token) ?? '')?.[1]
    if (digits === undefined) throw wrong(token, MODE.what)
    return Number.parseInt(digits, 8)
  },
}

/** A number, or the number that was kept under a name. */
const numberOrKept = (what: string): Kind<Descriptor> => ({
  what,
  completion: { kind: 'kept' },
  parse(token) {
    const kept = reference(token)
    if (kept) return kept
    const value = integer(literal(token) ?? '')
    if (value === undefined) throw wrong(token, what)
    return value
  },
})

export const DESCRIPTOR = numberOrKept('a descriptor (a number, or <name> of one that was kept)')
export const PID = numberOrKept('a process id (a number, or <child>)')

/** An id, where -1 or `unchanged` leaves what is there. */
export const ID: Kind<number> = {
  what: 'an id (a number, or “unchanged”)',
  parse(token) {
    const value = token.raw === 'unchanged' ? -1 : integer(literal(token) ?? '')
    if (value === undefined || value < -1 || value > 0xffff_ffff) throw wrong(token, ID.what)
    return value
  },
}

export const NUMBERS: Kind<number[]> = {
  what: 'numbers separated by commas',
  parse(token) {
    const values = (literal(token) ?? '').split(',').map(integer)
    if (values.some((value) => value === undefined)) throw wrong(token, NUMBERS.what)
    return values as number[]
  },
}

/** A limit: a number, or none. */
export const LIMIT: Kind<number> = {
  what: 'a number or “unlimited”',
  completion: { kind: 'words', words: ['unlimited'], many: false },
  parse(token) {
    if (token.raw === 'unlimited') return Number.POSITIVE_INFINITY
    const value = integer(literal(token) ?? '')
    if (value === undefined || value < 0) throw wrong(token, LIMIT.what)
    return value
  },
}

export const SWITCH_ON: Kind<boolean> = {
  what: '1 or 0',
  completion: { kind: 'words', words: ['1', '0'], many: false },
  parse(token) {
    if (token.raw === '1' || token.raw === 'on') return true
    if (token.raw === '0' || token.raw === 'off') return false
    throw wrong(token, SWITCH_ON.what)
  },
}

/** An internet address. */
export const ADDRESS: Kind<string> = {
  what: 'an internet address (10.0.0.1)',
  parse(token) {
    if (isIP(token.raw) === 0) throw wrong(token, ADDRESS.what)
    return token.raw
  },
}

/** A device's numbers: 1:3. */
export const DEVICE: Kind<[number, number]> = {
  what: 'the two numbers of a device (1:3)',
  parse(token) {
    const [, major, minor] = /^(\d+)[:,](\d+)$/.exec(token.raw) ?? []
    if (major === undefined || minor === undefined) throw wrong(token, DEVICE.what)
    return [Number(major), Number(minor)]
  },
}

/** The name that something is kept under. */
export const NAME: Kind<string> = {
  what: 'a name (letters, digits, _)',
  parse(token) {
    if (!/^[A-Za-z_][\w.-]*$/.test(token.raw)) throw wrong(token, NAME.what)
    return token.raw
  },
}

/** One word of a group. */
export function word(group: Group, title = group.replaceAll('_', ' ')): Kind<string> {
  const words: readonly string[] = WORDS[group]
  return {
    what: `a ${title}`,
    group,
    completion: { kind: 'words', words, many: false },
    parse: (token) => oneOf(token.raw, words, `a ${title}`),
  }
}

/** Words of a group separated by `,` or `|`; 0 is none of them. */
export function flags(group: Group, words: readonly string[] = WORDS[group]): Kind<string[]> {
  const title = `${group.replaceAll('_', ' ')} flag`
  return {
    what: `${title}s separated by commas`,
    group,
    completion: { kind: 'words', words, many: true },
    parse(token) {
      if (token.raw === '0') return []
      return token.raw
        .split(/[,|]/)
        .filter((typed) => typed !== '')
        .map((typed) => oneOf(typed, words, /^[aeio]/.test(title) ? `an ${title}` : `a ${title}`))
    },
  }
}

/** The word as the kernel headers have it too: CLONE_NEWPID, MS_NOSUID and CAP_CHOWN are taken for pid, nosuid and chown. */
function oneOf(typed: string, words: readonly string[], what: string): string {
  const lower = typed.toLowerCase()
  const bare = lower.replace(/^(clone_new|clone_|ms_|mnt_|o_|cap_|sig|rlimit_|pr_|at_|resolve_|mount_attr_|s_|af_|sock_)/, '')
  for (const candidate of [typed, lower, bare, bare === 'ns' ? 'mnt' : bare]) if (words.includes(candidate)) return candidate
  const suggestion = didYouMean(bare, words)
  const list = suggestion === '' && words.length <= LISTED ? `; there are ${words.join(', ')}` : ''
  throw new LineError(`${typed} is not ${what}${suggestion || list}`)
}
