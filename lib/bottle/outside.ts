/** What a bottle has outside of itself: names in the run directory, and cgroups. Its shim outside takes them away; another does when that one is lost. */
import { setTimeout as sleep } from 'node:timers/promises'
import { mkdir, open, rmdir, unlink } from '../kernel/calls/files.js'
import { bind_unix, listen, socket } from '../kernel/calls/sockets.js'
import { SHIM_PATH } from '../kernel/constants.js'
import { loneShim } from '../kernel/lone.js'
import { readProcess } from '../kernel/proc/processes.js'
import { host, ref, type Step } from '../kernel/step.js'

/** Where the listening socket is handed to the spawner inside: far from the descriptors that the plan opens. */
export const LISTENER = 200

/** Milliseconds for a bottle to end whose shim outside was killed. */
const PATIENCE = 2000

/** Names on the host that the bottle needs; each takes itself back. */
export function prepare({ directory, root, socket: path }: { directory: string; root: string; socket: string }): Step[] {
  return host([
    mkdir(directory, 0o700, { undo: [rmdir(directory)] }),
    mkdir(root, 0o700, { undo: [rmdir(root)] }),
    socket('unix', 'stream', 0, { keep: 'listener' }),
    bind_unix(ref('listener'), path, { undo: [unlink(path)] }),
    listen(ref('listener'), 512),
    open(SHIM_PATH, ['path'], { keep: 'shim' }),
  ])
}

/** The shim outside was killed, and the bottle goes with it: what it would have undone, in this order. */
export async function putBack(pid: number, undo: readonly Step[]): Promise<void> {
  // The first process goes when all others have gone: no cgroup is in use then.
  for (const end = Date.now() + PATIENCE; isRunning(pid) && Date.now() < end; ) await sleep(10)
  // Not the spawner's: whoever kills one shim may have killed them all.
  const shim = await loneShim()
  for (const step of undo) await shim.attempt([host(step)])
  await shim.rollback()
}

function isRunning(pid: number): boolean {
  const found = readProcess(pid)
  return found !== undefined && found.state !== 'Z'
}
