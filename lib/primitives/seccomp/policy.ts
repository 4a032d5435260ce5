/**
 * What a profile means on one machine for one container: its conditions decided, its names turned into numbers, its actions into
 * what the kernel takes. The compiler needs nothing else.
 */

import type { Capability } from '../../kernel/calls/credentials.js'
import { ARCH, constant, errnoNumber, SYSCALLS } from '../../kernel/constants.js'
import { DrydockError } from '../../kernel/errors.js'
import type { Action, ArgumentTest, Condition, Operator, Profile, ProfileRule } from './profile.js'

/** What conditions ask about. */
export interface Circumstances {
  /** The container's bounding set. */
  readonly capabilities: readonly Capability[]
  /** 'amd64' or 'arm64'; the machine's own by default. */
  readonly arch?: string
  /** The kernel's release, as in '6.1.0-13-amd64'. */
  readonly kernel: string
}

/** A comparison of argument `index` with the number `value`; masked_eq compares what `mask` leaves of both. */
export interface Comparison {
  readonly index: number
  readonly op: Operator
  readonly value: bigint
  readonly mask: bigint
}

/** One rule for one call: all tests must hold (none: always), then `verdict`, the filter's 32-bit return value, applies. */
export interface Rule {
  readonly tests: readonly Comparison[]
  readonly verdict: number
}

export interface Policy {
  /** By call number; the first rule that holds decides, `otherwise` when none does. */
  readonly rules: ReadonlyMap<number, readonly Rule[]>
  readonly otherwise: number
  /** Calls with higher numbers are answered ENOSYS; absent: like all others. */
  readonly highest?: number
  /** Names that the kernel headers of this machine do not know; they are skipped, as libseccomp and Docker do. */
  readonly unknown: readonly string[]
}

const ALL_BITS = 0xffff_ffff_ffff_ffffn

/** Docker's name of the machine's architecture. */
export const NATIVE_ARCH = ({ x86_64: 'amd64', x64: 'amd64', aarch64: 'arm64' } as Record<string, string>)[ARCH] ?? ARCH

/** The filter's return value of an action. Without `errnoRet` the error is EPERM. seccomp(2), "return value". */
export function verdictOf(action: Action, errnoRet = errnoNumber('EPERM')): number {
  switch (action) {
    case 'SCMP_ACT_ALLOW':
      return constant('seccomp_ret', 'allow')
    case 'SCMP_ACT_ERRNO':
      return constant('seccomp_ret', 'errno') + errnoRet
    case 'SCMP_ACT_LOG':
      return constant('seccomp_ret', 'log')
    case 'SCMP_ACT_TRAP':
      return constant('seccomp_ret', 'trap')
    case 'SCMP_ACT_TRACE':
      return constant('seccomp_ret', 'trace') + errnoRet
    case 'SCMP_ACT_KILL':
    case 'SCMP_ACT_KILL_THREAD':
      return constant('seccomp_ret', 'kill_thread')
    case 'SCMP_ACT_KILL_PROCESS':
      return constant('seccomp_ret', 'kill_process')
  }
}

/**
 * The profile for these circumstances, by the rules that Docker, runc and libseccomp share:
 * - a rule whose action is the default's says nothing;
 * - a rule without arguments outweighs those with arguments, and the first of several such rules counts;
 * - tests of one rule are ANDed, unless two of them look at the same argument: then each stands alone.
 * Several rules with arguments and different actions are tried in the profile's order.
 */
export function resolveProfile(profile: Profile, circumstances: Circumstances): Policy {
  const otherwise = verdictOf(profile.defaultAction, profile.defaultErrnoRet)
  const unconditional = new Map<number, Rule>()
  const conditional = new Map<number, Rule[]>()
  const unknown = new Set<string>()
  let highest = -1
  for (const rule of profile.syscalls) {
    if (!applies(rule, circumstances)) continue
    const verdict = verdictOf(rule.action, rule.errnoRet)
    const alternatives = alternativesOf(rule.args ?? [])
    for (const name of rule.names) {
      const number = Object.hasOwn(SYSCALLS, name) ? SYSCALLS[name] : undefined
      if (number === undefined) {
        unknown.add(name)
        continue
      }
      highest = Math.max(highest, number)
      if (verdict === otherwise) continue
      for (const tests of alternatives) {
        if (tests.length > 0) conditional.set(number, [...(conditional.get(number) ?? []), { tests, verdict }])
        else if (!unconditional.has(number)) unconditional.set(number, { tests, verdict })
      }
    }
  }
  const rules = new Map<number, readonly Rule[]>(conditional)
  for (const [number, rule] of unconditional) rules.set(number, [rule])
  return { rules, otherwise, ...(highest >= 0 && refuses(profile) && { highest }), unknown: [...unknown] }
}

/**
 * A call that the profile's author cannot have known is answered ENOSYS, not EPERM, when the default is a refusal: programs try new
 * calls and fall back to older ones on ENOSYS alone. runc does the same.
 */
function refuses({ defaultAction }: Profile): boolean {
  return !['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(defaultAction)
}

function alternativesOf(args: readonly ArgumentTest[]): (readonly Comparison[])[] {
  const tests = args.map(comparisonOf)
  const distinct = new Set(tests.map(({ index }) => index)).size === tests.length
  return distinct ? [tests] : tests.map((test) => [test])
}

/** Docker writes the mask of MASKED_EQ as `value`, and what must be left as `valueTwo`. */
function comparisonOf({ index, op, value, valueTwo = 0 }: ArgumentTest): Comparison {
  if (op !== 'SCMP_CMP_MASKED_EQ') return { index, op, value: BigInt(value), mask: ALL_BITS }
  return { index, op, value: BigInt(valueTwo) & BigInt(value), mask: BigInt(value) }
}

function applies({ includes, excludes }: ProfileRule, circumstances: Circumstances): boolean {
  const { capabilities, arch = NATIVE_ARCH, kernel } = circumstances
  const has = (name: string) => capabilities.includes(name.toLowerCase().replace(/^cap_/, '') as Capability)
  const excluded =
    excludes !== undefined &&
    (excludes.arches?.includes(arch) ||
      excludes.caps?.some(has) ||
      (excludes.minKernel !== undefined && atLeast(kernel, excludes.minKernel)))
  return !excluded && included(includes, arch, has, kernel)
}

function included(condition: Condition | undefined, arch: string, has: (name: string) => boolean, kernel: string): boolean {
  const { arches = [], caps = [], minKernel } = condition ?? {}
  return (arches.length === 0 || arches.includes(arch)) && caps.every(has) && (minKernel === undefined || atLeast(kernel, minKernel))
}

/** Is this kernel release ('6.1.0-13-amd64') that version ('4.8') or newer? */
export function atLeast(release: string, version: string): boolean {
  const [major, minor] = numbers(release)
  const [wantedMajor, wantedMinor] = numbers(version)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}

function numbers(version: string): [number, number] {
  const match = /^(\d+)\.(\d+)/.exec(version)
  if (!match) throw new DrydockError(`'${version}' is no kernel version`)
  return [Number(match[1]), Number(match[2])]
}
