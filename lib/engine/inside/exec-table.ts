/** All execs that an engine knows, from their creation to some time behind their end, and what becomes of them when their containers end. */

import { DrydockError } from '../../kernel/errors.js'
import { attributesOf, type ContainerHandle, type EngineContext } from '../context.js'
import type { Exec, ExecLine } from './exec.js'
import { readExit, removeRecord } from './exec-record.js'

/** For so long an exec that has ended can be asked about, as docker keeps it for five to ten minutes; milliseconds. */
const KEPT = 10 * 60 * 1000

const SIGKILL = 9
/** Exit code of what was killed. */
const KILLED = 128 + SIGKILL

export class ExecTable {
  readonly #events: EngineContext['events']
  readonly #execs = new Map<string, Exec>()
  /** Those that run, also when they are nobody's any more. */
  readonly #living = new Set<Exec>()
  /** In the order of their ends. */
  readonly #ended: Exec[] = []
  /** Containers whose end, or removal, is waited for. */
  readonly #watched = new WeakMap<ContainerHandle, { run: boolean }>()
  #closing = false

  constructor(events: EngineContext['events']) {
    this.#events = events
  }

  find(id: string): Exec {
    const exec = this.#execs.get(id)
    if (exec) return exec
    throw new DrydockError(`No such exec instance: ${id}`, { status: 404 })
  }

  add(exec: Exec, container: ContainerHandle): void {
    const before = performance.now() - KEPT
    while (this.#ended[0] && this.#ended[0].endedAt < before) this.#execs.delete((this.#ended.shift() as Exec).id)
    this.#execs.set(exec.id, exec)
    container.execs.add(exec.id)
    this.#watch(container)
  }

  /** From here on it runs; its end is followed. */
  runs(exec: Exec, container: ContainerHandle, line: ExecLine): void {
    exec.hasBegun(line)
    this.#living.add(exec)
    void line.exited.then((exit) => {
      // The engine goes, and the exec stays.
      if (exit || !this.#closing || !container.running) this.hasEnded(exec, container, exit?.code)
    })
  }

  /** `exitCode`: undefined when its shim could not say. */
  hasEnded(exec: Exec, container: ContainerHandle, exitCode: number | undefined): void {
    const code = exitCode ?? readExit(exec.id) ?? KILLED
    this.#isOver(exec, container, code)
    this.tell(exec, container, 'exec_die', { exitCode: String(code) })
  }

  /** It could not be started. */
  hasFailed(exec: Exec, container: ContainerHandle, exitCode: number): void {
    this.#isOver(exec, container, exitCode)
  }

  /** It has ended, and is not to be asked about. */
  forget(exec: Exec, container: ContainerHandle): void {
    this.#execs.delete(exec.id)
    container.execs.delete(exec.id)
    const at = this.#ended.lastIndexOf(exec)
    if (at !== -1) this.#ended.splice(at, 1)
  }

  tell(exec: Exec, container: ContainerHandle, action: string, more: Readonly<Record<string, string>> = {}): void {
    const attributes = { ...attributesOf(container), execID: exec.id, ...more }
    this.#events.publish({ Type: 'container', Action: action, ID: container.id, Attributes: attributes })
  }

  /** Leave what runs to its shims. Those that end with their containers at this moment are seen to their end. */
  async close(containers: readonly ContainerHandle[]): Promise<void> {
    this.#closing = true
    const alive = new Set(containers.flatMap(({ id, running }) => (running ? [id] : [])))
    await Promise.all(
      [...this.#living].map(async (exec) => {
        if (alive.has(exec.record.container)) exec.line?.close()
        else await exec.over
      }),
    )
  }

  #isOver(exec: Exec, container: ContainerHandle, exitCode: number): void {
    exec.hasEnded(exitCode)
    this.#ended.push(exec)
    this.#living.delete(exec)
    container.execs.delete(exec.id)
    removeRecord(exec.id)
  }

  /** With a run of the container its execs end, and those that never began are gone; with the container, all are forgotten. */
  #watch(container: ContainerHandle): void {
    let watched = this.#watched.get(container)
    if (!watched) {
      watched = { run: false }
      this.#watched.set(container, watched)
      void container.removed.then(() => this.#drop(container, () => true))
    }
    if (watched.run || !container.running) return
    const state = watched
    state.run = true
    void container.ended.then(() => {
      state.run = false
      this.#drop(container, (exec) => exec.state === 'created')
      // Its pid namespace has taken them along, if it has one of its own.
      for (const exec of this.#of(container)) exec.line?.signal(SIGKILL)
    })
  }

  #of(container: ContainerHandle): Exec[] {
    return [...this.#execs.values()].filter(({ record }) => record.container === container.id)
  }

  #drop(container: ContainerHandle, which: (exec: Exec) => boolean): void {
    for (const exec of this.#of(container).filter(which)) {
      this.#execs.delete(exec.id)
      container.execs.delete(exec.id)
      exec.isForgotten()
      // The shim of one that runs has still to write its exit.
      if (!this.#living.has(exec)) removeRecord(exec.id)
    }
  }
}
