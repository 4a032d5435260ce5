/**
 * Mixed load on an engine that is killed under it:
 *
 *     workers   8 of them, each with containers of its own, do one deed after the other (deeds.ts), by chance
 *     faults    every second or so: kill -9 of the daemon, of its spawner, of a container's shim, of a client (faults.ts)
 *     known.ts  what the workers were answered, which must be so whenever all stand still
 *
 * A deed that the daemon's death has broken off is no complaint; every answer that was given is held to.
 */
import type { Random } from '../support/api-schema/random.js'
import type { Answer } from '../support/engines/api.js'
import type { TestEngine } from '../support/engines.js'
import { DEEDS, type Worker } from './deeds.js'
import { FAULTS } from './faults.js'
import { complaintsAbout, type Known } from './known.js'

export const ABREAST = 8
/** Milliseconds between two faults, at least and at most. */
const BETWEEN = [300, 2000] as const

export class Soak {
  readonly engine: TestEngine
  readonly random: Random
  readonly known: Known[] = []
  /** What nobody should have seen. */
  readonly wrong: string[] = []
  /** How often each deed and each fault came to its end. */
  readonly done = new Map<string, number>()
  /** How often the daemon was killed. */
  #epoch = 0
  /** Resolves when the daemon runs. */
  #up: Promise<unknown> = Promise.resolve()

  constructor(engine: TestEngine, random: Random) {
    this.engine = engine
    this.random = random
  }

  /** Resolves when every worker has come to the end of its deed after so many milliseconds. */
  async run(milliseconds: number): Promise<void> {
    const end = Date.now() + milliseconds
    const workers = Array.from({ length: ABREAST }, (_, number) =>
      this.#work({ soak: this, name: `w${number}-${this.known.length}`, living: [] }, end),
    )
    await Promise.all([...workers, this.#fault(end)])
  }

  /** Everything that was answered is so. */
  async check(): Promise<void> {
    for (const known of this.known) this.wrong.push(...(await complaintsAbout(this.engine.api, known)))
  }

  /** kill -9, and up again. Deeds wait until it is. */
  killDaemon(): Promise<void> {
    this.#epoch++
    const again = (async () => {
      await this.engine.kill()
      await this.engine.start()
    })()
    this.#up = again.catch(() => undefined)
    return again
  }

  /** The answer, which must have one of these statuses. */
  async ask(method: string, path: string, statuses: readonly number[], body?: unknown): Promise<Answer> {
    const answer = await this.engine.api.ask(method, path, body === undefined ? {} : { body })
    if (statuses.includes(answer.status)) return answer
    throw new Error(`${method} ${path}: ${answer.status} ${answer.body.toString().trim().slice(0, 300)}`)
  }

  count(what: string): void {
    this.done.set(what, (this.done.get(what) ?? 0) + 1)
  }

  async #work(worker: Worker, end: number): Promise<void> {
    for (let turn = 0; Date.now() < end; turn++) {
      await this.#up
      const epoch = this.#epoch
      const [name, deed] = this.random.pick(DEEDS)
      try {
        await deed(worker, turn)
        this.count(name)
      } catch (error) {
        // An exec ends with the daemon that it was asked for by; a container whose shim was killed is no more what the deed took it for.
        const excused = epoch !== this.#epoch || worker.living.some(({ killed }) => killed)
        worker.living = worker.living.filter(({ killed }) => !killed)
        if (!excused) this.wrong.push(`${name}: ${(error as Error).message}`)
      }
    }
  }

  async #fault(end: number): Promise<void> {
    while (Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, this.random.between(...BETWEEN)))
      const [name, fault] = this.random.pick(FAULTS)
      try {
        if (await fault(this)) this.count(name)
      } catch (error) {
        this.wrong.push(`${name}: ${(error as Error).message}`)
      }
    }
  }
}
