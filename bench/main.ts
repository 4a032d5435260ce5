/**
 * `npm run bench [NAME…] [-- --quick --rounds N --yes --write]`: drydock beside its peers, interleaved in one run. `--yes` installs what is missing,
 * `--write` writes docs/BENCHMARKS.md of what was measured. Nothing here is a test: a machine may be slow, a ratio tells.
 */
import { Bench, readResult, type Subject } from './bench.js'
import { writeDocuments } from './documents.js'
import { ENGINE_NEEDS } from './engines.js'
import { isolated } from './isolated.js'
import { measureFirstScreen, SCREEN } from './screen.js'
import { measureShim, SHIM } from './shim.js'
import { findCommand, installHint, installPackages, type Options, optionsOf } from './tools.js'

interface Measurement {
  readonly root?: boolean
  readonly needs: readonly string[]
  /** Without which it is measured all the same, with a word of it. */
  readonly wants?: readonly string[]
  run(options: Options): Promise<number>
}

const ofItsOwn = (name: string) => (options: Options) => isolated(`${name}.ts`, wordsOf(options))

const here = (subject: Subject, work: (bench: Bench) => Promise<void>) => async (options: Options) => {
  const bench = new Bench(subject, options)
  await work(bench)
  bench.save()
  return 0
}

/** In the order of the page. */
const MEASUREMENTS: Readonly<Record<string, Measurement>> = {
  run: { root: true, needs: ['crun', 'runc', 'busybox', 'nft', 'ip', 'unshare'], run: ofItsOwn('run') },
  command: { root: true, needs: ENGINE_NEEDS, wants: ['podman', 'crun'], run: ofItsOwn('command') },
  api: { root: true, needs: ENGINE_NEEDS, run: ofItsOwn('api') },
  throughput: { root: true, needs: ENGINE_NEEDS, run: ofItsOwn('throughput') },
  present: { root: true, needs: ENGINE_NEEDS, run: ofItsOwn('present') },
  streams: { root: true, needs: ENGINE_NEEDS, run: ofItsOwn('streams') },
  build: { root: true, needs: ENGINE_NEEDS, run: ofItsOwn('build') },
  images: { root: true, needs: [...ENGINE_NEEDS, 'docker-registry', 'tar'], run: ofItsOwn('images') },
  workshop: { root: true, needs: ['nft', 'busybox', 'unshare', 'ip'], run: ofItsOwn('workshop') },
  shim: { needs: [], run: here(SHIM, measureShim) },
  screen: { needs: [], run: here(SCREEN, measureFirstScreen) },
}

const FLAGS = ['--yes', '--quick', '--write', '--rounds']

export async function main(argv: string[]): Promise<number> {
  // A reader that has seen enough (`| head`) is no error; what is measured elsewhere notices by itself.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const options = optionsOf(argv)
  const names = argv.filter((word, index) => !FLAGS.includes(word) && argv[index - 1] !== '--rounds')
  const complaint = complaintOf(options, names)
  if (complaint !== undefined) {
    console.error(`bench: ${complaint}`)
    return 2
  }
  const install = process.env.CI === 'true' || argv.includes('--yes')
  let failed = 0
  for (const [name, measurement] of Object.entries(MEASUREMENTS)) {
    if (names.length > 0 && !names.includes(name)) continue
    const lack = lackOf(name, measurement, install)
    if (lack !== undefined) console.log(`${name}: ${lack}`)
    else {
      const status = await measurement.run(options)
      if (status > 128) return status
      failed ||= status
    }
  }
  return !failed && argv.includes('--write') ? write() : failed
}

function complaintOf({ rounds }: Options, names: readonly string[]): string | undefined {
  if (Number.isNaN(rounds)) return '--rounds takes a number from 1 on'
  const unknown = names.find((name) => !Object.hasOwn(MEASUREMENTS, name))
  if (unknown?.startsWith('-')) return `there is no option ${unknown}; there are: ${FLAGS.join(', ')}`
  if (unknown !== undefined) return `'${unknown}' is not measured here; there are: ${Object.keys(MEASUREMENTS).join(', ')}`
  return undefined
}

/** Of all measurements; one that this run did not make is there from an earlier one. */
function write(): number {
  const results = Object.keys(MEASUREMENTS).map((name) => [name, readResult(name)] as const)
  const lacking = results.filter(([, result]) => !result).map(([name]) => name)
  if (lacking.length > 0) {
    console.error(
      `bench: docs/BENCHMARKS.md stays as it is: ${lacking.join(', ')} was never measured here (npm run bench ${lacking.join(' ')} -- --yes)`,
    )
    return 1
  }
  for (const file of writeDocuments(results.flatMap(([, result]) => result ?? []))) console.log(`wrote ${file}`)
  return 0
}

const wordsOf = ({ quick, rounds }: Options): string[] => [
  ...(quick ? ['--quick'] : []),
  ...(rounds === undefined ? [] : ['--rounds', `${rounds}`]),
]

/** Why it cannot be measured on this machine, in words. */
function lackOf(name: string, { root, needs, wants = [] }: Measurement, install: boolean): string | undefined {
  if (root && process.geteuid?.() !== 0) return `needs root (sudo npm run bench ${name})`
  const missing = (commands: readonly string[]) => commands.filter((command) => !findCommand(command))
  const all = missing([...needs, ...wants])
  if (install && all.length > 0) installPackages(all)
  const found = missing(needs)
  return found.length === 0 ? undefined : `needs ${found.join(', ')}: ${installHint(found)}`
}
