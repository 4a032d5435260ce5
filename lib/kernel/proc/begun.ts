/**
 * Whether a process has become the program that it executes. That execve has worked is told by the end of a descriptor, and the kernel closes that before it gives the
 * process its new name, its new credentials and, last of all, its arguments (fs/exec.c, begin_new_exec; fs/binfmt_elf.c). Who looks in between sees a process
 * without a command line.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { patience } from '../patience.js'
import { readProcess } from './processes.js'

/** Milliseconds between two looks, and altogether: a program may have taken its command line away itself. */
const BETWEEN_LOOKS = 2
const LONGEST = patience(5000)

/** Resolves when it has, or has ended. `root`: the /proc in which the number counts. */
export async function begun(pid: number, root = '/proc'): Promise<void> {
  for (const end = Date.now() + LONGEST; isBecoming(pid, root) && Date.now() < end; ) await sleep(BETWEEN_LOOKS)
}

function isBecoming(pid: number, root: string): boolean {
  const process = readProcess(pid, root)
  return process !== undefined && process.commandLine.length === 0 && process.state !== 'Z' && process.state !== 'X'
}
