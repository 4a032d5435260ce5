/** The processes of this machine by what they may do. */
import { type Process, readProcesses } from '../../../lib/kernel/proc/processes.js'
import { readStatus, type Status } from '../../../lib/kernel/proc/status.js'
import { lastCapability } from '../../../lib/primitives/capabilities.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'

/** Rows and names that are shown; the rest is counted. */
const MOST_ROWS = 12
const FEW_NAMES = 4

interface Known {
  readonly process: Process
  readonly status: Status
}

export async function onThisMachine(stage: Stage): Promise<void> {
  const found = readProcesses().flatMap((process): Known[] => {
    const status = readStatus(process.pid)
    return status ? [{ process, status }] : []
  })
  await stage.look('User 0 on your machine, by capabilities in effect', () =>
    grouped(found.filter(({ status }) => status.uid.effective === 0)),
  )
  const others = found.filter(({ status }) => status.uid.effective !== 0 && status.capabilities.effective.bits > 0n)
  await stage.look('Other users with capabilities in effect', () => grouped(others))
  const filtered = found.filter(({ status }) => status.seccomp !== 'off' || status.noNewPrivs)
  await stage.look('Processes behind a seccomp filter, or with no_new_privs', () => grouped(filtered))
  await stage.say(
    'Browsers, systemd’s own services, containers: whoever has something to fear from a part of itself uses the tools of this lesson.',
  )
}

function grouped(known: readonly Known[]): LookRow[] {
  if (known.length === 0) return [{ label: 'now', value: 'none' }]
  const groups = new Map<string, string[]>()
  for (const { process, status } of known) {
    const key = words(status)
    groups.set(key, [...(groups.get(key) ?? []), process.comm])
  }
  const rows = [...groups]
    .sort(([, one], [, other]) => other.length - one.length)
    .map(([label, names]) => ({ label, value: counted(names) }))
  const rest = rows.length - MOST_ROWS
  return rest > 0 ? [...rows.slice(0, MOST_ROWS), { label: '…', value: `and ${rest} more kinds` }] : rows
}

function words({ capabilities: { effective }, seccomp, noNewPrivs }: Status): string {
  const count = effective.names.length
  const power = count > lastCapability() ? `all ${count}` : String(count)
  return `${power}${seccomp === 'off' ? '' : ', filtered'}${noNewPrivs ? ', no_new_privs' : ''}`
}

function counted(names: readonly string[]): string {
  const kinds = [...new Set(names)]
  const shown = kinds.slice(0, FEW_NAMES).join(', ')
  return `${names.length} ${names.length === 1 ? 'process' : 'processes'}: ${shown}${kinds.length > FEW_NAMES ? ', …' : ''}`
}
