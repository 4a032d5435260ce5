/**
 * Workers of vitest in lanes: each file of tests runs in a process of its own (as with `forks`), in whichever lane is free. What a lane is, and
 * who makes them: lanes.ts, which leaves their pids in the environment.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { PoolOptions, PoolRunnerInitializer, PoolWorker, WorkerRequest } from 'vitest/node'
import { readChildren } from '../../lib/kernel/proc/processes.js'

/** Pids of the lanes' first processes, as lanes.ts hands them over; none where there are no lanes and the workers stay on the host. */
export const LANES = 'DRYDOCK_TEST_LANES'

/** Where Node is to be called in a lane. */
export const IN_LANE = fileURLToPath(new URL('./in-lane', import.meta.url))

const MOST = 4
const NAMESPACES = ['--mount', '--pid', '--fork', '--net', '--ipc', '--uts', '--cgroup']

/** How many there are; none for an ordinary user, nor where root may not make namespaces. */
export function numberOfLanes(): number {
  if (process.geteuid?.() !== 0 || spawnSync('unshare', [...NAMESPACES, 'true']).status !== 0) return 0
  return Math.min(MOST, availableParallelism())
}

/** What does not end when it is asked to is killed; and what does not end by itself is found by who compares the lanes. Milliseconds, and those between two looks. */
const [PATIENCE, BETWEEN_LOOKS] = [10_000, 20]

const busy = new Set<string>()
const waiting: (() => void)[] = []

export const lanePool: PoolRunnerInitializer = { name: 'lanes', createPoolWorker: (options) => new LaneWorker(options) }

class LaneWorker implements PoolWorker {
  readonly name = 'lanes'
  readonly cacheFs = true
  readonly #options: PoolOptions
  #worker: ChildProcess | undefined
  #lane: string | undefined

  constructor(options: PoolOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { distPath, env, execArgv, project } = this.#options
    this.#lane = await freeLane()
    const inLane = this.#lane !== undefined && { execPath: IN_LANE }
    const worker = fork(join(distPath, 'workers/forks.js'), [], {
      env: { ...env, DRYDOCK_TEST_NODE: process.execPath, DRYDOCK_TEST_LANE: this.#lane ?? '' },
      execArgv,
      stdio: 'pipe',
      serialization: 'advanced',
      ...inLane,
    })
    worker.stdout?.pipe(project.vitest.logger.outputStream, { end: false })
    worker.stderr?.pipe(project.vitest.logger.errorStream, { end: false })
    this.#worker = worker
  }

  /** nsenter(1) waits for the process that it put into the lane and ends as that one does; a signal to itself would part them. */
  async stop(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    if (worker.exitCode === null && worker.signalCode === null) {
      const ended = once(worker, 'exit')
      const end = (signal: NodeJS.Signals) => {
        for (const pid of this.#lane === undefined ? [worker.pid as number] : readChildren(worker.pid as number)) signalTo(pid, signal)
      }
      end('SIGTERM')
      const timer = setTimeout(end, PATIENCE, 'SIGKILL')
      await ended
      clearTimeout(timer)
    }
    if (this.#lane !== undefined) {
      await empty(Number(this.#lane))
      leave(this.#lane)
    }
    this.#worker = undefined
  }

  on(event: string, callback: (argument: unknown) => void): void {
    this.#worker?.on(event, callback)
  }

  off(event: string, callback: (argument: unknown) => void): void {
    this.#worker?.off(event, callback)
  }

  send(message: WorkerRequest): void {
    this.#worker?.send(message as object)
  }

  deserialize(data: unknown): unknown {
    return data
  }
}

/** A worker is asked for as soon as the one before it has said its results, and that one takes a moment to end. */
async function freeLane(): Promise<string | undefined> {
  const lanes = (process.env[LANES] ?? '').split(' ').filter((lane) => lane !== '')
  if (lanes.length === 0) return undefined
  for (;;) {
    const lane = lanes.find((one) => !busy.has(one))
    if (lane !== undefined) {
      busy.add(lane)
      return lane
    }
    await new Promise<void>((resolve) => waiting.push(resolve))
  }
}

/**
 * Until nobody is left in it of the tests that were: spawners end by themselves, a moment after the process that had them, and the next file would take them for
 * its host as it was. They are children of the lane's first process then, beside the one that it has itself.
 */
async function empty(lane: number): Promise<void> {
  for (const until = Date.now() + PATIENCE; readChildren(lane).length > 1 && Date.now() < until; ) await sleep(BETWEEN_LOOKS)
}

function leave(lane: string): void {
  busy.delete(lane)
  waiting.shift()?.()
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended in between.
  }
}
