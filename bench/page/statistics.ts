/** What is said of many values of one thing: median, how far they spread, and how sure a ratio of two medians is. */

export interface Spread {
  readonly median: number
  readonly p10: number
  readonly p90: number
}

/** Of at least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] as number
  return { median: at(0.5), p10: at(0.1), p90: at(0.9) }
}

export const medianOf = (values: readonly number[]): number => spreadOf(values).median

/** A ratio of two medians, and the interval in which nine of ten repetitions of the measurement would put it. */
export interface Ratio {
  readonly ratio: number
  readonly low: number
  readonly high: number
}

const RESAMPLES = 500

/**
 * By the bootstrap (Efron 1979): both are drawn anew, with repetition, from what was measured, and the ratio of the medians is taken each time;
 * between the 5th and the 95th of a hundred is the interval. The same values give the same interval: chance begins at the same place.
 */
export function ratioOf(own: readonly number[], peer: readonly number[]): Ratio {
  const chance = chances()
  const anew = (values: readonly number[]) => medianOf(values.map(() => values[Math.floor(chance() * values.length)] as number))
  const ratios = Array.from({ length: RESAMPLES }, () => anew(own) / anew(peer)).sort((a, b) => a - b)
  return {
    ratio: medianOf(own) / medianOf(peer),
    low: ratios[Math.floor(0.05 * RESAMPLES)] as number,
    high: ratios[Math.floor(0.95 * RESAMPLES)] as number,
  }
}

/** Numbers from 0 to less than 1, the same ones each time: xorshift32 (Marsaglia 2003). */
function chances(): () => number {
  let state = 0x2545f491
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
