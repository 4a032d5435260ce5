/** One measurement: what it finds is printed at once, and kept as bench/results/NAME.json, of which the page is written. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { giveToInvoker } from '../lib/kernel/places.js'
import { figure, judge, judgementText, ratioText } from './page/judge.js'
import type { Comparison, Result, Timeline } from './page/result.js'
import { ratioOf, spreadOf } from './page/statistics.js'
import type { Options } from './tools.js'

const RESULTS = fileURLToPath(new URL('./results', import.meta.url))

export interface Subject {
  /** As it is asked for on the command line. */
  readonly name: string
  readonly title: string
  /** What is done, and how it is taken, in a few sentences. */
  readonly about: string
}

export class Bench {
  /** Aborted when nobody wants the result any more. */
  readonly signal: AbortSignal
  readonly #subject: Subject
  readonly #options: Options
  readonly #began = Date.now()
  readonly #found = {
    commands: [] as string[],
    versions: {} as Record<string, string>,
    comparisons: [] as Comparison[],
    timelines: [] as Timeline[],
    notes: [] as string[],
  }

  constructor(subject: Subject, options: Options, signal = new AbortController().signal) {
    this.#subject = subject
    this.#options = options
    this.signal = signal
    console.log(`\n${subject.title}`)
  }

  get quick(): boolean {
    return this.#options.quick
  }

  /** As many as were asked for, or what is usual. */
  rounds(usual: number, few: number): number {
    return this.#options.rounds ?? (this.#options.quick ? few : usual)
  }

  /** A command line that is measured, as a reader would type it. */
  command(...lines: readonly string[]): void {
    this.#found.commands.push(...lines)
  }

  version(name: string, version: string): void {
    this.#found.versions[name] = version
  }

  note(sentence: string): void {
    this.#found.notes.push(sentence)
    console.log(`  ${sentence}`)
  }

  compare(comparison: Comparison): void {
    this.#found.comparisons.push(comparison)
    printComparison(comparison)
  }

  timeline(timeline: Timeline): void {
    this.#found.timelines.push(timeline)
    printTimeline(timeline)
  }

  /** For the page. */
  save(): void {
    const result: Result = {
      ...this.#subject,
      when: new Date(this.#began).toISOString(),
      seconds: (Date.now() - this.#began) / 1000,
      quick: this.#options.quick || this.#options.rounds !== undefined,
      ...this.#found,
    }
    mkdirSync(RESULTS, { recursive: true })
    writeFileSync(`${RESULTS}/${result.name}.json`, `${JSON.stringify(result, undefined, 1)}\n`)
    giveToInvoker(RESULTS, { recursive: true })
    console.log(`  (${result.seconds.toFixed(0)} s)`)
  }
}

/** Undefined when it was never measured here. */
export function readResult(name: string): Result | undefined {
  try {
    return JSON.parse(readFileSync(`${RESULTS}/${name}.json`, 'utf8')) as Result
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A line for each contestant and each target of each case. */
function printComparison(comparison: Comparison): void {
  const { title, unit, own, cases } = comparison
  console.log(`  ${title}`)
  const width = Math.max(...cases.flatMap(({ values }) => Object.keys(values).map((name) => name.length)))
  const judgements = judge(comparison)
  for (const { label, values } of cases) {
    console.log(`    ${label}`)
    for (const [name, measured] of Object.entries(values)) {
      const { median, p10, p90 } = spreadOf(measured)
      const mine = values[own]
      const part = mine && name !== own ? `  ${own} is ${ratioText(ratioOf(mine, measured).ratio)}` : ''
      console.log(`      ${name.padEnd(width)}  ${figure(median)} ${unit} (${figure(p10)} to ${figure(p90)}; ${measured.length})${part}`)
    }
    for (const judgement of judgements.filter((one) => one.label === label)) {
      const { measured, bound } = judgementText(judgement)
      console.log(`      ${judgement.met ? 'met' : 'MISSED'}: ${measured}, target ${bound}`)
    }
  }
}

function printTimeline({ title, stretches }: Timeline): void {
  const total = stretches.reduce((sum, { median }) => sum + median, 0)
  const most = Math.max(...stretches.map(({ median }) => median))
  console.log(`  ${title}`)
  for (const { name, calls, median } of stretches) {
    const share = `${((100 * median) / total).toFixed(0)} %`.padStart(5)
    const bar = '█'.repeat(Math.round((30 * median) / most))
    console.log(
      `    ${name.padEnd(10)} ${(calls > 0 ? String(calls) : '').padStart(4)} ${median.toFixed(0).padStart(7)} µs ${share}  ${bar}`,
    )
  }
}
