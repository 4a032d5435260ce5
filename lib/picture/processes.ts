/** The drawn processes, each as /proc/PID tells of it. proc_pid_status(5). */
import { readlinkSync } from 'node:fs'
import { parseCgroup } from '../kernel/proc/cgroup.js'
import { parseCommandLine } from '../kernel/proc/processes.js'
import { parseStatus } from '../kernel/proc/status.js'
import { textIfReadable } from '../kernel/readable.js'
import type { Seen } from './scan.js'
import type { ProcessView } from './types.js'

const LONGEST_COMMAND = 200

interface Kept {
  readonly seen: Seen
  readonly role: ProcessView['role']
  /** All that the view was made of. */
  readonly from: string
  readonly view: ProcessView
}

export class Processes {
  #last = new Map<number, Kept>()

  /** Those that have gone meanwhile are left out. */
  view(all: ReadonlyMap<number, Seen>, roles: ReadonlyMap<number, ProcessView['role']>): Record<string, ProcessView> {
    const views: Record<string, ProcessView> = {}
    const now = new Map<number, Kept>()
    for (const [pid, role] of roles) {
      const seen = all.get(pid)
      const last = this.#last.get(pid)
      const kept = seen && (last?.seen === seen && last.role === role ? last : look(seen, role, last))
      if (!kept) continue
      views[pid] = kept.view
      now.set(pid, kept)
    }
    this.#last = now
    return views
  }
}

/** The view of the last picture, when it says the same: whoever compares two pictures then sees at once that nothing has changed. */
function look(seen: Seen, role: ProcessView['role'], last: Kept | undefined): Kept | undefined {
  const { pid, stat, namespaces } = seen
  const [status, command = '', cgroup = ''] = ['status', 'cmdline', 'cgroup'].map((name) => textIfReadable(`/proc/${pid}/${name}`))
  if (!status) return undefined
  const root = rootOf(pid)
  const from = [status, command, cgroup, root, stat.state, stat.ppid, JSON.stringify(namespaces), role].join('\0')
  if (last?.from === from) return { ...last, seen }
  const view = viewOf(seen, role, { status, command, cgroup, root })
  return { seen, role, from, view: last && JSON.stringify(last.view) === JSON.stringify(view) ? last.view : view }
}

interface Texts {
  readonly status: string
  readonly command: string
  readonly cgroup: string
  readonly root: string | undefined
}

function viewOf({ pid, stat, namespaces }: Seen, role: ProcessView['role'], { status, command, cgroup, root }: Texts): ProcessView {
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
