/**
 * `npm run test:vm`: the two hosts of vm/Vagrantfile for real. The box is built, both machines are brought up under libvirt with software emulation, the
 * exercise is played on them, and they are destroyed. All of that happens in namespaces of its own:
 *
 *     this machine   builds the box (it needs packages)
 *     └─ unshare: mount, net, pid, ipc, uts     no way out, so that no packet for the two hosts' addresses can leave; libvirt's directories are this
 *        └─ libvirtd, dnsmasq, qemu × 2         test's own; and the end of the first process, whichever way, is the end of all
 */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { INSIDE, inside } from './inside.js'
import { PROJECT } from './places.js'

const { findCommand, installHint, installPackages } = createRequire(import.meta.url)('../../scripts/packages.cjs') as {
  findCommand(name: string): string | undefined
  installHint(names: string[]): string
  installPackages(names: string[]): boolean
}

/** For the box. */
const BUILDING = ['mmdebstrap', 'mke2fs', 'mformat', 'mcopy', 'syslinux', 'sfdisk', 'qemu-img']
/** For the machines. */
const RUNNING = [
  'unshare',
  'setpriv',
  'ip',
  'vagrant',
  'libvirtd',
  'virtlogd',
  'virsh',
  'qemu-system-x86_64',
  'dnsmasq',
  'rsync',
  'ssh',
  'ssh-keygen',
]
/** Of this machine's, that the exercise needs in them. */
const PROGRAMS = ['docker-registry', 'docker']
/** Drivers are no commands: where Debian's packages put them. */
const DRIVERS: Readonly<Record<string, string>> = {
  'vagrant-libvirt': '/usr/share/vagrant-plugins/plugins.d/vagrant-libvirt.json',
  'libvirt-daemon-driver-qemu': '/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so',
}

const HELP = `Usage: npm run test:vm                     build a box, and play the exercise in two virtual machines of it
       npm run test:vm -- --yes            … and install what is missing (as root, on Debian and its children)
       npm run test:vm -- --box FILE.box   … with this box, which vm/build-box has made before
`

export async function main(argv: string[]): Promise<number> {
  if (argv[0] === INSIDE) return inside(argv[1] as string, argv[2] as string)
  if (argv.some((word) => word === '--help' || word === '-h')) {
    process.stdout.write(HELP)
    return 0
  }
  const lack = lackOf(process.env.CI === 'true' || argv.includes('--yes'))
  if (lack !== undefined) {
    console.log(`The two virtual machines are skipped: ${lack}`)
    return 1
  }
  const { passed, failed } = await runVirtualMachines(argv.includes('--box') ? argv[argv.indexOf('--box') + 1] : undefined)
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

/** Why there can be no virtual machines here, with the remedy; undefined when there can. `install`: what is missing may be installed. */
export function lackOf(install: boolean): string | undefined {
  if (process.arch !== 'x64') return `the box is for x86-64 machines, and this is ${process.arch}`
  if (!findCommand('apt-get')) return 'the box is made of Debian’s or Ubuntu’s packages, and this machine has no apt-get'
  if (process.geteuid?.() !== 0) return 'namespaces of its own for libvirt need root: sudo npm run test:vm'
  const missing = () => [
    ...[...BUILDING, ...RUNNING, ...PROGRAMS].filter((name) => !findCommand(name)),
    ...Object.keys(DRIVERS).filter((name) => !existsSync(DRIVERS[name] as string)),
  ]
  const first = missing()
  if (first.length > 0 && install) installPackages(first)
  const left = missing()
  return left.length === 0 ? undefined : `${left.join(', ')} missing. To have them: ${installHint(left)}`
}

export interface Counts {
  passed: number
  failed: number
}

/** All of it, with a new box unless one is given. What it says on the way goes to this program's output; nothing is left. */
export async function runVirtualMachines(box?: string): Promise<Counts> {
  // Not in /tmp, which may be in memory: the disks of two machines.
  const work = await mkdtemp('/var/tmp/drydock-vm-')
  const stopped = new AbortController()
  const stop = () => stopped.abort()
  for (const signal of SIGNALS) process.on(signal, stop)
  try {
    for (const folder of ['home', 'tmp']) await mkdir(join(work, folder))
    const file = box === undefined ? await buildBox(work, stopped.signal) : resolve(box)
    return file === undefined ? { passed: 0, failed: 1 } : await enter(work, file, stopped.signal)
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop)
    await rm(work, { recursive: true, force: true })
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Undefined when it cannot be made; why was said. */
async function buildBox(work: string, cancelSignal: AbortSignal): Promise<string | undefined> {
  const file = join(work, 'drydock.box')
  const env = { DRYDOCK_PROGRAMS: PROGRAMS.join(' '), DRYDOCK_NODE: process.execPath, TMPDIR: join(work, 'tmp') }
  const stdio = ['ignore', 'inherit', 'inherit'] as const
  const { failed } = await execa(join(PROJECT, 'vm/build-box'), [file], { env, reject: false, stdio, cancelSignal })
  return failed ? undefined : file
}

/** Everything there ends with the first process, that one with unshare, and unshare with this program, whichever way it ends. */
async function enter(work: string, box: string, cancelSignal: AbortSignal): Promise<Counts> {
  const own = ['--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private']
  // The first process takes in those whose parent has ended: a shell waits for them, which Node would not do.
  const again = ['sh', '-c', '"$@"; exit $?', 'sh', process.execPath, join(PROJECT, 'scripts/start.cjs'), 'test:vm', INSIDE, work, box]
  const { stdout } = await execa('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...own, ...again], {
    reject: false,
    stdio: ['ignore', ['pipe', 'inherit'], 'inherit'],
    env: { CI: '' },
    cancelSignal,
    killSignal: 'SIGKILL',
  })
  const [, passed, failed] = /^vm: (\d+) passed, (\d+) failed$/m.exec(stdout) ?? [undefined, 0, 1]
  return { passed: Number(passed), failed: Number(failed) }
}
