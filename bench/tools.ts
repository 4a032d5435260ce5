/** What the measurements share. */
import { createRequire } from 'node:module'

export const { findCommand, installHint } = createRequire(import.meta.url)('../scripts/packages.cjs') as {
  findCommand(name: string): string | undefined
  installHint(names: string[]): string
}

export interface Spread {
  readonly median: number
  readonly p10: number
  readonly p90: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] as number
  return { median: at(0.5), p10: at(0.1), p90: at(0.9) }
}

/** Run the contestants in turn, A B A B …, after warm-up rounds that do not count; milliseconds of each. */
export async function interleaved<Name extends string>(
  contestants: Record<Name, () => Promise<void>>,
  rounds: number,
  warmUp = 3,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contestants) as Name[]
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = -warmUp; round < rounds; round++) {
    for (const name of names) {
      const began = performance.now()
      await contestants[name]()
      if (round >= 0) times[name].push(performance.now() - began)
    }
  }
  return times
}

export const milliseconds = ({ median, p10, p90 }: Spread): string =>
  `${median.toFixed(2)} ms (p10 ${p10.toFixed(2)}, p90 ${p90.toFixed(2)})`
