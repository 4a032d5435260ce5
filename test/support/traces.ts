/**
 * What one program of ours has left on the host, on a machine where others of ours may be at work: processes that have its
 * environment, names with its process id, and mounts and settings that are not as before.
 */
import { readFileSync } from 'node:fs'
import { processIds } from '../../lib/kernel/proc/processes.js'
import { hostSnapshot, type Snapshot } from '../../lib/kernel/snapshot.js'

/** The kernel takes its time with some things, and a shim that has lost its program with undoing. */
const PATIENCE = 20_000

export interface Program {
  readonly pid: number
  /** A word that is in its environment and in no other's. */
  readonly mark: string
}

/** What is there of the program, and what of the host has changed since `before`; none when it left as it should. */
export async function tracesOf(program: Program, before: Snapshot): Promise<string[]> {
  for (const end = Date.now() + PATIENCE; ; ) {
    const found = await look(program, before)
    if (found.length === 0 || Date.now() >= end) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function look({ pid, mark }: Program, before: Snapshot): Promise<string[]> {
  const now = await hostSnapshot({ nft: false })
  const named = [...now.things.files, ...now.things.cgroups].filter(({ name }) => name.includes(`-${pid}-`)).map(({ name }) => name)
  const marked = processIds().filter((one) => one !== process.pid && environmentOf(one).includes(mark))
  const mounts = (snapshot: Snapshot) => snapshot.things.mounts.map(({ name, detail }) => `${name} ${detail}`).sort()
  const host = (snapshot: Snapshot) => JSON.stringify([mounts(snapshot), snapshot.settings])
  return [...named, ...marked.map((one) => `process ${one}`), ...(host(now) === host(before) ? [] : ['mounts or settings changed'])]
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return ''
  }
}
