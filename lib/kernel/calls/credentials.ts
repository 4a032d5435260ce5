/** Calls that change what a process may do: ids, capabilities, no_new_privs, seccomp. capabilities(7), credentials(7), seccomp(2). */
import { bits, bytes, fd, field, int, out, struct, word } from '../args.js'
import { constant } from '../constants.js'
import { type Descriptor, type Step, type StepOptions, step } from '../step.js'
import type { Word } from '../words.js'

export type Capability = Word<'capability'>

/** Leave this one of the three ids as it is: (uid_t) -1. */
export const UNCHANGED = -1

const id = (name: string, value: number) => int(name, value, value === UNCHANGED ? 'unchanged' : undefined)

/** setresuid(2): real, effective and saved user id. */
export function setresuid(real: number, effective: number = real, saved: number = effective, options?: StepOptions): Step {
  return step('setresuid', [id('ruid', real), id('euid', effective), id('suid', saved)], options)
}

/** setresgid(2): real, effective and saved group id. */
export function setresgid(real: number, effective: number = real, saved: number = effective, options?: StepOptions): Step {
  return step('setresgid', [id('rgid', real), id('egid', effective), id('sgid', saved)], options)
}

/** setgroups(2): the supplementary groups. */
export function setgroups(groups: readonly number[], options?: StepOptions): Step {
  const list = Buffer.alloc(Math.max(4, groups.length * 4))
  for (const [index, group] of groups.entries()) list.writeUInt32LE(group, index * 4)
  return step('setgroups', [int('size', groups.length), bytes('list', list, { shown: `[${groups.join(', ')}]` })], options)
}

/** The three sets that capset(2) writes. */
export interface CapabilitySets {
  readonly effective: readonly Capability[]
  readonly permitted: readonly Capability[]
  readonly inheritable: readonly Capability[]
}

/** Bits of a capability set as one 64-bit number. */
export function capabilityBits(capabilities: readonly Capability[]): bigint {
  return capabilities.reduce((sum, name) => sum | (1n << BigInt(constant('capability', name))), 0n)
}

const capabilityHeader = () =>
  struct('hdrp', 'cap_user_header', 8, [field('version', 0, 4, word('version', 'capability_version', 'v3')), field('pid', 4, 4, 0)])

/** capset(2): effective, permitted and inheritable set of the caller, in two 32-bit halves each. */
export function capset(sets: CapabilitySets, options?: StepOptions): Step {
  const data = Buffer.alloc(24)
  const order = [sets.effective, sets.permitted, sets.inheritable]
  order.forEach((set, index) => {
    const value = capabilityBits(set)
    data.writeUInt32LE(Number(value & 0xffff_ffffn), index * 4)
    data.writeUInt32LE(Number(value >> 32n), 12 + index * 4)
  })
  const list = (set: readonly Capability[]) => (set.length > 0 ? set.join('|') : '0')
  const shown = `{effective=${list(sets.effective)}, permitted=${list(sets.permitted)}, inheritable=${list(sets.inheritable)}}`
  return step('capset', [capabilityHeader(), bytes('datap', data, { shown })], options)
}

/** capget(2): the six 32-bit words of the sets are the step's out-buffer. */
export const capget = (options?: StepOptions): Step => step('capget', [capabilityHeader(), out('datap', 24)], options)

function prctl(operation: Word<'prctl'>, args: readonly ReturnType<typeof int>[], options?: StepOptions): Step {
  const padded = [...args]
  for (let index = args.length; index < 4; index++) padded.push(int(`arg${index + 2}`, 0))
  return step('prctl', [word('op', 'prctl', operation), ...padded], options)
}

/** prctl(2) PR_CAPBSET_DROP: gone from the bounding set, for this process and all its descendants, for ever. */
export const capbset_drop = (capability: Capability, options?: StepOptions): Step =>
  prctl('capbset_drop', [word('cap', 'capability', capability)], options)

/** prctl(2) PR_SET_KEEPCAPS: a change from uid 0 to another keeps the permitted set (until the next execve). */
export const set_keepcaps = (on: boolean, options?: StepOptions): Step => prctl('set_keepcaps', [int('flag', on ? 1 : 0)], options)

/** prctl(2) PR_SET_NO_NEW_PRIVS: no execve from here on can give privileges (setuid, file capabilities). Never undone. */
export const set_no_new_privs = (options?: StepOptions): Step => prctl('set_no_new_privs', [int('flag', 1)], options)

/** prctl(2) PR_CAP_AMBIENT_RAISE: kept across execve of an ordinary program; must be permitted and inheritable. */
export const cap_ambient_raise = (capability: Capability, options?: StepOptions): Step =>
  prctl('cap_ambient', [word('op2', 'cap_ambient', 'raise'), word('cap', 'capability', capability)], options)

/** prctl(2) PR_CAP_AMBIENT_CLEAR_ALL. */
export const cap_ambient_clear_all = (options?: StepOptions): Step =>
  prctl('cap_ambient', [word('op2', 'cap_ambient', 'clear_all')], options)

/** prctl(2) PR_SET_PDEATHSIG: the signal this process gets when the thread that made it ends. */
export const set_pdeathsig = (signal: Word<'signal'>, options?: StepOptions): Step =>
  prctl('set_pdeathsig', [word('sig', 'signal', signal)], options)

/** prctl(2) PR_SET_DUMPABLE: 1 makes /proc/PID belong to the caller's own ids, 0 to the superuser. */
export const set_dumpable = (on: boolean, options?: StepOptions): Step => prctl('set_dumpable', [int('flag', on ? 1 : 0)], options)

/** prctl(2) PR_SET_CHILD_SUBREAPER. */
export const set_child_subreaper = (on: boolean, options?: StepOptions): Step =>
  prctl('set_child_subreaper', [int('flag', on ? 1 : 0)], options)

/** prctl(2) PR_SET_SECUREBITS. */
export const set_securebits = (words: readonly Word<'securebits'>[], options?: StepOptions): Step =>
  prctl('set_securebits', [bits('bits', 'securebits', words)], options)

/**
 * seccomp(2) SECCOMP_SET_MODE_FILTER. `program` is classic BPF: instructions of 8 bytes (u16 code, u8 jt, u8 jf, u32 k).
 */
export function seccomp_set_mode_filter(
  program: Uint8Array,
  filterFlags: readonly Word<'seccomp_filter'>[] = [],
  options?: StepOptions,
): Step {
  const count = program.length / 8
  return step(
    'seccomp',
    [
      word('operation', 'seccomp', 'set_mode_filter'),
      bits('flags', 'seccomp_filter', filterFlags),
      struct('args', 'sock_fprog', 16, [
        field('len', 0, 2, count),
        field('filter', 8, 8, bytes('filter', program, { shown: `${count} instructions` })),
      ]),
    ],
    options,
  )
}

/** A namespace's owner: ioctl_ns(2). */
export function ns_get_owner_uid(descriptor: Descriptor, options?: StepOptions): Step {
  return step('ioctl', [fd('fd', descriptor), word('op', 'ioctl', 'ns_get_owner_uid'), out('uid', 4)], options)
}
