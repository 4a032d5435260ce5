/** `npm run test:soak`: the soak for as long as one likes, and what an engine does when something runs out. test/e2e/soak has both, in short, for `npm test`. */
import { createRequire } from 'node:module'
import { execa } from 'execa'

const { findCommand, installHint, installPackages } = createRequire(import.meta.url)('../../scripts/packages.cjs') as {
  findCommand(name: string): string | undefined
  installHint(names: string[]): string
  installPackages(names: string[]): boolean
}

const HELP = `Usage: npm run test:soak                            20 minutes of mixed load on an engine, while the daemon, shims and clients are killed;
                                                    and then what it does without disk, descriptors, processes, memory, an answer of a registry, a steady clock
       npm run test:soak -- --seconds N --seed N    … for so long, with these choices (they are told at the beginning)
       npm run test:soak -- --yes                   … and install what is missing (as root, on Debian and its children)
`

const SECONDS = 20 * 60
const NEEDS = ['unshare', 'nsenter', 'busybox', 'ip', 'nft', 'docker-registry', 'prlimit', 'faketime']

export async function main(argv: string[]): Promise<number> {
  if (argv.some((word) => word === '--help' || word === '-h')) {
    process.stdout.write(HELP)
    return 0
  }
  const [seconds, seed] = [numberAfter(argv, '--seconds') ?? SECONDS, numberAfter(argv, '--seed') ?? Math.floor(Math.random() * 2 ** 31)]
  if (Number.isNaN(seconds) || Number.isNaN(seed)) {
    console.error(`drydock: --seconds and --seed take a whole number, such as --seconds 600\n\n${HELP}`)
    return 2
  }
  const lack = lackOf(process.env.CI === 'true' || argv.includes('--yes'))
  if (lack !== undefined) {
    console.error(`drydock: no soak: ${lack}`)
    return 1
  }
  const env = { DRYDOCK_SOAK_SECONDS: String(seconds), DRYDOCK_SEED: String(seed) }
  const { exitCode } = await execa('npx', ['--no-install', 'vitest', 'run', 'test/e2e/soak'], { env, reject: false, stdio: 'inherit' })
  return exitCode ?? 1
}

/** Undefined: it is not given. */
function numberAfter(argv: readonly string[], word: string): number | undefined {
  const at = argv.indexOf(word)
  if (at < 0) return undefined
  return /^\d{1,9}$/.test(argv[at + 1] ?? '') ? Number(argv[at + 1]) : Number.NaN
}

function lackOf(install: boolean): string | undefined {
  if (process.geteuid?.() !== 0) return 'an engine with cgroups and a network of its own needs root: sudo npm run test:soak'
  const missing = () => NEEDS.filter((name) => !findCommand(name))
  if (missing().length > 0 && install) installPackages(missing())
  const left = missing()
  return left.length === 0 ? undefined : `${left.join(', ')} missing. To have them: ${installHint(left)}`
}
