/** Waiting for a slow reader. */
import type { Writable } from 'node:stream'

const ENOUGH = ['drain', 'close', 'error'] as const

/** Resolves when what was written has gone, or never will. Leaves nothing behind: it is waited for many thousand times on one stream. */
export function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ENOUGH) stream.off(event, done)
      resolve()
    }
    for (const event of ENOUGH) stream.on(event, done)
  })
}
