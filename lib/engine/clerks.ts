/** Steps of the host's that have nothing to do with one run of a container: made by shims that are kept for them. */
import type { Result } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import type { Step } from '../kernel/step.js'

/** How many wait for the next errand. */
const IDLE = 2

export class Clerks {
  readonly #hire: () => Promise<Shim>
  readonly #idle: Shim[] = []
  readonly #gone = new WeakSet<Shim>()
  #closed = false

  constructor(hire: () => Promise<Shim>) {
    this.#hire = hire
  }

  /** By one that is free: an errand that takes long is in nobody's way. */
  async run(steps: readonly Step[]): Promise<Result[]> {
    const clerk = this.#idle.pop() ?? (await this.#hired())
    clerk.ref()
    try {
      return await clerk.run(steps)
    } finally {
      clerk.unref()
      if (this.#closed || this.#gone.has(clerk) || this.#idle.length >= IDLE) void clerk.close()
      else this.#idle.push(clerk)
    }
  }

  /** One that is killed does nothing for anybody any more. */
  async #hired(): Promise<Shim> {
    const clerk = (await this.#hire()).unref()
    clerk.once('ended', () => {
      this.#gone.add(clerk)
      const at = this.#idle.indexOf(clerk)
      if (at >= 0) this.#idle.splice(at, 1)
    })
    return clerk
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#idle.splice(0).map((clerk) => clerk.close()))
  }
}
