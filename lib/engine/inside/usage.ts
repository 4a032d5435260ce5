/** What a container's cgroups have counted, in the members of Docker's statistics. Both versions of cgroups; their files' names are the kernel's. */

import { readMeminfo } from '../../kernel/proc/meminfo.js'
import { readMachineStat, TICK } from '../../kernel/proc/stat.js'
import { textIfReadable } from '../../kernel/readable.js'
import { type Cgroup, type CgroupDirectory, hierarchyOf } from '../../primitives/cgroups/index.js'
import type { Document } from '../types.js'

export interface Usage {
  readonly pids: Document
  readonly blkio: Document
  readonly cpu: Document
  readonly memory: Document
}

const NO_CPU = { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 }
const NO_THROTTLING = { periods: 0, throttled_periods: 0, throttled_time: 0 }

const BLKIO = [
  'io_service_bytes_recursive',
  'io_serviced_recursive',
  'io_queue_recursive',
  'io_service_time_recursive',
  'io_wait_time_recursive',
  'io_merged_recursive',
  'io_time_recursive',
  'sectors_recursive',
] as const

const blkioOf = (lists: Partial<Record<(typeof BLKIO)[number], readonly Document[]>>, rest: readonly Document[] | null) =>
  Object.fromEntries(BLKIO.map((name) => [name, lists[name] ?? rest]))

/** Of one that does not run. */
export const NO_USAGE: Usage = {
  pids: {},
  blkio: blkioOf({}, null),
  cpu: { cpu_usage: NO_CPU, throttling_data: NO_THROTTLING },
  memory: {},
}

/** Undefined when the cgroups are gone. */
export function readUsage(cgroup: Cgroup): Usage | undefined {
  const pids = filesOf(cgroup, 'pids')
  const current = pids?.number('pids.current')
  const cpu = cpuOf(cgroup)
  if (cgroup.length > 0 && current === undefined && cpu === undefined) return undefined
  const limit = pids?.number('pids.max')
  return {
    pids: { ...(current !== undefined && { current }), ...(limit !== undefined && Number.isFinite(limit) && { limit }) },
    blkio: blkio(cgroup),
    cpu: { ...(cpu ?? NO_USAGE.cpu), ...machine() },
    memory: memory(cgroup),
  }
}

/** Of the whole machine, in nanoseconds, so that a share can be told. */
function machine(): Document {
  const { ticks, processors } = readMachineStat()
  return { system_cpu_usage: ticks * TICK, online_cpus: processors }
}

function cpuOf(cgroup: Cgroup): Document | undefined {
  const account = filesOf(cgroup, 'cpuacct')
  const unified = account ? undefined : unifiedOf(cgroup)
  const scheduler = filesOf(cgroup, 'cpu')
  if (account) {
    const total = account.number('cpuacct.usage')
    if (total === undefined) return undefined
    const split = account.table('cpuacct.stat')
    const each = account.text('cpuacct.usage_percpu')?.trim().split(/\s+/).map(Number)
    return {
      cpu_usage: {
        total_usage: total,
        ...(each && { percpu_usage: each }),
        usage_in_kernelmode: (split.get('system') ?? 0) * TICK,
        usage_in_usermode: (split.get('user') ?? 0) * TICK,
      },
      throttling_data: throttling(scheduler?.table('cpu.stat'), 'throttled_time', 1),
    }
  }
  const table = unified?.table('cpu.stat')
  const total = table?.get('usage_usec')
  if (table === undefined || total === undefined) return undefined
  return {
    cpu_usage: {
      total_usage: total * 1000,
      usage_in_kernelmode: (table.get('system_usec') ?? 0) * 1000,
      usage_in_usermode: (table.get('user_usec') ?? 0) * 1000,
    },
    throttling_data: throttling(table, 'throttled_usec', 1000),
  }
}

function throttling(table: ReadonlyMap<string, number> | undefined, time: string, factor: number): Document {
  return {
    periods: table?.get('nr_periods') ?? 0,
    throttled_periods: table?.get('nr_throttled') ?? 0,
    throttled_time: (table?.get(time) ?? 0) * factor,
  }
}

