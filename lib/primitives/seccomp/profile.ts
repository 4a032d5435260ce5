/**
 * Seccomp profiles in Docker's format (the OCI runtime specification's `linux.seccomp` with conditions), and their validation.
 * Source: Docker's "Seccomp security profiles" page, the OCI runtime specification (config-linux, seccomp), seccomp(2).
 */
import { DrydockError } from '../../kernel/errors.js'

export const ACTIONS = [
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_LOG',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_KILL_PROCESS',
] as const
export type Action = (typeof ACTIONS)[number]

export const OPERATORS = [
  'SCMP_CMP_EQ',
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_GT',
  'SCMP_CMP_GE',
  'SCMP_CMP_MASKED_EQ',
] as const
export type Operator = (typeof OPERATORS)[number]

const FLAGS = ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'] as const
export type Flag = (typeof FLAGS)[number]

/** A comparison of one argument of a call, in full 64 bits. With MASKED_EQ `value` is the mask and `valueTwo` what must be left. */
export interface ArgumentTest {
  /** 0 to 5. */
  readonly index: number
  /** 0 to 2^64-1; a bigint beyond 2^53. */
  readonly value: number | bigint
  readonly valueTwo?: number | bigint
  readonly op: Operator
}

/** When a rule counts: every member that is given must hold (`includes`), or none may (`excludes`). */
export interface Condition {
  /** Names as in 'CAP_SYS_ADMIN'; the container's bounding set is asked. */
  readonly caps?: readonly string[]
  /** 'amd64', 'arm64', … */
  readonly arches?: readonly string[]
  /** 'MAJOR.MINOR': the kernel is this one or newer. */
  readonly minKernel?: string
}

export interface ProfileRule {
  readonly names: readonly string[]
  readonly action: Action
  /** Error number of SCMP_ACT_ERRNO (EPERM when absent), message of SCMP_ACT_TRACE. */
  readonly errnoRet?: number
  readonly args?: readonly ArgumentTest[]
  readonly comment?: string
  readonly includes?: Condition
  readonly excludes?: Condition
}

export interface Profile {
  readonly defaultAction: Action
  readonly defaultErrnoRet?: number
  /** Architectures are checked for form and otherwise have no effect: only the machine's own one is ever let through. */
  readonly architectures?: readonly string[]
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures: readonly string[] }[]
  readonly flags?: readonly Flag[]
  readonly syscalls: readonly ProfileRule[]
}

const LARGEST_ERRNO = 4095
const LARGEST_MESSAGE = 0xffff
const LARGEST_VALUE = 0xffff_ffff_ffff_ffffn

/**
 * A profile from its JSON text, or from what was parsed of it. Members that Docker does not know are ignored, as Docker does.
 * Numbers beyond 2^53 survive when the text is given; in a parsed value they may be bigints or strings of digits.
 * Anything that Docker would refuse is refused here, in one sentence that names the member.
 */
export function parseProfile(source: unknown): Profile {
  const value = typeof source === 'string' ? parseJson(source) : source
  const { defaultAction, defaultErrnoRet, architectures, archMap, flags, syscalls } = object(value, 'the profile')
  const action = oneOf(defaultAction, ACTIONS, 'defaultAction')
  if (
    present(architectures) &&
    list(architectures, 'architectures').length > 0 &&
    present(archMap) &&
    list(archMap, 'archMap').length > 0
  ) {
    fail("names both 'architectures' and 'archMap'; use one of them")
  }
  return {
    defaultAction: action,
    ...(present(defaultErrnoRet) && { defaultErrnoRet: errno(defaultErrnoRet, action, 'defaultErrnoRet') }),
    ...(present(architectures) && { architectures: texts(architectures, 'architectures') }),
    ...(present(archMap) && { archMap: list(archMap, 'archMap').map(parseArchitecture) }),
    ...(present(flags) && { flags: list(flags, 'flags').map((flag, index) => oneOf(flag, FLAGS, `flags[${index}]`)) }),
    syscalls: present(syscalls) ? list(syscalls, 'syscalls').map(parseRule) : [],
  }
}

function parseJson(text: string): unknown {
  // JSON.parse rounds integers beyond 2^53; as strings they keep every digit. Strings of the text itself are left alone.
  const exact = text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) => (token.startsWith('"') ? token : `"${token}"`))
  try {
    return JSON.parse(exact)
  } catch (cause) {
    return fail(`is no JSON: ${(cause as Error).message}`)
  }
}

