/**
 * `npm run bench`: drydock beside its peers, interleaved in one run, medians and ratios. Nothing here is a test: a machine may be
 * slow, a ratio tells.
 */
import { execa } from 'execa'
import { findCommand, installHint } from './tools.js'

const ALL = ['run', 'shim', 'screen'] as const

export async function main(argv: string[]): Promise<number> {
  const wanted = argv.length > 0 ? argv : [...ALL]
  const unknown = wanted.find((name) => !(ALL as readonly string[]).includes(name))
  if (unknown !== undefined) {
    console.error(`bench: '${unknown}' is not measured here; there are: ${ALL.join(', ')}`)
    return 2
  }
  for (const name of wanted) {
    if (name === 'run') await inPrivateMounts()
    if (name === 'shim') await (await import('./shim.js')).measureShim()
    if (name === 'screen') await (await import('./screen.js')).measureFirstScreen()
  }
  return 0
}

/**
 * The comparison with crun runs in a mount namespace of its own, where a v2 hierarchy beside v1 ones is out of sight: crun 1.8 takes
 * it for what it should use and fails. Both contestants see the same.
 */
async function inPrivateMounts(): Promise<void> {
  if (process.geteuid?.() !== 0) return console.log('run: needs root (sudo npm run bench run)')
  const missing = ['crun', 'busybox', 'unshare'].filter((name) => !findCommand(name))
  if (missing.length > 0) return console.log(`run: needs ${missing.join(', ')}: ${installHint(missing)}`)
  const hide = 'grep -q " /sys/fs/cgroup/unified " /proc/self/mountinfo && umount /sys/fs/cgroup/unified; exec "$@"'
  await execa(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-c', hide, 'sh', process.execPath, '--import', 'tsx', 'bench/run.ts'],
    { stdio: 'inherit' },
  )
}
