/** What this lesson's scenes and checks read from the kernel, most of it through the bottle's own /proc. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bottle } from '../../lib/bottle.js'
import { DrydockError } from '../../lib/kernel/errors.js'
import { readMountinfo } from '../../lib/kernel/proc/mountinfo.js'
import { type NamespaceFile, type Namespaces, readNamespaces } from '../../lib/kernel/proc/namespaces.js'
import { readNetDev } from '../../lib/kernel/proc/net.js'
import { type Process, processesIn, processIds } from '../../lib/kernel/proc/processes.js'
import { listProcDirectory, readProcFile } from '../../lib/kernel/proc/read.js'
import { readStatus } from '../../lib/kernel/proc/status.js'
import type { LookRow } from '../../lib/tutor/lesson.js'

/** Where a shell of a scene looks for programs; execve gives a program exactly the environment that it is told. */
export const ENVIRONMENT = ['PATH=/usr/bin:/bin']

/** Flags of a /proc in a container; in a user namespace the kernel insists on those that the one outside has. */
export const PROC_FLAGS = ['nosuid', 'nodev', 'noexec'] as const

/** A name that nobody has used yet: `box-4f2a`. */
export const newName = (stem: string) => `${stem}-${randomBytes(2).toString('hex')}`

/** The bottle's /proc, as this program can reach it. Processes have the numbers there that the bottle gives them. */
export const procOf = (bottle: Bottle) => bottle.hostPath('/proc')

/** The namespaces of a process of the bottle, without the two that are for its children. */
export function namespacesOf(bottle: Bottle, pid: number): Namespaces {
  const found = readNamespaces(pid, procOf(bottle))
  if (!found) throw new DrydockError(`process ${pid} of the bottle has ended; its namespaces cannot be read any more`)
  const { pid_for_children: _, time_for_children: __, ...own } = found
  return own
}

/** Two processes side by side, a row for each kind of namespace. A kind in which they differ is marked. */
export function compare(left: string, one: Namespaces, right: string, other: Namespaces): LookRow[] {
  return (Object.keys(one) as NamespaceFile[]).map((kind) => {
    const same = one[kind] === other[kind]
    return { label: kind, value: same ? `${one[kind]} both` : `${left} ${one[kind]}, ${right} ${other[kind]}`, notice: !same }
  })
}

/** The processes of a pid namespace: their number in it, and what the bottle knows of them. */
export function table(bottle: Bottle, inode: number): (Process & { readonly inside: number })[] {
  const root = procOf(bottle)
  return processesIn('pid', inode, root).map((process) => ({ ...process, inside: readStatus(process.pid, root)?.nsPids.at(-1) ?? 0 }))
}

/** One line of such a table, as ps would print it, with the numbers of the namespace itself. */
export function tableRows(processes: readonly (Process & { readonly inside: number })[]): LookRow[] {
  if (processes.length === 0) return [{ label: 'processes', value: 'none', notice: true }]
  const insideOf = (pid: number) => processes.find((one) => one.pid === pid)?.inside ?? 0
  return processes.map(({ inside, ppid, state, commandLine, comm }) => ({
    label: `pid ${inside}`,
    value: `parent ${insideOf(ppid)}, ${state === 'Z' ? 'Z (zombie), was' : `${state},`} ${commandLine.join(' ') || comm}`,
    notice: state === 'Z',
  }))
}

/** The process ids that one finds in a process's /proc, wherever it got that /proc from. `hostPid` as this machine counts. */
export const idsSeenBy = (hostPid: number) => processIds(`/proc/${hostPid}/root/proc`)

/** `1 2 3 … 17 (9 in all)` */
export function shortList(ids: readonly number[]): string {
  if (ids.length <= 8) return ids.join(' ') || 'none'
  return `${ids.slice(0, 5).join(' ')} … ${ids.at(-1)} (${ids.length} in all)`
}

/** Names in a directory as a process sees it. */
export const namesSeenBy = (hostPid: number, path: string) => listProcDirectory(`/proc/${hostPid}/root${path}`) ?? []

/** Is something mounted exactly there, in the mount namespace of that process? */
export const isMounted = (hostPid: number, path: string) => mountsAt(hostPid, path).length > 0

export const mountsAt = (hostPid: number, path: string) => (readMountinfo(hostPid) ?? []).filter(({ mountPoint }) => mountPoint === path)

/** Devices that the modules of tunnels put into every network namespace, where they are loaded. Nobody can use them as they are. */
const FALLBACK_TUNNELS = /^(tunl|gre|gretap|erspan|ip_vti|ip6_vti|sit|ip6tnl|ip6gre)0$/

/** Network devices, without the fallback tunnels. */
export const devicesOf = (hostPid: number) =>
  (readNetDev(hostPid) ?? []).map(({ name }) => name).filter((name) => !FALLBACK_TUNNELS.test(name))

/** The IPv4 addresses that a network namespace answers to. An interface that is down has none in this table. */
export function addressesOf(hostPid: number): string[] {
  const trie = readProcFile(`/proc/${hostPid}/net/fib_trie`) ?? ''
  return [...new Set([...trie.matchAll(/\|-- ([0-9.]+)\n\s+\/32 host LOCAL/g)].map(([, address]) => address as string))]
}

/** Waits for what the kernel does in its own time: an end, an adoption. Half a minute is far more than it needs, on a slow machine too. */
export async function until<T>(what: string, read: () => T | undefined | false): Promise<T> {
  for (let left = 3000; left > 0; left--) {
    const found = read()
    if (found !== undefined && found !== false) return found
    await sleep(10)
  }
  throw new DrydockError(`${what} did not happen within thirty seconds`)
}

/** The value of a promise, or undefined when it is not there after so many milliseconds. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController()
  try {
    return await Promise.race([promise, sleep(milliseconds, undefined, { signal: timer.signal })])
  } finally {
    timer.abort()
    promise.catch(() => undefined)
  }
}
