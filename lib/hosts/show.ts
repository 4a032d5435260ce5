/** What a person reads of the hosts. */
import { readNamespace } from '../kernel/proc/namespaces.js'
import { processIds } from '../kernel/proc/processes.js'
import { type HostsState, statePath } from './state.js'

export function showUp(state: HostsState): string {
  const [one, two] = state.hosts
  return [
    table(state),
    `They see each other${state.hosts.length > 2 ? ' and 8.8.8.8' : ''}, and nothing else; this machine does not see them. A terminal in each:`,
    `  npm run hosts -- shell ${one?.name}`,
    `  npm run hosts -- shell ${two?.name}`,
    'They stay up until',
    '  npm run hosts -- down',
    '',
  ].join('\n')
}

export function showStatus(state: HostsState): string {
  if (state.hosts.length === 0) return `They are being brought up by process ${state.keeper.pid}.\n`
  return `${table(state)}\nUp since ${state.since}, kept by process ${state.keeper.pid}; written down in ${statePath()}.\n`
}

function table({ hosts }: HostsState): string {
  const counts = countProcesses(hosts.map(({ pid }) => pid))
  const rows = [
    ['HOST', 'ADDRESS', 'FIRST PROCESS', 'PROCESSES', 'DATA ROOT'],
    ...hosts.map(({ name, address, pid, dataRoot }) => [name, address, String(pid), String(counts.get(pid) ?? 0), dataRoot]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return `${rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')}\n`
}

/** Processes in the pid namespace of each of these first ones; those of containers in it are in others. */
function countProcesses(firsts: readonly number[]): ReadonlyMap<number, number> {
  const namespaces = new Map(firsts.map((pid) => [namespaceOf(pid), pid]))
  const counts = new Map<number, number>()
  for (const pid of processIds()) {
    const first = namespaces.get(namespaceOf(pid))
    if (first !== undefined) counts.set(first, (counts.get(first) ?? 0) + 1)
  }
  return counts
}

/** Undefined for one that is gone, and for another user's. */
function namespaceOf(pid: number): number | undefined {
  try {
    return readNamespace(pid, 'pid')
  } catch {
    return undefined
  }
}
