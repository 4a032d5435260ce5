/** What a daemon of ours holds in memory when its garbage is gone: what grows there is a leak. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import type { TestEngine } from '../support/engines.js'

const FILE = '/run/engine/heap'
const PROGRAM = fileURLToPath(new URL('../support/programs/collected-heap.cjs', import.meta.url))

/** What stands before such a daemon's command line. */
export const TELLS_ITS_HEAP = ['env', `NODE_OPTIONS=--require ${PROGRAM}`, `DRYDOCK_HEAP_FILE=${FILE}`]

/** MiB. */
export async function heapOf(engine: TestEngine): Promise<number> {
  const file = engine.host.path(FILE)
  rmSync(file, { force: true })
  process.kill(engine.pid, 'SIGUSR2')
  await vi.waitUntil(() => existsSync(file), { timeout: 30_000 })
  return Number(readFileSync(file, 'utf8')) / 1024 / 1024
}
