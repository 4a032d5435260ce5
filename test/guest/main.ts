/**
 * `npm run test:v2`: what concerns cgroup v2, for real, in a small guest under emulation, since a host whose controllers are with
 * version 1 cannot show it; and, since it takes two guests, the exercise with two hosts. `-- FILE…` runs these files of tests only, `-- --exercise`
 * the exercise only.
 */
import { rmSync } from 'node:fs'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { DrydockError } from '../../lib/kernel/errors.js'
import { hostsNetwork } from '../../lib/network/hosts-range.js'
import { initramfs } from './initramfs.js'
import { guestKernel } from './kernel.js'
import { type Cable, runMachine } from './machine.js'
import { type Name, replay } from './replay.js'
import { librariesOf, makeImage, makeRoot, PLACE, PROJECT } from './root.js'
import { Talk } from './talk.js'

export { hasKernel } from './kernel.js'

const { findCommand, installHint, installPackages } = createRequire(import.meta.url)('../../scripts/packages.cjs') as {
  findCommand(name: string): string | undefined
  installHint(names: string[]): string
  installPackages(names: string[]): boolean
}

interface Counts {
  passed: number
  failed: number
  skipped: number
}

const COMMANDS = ['qemu-system-x86_64', 'busybox', 'mke2fs']
/** Only Debian and its children have them, and only there is a kernel to be had. */
const DEBIAN = ['apt-get', 'dpkg-deb']

/** `learner` is an ordinary user to whom a part of the cgroup tree was given. */
type User = 'root' | 'learner'

interface Run {
  readonly user: User
  readonly file: string
  /** For the file. */
  readonly variables?: string
}

/** What runs in each of the guests; each is one of the exercise's two hosts as well. */
type Runs = Readonly<{ 'vm-1': readonly Run[]; 'vm-2'?: readonly Run[] }>

const LESSONS = 'test/guest/inside/lessons.ts'

const playing = (user: User, ...numbers: number[]): Run => ({
  user,
  file: LESSONS,
  variables: `DRYDOCK_LESSONS_PLAYED="${numbers.join(' ')}"`,
})

const TESTS = {
  'vm-1': ['test/kernel/cgroups-v2.test.ts', 'test/kernel/cgroups.test.ts', 'test/kernel/run-v2.test.ts'].map(
    (file): Run => ({ user: 'root', file }),
  ),
  'vm-2': ['test/kernel/cgroups-v2.test.ts', 'test/lessons/02-cgroups.test.ts'].map((file): Run => ({ user: 'learner', file })),
} as const

/**
 * About as long as each other, since both at once keep two processors busy. In `npm test` lessons in which the version of cgroups shows; in `npm run test:v2` all of
 * them but 8 and 9, whose containers are plugged into a network with nft, which the guests do not have.
 */
const PART: Runs = {
  'vm-1': [...TESTS['vm-1'], playing('root', 6)],
  'vm-2': [...TESTS['vm-2'], playing('learner', 2), playing('root', 2)],
}
const WHOLE: Runs = {
  'vm-1': [...TESTS['vm-1'], playing('root', 1, 3, 5, 7)],
  'vm-2': [...TESTS['vm-2'], playing('learner', 2), playing('root', 2, 4, 6)],
}

/** Emulation is slow, and the machine may be shared: this is for a guest that hangs. */
const LIMIT = 15 * 60_000

