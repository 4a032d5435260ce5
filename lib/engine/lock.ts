/** One engine for a data root: a lock that its keeper holds, and that the kernel gives up when it ends, however that happens. fcntl_locking(2). */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fcntl_ofd_setlk, open } from '../kernel/calls/files.js'
import { DrydockError } from '../kernel/errors.js'
import { StepError } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { host, ref } from '../kernel/step.js'

const FILE = ref('engine.lock')

/** How long is waited for the keeper of an engine that was just killed, in milliseconds, and how often it is looked. */
const PATIENCE = 1000
const PAUSE = 5

/** The shim holds the lock as long as it lives; it ends with this process. */
export async function lockDataRoot(keeper: Shim, dataRoot: string): Promise<void> {
  mkdirSync(dataRoot, { recursive: true, mode: 0o711 })
  await keeper.run(host([open(join(dataRoot, 'engine.lock'), ['creat', 'rdwr'], { mode: 0o600, keep: FILE.ref })]))
  for (const deadline = performance.now() + PATIENCE; ; ) {
    try {
      await keeper.run(host([fcntl_ofd_setlk(FILE)]))
      return
    } catch (error) {
      if (!(error instanceof StepError) || !['EAGAIN', 'EACCES'].includes(error.errno)) throw error
      if (performance.now() > deadline) throw new DrydockError(`another engine uses ${dataRoot} already`, { cause: error, status: 409 })
    }
    await sleep(PAUSE)
  }
}
