/** docker stats: one document a second, each with the one before it, as clients tell shares by the difference. */

import { cgroupPath } from '../../container/index.js'
import { parseNetDev } from '../../kernel/proc/net.js'
import { textIfReadable } from '../../kernel/readable.js'
import { cgroupAt } from '../../primitives/cgroups/index.js'
import { nowNanos, timestamp } from '../clock.js'
import type { ContainerHandle, EngineContext } from '../context.js'
import type { ContainersNoun, Document } from '../types.js'
import { whenever } from '../whenever.js'
import { NO_USAGE, readUsage, type Usage } from './usage.js'

/** Between two documents, in milliseconds. */
const INTERVAL = 1000

/** Go's zero time. */
const NEVER = '0001-01-01T00:00:00Z'

type StatsOptions = Parameters<ContainersNoun['stats']>[1]

/** What was looked at, and when. */
interface Sample {
  readonly at: string
  readonly usage: Usage
  readonly networks?: Document
}

/** Throws at once when there is no such container. */
export function stats(context: EngineContext, word: string, options: StatsOptions): AsyncIterable<Document> {
  return documents(context, context.containers.find(word), options)
}

async function* documents(context: EngineContext, container: ContainerHandle, { stream, oneShot, signal }: StatsOptions) {
  const ended = new Ended(container, signal)
  try {
    if (!stream) {
      const first = sample(context, container)
      if (!first || oneShot) yield describe(container, first)
      else if (!(await ended.within(INTERVAL))) yield describe(container, sample(context, container), first)
      return
    }
    let before: Sample | undefined
    for (let next = performance.now(); !ended.now; ) {
      const now = sample(context, container)
      yield describe(container, now, before)
      before = now
      next = Math.max(next + INTERVAL, performance.now())
      if (await ended.within(next - performance.now())) return
    }
  } finally {
    ended.forget()
  }
}

/** Undefined when it does not run. */
function sample({ machine }: EngineContext, container: ContainerHandle): Sample | undefined {
  if (!container.running) return undefined
  const usage = readUsage(cgroupAt(cgroupPath(container.record.spec), machine.cgroups))
  if (!usage) return undefined
  const networks = networksOf(container)
  return { at: timestamp(nowNanos()), usage, ...(networks && { networks }) }
}

/** Of its own interfaces, but for the loopback; those of the host are not its own. */
function networksOf({ pid, record }: ContainerHandle): Document | undefined {
  if (pid === undefined || record.spec.network.kind === 'host') return undefined
  const own = parseNetDev(textIfReadable(`/proc/${pid}/net/dev`) ?? '').filter(({ name }) => name !== 'lo')
  if (own.length === 0) return undefined
  return Object.fromEntries(
    own.map(({ name, received, sent }) => [
      name,
      {
        rx_bytes: received.bytes,
        rx_packets: received.packets,
        rx_errors: received.errors,
        rx_dropped: received.dropped,
        tx_bytes: sent.bytes,
        tx_packets: sent.packets,
        tx_errors: sent.errors,
        tx_dropped: sent.dropped,
      },
    ]),
  )
}

/** Docker's StatsResponse. */
function describe({ id, name }: ContainerHandle, now: Sample | undefined, before?: Sample): Document {
  const { pids, blkio, cpu, memory } = now?.usage ?? NO_USAGE
  return {
    read: now?.at ?? NEVER,
    preread: before?.at ?? NEVER,
    pids_stats: pids,
    blkio_stats: blkio,
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpu,
    precpu_stats: (before?.usage ?? NO_USAGE).cpu,
    memory_stats: memory,
    name: `/${name}`,
    id,
    ...(now?.networks && { networks: now.networks }),
  }
}

/** Nobody wants to know any more, or there is nothing to be known. */
class Ended {
  now = false
  /** Of whoever waits at this moment. */
  #wake: () => void = () => undefined
  /** Nobody waits any more. */
  readonly forget: () => void

  constructor({ removed }: ContainerHandle, signal: AbortSignal | undefined) {
    const end = () => {
      this.now = true
      this.#wake()
    }
    if (signal?.aborted) end()
    signal?.addEventListener('abort', end, { once: true })
    const stay = whenever(removed, end)
    this.forget = () => {
      stay()
      signal?.removeEventListener('abort', end)
    }
  }

  /** True when it came before so many milliseconds had passed. */
  async within(milliseconds: number): Promise<boolean> {
    if (this.now) return true
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      timer = setTimeout(resolve, Math.max(0, milliseconds))
    })
    clearTimeout(timer)
    return this.now
  }
}
