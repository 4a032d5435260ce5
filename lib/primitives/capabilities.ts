/**
 * Capabilities: root, in some forty pieces. A process has five sets of them, and all that a container's root can do is what the
 * bounding set leaves. capabilities(7).
 */
import { readFileSync } from 'node:fs'
import { int, word } from '../kernel/args.js'
import { type Capability, cap_ambient_raise, capbset_drop, capset, set_keepcaps } from '../kernel/calls/credentials.js'
import { constant } from '../kernel/constants.js'
import { DrydockError } from '../kernel/errors.js'
import { capabilityNames, readStatus } from '../kernel/proc/status.js'
import { type Fragment, inPhase, type Step, step } from '../kernel/step.js'
import { WORDS } from '../kernel/words.js'
import { CAPABILITY_NOTES } from './capability-notes.js'

export { CAPABILITY_NOTES, type CapabilityNote } from './capability-notes.js'
export type { Capability }

/** All that the kernel headers know, in the order of their numbers. */
export const ALL_CAPABILITIES: readonly Capability[] = WORDS.capability

/** What Docker gives a container: enough to install software and run servers as other users. */
export const DEFAULT_CAPABILITIES: readonly Capability[] = [
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'net_bind_service',
  'net_raw',
  'sys_chroot',
  'mknod',
  'audit_write',
  'setfcap',
]

/** 'CAP_NET_ADMIN', as manuals and Docker write it. */
export const capabilityName = (capability: Capability): string => `CAP_${capability.toUpperCase()}`

/** One capability by its name, with or without 'CAP_', in any case. */
export function parseCapability(name: string): Capability {
  const word = name.toLowerCase().replace(/^cap_/, '')
  if ((ALL_CAPABILITIES as readonly string[]).includes(word)) return word as Capability
  throw new DrydockError(`unknown capability: "CAP_${word.toUpperCase()}": capabilities(7) lists their names, such as NET_ADMIN`, {
    status: 400,
  })
}

/** Names as Docker takes them for --cap-add and --cap-drop: 'NET_ADMIN', 'cap_net_admin', 'ALL'. */
export function parseCapabilities(names: readonly string[]): (Capability | 'all')[] {
  return names.map((name) => (name.toLowerCase() === 'all' ? 'all' : parseCapability(name)))
}

export interface CapabilityRequest {
  readonly add?: readonly string[]
  readonly drop?: readonly string[]
  /** Everything that there is, whatever is added and dropped. */
  readonly privileged?: boolean
  /** What can be handed on: see `availableCapabilities`. In a new user namespace everything is there. */
  readonly available: readonly Capability[]
  /** The kernel's highest capability number: see `lastCapability`. */
  readonly last: number
}

/**
 * The container's bounding set, by Docker's arithmetic: with ALL added, everything but what is dropped; with ALL dropped, only what is
 * added; otherwise the default without what is dropped, and then what is added. What this kernel or this host does not have is left out,
 * with a warning in one sentence.
 */
export function resolveCapabilities(request: CapabilityRequest): { capabilities: Capability[]; warnings: string[] } {
  const { privileged = false, available, last } = request
  const add = parseCapabilities(request.add ?? [])
  const drop = parseCapabilities(request.drop ?? [])
  const everything = privileged || add.includes('all')
  const wanted = new Set<Capability>(everything ? ALL_CAPABILITIES : drop.includes('all') ? [] : DEFAULT_CAPABILITIES)
  if (!privileged) for (const one of drop) if (one !== 'all') wanted.delete(one)
  if (!everything) for (const one of add) if (one !== 'all') wanted.add(one)
  const sorted = ALL_CAPABILITIES.filter((one) => wanted.has(one))
  const unknown = sorted.filter((one) => number(one) > last)
  const missing = sorted.filter((one) => number(one) <= last && !available.includes(one))
  const warnings: string[] = []
  // "All" means all that there is: what the kernel has not got is no loss worth a word.
  if (unknown.length > 0 && !everything) warnings.push(`this kernel has no ${names(unknown)}; the container goes without`)
  if (missing.length > 0)
    warnings.push(`this host cannot hand on ${names(missing)}, which it has not got itself; the container goes without`)
  return { capabilities: sorted.filter((one) => number(one) <= last && available.includes(one)), warnings }
}

/** The five sets of a process, in /proc/PID/status CapInh, CapPrm, CapEff, CapBnd, CapAmb. */
export interface FiveSets {
  readonly inheritable: readonly Capability[]
  readonly permitted: readonly Capability[]
  readonly effective: readonly Capability[]
  readonly bounding: readonly Capability[]
  readonly ambient: readonly Capability[]
}

/**
 * The five sets that Docker gives a process: root has all of the bounding set, any other user nothing to begin with, as after an
 * execve. Nothing is inheritable (since CVE-2022-24769: with it, programs with file capabilities gave more than they should) or ambient.
 */
export function dockerSets(bounding: readonly Capability[], uid: number): FiveSets {
  const held = uid === 0 ? bounding : []
  return { bounding, permitted: held, effective: held, inheritable: [], ambient: [] }
}

