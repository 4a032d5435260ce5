/** What one idle shim costs: private memory of a process that waits for its client, or for its container. */
import { readFileSync } from 'node:fs'
import { clone, execve } from '../lib/kernel/calls/process.js'
import { Spawner } from '../lib/kernel/spawner.js'

export async function measureShim(): Promise<void> {
  const spawner = await Spawner.start()
  const idle = await spawner.shim()
  console.log(`idle shim: ${privateKiB(idle.pid)} KiB private (RssAnon and page tables)`)
  const watching = await spawner.shim()
  await watching.run([clone('uts'), execve('/bin/sleep', ['sleep', '60'])])
  console.log(`shim with a container: ${privateKiB(watching.pid)} KiB private`)
  await idle.rollback()
  await watching.rollback()
  await spawner.close()
}

function privateKiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1])
  return field('RssAnon') + field('VmPTE')
}
