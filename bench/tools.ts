/** What the measurements share: the command's options, and contestants in turn. */
import { createRequire } from 'node:module'
import { execa } from 'execa'

export const { findCommand, installHint, installPackages } = createRequire(import.meta.url)('../scripts/packages.cjs') as {
  findCommand(name: string): string | undefined
  installHint(names: string[]): string
  installPackages(names: string[]): boolean
}

/** What the command was told, of what concerns the measurements. */
export interface Options {
  /** Few rounds: to see that it works, not how fast. */
  readonly quick: boolean
  /** Instead of what is usual; NaN when it was no number from 1 on. */
  readonly rounds?: number
}

export function optionsOf(argv: readonly string[]): Options {
  const at = argv.indexOf('--rounds')
  const rounds = at === -1 ? undefined : Number(argv[at + 1])
  return {
    quick: argv.includes('--quick'),
    ...(rounds !== undefined && { rounds: Number.isInteger(rounds) && rounds > 0 ? rounds : Number.NaN }),
  }
}

/** One that gives a number has measured itself. */
export type Contestants<Name extends string> = Readonly<Record<Name, () => Promise<unknown>>>

export interface Turns {
  readonly rounds: number
  readonly signal: AbortSignal
  /** Rounds before them that do not count. */
  readonly warmUp?: number
  /** Before every single run; its time does not count. */
  readonly before?: () => Promise<void>
}

/**
 * Run the contestants in turn, every other round backwards (A B, B A, …), so that neither always comes after the other; milliseconds of each,
 * or what they give.
 * Throws the signal's reason between two runs.
 */
export async function interleaved<Name extends string>(
  contestants: Contestants<Name>,
  { rounds, signal, warmUp = 3, before }: Turns,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contestants) as Name[]
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = -warmUp; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      signal.throwIfAborted()
      await before?.()
      const began = performance.now()
      const own = await contestants[name]()
      if (round >= 0) times[name].push(typeof own === 'number' ? own : performance.now() - began)
    }
  }
  return times
}

/** Run it to its end; rejects, with what it said, when it does not end well. */
export async function command([file, ...args]: readonly string[], env?: Readonly<Record<string, string>>): Promise<void> {
  await execa(file as string, args, { stdin: 'ignore', stdout: 'ignore', ...(env && { env, extendEnv: false }) })
}
