/** nsenter(1) stays as the parent of what it runs in another pid namespace, and keeps signals to itself: they are for its child. */
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { readChildren } from '../../lib/kernel/proc/processes.js'

/** The process itself, or what nsenter runs, as this process's pid namespace numbers it. It must run. */
export function innermost({ pid }: ChildProcess): number {
  const [child] = readChildren(pid as number)
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'nsenter' && child !== undefined ? child : (pid as number)
}

/** Until nsenter, which was just started, has forked what it runs, or has ended: a signal before that would end nsenter alone, and perhaps not the child that it is forking. */
export async function forked(child: ChildProcess): Promise<void> {
  const runs = () => child.exitCode === null && child.signalCode === null
  while (runs() && readChildren(child.pid as number).length === 0) await sleep(1)
}

/** Nothing happens when it has ended already. */
export function signalInnermost(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(innermost(child), signal)
  } catch (error) {
    // It has ended at this very moment.
    if (!['ESRCH', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
