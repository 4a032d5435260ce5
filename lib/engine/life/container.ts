/** A container as the engine knows it: its record, the run of this moment, who waits for it. */

import { type ContainerRecord, type ExitRecord, type Layout, layoutOf, writeDurably } from '../../container/index.js'
import type { LifeNotes } from '../../container/notes.js'
import type { ContainerHandle, ContainerStatus } from '../context.js'
import type { Endpoint } from '../documents/index.js'
import { type HealthState, readHealth } from '../health/state.js'
import { inTurn } from '../in-turn.js'
import type { Line } from './line.js'
import type { Streams } from './streams.js'

/** One run, from its start to the moment when all of it is on record. */
export interface Run {
  readonly line: Line
  /** RFC 3339. */
  readonly startedAt: string
  /** In each of its networks. */
  endpoints: Readonly<Record<string, Endpoint>>
  /** Resolves when it has ended, and its end is on record. */
  readonly settled: Promise<void>
  paused: boolean
  /** How often it was sent what is to end it: one that stands still would not hear of it. */
  endings: number
  /** With SIGKILL, so that it ends for certain. */
  killed: boolean
}

export interface Ending {
  readonly exitCode: number
  readonly error?: string
}

export class Container implements ContainerHandle {
  record: ContainerRecord
  notes: LifeNotes
  exit: ExitRecord | undefined
  health: HealthState | undefined
  run: Run | undefined
  /** Its policy waits until it starts it again. */
  backoff: { cancel(): void } | undefined
  /** How long it rested last, in milliseconds, since somebody has started it. */
  pause: number | undefined
  /** 'removing' from the moment when nothing else can happen to it any more; 'dead' when that has failed. */
  doomed: 'removing' | 'dead' | undefined
  /** How many a `restart` stops it for: while there is one, neither its policy nor its removal follow its exit. */
  restarts = 0
  readonly execs = new Set<string>()
  /** Streams of those who attached before it runs. */
  readonly attaching = new Set<Streams>()
  readonly removed: Promise<void>
  readonly exclusively = inTurn()
  #layout: Layout
  #removed: () => void = () => undefined
  readonly #exitWaiters = new Set<(ending: Ending) => void>()
  readonly #dataRoot: string

  constructor(
    dataRoot: string,
    record: ContainerRecord,
    notes: LifeNotes,
    exit?: ExitRecord,
    layout: Layout = layoutOf(dataRoot, record.spec.id, record.spec.name),
  ) {
    this.#dataRoot = dataRoot
    this.record = record
    this.notes = notes
    this.exit = exit
    this.#layout = layout
    this.health = record.more?.health && readHealth(this.#layout)
    this.removed = new Promise((resolve) => {
      this.#removed = resolve
    })
  }

  get id(): string {
    return this.record.spec.id
  }

  get name(): string {
    return this.record.spec.name
  }

  get layout(): Layout {
    return this.#layout
  }

  get tty(): boolean {
    return this.record.spec.terminal !== undefined
  }

  get status(): ContainerStatus {
    if (this.doomed) return this.doomed
    if (this.run) return this.run.paused ? 'paused' : 'running'
    if (this.backoff) return 'restarting'
    return this.exit || this.notes.startedAt !== undefined ? 'exited' : 'created'
  }

  get running(): boolean {
    return this.run !== undefined
  }

  get pid(): number | undefined {
    return this.run?.line.pid
  }

  get endpoints(): Readonly<Record<string, Endpoint>> {
    return this.run?.endpoints ?? {}
  }

  get startedAt(): string | undefined {
    return this.run?.startedAt ?? this.exit?.startedAt ?? this.notes.startedAt
  }

  /** Of its last run, or of the last try to start it. */
  get ending(): Ending {
    const { failure } = this.notes
    if (failure) return { exitCode: failure.exitCode, error: failure.error }
    return { exitCode: this.exit?.exitCode ?? 0 }
  }

  get ended(): Promise<void> {
    return this.run?.settled ?? Promise.resolve()
  }

  /** At its next end: of a run, or of a try to start it when it is removed then. The answer takes it back. */
  onExit(act: (ending: Ending) => void): () => void {
    const own = (ending: Ending) => act(ending)
    this.#exitWaiters.add(own)
    return () => void this.#exitWaiters.delete(own)
  }

  hasExited(ending: Ending): void {
    const waiters = [...this.#exitWaiters]
    this.#exitWaiters.clear()
    for (const waiter of waiters) waiter(ending)
  }

  /** Nothing is left of it. */
  hasGone(): void {
    this.hasExited(this.ending)
    for (const streams of [...this.attaching]) streams.giveUp()
    this.#removed()
  }

  revise(record: ContainerRecord, endpoints?: Readonly<Record<string, Endpoint>>): void {
    writeDurably(this.#layout.config, JSON.stringify(record))
    this.became(record)
    if (this.run && endpoints) this.run.endpoints = endpoints
  }

  /** The record is on disk as this one. */
  became(record: ContainerRecord): void {
    this.record = record
    this.#layout = layoutOf(this.#dataRoot, record.spec.id, record.spec.name)
  }
}
