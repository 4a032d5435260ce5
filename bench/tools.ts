/** What the measurements share. */
import { createRequire } from 'node:module'

export const { findCommand, installHint, installPackages } = createRequire(import.meta.url)('../scripts/packages.cjs') as {
  findCommand(name: string): string | undefined
  installHint(names: string[]): string
  installPackages(names: string[]): boolean
}

/** `--rounds N` of the arguments, or what is usual. */
export function roundsOf(argv: readonly string[], usual: number): number {
  const at = argv.indexOf('--rounds')
  return at === -1 ? usual : Number(argv[at + 1])
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

export const medianOf = (values: readonly number[]): number => spreadOf(values).median

export type Contestants<Name extends string> = Readonly<Record<Name, () => Promise<void>>>

/**
 * Run the contestants in turn, A B A B …, after warm-up rounds that do not count; milliseconds of each. Throws the signal's reason
 * between two runs.
 */
export async function interleaved<Name extends string>(
  contestants: Contestants<Name>,
  rounds: number,
  signal: AbortSignal,
  warmUp = 3,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contestants) as Name[]
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = -warmUp; round < rounds; round++) {
    for (const name of names) {
      signal.throwIfAborted()
      const began = performance.now()
      await contestants[name]()
      if (round >= 0) times[name].push(performance.now() - began)
    }
  }
  return times
}

export const milliseconds = ({ median, p10, p90 }: Spread): string =>
  `${median.toFixed(2)} ms (p10 ${p10.toFixed(2)}, p90 ${p90.toFixed(2)})`

/** One line for each; for a peer also which part of its time `own` takes, beside what it may take at most. */
export function report<Name extends string>(
  title: string,
  times: Readonly<Record<Name, readonly number[]>>,
  own: Name,
  targets: Readonly<Record<string, number>>,
): void {
  const names = Object.keys(times) as Name[]
  const width = Math.max(...names.map((name) => name.length))
  console.log(`${title} (${times[own].length} rounds, interleaved)`)
  for (const name of names) {
    const target = targets[name]
    const ratio = medianOf(times[own]) / medianOf(times[name])
    const judged = target === undefined ? '' : `; ${own} takes ${ratio.toFixed(3)} of it, target at most ${target.toFixed(3)}`
    console.log(`  ${name.padEnd(width)}  ${milliseconds(spreadOf(times[name]))}${judged}`)
  }
}
