/** Shims whose program is gone and that serve nobody. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SHIM_PATH } from '../kernel/constants.js'
import { isAlive, startOf } from '../kernel/owner.js'
import { goesOn, type Process, readProcess, readProcesses } from '../kernel/proc/processes.js'
import { isShim } from '../kernel/shims.js'
import type { Leftover } from './leftovers.js'
import { findMakers } from './makers.js'

/** `spawner-4711-0.sock` and `terminal-4711-1a2b3c4d.sock` among a shim's arguments: the program that started it. */
const OWNER = /\/(?:spawner|terminal)-(\d+)-[0-9a-f]+\.sock$/

/** Milliseconds for a signal to be followed: one may be ignored, and the other only waits for the machine. */
const PATIENCE = { SIGTERM: 1000, SIGKILL: 10_000 } as const

/** Orphans among this user's shims, those above before those below. */
export function inspectProcesses(frozen: ReadonlySet<number> = new Set(), shimPath: string = SHIM_PATH): Leftover[] {
  const processes = readProcesses()
  // Whoever started a detached container is gone, and it is not left over.
  const { serving } = findMakers()
  const byId = new Map(processes.map((process) => [process.pid, process]))
  const shims = new Map(processes.filter(({ pid, state }) => state !== 'Z' && isShim(pid, shimPath)).map((shim) => [shim.pid, shim]))
  return [...shims.values()].flatMap((shim) => {
    if (serving.has(shim.pid)) return []
    const owner = ownerOf(shim, shims)
    if (owner === undefined ? !isOrphan(shim, shims, byId) : isAlive(owner, startOf(shim))) return []
    const program = programBelow(shim, shims, processes, frozen)
    const whose = owner === undefined ? 'whoever started it is gone' : `process ${owner}, which started it, is gone`
    const says = `${shim.commandLine.slice(0, 3).join(' ')}: ${whose}`
    const kept = program && `process ${program.pid} (${program.comm}) runs below it, so it may be in use`
    return [{ kind: 'process' as const, name: `${shim.pid}`, says, ...(kept !== undefined && { kept }) }]
  })
}

/** In its own arguments, or in those of the shim that forked it. */
function ownerOf(shim: Process, shims: ReadonlyMap<number, Process>): number | undefined {
  for (let at: Process | undefined = shim; at; at = shims.get(at.ppid)) {
    for (const argument of at.commandLine) {
      const [, owner] = OWNER.exec(argument) ?? []
      if (owner !== undefined) return Number(owner)
    }
  }
  return undefined
}

/** The parent of the topmost one is gone, and the machine's first process has taken its place. */
function isOrphan(shim: Process, shims: ReadonlyMap<number, Process>, all: ReadonlyMap<number, Process>): boolean {
  let top = shim
  for (let above = shims.get(top.ppid); above; above = shims.get(top.ppid)) top = above
  return top.ppid === 1 && all.has(1)
}

/** A process below that is no shim: a container's. One without arguments is on its way out, and waits for those below it. */
function programBelow(
  shim: Process,
  shims: ReadonlyMap<number, Process>,
  processes: readonly Process[],
  frozen: ReadonlySet<number>,
): Process | undefined {
  const parents = [shim.pid]
  for (const parent of parents) {
    for (const child of processes) {
      if (child.ppid !== parent || child.state === 'Z') continue
      if (!shims.has(child.pid) && !frozen.has(child.pid) && runsNow(child)) return child
      parents.push(child.pid)
    }
  }
  return undefined
}

/** It may have ended while we looked at others. */
function runsNow({ pid, startTicks }: Process): boolean {
  const now = readProcess(pid)
  return now?.startTicks === startTicks && now.state !== 'Z' && now.commandLine.length > 0
}

/**
 * SIGTERM, by which a spawner ends with all that it keeps ready and takes its socket away; SIGKILL when that is not heard. Each after
 * a last look that it is the same process.
 */
export async function removeProcess({ name }: Leftover, shimPath: string = SHIM_PATH): Promise<string | undefined> {
  const pid = Number(name)
  const found = readProcess(pid)
  const runs = () => found !== undefined && goesOn(found)
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!runs() || !isShim(pid, shimPath)) return undefined
    try {
      process.kill(pid, signal)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      return code === 'ESRCH' ? undefined : `kill: ${code}`
    }
    for (const end = Date.now() + PATIENCE[signal]; runs() && Date.now() < end; ) await sleep(10)
  }
  return runs() ? 'it does not end though it was killed' : undefined
}
