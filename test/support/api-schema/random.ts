/** Chance that can be had again: the same seed, the same choices. */

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** At least 0, less than 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** Whole, both ends included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  /** So often of a hundred times. */
  percent(often: number): boolean {
    return this.next() * 100 < often
  }

  pick<T>(of: readonly T[]): T {
    if (of.length === 0) throw new Error('there is nothing to choose from')
    return of[this.between(0, of.length - 1)] as T
  }
}
