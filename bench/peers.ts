/** The end of what peers have running: processes in their cgroups, then the cgroups. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PEERS, removePeersCgroups } from '../test/support/peers-cgroups.js'

/** Any hierarchy with every container in it: version 1 has one for process numbers, version 2 is one. */
const TREES = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup']

/** How long killed processes may take to be gone. Milliseconds. */
const PATIENCE = 30_000

export async function endPeers(): Promise<void> {
  const deadline = Date.now() + PATIENCE
  for (;;) {
    for (const pid of TREES.flatMap((tree) => processesBelow(join(tree, PEERS)))) kill(pid)
    try {
      removePeersCgroups()
      return
    } catch (error) {
      // One that was killed is in its cgroup until it is gone: cgroups(7).
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || Date.now() > deadline) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function processesBelow(cgroup: string): number[] {
  try {
    const own = readFileSync(join(cgroup, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
    const below = readdirSync(cgroup, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    return [...own, ...below.flatMap(({ name }) => processesBelow(join(cgroup, name)))]
  } catch {
    // There is none, or it has gone.
    return []
  }
}

/** 0 is one that this pid namespace does not have. */
function kill(pid: number): void {
  if (pid === 0) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
