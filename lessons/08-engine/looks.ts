/** What this lesson's scenes and checks read of a container: its processes and mounts in the kernel, its files on the disk. */
import type { Bottle } from '../../lib/bottle.js'
import { overlayOf, readMountinfo } from '../../lib/kernel/proc/mountinfo.js'
import { type Namespaces, readNamespace, readNamespaces } from '../../lib/kernel/proc/namespaces.js'
import { type Process, readProcess, readProcesses } from '../../lib/kernel/proc/processes.js'
import type { LookRow } from '../../lib/tutor/lesson.js'
import { procOf, table } from '../01-namespaces/looks.js'
import { rootLayers } from '../04-rootfs/looks.js'

/** A process of the bottle, by the number that it has there. */
export const processOf = (bottle: Bottle, pid: number): Process | undefined => readProcess(pid, procOf(bottle))

/** The upper layer of the overlay that is the root of a container's process, as its own mountinfo has it. `pid` as the bottle counts. */
export function upperOf(bottle: Bottle, pid: number): string | undefined {
  const hostPid = bottle.hostPid(pid)
  return hostPid === undefined ? undefined : rootLayers(hostPid)?.upper
}

/** How much of a container the kernel has: what it was born into, of which nothing is left when nobody is in it. */
export interface Trace {
  readonly pid: number
  readonly namespaces: Namespaces
  readonly upper: string
}

export function traceOf(bottle: Bottle, pid: number): Trace | undefined {
  const [namespaces, upper] = [readNamespaces(pid, procOf(bottle)), upperOf(bottle, pid)]
  return namespaces && upper !== undefined ? { pid, namespaces, upper } : undefined
}

/** Kinds of namespaces that a container has for itself. */
const OWN = ['mnt', 'pid', 'net', 'uts', 'ipc'] as const

/** What of it is in the kernel now: its process; processes in its namespaces; processes that have its layer mounted. */
export function leftOf(bottle: Bottle, { pid, namespaces, upper }: Trace): { process: boolean; inside: number; mounts: number } {
  const processes = readProcesses(procOf(bottle)).filter(({ state }) => state !== 'Z')
  const spaces = processes.map((one) => readNamespaces(one.pid, procOf(bottle)))
  const inside = spaces.filter((own) => own && OWN.some((kind) => own[kind] !== undefined && own[kind] === namespaces[kind]))
  const mounts = processes.filter((one) =>
    (readMountinfo(one.pid, procOf(bottle)) ?? []).some((mount) => overlayOf(mount)?.upper === upper),
  )
  return { process: processes.some((one) => one.pid === pid), inside: inside.length, mounts: mounts.length }
}

const counted = (count: number) => (count === 1 ? '1 process' : `${count || 'no'} processes`)

export function leftRows(bottle: Bottle, trace: Trace): LookRow[] {
  const { process, inside, mounts } = leftOf(bottle, trace)
  return [
    { label: `process ${trace.pid}`, value: process ? 'there' : 'gone' },
    { label: 'in its namespaces', value: counted(inside) },
    { label: 'with its layer mounted', value: counted(mounts), notice: true },
  ]
}

/** The process that made this one, that one’s maker, and so on up to the first of the bottle. */
export function lineage(bottle: Bottle, pid: number): Process[] {
  const found: Process[] = []
  for (let at = pid; at > 0; ) {
    const process = processOf(bottle, at)
    if (!process) break
    found.push(process)
    at = process.ppid
  }
  return found
}

/** The processes of a container, of which `pid` is one: as the bottle numbers them, and as they do themselves. */
export function processesInside(bottle: Bottle, pid: number): (Process & { readonly inside: number })[] {
  const inode = readNamespace(pid, 'pid', procOf(bottle))
  return inode === undefined ? [] : table(bottle, inode)
}

/** The same as rows, the container first. `engine`: the pid of the engine, while it lives. */
export function lineageRows(bottle: Bottle, pid: number, engine: number | undefined): LookRow[] {
  return lineage(bottle, pid).map((process, index) => {
    const role =
      index === 0
        ? 'the container'
        : index === 1
          ? 'its shim'
          : process.pid === engine
            ? 'the engine'
            : process.pid === 1
              ? 'the bottle’s first process'
              : index === 2
                ? 'who forks the shims'
                : 'who has started the engine'
    return { label: role, value: `process ${process.pid}: ${briefly(commandOf(process))}`, notice: index === 1 }
  })
}

export const commandOf = ({ commandLine, comm }: Process): string => commandLine.map((word) => word.split('/').at(-1)).join(' ') || comm

/** As many words of it as one reads. */
function briefly(command: string): string {
  const words = command.split(' ')
  const kept = words.filter((_, index) => words.slice(0, index + 1).join(' ').length <= ENOUGH)
  return kept.length === words.length ? command : `${kept.join(' ')} …`
}

const ENOUGH = 24
