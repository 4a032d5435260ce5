/** How much somebody may do: so much at once, and so much more each second. */
export interface Rate {
  readonly most: number
  readonly perSecond: number
}

export class Allowance {
  readonly #rate: Rate
  #left: number
  #at: number | undefined

  constructor(rate: Rate) {
    this.#rate = rate
    this.#left = rate.most
  }

  /** Takes one, if there is one. `now`: milliseconds. */
  take(now: number): boolean {
    if (this.isEmpty(now)) return false
    this.#left--
    return true
  }

  isEmpty(now: number): boolean {
    return this.#refilled(now) < 1
  }

  isFull(now: number): boolean {
    return this.#refilled(now) >= this.#rate.most
  }

  #refilled(now: number): number {
    const { most, perSecond } = this.#rate
    const passed = Math.max(0, now - (this.#at ?? now)) / 1000
    this.#at = now
    this.#left = Math.min(most, this.#left + passed * perSecond)
    return this.#left
  }
}
