/** Who may be at work: containers that run, and shims that may be making or taking away what looks as if it had been left. */
import { lstatSync, type Stats } from 'node:fs'
import { firstProcesses } from '../engine/living.js'
import { startOf } from '../kernel/owner.js'
import { readProcess, readProcesses } from '../kernel/proc/processes.js'
import { isShim } from '../kernel/shims.js'

export interface Makers {
  /** Ids of the containers that run. */
  readonly running: ReadonlySet<string>
  /** Process ids of their shims. */
  readonly serving: ReadonlySet<number>
  /** Why what was made at `when` (milliseconds since 1970) is left alone; undefined when nobody can be making it. */
  reason(when: number): string | undefined
}

/** A container's id. */
export const ID = /^[0-9a-f]{64}$/

/** What a Node program makes, it makes within this many milliseconds: younger things may be half of something. */
const MOMENT = 10_000

export const isFresh = (when: number, now = Date.now()): boolean => now - when < MOMENT

/** The data root, when it is there and this user's own: what is in another's is that one's to remove. */
export function ownRoot(path: string): Stats | undefined {
  try {
    const top = lstatSync(path)
    return top.isDirectory() && top.uid === process.geteuid?.() ? top : undefined
  } catch {
    return undefined
  }
}

/** Of this very program, which has heard their last word when it looks: one may take a moment to end. */
function isOwn({ ppid }: { readonly ppid: number }, parents: ReadonlyMap<number, number>): boolean {
  for (let at: number | undefined = ppid; at; at = parents.get(at)) if (at === process.pid) return true
  return false
}

export function findMakers(): Makers {
  const containers = [...firstProcesses()].flatMap(([upper, pid]) => {
    const id = /\/([0-9a-f]{64})\/diff$/.exec(upper)?.[1]
    return id === undefined ? [] : [{ id, shim: readProcess(pid)?.ppid ?? 0 }]
  })
  // A shim makes one container, and then it only waits for its end.
  const serving = new Set(containers.map(({ shim }) => shim))
  const processes = readProcesses()
  const parents = new Map(processes.map(({ pid, ppid }) => [pid, ppid]))
  const shims = processes.filter(({ pid, state }) => state !== 'Z' && isShim(pid))
  const all = new Set(shims.map(({ pid }) => pid))
  const spawns = (shim: (typeof shims)[number]) => shim.commandLine.includes('--spawner') && !all.has(shim.ppid)
  const makers = shims
    .filter((shim) => !serving.has(shim.pid) && !spawns(shim) && !isOwn(shim, parents))
    .map((shim) => ({ pid: shim.pid, since: startOf(shim) }))
  return {
    running: new Set(containers.map(({ id }) => id)),
    serving,
    reason(when) {
      // Who was started after it was made has not made it. A second for the clocks' rounding.
      const maker = makers.find(({ since }) => since <= when + 1000)
      return maker && `shim ${maker.pid}, which was there when it was made, may be at work on it`
    },
  }
}
