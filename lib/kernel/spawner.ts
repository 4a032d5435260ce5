/**
 * The spawner: one small process, started once, from which every other shim is forked. Forking a big Node process costs tens of
 * milliseconds; connecting to the spawner's socket costs a fraction of one, and every connection is a fresh shim.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { SHIM_PATH } from './constants.js'
import { DrydockError } from './errors.js'
import { runDirectory } from './places.js'
import { Shim } from './shim.js'

export interface SpawnerOptions {
  /** How many shims wait ready. */
  readonly warm?: number
  /** How many of them are connected already, so that the next container need not wait for that. 0 by default. */
  readonly connected?: number
  /** Where its socket is; a fresh name in the run directory otherwise. */
  readonly path?: string
}

let counter = 0

export class Spawner {
  readonly path: string
  readonly #process: ChildProcess
  #connected: number
  readonly #ready: Promise<Shim>[] = []

  private constructor(path: string, process: ChildProcess, connected: number) {
    this.path = path
    this.#process = process
    this.#connected = connected
    this.#fill()
  }

  /** Start one. It ends with this process: the lifeline between them is closed by the kernel, whatever happens. */
  static async start(options: SpawnerOptions = {}): Promise<Spawner> {
    const path = options.path ?? join(runDirectory(), `spawner-${process.pid}-${counter++}.sock`)
    const args = ['--spawner', path, '--lifeline', '3', ...(options.warm === undefined ? [] : ['--warm', String(options.warm)])]
    const started = spawn(SHIM_PATH, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
    const complaint: Buffer[] = []
    started.stderr?.on('data', (chunk: Buffer) => complaint.push(chunk))
    // Without a free descriptor Node makes no streams at all, and tells in a moment why.
    const lifeline = started.stdio?.[3] as Socket | undefined
    const failed = (reason: string, cause?: unknown) => new DrydockError(`the spawner did not start (${SHIM_PATH}): ${reason}`, { cause })
    await new Promise<void>((resolve, reject) => {
      lifeline?.once('data', () => resolve())
      started.once('error', (error) => reject(failed(error.message, error)))
      started.once('exit', (code, signal) =>
        reject(failed(Buffer.concat(complaint).toString().trim() || `it ended with ${signal ?? code}`)),
      )
    })
    started.removeAllListeners('exit')
    started.unref()
    lifeline?.unref()
    ;(started.stderr as unknown as Socket).unref()
    return new Spawner(path, started, options.connected ?? 0)
  }

  get pid(): number {
    return this.#process.pid as number
  }

  /** A fresh shim. */
  shim(): Promise<Shim> {
    const ready = this.#ready.shift()
    // The next one is connected when this one's work is under way, not before it.
    if (this.#connected > 0) setImmediate(() => this.#fill())
    return ready ? ready.then((one) => one.ref()) : Shim.connect(this.path)
  }

  #fill(): void {
    while (this.#ready.length < this.#connected && this.#lives()) {
      const shim = Shim.connect(this.path).then((one) => one.unref())
      this.#ready.push(shim)
      // One that could not be had, or has been killed, is no reason why the next one could not.
      const forget = () => {
        const at = this.#ready.indexOf(shim)
        if (at >= 0) this.#ready.splice(at, 1)
      }
      shim.then((one) => one.once('ended', forget), forget)
    }
  }

  #lives(): boolean {
    const { exitCode, signalCode } = this.#process
    return exitCode === null && signalCode === null
  }

  /** End the spawner; the shims that it made go on. */
  async close(): Promise<void> {
    this.#connected = 0
    const waiting = this.#ready.splice(0)
    await Promise.allSettled(waiting.map(async (shim) => (await shim).close()))
    if (this.#lives()) {
      this.#process.ref()
      const ended = once(this.#process, 'exit')
      ;(this.#process.stdio[3] as Socket).destroy()
      await ended
    }
    rmSync(this.path, { force: true })
  }
}
