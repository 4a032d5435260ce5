/** Docker's table of what containers use (cli/command/container/stats_helpers.go). */
import type { Listing } from './format/index.js'
import { binarySize, humanSize } from './table.js'

interface Cpu {
  readonly cpu_usage?: { readonly total_usage?: number; readonly percpu_usage?: readonly number[] | null }
  readonly system_cpu_usage?: number
  readonly online_cpus?: number
}

/** Engine API, ContainerStats: the members that are shown. */
export interface StatsDocument {
  readonly id?: string
  readonly name?: string
  readonly cpu_stats?: Cpu
  readonly precpu_stats?: Cpu
  readonly memory_stats?: { readonly usage?: number; readonly limit?: number; readonly stats?: Readonly<Record<string, number>> }
  readonly pids_stats?: { readonly current?: number }
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>
  readonly blkio_stats?: { readonly io_service_bytes_recursive?: readonly { readonly op: string; readonly value: number }[] | null }
}

export interface Sample {
  /** As it was asked for. */
  readonly word: string
  /** Absent until something was measured. */
  readonly measured?: Measured
}

interface Measured {
  readonly id: string
  readonly name: string
  readonly cpu: number
  readonly memory: number
  readonly limit: number
  readonly received: number
  readonly sent: number
  readonly read: number
  readonly written: number
  readonly pids: number
}

export function sampleOf(word: string, found: StatsDocument | undefined): Sample {
  if (!found) return { word }
  const { memory_stats: memory, pids_stats: pids, networks = {}, blkio_stats: block } = found
  const links = Object.values(networks)
  const bytes = (kind: string) =>
    (block?.io_service_bytes_recursive ?? []).reduce((sum, { op, value }) => sum + (op.toLowerCase().startsWith(kind) ? value : 0), 0)
  return {
    word,
    measured: {
      id: found.id ?? word,
      name: (found.name ?? '').replace(/^\//, ''),
      cpu: cpuShare(found.cpu_stats, found.precpu_stats),
      memory: memoryOf(memory),
      limit: memory?.limit ?? 0,
      received: links.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
      sent: links.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
      read: bytes('r'),
      written: bytes('w'),
      pids: pids?.current ?? 0,
    },
  }
}

/** Percent of one processor, since the measurement before. */
function cpuShare(now: Cpu = {}, before: Cpu = {}): number {
  const used = (now.cpu_usage?.total_usage ?? 0) - (before.cpu_usage?.total_usage ?? 0)
  const all = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0)
  const processors = now.online_cpus || now.cpu_usage?.percpu_usage?.length || 0
  return used > 0 && all > 0 ? (used / all) * processors * 100 : 0
}

/** Without what the page cache would give back at once: cgroup v1 has it by one name, v2 by another. */
function memoryOf({ usage = 0, stats = {} }: NonNullable<StatsDocument['memory_stats']> = {}): number {
  const inactive = stats.total_inactive_file ?? stats.inactive_file ?? 0
  return inactive < usage ? usage - inactive : usage
}

const MISSING = '--'

export function statsListing(trunc: boolean): Listing<Sample> {
  const of = (show: (measured: Measured) => string) => (sample: Sample) => (sample.measured ? show(sample.measured) : MISSING)
  const both = (one: string, other: string) => `${one} / ${other}`
  return {
    type: 'container.statsContext',
    columns: {
      BlockIO: { heading: 'BLOCK I/O', of: of(({ read, written }) => both(humanSize(read, 3), humanSize(written, 3))) },
      CPUPerc: { heading: 'CPU %', of: of(({ cpu }) => `${cpu.toFixed(2)}%`) },
      Container: { heading: 'CONTAINER', of: ({ word }) => word },
      ID: { heading: 'CONTAINER ID', of: ({ word, measured }) => (trunc ? (measured?.id ?? word).slice(0, 12) : (measured?.id ?? word)) },
      MemPerc: { heading: 'MEM %', of: of(({ memory, limit }) => `${(limit > 0 ? (memory / limit) * 100 : 0).toFixed(2)}%`) },
      MemUsage: { heading: 'MEM USAGE / LIMIT', of: of(({ memory, limit }) => both(binarySize(memory), binarySize(limit))) },
      Name: { heading: 'NAME', of: of(({ name }) => name || MISSING) },
      NetIO: { heading: 'NET I/O', of: of(({ received, sent }) => both(humanSize(received, 3), humanSize(sent, 3))) },
      PIDs: { heading: 'PIDS', of: of(({ pids }) => String(pids)) },
    },
    usual: '{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}',
  }
}
