/** Profiles into programs, each only once: the same profile with the same circumstances is the same program. */
import { assemble } from './assemble.js'
import { decisionOf } from './decide.js'
import { decode, type Instruction } from './instructions.js'
import { type Circumstances, NATIVE_ARCH, type Policy, resolveProfile } from './policy.js'
import { type Profile, parseProfile } from './profile.js'

export interface Compiled {
  /** Classic BPF, 8 bytes an instruction, as seccomp(2) takes it. */
  readonly program: Uint8Array
  /** The same program to be run here. */
  readonly instructions: readonly Instruction[]
  readonly policy: Policy
}

interface Known {
  readonly profile: Profile
  readonly programs: Map<string, Compiled>
}

/** By identity of the profile: it is forgotten with it. */
const known = new WeakMap<object, Known>()

/** The program of a profile. The profile is validated at its first use; an invalid one is refused in one sentence. */
export function compileProfile(profile: Profile, circumstances: Circumstances): Compiled {
  let entry = known.get(profile)
  if (!entry) {
    entry = { profile: parseProfile(profile), programs: new Map() }
    known.set(profile, entry)
  }
  const { capabilities, arch = NATIVE_ARCH, kernel } = circumstances
  const key = [arch, kernel, ...[...new Set(capabilities)].sort()].join(' ')
  let compiled = entry.programs.get(key)
  if (!compiled) {
    const policy = resolveProfile(entry.profile, circumstances)
    const program = assemble(decisionOf(policy))
    compiled = { program, instructions: decode(program), policy }
    entry.programs.set(key, compiled)
  }
  return compiled
}
