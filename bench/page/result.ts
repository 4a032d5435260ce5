/** What a measurement yields: one JSON file for each, of which the page is written. */

export type Unit = 'ms' | '%' | 'MB/s' | 'MiB' | 'KiB' | 'a second'

/** A bound for the median of `own`; what is better decides whether it is a highest or a lowest one. */
export interface Target {
  /** Of which it is a part: another contestant's median, or one of another case. Without both it is a value in the comparison's unit. */
  readonly peer?: string
  readonly case?: string
  readonly bound: number
  /** Where the bound is missed, the page gives this reason: what it is that costs. */
  readonly reason?: string
}

export interface Case {
  readonly label: string
  /** Of each contestant, in the order in which they were measured. */
  readonly values: Readonly<Record<string, readonly number[]>>
  readonly targets?: readonly Target[]
}

/** The same work by several, or by one in several states of the machine. */
export interface Comparison {
  /** Of the picture's file: bench-KEY.svg. */
  readonly key: string
  readonly title: string
  readonly unit: Unit
  readonly better: 'less' | 'more'
  /** Drydock's contestant: ratios are of its median to a peer's. */
  readonly own: string
  readonly cases: readonly Case[]
}

/** One stretch of a run. */
export interface Stretch {
  readonly name: string
  /** System calls in it; 0 where it is no call that takes the time. */
  readonly calls: number
  /** Microseconds, the median of the rounds. */
  readonly median: number
}

export interface Timeline {
  readonly key: string
  readonly title: string
  readonly stretches: readonly Stretch[]
}

export interface Result {
  readonly name: string
  readonly title: string
  /** What is done, and how it is taken, in a few sentences. */
  readonly about: string
  /** ISO 8601. */
  readonly when: string
  readonly seconds: number
  /** Fewer rounds than usual. */
  readonly quick: boolean
  readonly commands: readonly string[]
  readonly versions: Readonly<Record<string, string>>
  readonly comparisons: readonly Comparison[]
  readonly timelines: readonly Timeline[]
  /** What else was seen, or could not be measured and why. */
  readonly notes: readonly string[]
}
