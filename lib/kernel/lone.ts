/**
 * A shim of one's own, for a program that makes one container and ends: no spawner between the two. It is the leader of a session of its
 * own, so that keys which end this program (Ctrl-C, a closed terminal) leave it time to undo what was done; and it holds none of this program's
 * streams, which a container that is left running would keep open.
 */
import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { SHIM_PATH } from './constants.js'
import { DrydockError } from './errors.js'
import { Shim } from './shim.js'

/** The descriptor that it serves: the first behind stdio. */
const CLIENT = 3

export async function loneShim(): Promise<Shim> {
  const child = spawn(SHIM_PATH, ['--fd', String(CLIENT)], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
    // It reads none, and a container's is in the plan.
    env: {},
  })
  child.unref()
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(new DrydockError(`the shim did not start (${SHIM_PATH}): ${cause.message}`, { cause })))
  })
  failed.catch(() => undefined)
  // Without a free descriptor Node makes no streams at all, and tells in a moment why.
  const client = child.stdio?.[CLIENT] as Socket | undefined
  return client ? Promise.race([Shim.over(client), failed]) : failed
}

/** One for a while: what it made and is still to be undone is undone afterwards. */
export async function withLoneShim<T>(use: (shim: Shim) => Promise<T>): Promise<T> {
  const shim = await loneShim()
  try {
    return await use(shim)
  } finally {
    await shim.rollback()
  }
}
