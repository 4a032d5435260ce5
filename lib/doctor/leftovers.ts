/**
 * What a crash left: processes of the shim that serve nobody, files in the run directory, containers, images, networks, cgroups. A thing is a leftover only when
 * the program that made it is gone; it is removed by its exact name, never by a pattern, never across a mount, and never with
 * something in it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { frozenProcesses, inspectCgroups, removeCgroup, thawLeftovers } from './left-cgroups.js'
import { inspectContainers, removeContainer } from './left-containers.js'
import { inspectFiles, removeFile } from './left-files.js'
import { inspectImages, removeImageThing } from './left-images.js'
import { inspectNetworks, removeNetworkThing } from './left-networks.js'
import { inspectProcesses, removeProcess } from './left-processes.js'
import { findMakers } from './makers.js'

export interface Leftover {
  readonly kind: 'process' | 'file' | 'cgroup' | 'container' | 'name' | 'layer' | 'lease' | 'bridge' | 'rules'
  /** A process id, a path, a device, or a table of nft's. */
  readonly name: string
  /** What it is, and whose it was, in a few words. */
  readonly says: string
  /** Why it is left alone; absent when it can be removed. */
  readonly kept?: string
}

export interface Removal {
  readonly leftover: Leftover
  /** Why it is still there; absent when it is gone. */
  readonly failure?: string
}

/** Milliseconds in which what was removed may take others along. */
const PATIENCE = 3000

/** What holds others stands first. Processes that a crash left frozen are no reason to keep anything: thawed, they end. */
export async function findLeftovers(): Promise<Leftover[]> {
  const frozen = frozenProcesses()
  const makers = findMakers()
  return [
    ...inspectProcesses(frozen),
    ...(await inspectFiles()),
    ...inspectContainers(makers),
    ...inspectImages(),
    ...(await inspectNetworks(makers)),
    ...inspectCgroups(frozen, makers),
  ]
}

/**
 * Remove what was found, and nothing else; each is looked at again right before. A thaw and the end of a process let others go by
 * themselves, so what became of each is told by a last look.
 */
export async function removeLeftovers(found: readonly Leftover[]): Promise<Removal[]> {
  const wanted = new Set(found.map(keyOf))
  const failures = new Map<string, string>()
  const attempt = async (leftovers: readonly Leftover[], remove: (leftover: Leftover) => Promise<string | undefined>) => {
    for (const leftover of leftovers.filter((one) => wanted.has(keyOf(one)))) {
      const failure = leftover.kept ?? (await remove(leftover))
      if (failure !== undefined) failures.set(keyOf(leftover), failure)
    }
  }
  await thawLeftovers((path) => wanted.has(`cgroup ${path}`))
  let still: ReadonlySet<string> = wanted
  // A process that was forked meanwhile holds its parent's socket for a moment longer.
  for (const end = Date.now() + PATIENCE; ; await sleep(20)) {
    await attempt(inspectProcesses(frozenProcesses()), removeProcess)
    await attempt(await inspectFiles(), removeFile)
    await attempt(inspectContainers(), removeContainer)
    await attempt(inspectImages(), removeImageThing)
    await attempt(await inspectNetworks(), removeNetworkThing)
    await attempt(inspectCgroups(), removeCgroup)
    still = new Set((await findLeftovers()).map(keyOf).filter((key) => wanted.has(key)))
    if (still.size === 0 || Date.now() > end) break
  }
  return found.flatMap((leftover) => {
    if (!still.has(keyOf(leftover))) return [{ leftover }]
    return leftover.kept === undefined ? [{ leftover, failure: failures.get(keyOf(leftover)) ?? 'it came back' }] : []
  })
}

const keyOf = ({ kind, name }: Leftover) => `${kind} ${name}`