export interface CapabilitiesSpec extends FiveSets {
  /** The user that the process becomes between the bounding set and the others; keepcaps is set when it must survive that. */
  readonly uid?: number
  /** The kernel's highest capability number: see `lastCapability`. */
  readonly lastCap: number
}

/** The steps of `capabilities`, apart, so that the change of user can come between them. */
export interface CapabilitySteps {
  readonly bounding: Step[]
  readonly keep: Step[]
  readonly sets: Step[]
  readonly ambient: Step[]
}

/** The caller's five sets from what they are to exactly these. Needs CAP_SETPCAP, unless nothing is dropped from the bounding set. */
export function capabilities(spec: CapabilitiesSpec): Fragment {
  const { bounding, keep, sets, ambient } = capabilitySteps(spec)
  const title = `Capabilities: ${spec.bounding.length} of ${spec.lastCap + 1} can be had, ${spec.effective.length} are in effect`
  return { primitive: 'capabilities', title, steps: inPhase('privileges', 'container', [...bounding, ...keep, ...sets, ...ambient]) }
}

/** The four groups of steps, without a phase. Refuses sets that the kernel would refuse. */
export function capabilitySteps({ uid = 0, lastCap, ...sets }: CapabilitiesSpec): CapabilitySteps {
  checkSets(sets)
  if (!Number.isInteger(lastCap) || lastCap < 0 || lastCap > 63) throw new DrydockError(`'${lastCap}' is no capability number`)
  const { bounding, effective, permitted, inheritable, ambient } = sets
  const kept = new Set(bounding.map(number))
  const dropped = Array.from({ length: lastCap + 1 }, (_, index) => index).filter((index) => !kept.has(index))
  const keep = uid !== 0 && permitted.length > 0
  return {
    bounding: dropped.map((index) => {
      DROPS[index] ??= dropStep(index)
      return DROPS[index]
    }),
    // It ends by itself with execve, so nothing takes it back.
    keep: keep ? [set_keepcaps(true, { why: 'A change from user 0 to another empties the permitted set; this once it is kept.' })] : [],
    sets: [capset({ effective, permitted, inheritable }, { why: whySets(effective, inheritable) })],
    ambient: ambient.map((one) =>
      cap_ambient_raise(one, {
        why: `An ordinary program started by this user will have ${capabilityName(one)} in effect, without file capabilities.`,
      }),
    ),
  }
}

function whySets(effective: readonly Capability[], inheritable: readonly Capability[]): string {
  const inherited = inheritable.length === 0 ? 'nothing is inheritable' : `${names(inheritable)} can be inherited by files that ask for it`
  if (effective.length === 0) return `The process itself keeps no capability, and ${inherited}.`
  return `From here on only these ${effective.length} are in effect, and ${inherited}; it comes after all that needed the others.`
}

const BY_NUMBER = new Map(ALL_CAPABILITIES.map((capability) => [constant('capability', capability), capability]))

/** The same for every container, and there are many. */
const DROPS: Step[] = []

function dropStep(index: number): Step {
  const capability = BY_NUMBER.get(index)
  if (capability !== undefined) {
    const why = `Whatever a program’s file or user is, no execve will give it ${capabilityName(capability)} again, which allows a process to ${CAPABILITY_NOTES[capability].allows}.`
    return capbset_drop(capability, { why })
  }
  // A kernel newer than the headers: left in the bounding set, root would get it at the next execve.
  const rest = [int('arg3', 0), int('arg4', 0), int('arg5', 0)]
  return step('prctl', [word('op', 'prctl', 'capbset_drop'), int('cap', index), ...rest], {
    why: `Capability ${index} is newer than the headers that this program was built with; nobody has asked for it.`,
  })
}

function checkSets({ effective, permitted, inheritable, ambient, bounding }: FiveSets): void {
  const outside = (set: readonly Capability[], of: readonly Capability[]) => set.filter((one) => !of.includes(one))
  const refuse = (set: readonly Capability[], sentence: string) => {
    if (set.length > 0) throw new DrydockError(`${names(set)} ${sentence}`)
  }
  refuse(outside(effective, permitted), 'cannot be effective without being permitted')
  refuse(outside(ambient, permitted), 'cannot be ambient without being permitted')
  refuse(outside(ambient, inheritable), 'cannot be ambient without being inheritable')
  refuse(outside(inheritable, bounding), 'cannot be inheritable without being in the bounding set')
}

const number = (capability: Capability): number => constant('capability', capability)

const names = (set: readonly Capability[]): string => set.map(capabilityName).join(', ')

/** The capabilities whose bits are set, in the order of their numbers. Bits that no header names are left out. */
export function capabilitiesOf(bits: bigint): Capability[] {
  return capabilityNames(bits).filter((name): name is Capability => (ALL_CAPABILITIES as readonly string[]).includes(name))
}

/** The kernel's highest capability number. */
export function lastCapability(): number {
  return Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'))
}

/** What a child of this process can have at most: what it is permitted and what its bounding set holds. */
export function availableCapabilities(): Capability[] {
  const sets = readStatus('self')?.capabilities
  return sets ? capabilitiesOf(sets.permitted.bits & sets.bounding.bits) : []
}
