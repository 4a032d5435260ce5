/** How many traces are kept: the newest, and those of sessions that still run. */
import { rmSync } from 'node:fs'
import { listTraces } from './list.js'
import type { TraceDirectory } from './places.js'

const NEWEST = 20

/** Removes what is older, one by one, by the names that were just listed. */
export function removeOlderTraces(directory: TraceDirectory, keep = NEWEST): void {
  for (const { path, running } of listTraces([directory]).slice(keep)) if (!running) rmSync(path, { force: true })
}
