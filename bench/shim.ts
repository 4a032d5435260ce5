/** What one idle shim costs: private memory of a process that waits for its client, or for its container. */
import { readFileSync } from 'node:fs'
import { clone, execve } from '../lib/kernel/calls/process.js'
import { Spawner } from '../lib/kernel/spawner.js'
import type { Bench } from './bench.js'

export const SHIM = {
  name: 'shim',
  title: 'The memory of a shim',
  about:
    'Every container has a shim, which waits for its end. Private memory (RssAnon) and page tables (VmPTE) of one, as proc_pid_status(5) has them.',
}

export async function measureShim(bench: Bench): Promise<void> {
  const spawner = await Spawner.start()
  const idle = await spawner.shim()
  const watching = await spawner.shim()
  await watching.run([clone('uts'), execve('/bin/sleep', ['sleep', '60'])])
  bench.compare({
    key: 'shim',
    title: 'private memory of a shim',
    unit: 'KiB',
    better: 'less',
    own: 'drydock',
    cases: [
      { label: 'idle', values: { drydock: [privateKiB(idle.pid)] } },
      { label: 'with a container', values: { drydock: [privateKiB(watching.pid)] } },
    ],
  })
  await idle.rollback()
  await watching.rollback()
  await spawner.close()
}

function privateKiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1])
  return field('RssAnon') + field('VmPTE')
}
