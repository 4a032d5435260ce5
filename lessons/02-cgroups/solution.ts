/** One way through the exercises of lesson 2. The kernel's state is what counts: yours may look different. */
import { clone, close, execve, mkdir, open, ref, type Step, write } from '../../lib/index.js'

interface Place {
  tree: string
  version: 1 | 2
  name: string
}

/** A number into a file. */
const put = (path: string, value: string | number): Step[] => [
  open(path, ['wronly'], { keep: 'file' }),
  write(ref('file'), String(value)),
  close(ref('file')),
]

export function smallMemory({ tree, version, name, bytes }: Place & { bytes: number }): Step[] {
  const group = `${tree}/${name}`
  return [
    mkdir(group),
    ...put(`${group}/${version === 1 ? 'memory.limit_in_bytes' : 'memory.max'}`, bytes),
    clone('pid'),
    ...put(`${group}/cgroup.procs`, 0),
  ]
}

export function slow({ tree, version, name, percent }: Place & { percent: number }): Step[] {
  const group = `${tree}/${name}`
  const quota = percent * 1000
  const limit =
    version === 1
      ? [...put(`${group}/cpu.cfs_period_us`, 100_000), ...put(`${group}/cpu.cfs_quota_us`, quota)]
      : put(`${group}/cpu.max`, `${quota} 100000`)
  return [mkdir(group), ...limit, clone('pid'), ...put(`${group}/cgroup.procs`, 0)]
}

export function fewProcesses({ tree, name, most, script }: Place & { most: number; script: string }): Step[] {
  const group = `${tree}/${name}`
  return [
    mkdir(group),
    ...put(`${group}/pids.max`, most),
    clone('pid'),
    ...put(`${group}/cgroup.procs`, 0),
    execve('/bin/sh', ['sh', '-c', script], ['PATH=/usr/bin:/bin']),
  ]
}

export function stop({ tree, version, name }: Place): Step[] {
  const group = `${tree}/${name}`
  return version === 1 ? put(`${group}/freezer.state`, 'FROZEN') : put(`${group}/cgroup.freeze`, 1)
}
