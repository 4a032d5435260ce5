/**
 * `npm run bench [run] [command] [images] [shim] [screen] [workshop] [-- --rounds N --yes]`: drydock beside its peers, interleaved in one run, medians and
 * ratios. Nothing here is a test: a machine may be slow, a ratio tells.
 */
import { isolated } from './isolated.js'
import { findCommand, installHint, installPackages, roundsOf } from './tools.js'

interface Measurement {
  readonly root?: boolean
  readonly needs: readonly string[]
  run(rounds: readonly string[]): Promise<number | undefined>
}

const MEASUREMENTS: Readonly<Record<string, Measurement>> = {
  run: { root: true, needs: ['crun', 'runc', 'busybox', 'nft', 'unshare'], run: (rounds) => isolated('run.ts', rounds) },
  command: {
    root: true,
    needs: ['dockerd', 'docker', 'iptables', 'tar', 'busybox', 'nft', 'unshare'],
    run: (rounds) => isolated('command.ts', rounds),
  },
  images: {
    root: true,
    needs: ['dockerd', 'docker', 'docker-registry', 'iptables', 'tar', 'ip', 'unshare'],
    run: (rounds) => isolated('images.ts', rounds),
  },
  shim: { needs: [], run: async () => void (await (await import('./shim.js')).measureShim()) },
  workshop: { root: true, needs: ['nft', 'busybox', 'unshare', 'ip'], run: (rounds) => isolated('workshop.ts', rounds) },
  screen: { needs: [], run: async () => void (await (await import('./screen.js')).measureFirstScreen()) },
}

export async function main(argv: string[]): Promise<number> {
  // A reader that has seen enough (`| head`) is no error; what is measured elsewhere notices by itself.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const install = process.env.CI === 'true' || argv.includes('--yes')
  const at = argv.indexOf('--rounds')
  const rounds = at === -1 ? [] : ['--rounds', argv[at + 1] ?? '']
  if (at !== -1 && !(Number.isInteger(roundsOf(argv, 0)) && roundsOf(argv, 0) > 0)) {
    console.error('bench: --rounds takes a number from 1 on')
    return 2
  }
  const names = argv.filter((arg, index) => arg !== '--yes' && (at === -1 || (index !== at && index !== at + 1)))
  const unknown = names.find((name) => !Object.hasOwn(MEASUREMENTS, name))
  if (unknown !== undefined) {
    console.error(`bench: '${unknown}' is not measured here; there are: ${Object.keys(MEASUREMENTS).join(', ')}`)
    return 2
  }
  for (const [name, measurement] of Object.entries(MEASUREMENTS)) {
    if (names.length > 0 && !names.includes(name)) continue
    const lack = lackOf(name, measurement, install)
    if (lack !== undefined) console.log(`${name}: ${lack}`)
    else {
      const status = await measurement.run(rounds)
      if (status) return status
    }
  }
  return 0
}

/** Why it cannot be measured on this machine, in words. */
function lackOf(name: string, { root, needs }: Measurement, install: boolean): string | undefined {
  if (root && process.geteuid?.() !== 0) return `needs root (sudo npm run bench ${name})`
  const missing = () => needs.filter((command) => !findCommand(command))
  const found = missing()
  if (found.length === 0 || (install && installPackages(found) && missing().length === 0)) return undefined
  return `needs ${found.join(', ')}: ${installHint(found)}`
}
