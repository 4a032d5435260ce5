/**
 * Containers are asked whether they are well: each has a timer while it runs, and a probe at most.
 *
 *     begins ── interval ──► probe ──► answer ── interval ──► probe …       state.ts: what an answer means
 *        pauses, ends, stops: the timer is off, a probe that runs is killed, its answer nobody's
 *
 * What is known goes on disk when the status changes and when an engine ends, so that the next one goes on with it.
 */
import { availableParallelism } from 'node:os'
import type { HealthRequest } from '../../container/index.js'
import { sentenceOf } from '../../kernel/errors.js'
import { nowNanos, timestamp } from '../clock.js'
import { attributesOf, type ContainerHandle, type EngineContext } from '../context.js'
import type { Probed, ProbeOptions } from '../inside/probe.js'
import { LONGEST_TIMEOUT, within } from '../within.js'
import { answered, beginning, type HealthState, pauseBefore, unasked, writeHealth } from './state.js'

export type Prober = (container: ContainerHandle, options: ProbeOptions) => Promise<Probed>

/** How long whoever ends the asking waits for a probe that was killed, in milliseconds. */
const KILL_PATIENCE = 1000

/** One container while it is asked. */
interface Asking {
  readonly request: HealthRequest
  timer: NodeJS.Timeout | undefined
  /** The probe that runs, and its end. */
  probe: { readonly cancel: AbortController; readonly over: Promise<void> } | undefined
  /** Nobody is asked any more. */
  over: boolean
}

export class HealthChecks {
  readonly #context: Pick<EngineContext, 'events' | 'log'>
  readonly #prober: Prober
  readonly #asked = new Map<ContainerHandle, Asking>()
  /** Probes that may be begun at one time: two hundred containers of one interval do not ask at once for all that the machine has. */
  #free = Math.max(2, 2 * availableParallelism())
  readonly #queue: (() => void)[] = []

  constructor(context: Pick<EngineContext, 'events' | 'log'>, prober: Prober) {
    this.#context = context
    this.#prober = prober
  }

  /** It runs from now on, or was found running: then what is known of this run goes on. */
  begins(
    container: ContainerHandle,
    { startedAt, found }: { readonly startedAt: string; readonly found?: { readonly paused: boolean } },
  ): void {
    const request = container.record.more?.health
    if (!request) return
    const known = container.health
    const goesOn = found !== undefined && known?.startedAt === startedAt
    this.#becomes(container, goesOn ? known : beginning(startedAt, known))
    if (!found?.paused) this.#ask(container, request)
  }

  /** It runs on after it has stood still. */
  resumes(container: ContainerHandle): void {
    const request = container.record.more?.health
    if (request && container.running) this.#ask(container, request)
  }

  /** It is not asked any more: it stands still, is stopped, has ended. Resolves when no probe of it runs. */
  async ends(container: ContainerHandle): Promise<void> {
    const asking = this.#asked.get(container)
    if (!asking) return
    const over = this.#letGo(container, asking)
    if (container.health) this.#becomes(container, unasked(container.health))
    await over
  }

  /** The engine goes, and containers stay as well as they are. */
  async close(): Promise<void> {
    const all = [...this.#asked]
    await Promise.all(
      all.map(([container, asking]) => {
        if (container.health) this.#write(container, container.health)
        return this.#letGo(container, asking)
      }),
    )
  }

  async #letGo(container: ContainerHandle, asking: Asking): Promise<void> {
    this.#asked.delete(container)
    asking.over = true
    clearTimeout(asking.timer)
    asking.probe?.cancel.abort()
    if (asking.probe) await within(asking.probe.over, KILL_PATIENCE)
  }

  #ask(container: ContainerHandle, request: HealthRequest): void {
    if (this.#asked.has(container)) return
    const asking: Asking = { request, timer: undefined, probe: undefined, over: false }
    this.#asked.set(container, asking)
    this.#wait(container, asking)
  }

  #wait(container: ContainerHandle, asking: Asking): void {
    const pause = pauseBefore(container.health as HealthState, asking.request, nowNanos())
    asking.timer = setTimeout(() => this.#probe(container, asking), Math.min(LONGEST_TIMEOUT, pause))
  }

  #probe(container: ContainerHandle, asking: Asking): void {
    const cancel = new AbortController()
    const over = this.#probeNow(container, asking, cancel.signal).catch((error) => {
      this.#context.log('error', `the health check of ${container.name}: ${sentenceOf(error)}`)
    })
    asking.probe = { cancel, over }
  }

  async #probeNow(container: ContainerHandle, asking: Asking, signal: AbortSignal): Promise<void> {
    const pass = await this.#turn()
    try {
      if (asking.over) return
      await this.#probeInTurn(container, asking, signal, pass)
    } finally {
      pass()
    }
  }

  async #probeInTurn(container: ContainerHandle, asking: Asking, signal: AbortSignal, onBegun: () => void): Promise<void> {
    const Start = timestamp(nowNanos())
    const { argv, timeout } = asking.request
    const result = await this.#prober(container, { argv, timeout, signal, onBegun })
    asking.probe = undefined
    if (asking.over || !container.health) return
    const before = container.health
    const after = answered(before, { Start, End: timestamp(nowNanos()), ExitCode: result.exitCode, Output: result.output }, asking.request)
    this.#becomes(container, after)
    if (after.status !== before.status) this.#tell(container, after)
    this.#wait(container, asking)
  }

  #becomes(container: ContainerHandle, state: HealthState): void {
    const changes = container.health?.status !== state.status || container.health.startedAt !== state.startedAt
    container.health = state
    if (changes) this.#write(container, state)
  }

  #write(container: ContainerHandle, state: HealthState): void {
    try {
      writeHealth(container.layout, state)
    } catch (error) {
      if (container.status !== 'removing') {
        this.#context.log('warn', `${container.name}: how well it is cannot be written down: ${sentenceOf(error)}`)
      }
    }
  }

  #tell(container: ContainerHandle, { status }: HealthState): void {
    const Attributes = attributesOf(container)
    this.#context.events.publish({ Type: 'container', Action: `health_status: ${status}`, ID: container.id, Attributes })
  }

  /** The answer passes the turn on; once is enough. */
  async #turn(): Promise<() => void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#queue.push(resolve))
    let passed = false
    return () => {
      if (passed) return
      passed = true
      const next = this.#queue.shift()
      if (next) next()
      else this.#free++
    }
  }
}
