/** The five lines of /proc/PID/status, taken apart by hand. */
import { type Capability, capget, capset, clone3 } from '../../../lib/index.js'
import { capabilityNames } from '../../../lib/kernel/proc/status.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { fiveSets, hex, listed, statusOf } from '../looks.js'

/** Numbers 0, 5, 10 and 13. */
const HELD: readonly Capability[] = ['chown', 'kill', 'net_bind_service', 'net_raw']

export async function bits(stage: Stage): Promise<void> {
  const box = await stage.box()
  await box.together('A child with a few capabilities', [clone3([]), capset({ effective: HELD, permitted: HELD, inheritable: [] })])
  const set = statusOf(box).capabilities.effective.bits
  const choices = [misread(set << 1n), misread(reversed(set)), misread(set)]
  await stage.predict({
    question:
      `Its line says \`CapEff: ${hex(set)}\`. Some numbers: chown 0, dac_override 1, kill 5, setgid 6, linux_immutable 9, net_bind_service 10, ` +
      'net_broadcast 11, net_admin 12, net_raw 13, ipc_lock 14. What does it hold?',
    choices,
    measure: () => Promise.resolve(listed(statusOf(box).capabilities.effective.names)),
    because: 'One begins at the right, with bit 0. The first of the wrong answers counts from 1, the second one begins at the left.',
  })
  await stage.look('The digits, from the right', () => digits(set))
  await stage.look('All five lines', () => fiveSets(statusOf(box), ['CapEff']))
  await box.step(capget({ why: 'three of the five by a system call: this is what a program asks, which may not have /proc' }))
  await stage.shell(box, [
    { command: `grep Cap /proc/${box.childPid}/status`, why: 'the child’s five lines, as any process may read them' },
    {
      command: 'grep Cap /proc/self/status',
      why: 'those of grep, which your shell has started: it is root of the bottle too, and has other numbers',
    },
    { command: 'grep CapEff /proc/[0-9]*/status', why: 'and those of everybody in the bottle' },
  ])
}

const misread = (set: bigint) => listed(capabilityNames(set))

/** The last four digits in the wrong order. */
const reversed = (set: bigint) => BigInt(`0x${[...(set & 0xffffn).toString(16).padStart(4, '0')].reverse().join('')}`)

/** A row for each digit up to the first that is not 0. */
function digits(set: bigint): LookRow[] {
  return [...set.toString(16)].reverse().map((digit, index) => {
    const names = capabilityNames(BigInt(`0x${digit}`) << BigInt(4 * index))
    const value = BigInt(`0x${digit}`)
    const parts = [8, 4, 2, 1].flatMap((part, at) => ((value & BigInt(part)) > 0n ? [`${part} is bit ${4 * index + 3 - at}`] : []))
    return {
      label: `digit ${digit}, bits ${4 * index} to ${4 * index + 3}`,
      value: parts.length > 0 ? `${parts.join(', ')}: ${names.join(', ')}` : 'none',
    }
  })
}