export async function main(argv: string[]): Promise<number> {
  const files = argv.filter((arg) => !arg.startsWith('--')).map((file) => relative(PROJECT, resolve(file)))
  for (const file of files)
    await access(join(PROJECT, file)).catch(() => {
      throw new DrydockError(`there is no file ${file}`)
    })
  const install = process.env.CI === 'true' || argv.includes('--yes')
  const lack = lackOf(install)
  if (lack !== undefined) {
    console.log(`The tests of cgroup v2 are skipped: ${lack}`)
    // On a machine for which there is no guest nothing is wrong; where something can be installed, it was asked for in vain.
    return process.arch === 'x64' && findCommand('apt-get') ? 1 : 0
  }
  const asRoot = files.map((file) => ({ user: 'root', file }) as const)
  const runs = argv.includes('--exercise') ? { 'vm-1': [], 'vm-2': [] } : files.length > 0 ? { 'vm-1': asRoot } : WHOLE
  const { passed, failed } = await runGuest({ install, runs })
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

/** Why there can be no guest here, with the remedy; undefined when there can. */
export function lackOf(install: boolean): string | undefined {
  if (process.arch !== 'x64') return `the guest is an x86-64 machine, and this is ${process.arch}`
  if (!DEBIAN.every(findCommand))
    return 'the guest’s kernel is a package of Debian’s, and this machine has no apt-get and dpkg-deb to fetch it'
  const missing = COMMANDS.filter((name) => !findCommand(name))
  if (missing.length === 0 || (install && installPackages(missing))) return undefined
  return `they need ${missing.join(', ')}. To have them: ${installHint(missing)}`
}

/** Make the guest, run the tests in it, and count. Its last line of output says the counts. */
export async function runGuest({ install, runs = PART }: { install: boolean; runs?: Runs }): Promise<Counts> {
  const began = performance.now()
  const kernel = await guestKernel(install)
  const directory = await mkdtemp(join(tmpdir(), 'drydock-guest-'))
  const release = removedAtExit(directory)
  try {
    const joined = runs['vm-2'] ? await cabled(directory) : undefined
    const commands = Object.fromEntries(Object.entries(runs).map(([name, list]) => [name, scriptOf(list, joined !== undefined)]))
    const [root, disk, initrd] = [join(directory, 'root'), join(directory, 'disk'), join(directory, 'initramfs')]
    await makeRoot(root, commands)
    await makeImage(root, disk)
    await rm(root, { recursive: true })
    const busybox = findCommand('busybox') as string
    await writeFile(initrd, await initramfs(busybox, await librariesOf(busybox), kernel.modules))
    console.log(`guest: Linux ${kernel.release} with cgroup v2, emulated; made in ${((performance.now() - began) / 1000).toFixed(1)} s`)
    const machines = Object.entries(runs).map(async ([name, list], index) => {
      const end = joined?.[name as Name]
      const at = { kernel: kernel.image, initramfs: initrd, disk, directory, name }
      const plugs = end && { joined: { talk: end.talk.path, cable: end.cable } }
      try {
        const { output, lines } = await runMachine({ ...at, ...plugs }, { limit: LIMIT, quiet: index > 0 })
        return { output, counts: addUp(lines, list.length) }
      } finally {
        end?.talk.hangUp()
      }
    })
    const all = Promise.allSettled(machines)
    const sum: Counts = { passed: 0, failed: 0, skipped: 0 }
    if (joined) add(sum, await exercise(joined))
    for (const ended of await all) {
      if (ended.status === 'rejected') throw ended.reason
      const { output, counts } = ended.value
      process.stdout.write(output)
      add(sum, counts)
    }
    console.log(`guest: ${sum.passed} passed, ${sum.failed} failed (${((performance.now() - began) / 1000).toFixed(0)} s)`)
    return sum
  } finally {
    release()
  }
}

interface End {
  readonly talk: Talk
  readonly cable: Cable
}

/** What is needed here for two guests to be the exercise's two hosts. */
async function cabled(directory: string): Promise<Record<Name, End>> {
  const socket = (name: Name) => join(directory, `${name}.cable`)
  const end = async (own: Name, other: Name, number: string) => ({
    talk: await Talk.open(join(directory, `${own}.talk`)),
    cable: { own: socket(own), other: socket(other), mac: `52:54:00:7a:00:${number}` },
  })
  return { 'vm-1': await end('vm-1', 'vm-2', '01'), 'vm-2': await end('vm-2', 'vm-1', '02') }
}

/** Play the exercise in the guests, before they go on with their tests. */
async function exercise(guests: Record<Name, End>): Promise<Counts> {
  const { addresses, prefixes } = hostsNetwork()
  const on = (name: Name, script: string) => guests[name].talk.on(script)
  const names = (['vm-1', 'vm-2'] as const).map((name) => `${addresses[name]} ${name}`).join('\n')
  const counts = await replay({
    addresses,
    docker: findCommand('docker') !== undefined,
    on,
    begin: (name) => on(name, `busybox ip addr add ${prefixes[name]} dev eth0 && ifconfig eth0 up && echo '${names}' >> /etc/hosts`),
  })
  // One that has ended says why when it is waited for.
  await Promise.allSettled(Object.values(guests).map(({ talk }) => talk.finish()))
  return counts
}

/** Remove the directory (it is large) when released, or at a signal that ends this program. */
function removedAtExit(directory: string): () => void {
  const remove = () => rmSync(directory, { recursive: true, force: true })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const leave = (_: string, number: number) => process.exit(128 + number)
  process.on('exit', remove)
  for (const signal of signals) process.on(signal, leave)
  return () => {
    process.off('exit', remove)
    for (const signal of signals) process.off(signal, leave)
    remove()
  }
}

/** A line in the report for each run: status, then the counts, which are missing when it broke down. */
function scriptOf(runs: readonly Run[], serves: boolean): string {
  const lines = runs.map(({ user, file, variables = '' }) => {
    const command = `${variables} DRYDOCK_COUNTS=/tmp/counts node test/guest/inside/run.js ${file.replace(/\.ts$/, '.js')}`
    // With the user's session in its place in the tree, before it is the user's.
    const asUser = `(echo 0 > /sys/fs/cgroup/learner/session/cgroup.procs; exec su learner -c 'cd ${PLACE}; HOME=/home/learner ${command}')`
    return [
      `echo; echo '${file} (${user})'; rm -f /tmp/counts`,
      user === 'root' ? command : asUser,
      'echo "$? $(cat /tmp/counts)" >&3',
    ].join('\n')
  })
  return [...(serves ? ['PATH=/opt/bin:$PATH serve'] : []), `cd ${PLACE}`, ...lines, ''].join('\n')
}

function addUp(report: readonly string[], runs: number): Counts {
  const sum: Counts = { passed: 0, failed: Math.max(0, runs - report.length), skipped: 0 }
  for (const line of report) {
    const [status = 1, passed = 0, failed = 0, skipped = 0] = line.split(' ').filter(Boolean).map(Number)
    add(sum, { passed, failed: status === 0 ? failed : Math.max(1, failed), skipped })
  }
  return sum
}

function add(sum: Counts, more: Counts): void {
  sum.passed += more.passed
  sum.failed += more.failed
  sum.skipped += more.skipped
}
