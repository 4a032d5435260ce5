/** What this lesson's scenes and checks read from /proc/PID/status, and the rows that show it. */
import type { Bottle } from '../../lib/bottle.js'
import { type Capability, clone3, execve, host, mkdir, mount, type Step } from '../../lib/index.js'
import { DrydockError } from '../../lib/kernel/errors.js'
import { type CapabilityStatus, readStatus, type Status } from '../../lib/kernel/proc/status.js'
import { capabilitiesOf, capabilityName } from '../../lib/primitives/capabilities.js'
import type { Box, LookRow } from '../../lib/tutor/lesson.js'
import { ENVIRONMENT } from '../01-namespaces/looks.js'

/** More names than this are counted. */
const FEW = 6

/** `CAP_CHOWN, CAP_KILL`, or how many. */
export function listed(set: readonly string[]): string {
  if (set.length === 0) return 'nothing'
  return set.length > FEW ? `${set.length} capabilities` : set.map((one) => capabilityName(one as Capability)).join(', ')
}

export function statusOf(box: Box): Status {
  const status = readStatus(box.hostPid())
  if (!status) throw new DrydockError(`the process of box "${box.name}" has ended; its status cannot be read any more`)
  return status
}

/** The lines of /proc/PID/status, in its order. */
const LINES: readonly (readonly [string, keyof CapabilityStatus])[] = [
  ['CapInh', 'inheritable'],
  ['CapPrm', 'permitted'],
  ['CapEff', 'effective'],
  ['CapBnd', 'bounding'],
  ['CapAmb', 'ambient'],
]

/** The five sets, as they stand and in words. */
export function fiveSets(status: Status, notice: readonly string[] = []): LookRow[] {
  return LINES.map(([label, set]) => ({
    label: `${label} (${set})`,
    value: `${hex(status.capabilities[set].bits)}  ${listed(status.capabilities[set].names)}`,
    notice: notice.includes(label),
  }))
}

/** As the file has it: sixteen digits. */
export const hex = (bits: bigint) => bits.toString(16).padStart(16, '0')

/** The capabilities that are in effect. */
export const effectiveOf = (status: Status): Capability[] => capabilitiesOf(status.capabilities.effective.bits)

/** What a new child in this bottle can have at most. */
export function boundOf(bottle: Bottle): Capability[] {
  const sets = readStatus(bottle.pid)?.capabilities
  return sets ? capabilitiesOf(sets.permitted.bits & sets.bounding.bits) : []
}

/**
 * A directory in which setuid bits count. The bottle's /tmp and /run are mounted with nosuid, and the host's file systems may be as well, so it
 * is a mount of its own, readable for everybody.
 */
export const placeForSetuid = (place = '/srv'): Step[] =>
  host([mkdir(place, 0o755, { allow: ['EEXIST'] }), mount('tools', place, 'tmpfs', ['nodev'], 'mode=755')])

/** Copies a program of the bottle to `path` and gives it the setuid bit. The shell runs as root, so the copy belongs to root. */
export const copyWithSetuid = (program: string, path: string): Step =>
  execve('/bin/sh', ['sh', '-c', `cp "$(command -v ${program})" ${path} && chmod 4755 ${path}`], ENVIRONMENT)

/** Both, by a shim of their own; for checks. */
export async function setuidCopy(bottle: Bottle, program: string, path: string): Promise<void> {
  const shim = await bottle.shim()
  try {
    await shim.run([...placeForSetuid(path.slice(0, path.lastIndexOf('/'))), clone3([]), copyWithSetuid(program, path)])
    const { code } = await shim.exited
    if (code !== 0) throw new DrydockError(`${program} could not be copied to ${path}: the shell exited with ${code}`)
  } finally {
    await shim.rollback()
  }
}
