/**
 * seccomp: which system calls the container may make, decided by a small program that the kernel runs before each of them.
 *
 *     profile.ts          Docker's profile format and its validation
 *     default-profile.ts  what a container may do by default
 *     policy.ts           a profile for one machine and one container
 *     nodes.ts decide.ts  the decisions as a graph: a balanced search over call numbers, tests of arguments
 *     assemble.ts         the graph as a program; compile.ts keeps programs that were made
 *     instructions.ts simulate.ts explain.ts   a program read again: run, and shown
 */
import { release } from 'node:os'
import { type Capability, seccomp_set_mode_filter } from '../../kernel/calls/credentials.js'
import { constant, flags, SYSCALLS } from '../../kernel/constants.js'
import { DrydockError } from '../../kernel/errors.js'
import { remembered } from '../../kernel/remembered.js'
import { type ArgValue, type Fragment, inPhase, type Step } from '../../kernel/step.js'
import type { Word } from '../../kernel/words.js'
import { type Compiled, compileProfile } from './compile.js'
import { DEFAULT_PROFILE } from './default-profile.js'
import type { Profile } from './profile.js'
import { numberOf, runDecoded, verdictWords } from './simulate.js'

export { type Compiled, compileProfile } from './compile.js'
export { DEFAULT_PROFILE } from './default-profile.js'
export { explainProgram } from './explain.js'
export { type Policy, resolveProfile } from './policy.js'
export { type Profile, type ProfileRule, parseProfile } from './profile.js'
export { type CallData, run, verdict, verdictWords } from './simulate.js'

export interface SeccompSpec {
  /** Docker's default, none at all, or one in Docker's format. */
  readonly profile: 'default' | 'unconfined' | Profile
  /** The container's bounding set: profiles open calls with it. */
  readonly capabilities: readonly Capability[]
  /** True: the filter is loaded last, right before execve. False: before the privileges are dropped, because loading needs one. */
  readonly noNewPrivileges: boolean
  /** Write what is refused (not what is allowed) into the audit log. */
  readonly log?: boolean
  /** Release of the kernel, for rules that depend on it; this machine's by default. */
  readonly kernel?: string
  /** Steps of the container that come after the filter: each must be allowed by it, or an error says which one is not. */
  readonly following?: readonly Step[]
}

/**
 * Calls that the process makes by itself after the filter is loaded, besides the plan's: it waits for the next steps, and says that the
 * last ones are done. (native/child.c keeps them to these two, and its own prctl before the filter.)
 */
export const INTERPRETER_CALLS = ['read', 'write'] as const

const FLAG_WORDS: Readonly<Record<string, Word<'seccomp_filter'> | undefined>> = {
  SECCOMP_FILTER_FLAG_LOG: 'log',
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 'spec_allow',
  // TSYNC is for processes with threads; the one that loads this filter has one.
  SECCOMP_FILTER_FLAG_TSYNC: undefined,
}

/** One step that loads the filter of the profile; none when the profile is 'unconfined'. */
export const seccomp = (spec: SeccompSpec): Fragment =>
  typeof spec.profile === 'string' && !spec.following ? byName(spec) : seccompOf(spec)

const byName = remembered(seccompOf)

function seccompOf(spec: SeccompSpec): Fragment {
  const { profile, capabilities, noNewPrivileges, log = false, kernel = release(), following = [] } = spec
  if (profile === 'unconfined') return { primitive: 'seccomp', title: 'System call filter: none', steps: [] }
  const source = profile === 'default' ? DEFAULT_PROFILE : profile
  const compiled = compileProfile(source, { capabilities, kernel })
  const { program } = compiled
  checkFollowing(compiled, following, noNewPrivileges)
  const filterFlags = new Set((source.flags ?? []).flatMap((flag) => FLAG_WORDS[flag] ?? []))
  if (log) filterFlags.add('log')
  const why = noNewPrivileges
    ? 'As late as can be, so that the filter need allow nothing of what was done before; with no_new_privs set, loading it needs no privilege.'
    : 'Without no_new_privs loading a filter needs CAP_SYS_ADMIN, which is dropped next; what is still to be done must pass the filter.'
  const step = seccomp_set_mode_filter(program, [...filterFlags], { why })
  return {
    primitive: 'seccomp',
    title: `System call filter: ${profile === 'default' ? 'the default profile' : 'a profile of one’s own'}, ${program.length / 8} instructions`,
    steps: inPhase(noNewPrivileges ? 'exec' : 'filter', 'container', [step]),
  }
}

/**
 * Throws one sentence when the filter refuses a call that the container still has to make after it is loaded. runc has the same limit: its
 * own setgroups, setresuid, capset, prctl, … come after the filter too unless no_new_privs is set.
 */
export function checkFollowing({ instructions }: Compiled, following: readonly Step[], noNewPrivileges: boolean): void {
  const calls: { call: string; args: readonly (number | bigint)[] }[] = [...INTERPRETER_CALLS, 'execve'].map((call) => ({ call, args: [] }))
  for (const { call, args } of following) {
    if (Object.hasOwn(SYSCALLS, call)) calls.push({ call, args: args.map(asSeen) })
  }
  for (const { call, args } of calls) {
    const answer = verdictWords(runDecoded(instructions, { number: numberOf(call), args }))
    if (answer === 'allow' || answer === 'log') continue
    const advice = noNewPrivileges
      ? `allow ${call} in it`
      : `allow ${call} in it, or set no-new-privileges, with which the filter is loaded last`
    throw new DrydockError(
      `the seccomp profile answers ${call} with '${answer}', but setting up the container still needs ${call} after the filter is loaded: ${advice}`,
      { status: 400 },
    )
  }
}

/** An argument as the filter sees it; 0 for what is known only when the step is made (an address, a number of an earlier step). */
function asSeen(arg: ArgValue): number | bigint {
  if (arg.kind === 'int') return arg.value
  if (arg.kind === 'word') return constant(arg.group, arg.word as never)
  if (arg.kind === 'flags') return flags(arg.group, arg.words as never) + (arg.extra ?? 0)
  return 0
}
