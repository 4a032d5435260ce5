/** Numbers of HostConfig that have bounds, in Docker's words (daemon/container.go, daemon_unix.go). */
import { readFileSync } from 'node:fs'
import { DrydockError } from '../../kernel/errors.js'
import type { HostBody } from './bodies.js'

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

export function checkRanges({ ShmSize = 0, OomScoreAdj = 0 }: HostBody): void {
  if (ShmSize < 0) refuse('SHM size can not be less than 0')
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000) refuse(`Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`)
}

/** Processors and nodes of memory are some that this machine has. */
export function checkSets({ CpusetCpus = '', CpusetMems = '' }: HostBody): void {
  checkSet('cpuset cpus', 'CPUs', CpusetCpus, '/sys/devices/system/cpu/online')
  checkSet('cpuset mems', 'memory nodes', CpusetMems, '/sys/devices/system/node/online')
}

function checkSet(member: string, what: string, asked: string, file: string): void {
  if (asked === '') return
  const wanted = ranges(asked) ?? refuse(`Invalid value ${asked} for ${member}: invalid format: ${asked}`)
  const there = online(file)
  const has = ranges(there) ?? []
  if (!wanted.every(([from, to]) => has.some(([first, last]) => from >= first && to <= last)))
    refuse(`Requested ${what} are not available - requested ${asked}, available: ${there}`)
}

/** A kernel without NUMA has one node. */
function online(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return '0'
  }
}

/** `0-2,7`; undefined when it is none (cpuset(7), "List format"). */
function ranges(text: string): (readonly [from: number, to: number])[] | undefined {
  const parts = text.split(',').map((part) => /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part.trim()))
  if (!parts.every((part) => part !== null)) return undefined
  const found = parts.map((part) => [Number(part[1]), Number(part[2] ?? part[1])] as const)
  return found.every(([from, to]) => from <= to) ? found : undefined
}
