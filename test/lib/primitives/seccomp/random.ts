/** Random profiles, and what they mean by reading them from top to bottom: what compiled programs are compared with. */
import { constant, errnoNumber, SYSCALLS } from '../../../../lib/kernel/constants.js'
import { ACTIONS, type ArgumentTest, OPERATORS, type Profile, type ProfileRule } from '../../../../lib/primitives/seccomp/profile.js'

/** Numbers that repeat with the seed (mulberry32). */
export function generator(seed: number) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T
  return { below, pick, chance: (probability: number) => next() < probability }
}

export type Generator = ReturnType<typeof generator>

/** Where comparisons of 64-bit numbers by halves go wrong. */
export const EDGES = [0n, 1n, 5n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 32n + 5n, 2n ** 63n, 2n ** 64n - 2n, 2n ** 64n - 1n]

const NAMES = Object.keys(SYSCALLS)

export function randomProfile(random: Generator, size: number): Profile {
  const { below, pick, chance } = random
  const names = Array.from({ length: 1 + below(size) }, () => pick(NAMES))
  const rule = (): ProfileRule => ({
    names: Array.from({ length: 1 + below(4) }, () => pick(names)),
    action: pick(ACTIONS),
    ...(chance(0.5) && { errnoRet: below(200) }),
    ...(chance(0.6) && { args: Array.from({ length: 1 + below(3) }, () => randomTest(random)) }),
  })
  return { defaultAction: pick(ACTIONS), defaultErrnoRet: 1 + below(130), syscalls: Array.from({ length: 1 + below(size) }, rule) }
}

function randomTest({ below, pick, chance }: Generator): ArgumentTest {
  const op = pick(OPERATORS)
  const value = chance(0.5) ? pick(EDGES) : BigInt(below(12))
  const test = { index: chance(0.7) ? 0 : below(6), value, op }
  return op === 'SCMP_CMP_MASKED_EQ' ? { ...test, valueTwo: chance(0.5) ? 0n : pick(EDGES) } : test
}

/** Argument lists around everything that the profile's tests mention. */
export function argumentLists(profile: Profile, random: Generator, count: number): bigint[][] {
  const mentioned = profile.syscalls.flatMap(({ args = [] }) =>
    args.flatMap(({ value, valueTwo = 0 }) => [BigInt(value), BigInt(valueTwo)]),
  )
  const around = [...EDGES, ...mentioned.flatMap((value) => [value - 1n, value, value + 1n])].map((value) => BigInt.asUintN(64, value))
  return Array.from({ length: count }, () => Array.from({ length: 6 }, () => random.pick(around)))
}

/** What the profile says of a call, by its definition: rule after rule, with bigints. */
export function meaning(profile: Profile, number: number, args: readonly bigint[]): number {
  const otherwise = returned(profile.defaultAction, profile.defaultErrnoRet)
  if (number === 0xffff_ffff) return returned('SCMP_ACT_ALLOW')
  if (number >= 0x4000_0000) return returned('SCMP_ACT_ERRNO', errnoNumber('ENOSYS'))
  const mentioned = profile.syscalls.flatMap(({ names }) => names.map((name) => SYSCALLS[name] ?? -1))
  const refusing = !['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(profile.defaultAction)
  if (refusing && mentioned.length > 0 && number > Math.max(...mentioned)) return returned('SCMP_ACT_ERRNO', errnoNumber('ENOSYS'))
  const about = profile.syscalls.filter(({ names }) => names.some((name) => SYSCALLS[name] === number))
  const saying = about.filter(({ action, errnoRet }) => returned(action, errnoRet) !== otherwise)
  const plain = saying.find(({ args: tests = [] }) => tests.length === 0)
  const rule = plain ?? saying.find(({ args: tests = [] }) => matches(tests, args))
  return rule ? returned(rule.action, rule.errnoRet) : otherwise
}

function matches(tests: readonly ArgumentTest[], args: readonly bigint[]): boolean {
  const results = tests.map((test) => passes(test, args[test.index] as bigint))
  const sameArgument = new Set(tests.map(({ index }) => index)).size < tests.length
  return sameArgument ? results.some(Boolean) : results.every(Boolean)
}

function passes({ op, value, valueTwo = 0 }: ArgumentTest, argument: bigint): boolean {
  const [wanted, masked] = [BigInt(value), BigInt(valueTwo)]
  const truths = {
    SCMP_CMP_EQ: argument === wanted,
    SCMP_CMP_NE: argument !== wanted,
    SCMP_CMP_LT: argument < wanted,
    SCMP_CMP_LE: argument <= wanted,
    SCMP_CMP_GT: argument > wanted,
    SCMP_CMP_GE: argument >= wanted,
    SCMP_CMP_MASKED_EQ: (argument & wanted) === (masked & wanted),
  }
  return truths[op]
}

function returned(action: ProfileRule['action'], errnoRet = errnoNumber('EPERM')): number {
  const values = {
    SCMP_ACT_ALLOW: constant('seccomp_ret', 'allow'),
    SCMP_ACT_ERRNO: constant('seccomp_ret', 'errno') + errnoRet,
    SCMP_ACT_LOG: constant('seccomp_ret', 'log'),
    SCMP_ACT_TRAP: constant('seccomp_ret', 'trap'),
    SCMP_ACT_TRACE: constant('seccomp_ret', 'trace') + errnoRet,
    SCMP_ACT_KILL: constant('seccomp_ret', 'kill_thread'),
    SCMP_ACT_KILL_THREAD: constant('seccomp_ret', 'kill_thread'),
    SCMP_ACT_KILL_PROCESS: constant('seccomp_ret', 'kill_process'),
  }
  return values[action]
}
