/** Cgroups that a peer's runtime leaves: those below one parent, in each hierarchy that there is. */
import { randomBytes } from 'node:crypto'
import { readdirSync, rmdirSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const MOUNTED = '/sys/fs/cgroup'
/** What statfs(2) calls versions 1 and 2. */
const MAGIC = [0x27e0eb, 0x63677270]

/** The parent of all cgroups that the peers of this process make. */
export const PEERS = `drydock-peers-${randomBytes(4).toString('hex')}`

export function removePeersCgroups(): void {
  const hierarchies = [MOUNTED, ...directoriesOf(MOUNTED)].filter((path) => MAGIC.includes(statfsSync(path).type))
  for (const hierarchy of hierarchies) removeCgroup(join(hierarchy, PEERS))
}

/** How often is tried, and for how long. Milliseconds. */
const [PAUSE, PATIENCE] = [10, 30_000]

/** The same when everybody in them has ended: the kernel lets go of the last a moment after that. cgroups(7). */
export async function peersCgroupsRemoved(): Promise<void> {
  for (const until = Date.now() + PATIENCE; ; await sleep(PAUSE)) {
    try {
      return removePeersCgroups()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || Date.now() > until) throw error
    }
  }
}

/** A cgroup's files go with it; only those below it have to be removed first. */
function removeCgroup(path: string): void {
  for (const below of directoriesOf(path)) removeCgroup(below)
  try {
    rmdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** None of one that is not there, and links (`cpu` for `cpu,cpuacct`) left out. */
function directoriesOf(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(path, name))
  } catch {
    return []
  }
}
