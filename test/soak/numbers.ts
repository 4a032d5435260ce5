/** What an engine holds at one moment, in numbers: for a table that shows what grows. */
import { readStatusLine } from '../../lib/kernel/proc/status.js'
import type { TestEngine } from '../support/engines.js'
import { heapOf } from './heap.js'

/** Each a line `name number`. */
const COUNT = `
count() { echo "$1 $(eval "$2" 2>/dev/null | wc -l)"; }
count 'mounts' 'cat /proc/self/mountinfo'
count 'network links' 'ls /sys/class/net'
count 'cgroups' 'for tree in /sys/fs/cgroup /sys/fs/cgroup/*; do find $tree/drydock -type d; done'
count 'leases' 'find /var/lib/drydock -path "*leases*" -type f ! -name .reclaim'
count 'containers on disk' 'ls /var/lib/drydock/containers'
count 'layers on disk' 'ls /var/lib/drydock/overlay'
count 'files in the data root' 'find /var/lib/drydock -type f'
count 'sockets in /run' 'find /run/drydock -type s'
count 'shims' 'ps -eo stat=,comm= | grep "^[^Z].* shim$"'`

export type Numbers = ReadonlyMap<string, number>

export async function numbersOf(engine: TestEngine): Promise<Numbers> {
  const { stdout } = await engine.host.run(['sh', '-c', COUNT])
  const counted = stdout.split('\n').map((line): [string, number] => {
    const cut = line.lastIndexOf(' ')
    return [line.slice(0, cut), Number(line.slice(cut + 1))]
  })
  const memory = Number.parseInt(readStatusLine(engine.pid, 'VmRSS') ?? '', 10) / 1024
  return new Map([
    ['descriptors', engine.descriptors().length],
    ['memory, MiB', Math.round(memory)],
    ['heap, MiB', Math.round(await heapOf(engine))],
    ...counted,
  ])
}

/** A column for each moment. */
export function tableOf(moments: Readonly<Record<string, Numbers>>): string {
  const columns = Object.entries(moments)
  const names = [...(columns[0]?.[1].keys() ?? [])]
  const cell = (word: string | number) => String(word).padStart(9)
  return [
    ' '.repeat(24) + columns.map(([moment]) => cell(moment)).join(''),
    ...names.map((name) => name.padEnd(24) + columns.map(([, numbers]) => cell(numbers.get(name) ?? '')).join('')),
  ].join('\n')
}
