/** What /proc says of a process, read at one moment. */
import { open } from '../kernel/calls/files.js'
import { setns, uname } from '../kernel/calls/process.js'
import { readCgroup } from '../kernel/proc/cgroup.js'
import { readLimits } from '../kernel/proc/limits.js'
import { propagationOf, readMountinfo } from '../kernel/proc/mountinfo.js'
import { readNamespaces } from '../kernel/proc/namespaces.js'
import { readNetDev } from '../kernel/proc/net.js'
import { readProcess } from '../kernel/proc/processes.js'
import { linesOf, listProcDirectory, readProcFile, readProcLink } from '../kernel/proc/read.js'
import { type Ids, readStatus, type Status } from '../kernel/proc/status.js'
import { host, ref } from '../kernel/step.js'
import type { ProcessState } from './changes.js'
import type { Place } from './host-pid.js'

/** Undefined when the process is gone, is ending, or is only a number that nobody has waited for yet. No kernel thread. `pid` as the host counts. */
export function readState(pid: number): ProcessState | undefined {
  const status = readStatus(pid)
  if (!status || isEnding(status)) return undefined
  const ended = () => isEnding(readStatus(pid))
  try {
    const state = stateOf(pid, status)
    // Whoever ends while it is read leaves empty files: that would be shown as if everything had been taken from a live process.
    return ended() ? undefined : state
  } catch (error) {
    // What has no memory any more is root's in /proc, whoever's process it was (task_dump_owner in the kernel's fs/proc/base.c).
    if (ended()) return undefined
    throw error
  }
}

/** Whoever ends gives back its memory first, then its files and all else, and only then is called a zombie. */
const isEnding = (status: Status | undefined): boolean => status?.memory === undefined

function stateOf(pid: number, status: Status): ProcessState {
  const { inheritable, permitted, effective, bounding, ambient } = status.capabilities
  return {
    pid,
    pids: status.nsPids,
    namespaces: readNamespaces(pid) ?? {},
    mounts: (readMountinfo(pid) ?? []).map((mount) => ({
      point: mount.mountPoint,
      type: mount.fsType,
      source: mount.source,
      options: mount.options.join(','),
      propagation: propagationOf(mount),
    })),
    capabilities: {
      CapInh: inheritable.bits,
      CapPrm: permitted.bits,
      CapEff: effective.bits,
      CapBnd: bounding.bits,
      CapAmb: ambient.bits,
    },
    noNewPrivs: status.noNewPrivs ? 1 : 0,
    seccomp: status.seccomp,
    seccompFilters: status.seccompFilters ?? 0,
    uids: four(status.uid),
    gids: four(status.gid),
    groups: status.groups,
    uidMap: idMap(pid, 'uid_map'),
    gidMap: idMap(pid, 'gid_map'),
    setgroups: readProcFile(`/proc/${pid}/setgroups`)?.trim() ?? '',
    cgroups: Object.fromEntries(
      (readCgroup(pid) ?? []).map(({ controllers, name, path }) => [controllers.join(',') || name || '(version 2)', path]),
    ),
    links: (readNetDev(pid) ?? []).map(({ name }) => name),
    descriptors: descriptors(pid),
    root: readProcLink(`/proc/${pid}/root`) ?? '',
    directory: readProcLink(`/proc/${pid}/cwd`) ?? '',
    program: readProcLink(`/proc/${pid}/exe`) ?? '',
    session: readProcess(pid)?.session ?? 0,
    limits: limits(pid),
  }
}

const four = ({ real, effective, saved, filesystem }: Ids) => [real, effective, saved, filesystem]

/** The lines as they stand, with single blanks. */
function idMap(pid: number, file: string): string[] {
  return linesOf(readProcFile(`/proc/${pid}/${file}`) ?? '').map((line) => line.trim().replace(/\s+/g, ' '))
}

/** Descriptor → what it is open on; sockets and pipes without their numbers. */
function descriptors(pid: number): Record<string, string> {
  const numbers = listProcDirectory(`/proc/${pid}/fd`) ?? []
  const target = (number: string) => (readProcLink(`/proc/${pid}/fd/${number}`) ?? '').replace(/:\[\d+\]$/, '')
  return Object.fromEntries(numbers.map((number) => [number, target(number)]))
}

function limits(pid: number): Record<string, string> {
  const shown = (value: number) => (Number.isFinite(value) ? String(value) : 'unlimited')
  return Object.fromEntries([...(readLimits(pid) ?? [])].map(([name, { soft, hard }]) => [name, `${shown(soft)} ${shown(hard)}`]))
}

/** nodename in the uts namespace of a process of that place: nothing in /proc tells it from outside, so somebody goes in and asks. */
export async function readHostname(place: Pick<Place, 'shim'>, pid: number): Promise<string | undefined> {
  const shim = await place.shim()
  try {
    const results = await shim.attempt(
      host([open(`/proc/${pid}/ns/uts`, ['rdonly'], { keep: 'uts' }), setns(ref('uts'), ['uts']), uname()]),
    )
    const answer = results.at(-1)
    if (answer?.status !== 'ok') return undefined
    return answer.outs[0]?.subarray(65, 130).toString().replace(/\0.*$/s, '')
  } finally {
    await shim.rollback()
  }
}
