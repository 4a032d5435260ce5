/** The drawn processes, each as /proc/PID tells of it. proc_pid_status(5). */
import { readlinkSync } from 'node:fs'
import { parseCgroup } from '../kernel/proc/cgroup.js'
import { parseCommandLine } from '../kernel/proc/processes.js'
import { parseStatus } from '../kernel/proc/status.js'
import { textIfReadable } from '../kernel/readable.js'
import { Memo } from './memo.js'
import type { Seen } from './scan.js'
import type { ProcessView } from './types.js'

const LONGEST_COMMAND = 200

export class Processes {
  readonly #memo = new Memo<ProcessView>()

  /** Those that have gone meanwhile are left out. */
  view(all: ReadonlyMap<number, Seen>, roles: ReadonlyMap<number, ProcessView['role']>): Record<string, ProcessView> {
    const views: Record<string, ProcessView> = {}
    for (const [pid, role] of roles) {
      const seen = all.get(pid)
      const view = seen && this.#viewOf(seen, role)
      if (view) views[pid] = view
    }
    this.#memo.turn()
    return views
  }

  #viewOf({ pid, stat, namespaces }: Seen, role: ProcessView['role']): ProcessView | undefined {
    const [status, command = '', cgroup = ''] = ['status', 'cmdline', 'cgroup'].map((name) => textIfReadable(`/proc/${pid}/${name}`))
    if (!status) return undefined
    const root = rootOf(pid)
    const from = [status, command, cgroup, root, stat.state, stat.ppid, JSON.stringify(namespaces), role].join('\0')
    return this.#memo.of(`${pid}`, from, () => {
      const { name, nsPids, threads, uid, gid, capabilities, noNewPrivs, seccomp, memory } = parseStatus(status)
      return {
        pid,
        parent: stat.ppid,
        name,
        command: parseCommandLine(command).join(' ').slice(0, LONGEST_COMMAND),
        state: stat.state,
        pids: nsPids,
        threads,
        uid: [uid.real, uid.effective],
        gid: [gid.real, gid.effective],
        namespaces: namespaces ?? {},
        cgroup: cgroupOf(cgroup),
        capabilities: {
          inheritable: hexadecimal(capabilities.inheritable.bits),
          permitted: hexadecimal(capabilities.permitted.bits),
          effective: hexadecimal(capabilities.effective.bits),
          bounding: hexadecimal(capabilities.bounding.bits),
          ambient: hexadecimal(capabilities.ambient.bits),
        },
        noNewPrivs,
        seccomp,
        resident: memory?.resident ?? 0,
        ...(root !== undefined && root !== '/' && { root }),
        role,
      }
    })
  }
}

/** 16 digits, as the kernel writes them. */
const hexadecimal = (bits: bigint): string => bits.toString(16).padStart(16, '0')

/** In the tree of memory, or in version 2's. */
function cgroupOf(text: string): string {
  const memberships = parseCgroup(text)
  const found = memberships.find(({ controllers }) => controllers.includes('memory')) ?? memberships.find(({ version }) => version === 2)
  return found?.path ?? '/'
}

function rootOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/root`)
  } catch {
    return undefined
  }
}