function parseArchitecture(value: unknown, index: number) {
  const { architecture, subArchitectures } = object(value, `archMap[${index}]`)
  return {
    architecture: name(architecture, `archMap[${index}].architecture`),
    subArchitectures: present(subArchitectures) ? texts(subArchitectures, `archMap[${index}].subArchitectures`) : [],
  }
}

function parseRule(value: unknown, index: number): ProfileRule {
  const where = `syscalls[${index}]`
  const { name: single, names, action, errnoRet, args, comment, includes, excludes } = object(value, where)
  const many = present(names) ? texts(names, `${where}.names`) : []
  if (present(single) && many.length > 0) fail(`has both 'name' and 'names' in ${where}; use one of them`)
  const known = oneOf(action, ACTIONS, `${where}.action`)
  return {
    names: present(single) ? [name(single, `${where}.name`)] : many,
    action: known,
    ...(present(errnoRet) && { errnoRet: errno(errnoRet, known, `${where}.errnoRet`) }),
    ...(present(args) && { args: list(args, `${where}.args`).map((arg, i) => parseArgument(arg, `${where}.args[${i}]`)) }),
    ...(present(comment) && { comment: String(comment) }),
    ...(present(includes) && { includes: parseCondition(includes, `${where}.includes`) }),
    ...(present(excludes) && { excludes: parseCondition(excludes, `${where}.excludes`) }),
  }
}

function parseArgument(value: unknown, where: string): ArgumentTest {
  const { index, value: first, valueTwo, op } = object(value, where)
  return {
    index: integer(index ?? 0, 5, `${where}.index`),
    value: unsigned(first ?? 0, `${where}.value`),
    valueTwo: unsigned(valueTwo ?? 0, `${where}.valueTwo`),
    op: oneOf(op, OPERATORS, `${where}.op`),
  }
}

function parseCondition(value: unknown, where: string): Condition {
  const { caps, arches, minKernel } = object(value, where)
  if (present(minKernel) && minKernel !== '' && (typeof minKernel !== 'string' || !/^\d{1,3}\.\d{1,3}$/.test(minKernel))) {
    fail(`has ${show(minKernel)} in ${where}.minKernel, where a kernel version such as "4.8" belongs`)
  }
  return {
    ...(present(caps) && { caps: texts(caps, `${where}.caps`) }),
    ...(present(arches) && { arches: texts(arches, `${where}.arches`) }),
    ...(present(minKernel) && minKernel !== '' && { minKernel: minKernel as string }),
  }
}

function errno(value: unknown, action: Action, where: string): number {
  return integer(value, action === 'SCMP_ACT_TRACE' ? LARGEST_MESSAGE : LARGEST_ERRNO, where)
}

function integer(value: unknown, largest: number, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= largest) return value
  return fail(`has ${show(value)} in ${where}, where a whole number from 0 to ${largest} belongs`)
}

function unsigned(value: unknown, where: string): bigint {
  const digits = typeof value === 'string' && /^\d+$/.test(value)
  if (typeof value === 'bigint' || digits || (typeof value === 'number' && Number.isSafeInteger(value))) {
    const number = BigInt(value as bigint | string | number)
    if (number >= 0n && number <= LARGEST_VALUE) return number
  }
  if (typeof value === 'number' && value > Number.MAX_SAFE_INTEGER) {
    fail(`has ${value} in ${where}, which may have been rounded; give numbers beyond 2^53 as bigints or as strings of digits`)
  }
  return fail(`has ${show(value)} in ${where}, where a whole number from 0 to 2^64-1 belongs`)
}

function oneOf<T extends string>(value: unknown, known: readonly T[], where: string): T {
  if (known.includes(value as T)) return value as T
  if (value === 'SCMP_ACT_NOTIFY')
    return fail(`asks for SCMP_ACT_NOTIFY in ${where}, which needs a supervising process that drydock does not have`)
  return fail(`has ${show(value)} in ${where}; known are ${known.join(', ')}`)
}

function texts(value: unknown, where: string): string[] {
  return list(value, where).map((one, index) => name(one, `${where}[${index}]`))
}

function name(value: unknown, where: string): string {
  return typeof value === 'string' && value !== '' ? value : fail(`has ${show(value)} in ${where}, where a name belongs`)
}

function list(value: unknown, where: string): readonly unknown[] {
  return Array.isArray(value) ? value : fail(`has ${show(value)} in ${where}, where a list belongs`)
}

function object(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  return fail(`has ${show(value)} for ${where}, where an object belongs`)
}

const present = (value: unknown): boolean => value !== undefined && value !== null

const show = (value: unknown): string => (typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'nothing'))

function fail(what: string): never {
  throw new DrydockError(`the seccomp profile ${what}`, { status: 400 })
}
