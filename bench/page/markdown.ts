/** docs/BENCHMARKS.md: the targets first, then each measurement with its pictures, figures and commands, and the machine. */
import { bars } from './bars.js'
import { figure, type Judgement, judge, judgementText, ratioText } from './judge.js'
import type { Machine } from './machine.js'
import type { Case, Comparison, Result } from './result.js'
import { ratioOf, spreadOf } from './statistics.js'
import { timeline } from './timeline.js'

export interface Page {
  readonly markdown: string
  /** By the name of the file. */
  readonly pictures: Readonly<Record<string, string>>
}

const pictureOf = (key: string): string => `bench-${key}.svg`

export function writePage(results: readonly Result[], machine: Machine): Page {
  const pictures: Record<string, string> = {}
  for (const { comparisons, timelines } of results) {
    for (const comparison of comparisons) pictures[pictureOf(comparison.key)] = bars(comparison)
    for (const one of timelines) pictures[pictureOf(one.key)] = timeline(one)
  }
  const judgements = results.flatMap(({ comparisons }) => comparisons.flatMap(judge))
  const parts = [INTRODUCTION, targets(judgements), misses(judgements), ...results.map(section), machineSection(results, machine)]
  return { markdown: `${parts.filter((part) => part !== '').join('\n\n')}\n`, pictures }
}

const INTRODUCTION = `# Benchmarks

Drydock beside its peers, doing the same work on the same machine in the same run. This page is written by one command, which installs the peers from the
distribution's packages, starts each engine on a host of its own, and takes all away again:

\`\`\`sh
sudo npm run bench -- --yes --write
\`\`\`

\`npm run bench -- --quick\` makes few rounds, \`npm run bench NAME…\` measures only some, and without \`--write\` this page stays as it is.

- **Interleaved.** Contestants take turns, and every other round goes backwards: what disturbs the machine disturbs all. Warm-up rounds do not count.
- **Medians**, with the tenth and the ninetieth percentile beside them. Milliseconds are this machine's; a ratio tells more. The interval behind a ratio is
  where nine of ten repetitions would put it (bootstrap of both medians).
- **The same for all.** All files are on a tmpfs, so no disk has a say. The image is busybox, one layer. Engines run side by side with their default settings, but
  for directories, sockets and the parent of their cgroups.`

function targets(judgements: readonly Judgement[]): string {
  if (judgements.length === 0) return ''
  const rows = judgements.map((one) => {
    const { measured, bound } = judgementText(one)
    return `| ${one.comparison.title} | ${one.label} | ${measured} | ${bound} | ${one.met ? 'met' : '**missed**'} |`
  })
  const words = `## Targets

As a part of what the peers take. Those of the engine are what throw-away prototypes showed to be possible before it was written; they did the bare work, with
little of what an engine does besides.`
  return `${words}\n\n${table(['what', 'case', 'drydock', 'target', ''], rows)}`
}

function misses(judgements: readonly Judgement[]): string {
  const missed = judgements.filter(({ met }) => !met)
  if (missed.length === 0) return ''
  // What has one reason is told once.
  const reasons = [...new Set(missed.map(reasonOf))]
  const lines = reasons.map((reason) => {
    const all = missed.filter((one) => reasonOf(one) === reason)
    const what = new Set(all.map(({ comparison, label }) => `${comparison.title} (${label})`))
    return `- **${[...what].join(', ')}**: ${reason}`
  })
  return `### What is missed, and why\n\n${lines.join('\n')}`
}

const reasonOf = ({ target }: Judgement): string => target.reason ?? 'not explained yet.'

function section({ title, about, comparisons, timelines, commands, notes, quick, when, seconds }: Result): string {
  const pictured = [
    ...comparisons.map((one) => `![${one.title}](images/${pictureOf(one.key)})\n\n${figures(one)}`),
    ...timelines.map((one) => `![${one.title}](images/${pictureOf(one.key)})`),
  ]
  const run = commands.length > 0 ? [`\`\`\`sh\n${commands.join('\n')}\n\`\`\``] : []
  const said = notes.map((note) => `- ${note}`).join('\n')
  const taken = `Measured on ${when.slice(0, 10)} in ${Math.round(seconds)} s${quick ? ', **with few rounds**: repeat it before you believe it' : ''}.`
  return [`## ${title}`, about, ...run, ...pictured, said, taken].filter((part) => part !== '').join('\n\n')
}

function figures(comparison: Comparison): string {
  const rows = comparison.cases.flatMap((one) => Object.keys(one.values).map((name) => row(comparison, one, name)))
  return table(['case', 'who', `median (${comparison.unit})`, 'p10', 'p90', 'rounds', `${comparison.own} is`], rows)
}

function row({ own }: Comparison, { label, values }: Case, name: string): string {
  const measured = values[name] as readonly number[]
  const { median, p10, p90 } = spreadOf(measured)
  const mine = values[own]
  const ratio = name === own || !mine ? undefined : ratioOf(mine, measured)
  const part = ratio ? `${ratioText(ratio.ratio)} (${ratioText(ratio.low)} to ${ratioText(ratio.high)})` : ''
  return `| ${label} | ${name} | ${figure(median)} | ${figure(p10)} | ${figure(p90)} | ${measured.length} | ${part} |`
}

function machineSection(results: readonly Result[], machine: Machine): string {
  const versions = Object.entries(Object.assign({}, ...results.map((result) => result.versions)) as Record<string, string>)
  const rows = [
    ['processor', `${machine.processor}, ${machine.cores} ${machine.cores === 1 ? 'core' : 'cores'}`],
    ['memory', `${figure(machine.memoryGiB)} GiB`],
    ['kernel', `Linux ${machine.kernel}, controllers of cgroups ${machine.cgroups}`],
    ['distribution', machine.distribution],
    ['file system', machine.fileSystem],
    ...versions.sort(([a], [b]) => (a < b ? -1 : 1)),
  ]
  return `## The machine\n\n${table(
    ['', ''],
    rows.map(([name, value]) => `| ${name} | ${value} |`),
  )}`
}

const table = (heads: readonly string[], rows: readonly string[]): string =>
  [`| ${heads.join(' | ')} |`, `| ${heads.map(() => '---').join(' | ')} |`, ...rows].join('\n')
