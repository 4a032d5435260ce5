/**
 * The spawner: one small process, started once, from which every other shim is forked. Forking a big Node process costs tens of
 * milliseconds; connecting to the spawner's socket costs a fraction of one, and every connection is a fresh shim.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
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
  /** It had ended by itself ("it was killed by SIGKILL") and another one has taken its place. */
  readonly replaced?: (how: string) => void
}

let counter = 0

/** How long after its socket a spawner that ends may go on, as its parent sees it, and those that wait with it after it. Milliseconds. */
const LAST_MOMENT = 10_000
const BETWEEN_TRIES = 5

export class Spawner {
  readonly path: string
  #process: ChildProcess
  #connected: number
  readonly #options: SpawnerOptions
  readonly #ready: Promise<Shim>[] = []
  #another: Promise<void> | undefined
  #closed = false

  private constructor(path: string, process: ChildProcess, options: SpawnerOptions) {
    this.path = path
    this.#process = process
    this.#options = options
    this.#connected = options.connected ?? 0
    this.#fill()
  }

  /** Start one. It ends with this process: the lifeline between them is closed by the kernel, whatever happens. */
  static async start(options: SpawnerOptions = {}): Promise<Spawner> {
    const path = options.path ?? join(runDirectory(), `spawner-${process.pid}-${counter++}.sock`)
    return new Spawner(path, await begin(path, options.warm), options)
  }

  get pid(): number {
    return this.#process.pid as number
  }

  /** A fresh shim. */
  shim(): Promise<Shim> {
    const ready = this.#ready.shift()
    // The next one is connected when this one's work is under way, not before it.
    if (this.#connected > 0) setImmediate(() => this.#fill())
    return ready
      ? ready.then(
          (one) => one.ref(),
          () => this.#connect(),
        )
      : this.#connect()
  }

  /** One that had to be waited for. A spawner that was killed (by the kernel, where memory is short) is no reason to start nothing any more. */
  async #connect(): Promise<Shim> {
    if (lives(this.#process)) {
      try {
        return await Shim.connect(this.path)
      } catch (error) {
        if (this.#closed || !(await endsNow(this.#process))) throw error
      }
    }
    if (this.#closed) throw new DrydockError('the spawner has been closed')
    this.#another ??= this.#replace().finally(() => {
      this.#another = undefined
    })
    await this.#another
    return Shim.connect(this.path)
  }

  async #replace(): Promise<void> {
    const { exitCode, signalCode, stderr } = this.#process
    // What it made and what still works has the other end, so that it would stay open as long as that.
    stderr?.destroy()
    for (const until = Date.now() + LAST_MOMENT; ; await sleep(BETWEEN_TRIES)) {
      try {
        this.#process = await begin(this.path, this.#options.warm)
        break
      } catch (error) {
        // Those that waited with it end with it, and listen for a moment yet.
        if (Date.now() > until || !(error as Error).message.includes('somebody listens on')) throw error
      }
    }
    this.#options.replaced?.(signalCode ? `it was killed by ${signalCode}` : `it ended with ${exitCode}`)
  }

  #fill(): void {
    while (this.#ready.length < this.#connected && lives(this.#process)) {
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

  /** End the spawner; the shims that it made go on. */
  async close(): Promise<void> {
    this.#connected = 0
    this.#closed = true
    const waiting = this.#ready.splice(0)
    await Promise.allSettled([...waiting.map(async (shim) => (await shim).close()), this.#another])
    if (lives(this.#process)) {
      this.#process.ref()
      const ended = once(this.#process, 'exit')
      ;(this.#process.stdio[3] as Socket).destroy()
      await ended
    }
    rmSync(this.path, { force: true })
  }
}

async function begin(path: string, warm: number | undefined): Promise<ChildProcess> {
  const args = ['--spawner', path, '--lifeline', '3', ...(warm === undefined ? [] : ['--warm', String(warm)])]
  const started = spawn(SHIM_PATH, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
  const complaint: Buffer[] = []
  started.stderr?.on('data', (chunk: Buffer) => complaint.push(chunk))
  // Without a free descriptor Node makes no streams at all, and tells in a moment why.
  const lifeline = started.stdio?.[3] as Socket | undefined
  const failed = (reason: string, cause?: unknown) => new DrydockError(`the spawner did not start (${SHIM_PATH}): ${reason}`, { cause })
  await new Promise<void>((resolve, reject) => {
    lifeline?.once('data', () => resolve())
    started.once('error', (error) => reject(failed(error.message, error)))
    started.once('exit', (code, signal) => reject(failed(Buffer.concat(complaint).toString().trim() || `it ended with ${signal ?? code}`)))
  })
  started.removeAllListeners('exit')
  started.unref()
  lifeline?.unref()
  ;(started.stderr as unknown as Socket).unref()
  return started
}

function lives({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}

/** Whether it has ended, or does so this moment: its socket is closed a little before its parent is told. */
async function endsNow(process: ChildProcess): Promise<boolean> {
  if (!lives(process)) return true
  const told = once(process, 'exit').then(() => true)
  return Promise.race([told, sleep(LAST_MOMENT, false)])
}
