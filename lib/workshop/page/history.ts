/** The last minute of each cgroup, from the pictures that came. */
import type { Picture } from '../../picture/types.js'

export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number
  /** Bytes. */
  readonly memory: number
  /** Processors in use since the sample before. */
  readonly cpu: number
  readonly pids: number
  /** As the kernel counts it, in microseconds. */
  readonly usage: number
}

/** Key of a cgroup → oldest first. */
export type History = ReadonlyMap<string, readonly Sample[]>

/** Samples that are kept. */
export const SAMPLES = 60

export function withSample(history: History, picture: Picture): History {
  const longer = new Map<string, readonly Sample[]>()
  for (const [key, { memory, cpu, pids }] of Object.entries(picture.tables.cgroups)) {
    const before = history.get(key) ?? []
    const last = before.at(-1)
    if (last && picture.at <= last.at) {
      longer.set(key, before)
      continue
    }
    const usage = cpu?.usage ?? 0
    const used = last ? Math.max(0, usage - last.usage) / 1000 / (picture.at - last.at) : 0
    const sample = { at: picture.at, memory: memory?.current ?? 0, cpu: used, pids: pids?.current ?? 0, usage }
    longer.set(key, [...before, sample].slice(-SAMPLES))
  }
  return longer
}