function memory(cgroup: Cgroup): Document {
  const files = filesOf(cgroup, 'memory')
  if (!files) return {}
  const v1 = files.version === 1
  const usage = files.number(v1 ? 'memory.usage_in_bytes' : 'memory.current')
  if (usage === undefined) return {}
  const all = (readMeminfo().get('MemTotal') ?? 0) * 1024
  const limit = files.number(v1 ? 'memory.limit_in_bytes' : 'memory.max') ?? all
  const failures = v1 ? files.number('memory.failcnt') : files.table('memory.events').get('oom')
  return {
    usage,
    ...(v1 && { max_usage: files.number('memory.max_usage_in_bytes') }),
    stats: Object.fromEntries(files.table('memory.stat')),
    // Docker's client takes an absent one for none.
    ...(failures && { failcnt: failures }),
    limit: Math.min(limit, all),
  }
}

function blkio(cgroup: Cgroup): Document {
  const files = filesOf(cgroup, 'blkio')
  if (files?.version !== 1) return blkioOf(unifiedIo(cgroup), null)
  const list = (...names: readonly string[]) => names.map((name) => files.text(name)).find((text) => text !== undefined && text !== '')
  return blkioOf(
    {
      io_service_bytes_recursive: operations(
        list('blkio.io_service_bytes_recursive', 'blkio.bfq.io_service_bytes_recursive', 'blkio.throttle.io_service_bytes_recursive'),
      ),
      io_serviced_recursive: operations(
        list('blkio.io_serviced_recursive', 'blkio.bfq.io_serviced_recursive', 'blkio.throttle.io_serviced_recursive'),
      ),
    },
    [],
  )
}

/** `8:0 Read 4096` a line, and a total at the end that is no device's. */
function operations(text = ''): Document[] {
  return [...text.matchAll(/^(\d+):(\d+) (\w+) (\d+)$/gm)].map(([, major, minor, op, value]) => operation(major, minor, op, value))
}

/** `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 …` a line. */
function unifiedIo(cgroup: Cgroup): Parameters<typeof blkioOf>[0] {
  const lines = [...(unifiedOf(cgroup)?.text('io.stat') ?? '').matchAll(/^(\d+):(\d+) (.*)$/gm)]
  const pick = (names: Readonly<Record<string, string>>) =>
    lines.flatMap(([, major, minor, values = '']) =>
      Object.entries(names).flatMap(([name, op]) => {
        const value = new RegExp(`\\b${name}=(\\d+)`).exec(values)?.[1]
        return value === undefined ? [] : [operation(major, minor, op, value)]
      }),
    )
  return {
    io_service_bytes_recursive: pick({ rbytes: 'read', wbytes: 'write' }),
    io_serviced_recursive: pick({ rios: 'read', wios: 'write' }),
  }
}

const operation = (major: string | undefined, minor: string | undefined, op: string | undefined, value: string | undefined): Document => ({
  major: Number(major),
  minor: Number(minor),
  op,
  value: Number(value),
})

const filesOf = (cgroup: Cgroup, controller: string) => files(hierarchyOf(cgroup, controller))
const unifiedOf = (cgroup: Cgroup) => files(cgroup.find(({ version }) => version === 2))

function files(directory: CgroupDirectory | undefined) {
  if (!directory) return undefined
  const { path, version } = directory
  const text = (name: string) => textIfReadable(`${path}/${name}`)
  return {
    version,
    text,
    number: (name: string): number | undefined => {
      const content = text(name)?.trim()
      return content === undefined ? undefined : content === 'max' ? Number.POSITIVE_INFINITY : Number(content)
    },
    table: (name: string): ReadonlyMap<string, number> =>
      new Map([...(text(name) ?? '').matchAll(/^(\S+) (\d+)$/gm)].map(([, key = '', value]) => [key, Number(value)])),
  }
}
