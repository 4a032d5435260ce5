/** What the kernel says of a box now: rows that compare its process with the host. */

import { capabilityNames } from '../kernel/proc/status.js'
import type { StageBox } from './box.js'
import type { ProcessState } from './changes.js'
import type { Look, LookRow } from './lesson.js'
import { readState } from './state.js'

const KINDS = ['user', 'mnt', 'pid', 'uts', 'ipc', 'net', 'cgroup', 'time'] as const

/** The child when there is one, the shim before that. Rows in which it differs from the host are marked. */
export async function lookAt(box: StageBox): Promise<{ title: string; rows: Look }> {
  const { host, container } = await box.states(true)
  const state = container ?? host
  const outside = readState(process.pid)
  if (!state || !outside) return { title: `${box.name}: nothing runs in it any more`, rows: [] }
  const who = container ? 'the child' : 'the shim (there is no child)'
  return { title: `${box.name}, ${who}, as /proc shows it now (> where it differs from your own shell):`, rows: rowsOf(state, outside) }
}

export function rowsOf(state: ProcessState, outside: ProcessState): LookRow[] {
  const row = (label: string, value: string, notice = false): LookRow => ({ label, value, notice })
  const namespaces = KINDS.flatMap((kind) => {
    const [own, host] = [state.namespaces[kind], outside.namespaces[kind]]
    if (own === undefined) return []
    return [row(`${kind} namespace`, own === host ? `${own}, the host's` : `${own} (the host's is ${host})`, own !== host)]
  })
  const cgroups = Object.entries(state.cgroups).map(([name, path]) => row(`cgroup ${name}`, path, path !== outside.cgroups[name]))
  return [
    row('program', state.program),
    row('process ids', `${state.pids.join(', ')}${state.pids.length > 1 ? ' (host first, its own last)' : ''}`, state.pids.length > 1),
    ...namespaces,
    ...(state.hostname === undefined ? [] : [row('host name', state.hostname, state.hostname !== outside.hostname)]),
    row('user ids', `${state.uids.slice(0, 3).join(' ')} (real, effective, saved; as you see them)`),
    row('uid_map', state.uidMap.join(', ') || 'empty', state.uidMap.join() !== outside.uidMap.join()),
    row('gid_map', state.gidMap.join(', ') || 'empty', state.gidMap.join() !== outside.gidMap.join()),
    row('root directory', state.root, state.root !== '/'),
    row('mounts', String(state.mounts.length)),
    row('network devices', state.links.join(', ') || 'none', state.links.join() !== outside.links.join()),
    ...capabilityRows(state, outside),
    row('NoNewPrivs', String(state.noNewPrivs), state.noNewPrivs !== outside.noNewPrivs),
    row('Seccomp', state.seccomp, state.seccomp !== outside.seccomp),
    ...mergeCgroups(cgroups),
  ]
}

function capabilityRows(state: ProcessState, outside: ProcessState): LookRow[] {
  return (['CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'CapAmb'] as const).map((label) => {
    const set = state.capabilities[label]
    const names = capabilityNames(set)
    const words = names.length > 12 ? `${names.length} of them` : names.join(', ') || 'none'
    return { label, value: `${set.toString(16).padStart(16, '0')} (${words})`, notice: set !== outside.capabilities[label] }
  })
}

/** Version 1 has a path for each controller; equal ones share a row. */
function mergeCgroups(rows: readonly LookRow[]): LookRow[] {
  const merged = new Map<string, LookRow>()
  for (const { label, value, notice = false } of rows) {
    const name = label.replace('cgroup ', '')
    const key = `${value} ${notice}`
    const before = merged.get(key)
    merged.set(key, { label: 'cgroups', value: before ? `${before.value}, ${name}` : `${value}: ${name}`, notice })
  }
  return [...merged.values()]
}
