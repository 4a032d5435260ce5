/**
 * `npm test`: lint, the shim's own tests, then every test of vitest; the last line is the sum. Arguments go to vitest, and then
 * only what they select runs.
 */
import { readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { readableCheckout } from '../scripts/checkout.js'
import { lint } from '../scripts/lint.js'

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** Commands that tests call as witnesses and peers; a test that lacks one says so. */
const WITNESSES = [
  'strace',
  'ip',
  'ping',
  'nft',
  'unshare',
  'setpriv',
  'newuidmap',
  'busybox',
  'runc',
  'crun',
  'docker-registry',
  'openssl',
  'ss',
  'ssh',
  'skopeo',
  'umoci',
  'getfattr',
  'setfattr',
  'mmdebstrap',
  'python3',
  'dockerd',
  'docker',
  'docker-compose',
  'setcap',
  'chromium',
  'prlimit',
  'faketime',
  'bash',
  'zsh',
  'fish',
]

const { findCommand, installHint, installPackages } = createRequire(import.meta.url)('../scripts/packages.cjs') as {
  findCommand(name: string): string | undefined
  installHint(names: string[]): string
  installPackages(names: string[]): boolean
}

export async function main(argv: string[]): Promise<number> {
  // What tests make for other users to read is made as most people have it; a stricter mask is a test of its own.
  process.umask(0o022)
  const args = argv.filter((arg) => arg !== '--yes')
  const whole = args.length === 0
  const install = process.env.CI === 'true' || argv.includes('--yes')
  provideWitnesses(install)
  const sum: Counts = { passed: 0, failed: 0, skipped: 0 }
  if (whole) {
    add(sum, { ...(await lint()), skipped: 0 })
    add(sum, await nativeTests())
  }
  add(sum, await vitest(args))
  if (whole) add(sum, await guestTests(install))
  if (sum.skipped > 0) console.log(`${sum.skipped} skipped; each said above what it needs`)
  console.log(`${sum.passed} passed, ${sum.failed} failed`)
  return sum.failed === 0 ? 0 : 1
}

function provideWitnesses(install: boolean): void {
  const missing = WITNESSES.filter((name) => !findCommand(name))
  if (missing.length === 0 || (install && installPackages(missing))) return
  console.log(`Some tests need ${missing.join(', ')} and will be skipped. To have them all: ${installHint(missing)}`)
}

/** What concerns cgroup v2, in a guest: where there can be one without fetching anything, and always where things may be fetched. */
async function guestTests(install: boolean): Promise<Counts> {
  const { hasKernel, lackOf, runGuest } = await import('./guest/main.js')
  const lack = lackOf(install) ?? (install || (await hasKernel()) ? undefined : 'its kernel is not here yet; `npm run test:v2` fetches it')
  if (lack === undefined) {
    return runGuest({ install }).catch((error: Error) => {
      console.log(`guest: ${error.message}`)
      return { passed: 0, failed: 1, skipped: 0 }
    })
  }
  console.log(`skipped: cgroup v2 in a guest: ${lack}`)
  return { passed: 0, failed: 0, skipped: 1 }
}

/** `make check` prints a line `native: N passed, N failed`. */
async function nativeTests(): Promise<Counts> {
  const { stdout, exitCode } = await execa('make', ['-s', '-C', 'native', 'check'], { reject: false, all: true, stderr: 'inherit' })
  const counts = /^native: (\d+) passed, (\d+) failed$/m.exec(stdout)
  console.log(stdout)
  const passed = Number(counts?.[1] ?? 0)
  const failed = Number(counts?.[2] ?? 0)
  return { passed, failed: exitCode === 0 ? failed : Math.max(1, failed), skipped: 0 }
}

interface Report {
  readonly numPassedTests?: number
  readonly numFailedTests?: number
  readonly testResults?: readonly { readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[] }[]
}

async function vitest(args: readonly string[]): Promise<Counts> {
  const checkout = await readableCheckout()
  const report = join(tmpdir(), `drydock-vitest-${process.pid}.json`)
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const options = { cwd: checkout.path, env: checkout.env, reject: false, stdio: 'inherit' } as const
    const { exitCode } = await execa('npx', ['--no-install', 'vitest', 'run', ...reporters, ...args], options)
    const result = JSON.parse(await readFile(report, 'utf8').catch(() => '{}')) as Report
    const tests = (result.testResults ?? []).flatMap(({ assertionResults }) => assertionResults)
    const skipped = tests.filter(({ status }) => ['pending', 'skipped', 'todo'].includes(status))
    for (const { fullName } of skipped) console.log(`skipped: ${fullName}`)
    const failed = result.numFailedTests ?? 0
    return {
      passed: result.numPassedTests ?? 0,
      // A file that cannot be loaded, or something left on the host, fails the run without failing a test.
      failed: exitCode === 0 ? failed : Math.max(1, failed),
      skipped: skipped.length,
    }
  } finally {
    await rm(report, { force: true })
    await checkout.remove()
  }
}

function add(sum: Counts, more: Counts): void {
  sum.passed += more.passed
  sum.failed += more.failed
  sum.skipped += more.skipped
}
