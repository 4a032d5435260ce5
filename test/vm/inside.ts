/** In namespaces of its own: libvirt is started, the machines come and go, and what they leave is looked for. */
import { spawn } from 'node:child_process'
import { existsSync, openSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { execa } from 'execa'
import { DrydockError } from '../../lib/kernel/errors.js'
import { hostsNetwork } from '../../lib/network/hosts-range.js'
import { PROJECT, SSH_VARIABLE } from './places.js'

/** The word by which `npm run test:vm` calls itself there. */
export const INSIDE = 'inside'

/** Milliseconds; for what hangs. Emulation is slow, and the machine may be shared. */
const LIMITS = { libvirt: 60_000, vagrant: 45 * 60_000, exercise: 60 * 60_000 }

/** Emulated machines wait for nobody, so nobody loses patience with them so soon. */
const SLOWNESS = '20'

/** Of libvirt's, which are shared with nobody here. What is no directory of the packages' is not there either. */
const EMPTY = ['/run', '/var/log/libvirt', '/var/cache/libvirt']

const QEMU = `user = "root"
group = "root"
dynamic_ownership = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
`

export async function inside(work: string, box: string): Promise<number> {
  const say = (words: string) => console.log(`vm: ${words}`)
  await ownPlaces(work)
  await refuseWaysOut()
  const ssh = join(work, 'ssh-config')
  const env = {
    HOME: join(work, 'home'),
    TMPDIR: join(work, 'tmp'),
    LIBVIRT_DEFAULT_URI: 'qemu:///system',
    VAGRANT_HOME: join(work, 'vagrant'),
    VAGRANT_CWD: join(PROJECT, 'vm'),
    VAGRANT_DOTFILE_PATH: join(work, 'machines'),
    VAGRANT_DEFAULT_PROVIDER: 'libvirt',
    VAGRANT_CHECKPOINT_DISABLE: '1',
    DRYDOCK_BOX: 'drydock',
    DRYDOCK_OFFLINE: '1',
    DRYDOCK_EMULATED: '1',
    [SSH_VARIABLE]: ssh,
  }
  const vagrant = (...args: string[]) =>
    execa('vagrant', args, { env, stdin: 'ignore', stdout: ['pipe', 'inherit'], stderr: 'inherit', timeout: LIMITS.vagrant })
  const counts = { passed: 0, failed: 0 }
  const check = (holds: boolean, words: string) => {
    counts[holds ? 'passed' : 'failed']++
    say(`${holds ? 'ok' : 'FAIL'} ${words}`)
  }
  const log = join(work, 'libvirt.log')
  const daemons = await startLibvirt(env, log)
  try {
    // The bundle goes along into the machines, where making one takes minutes.
    await execa(process.execPath, [join(PROJECT, 'scripts/drydock.cjs'), '--version'])
    await vagrant('box', 'add', '--name', 'drydock', '--provider', 'libvirt', box)
    const began = performance.now()
    try {
      await vagrant('up')
      say(`both machines are up (${((performance.now() - began) / 1000).toFixed(0)} s)`)
      check((await vagrant('ssh', 'vm-1', '-c', 'hostname')).stdout.trim() === 'vm-1', 'vagrant ssh vm-1 comes to vm-1')
      await writeFile(ssh, (await execa('vagrant', ['ssh-config'], { env })).stdout)
      const { passed, failed } = await exercise(work, env)
      counts.passed += passed
      counts.failed += failed
    } finally {
      await vagrant('destroy', '--force')
    }
    const { stdout: domains } = await execa('virsh', ['list', '--all', '--name'], { env })
    check(domains.trim() === '', 'no machine is left when they are destroyed')
    const { stdout: volumes } = await execa('virsh', ['vol-list', 'default'], { env })
    check(!/_vm-[12]\b/.test(volumes), 'nor is a disk of theirs')
  } catch (error) {
    counts.failed++
    say(`FAIL ${(error as Error).message}`)
    process.stderr.write(await readFile(log, 'utf8'))
  } finally {
    for (const daemon of daemons) daemon.kill()
  }
  say(`${counts.passed} passed, ${counts.failed} failed`)
  return counts.failed === 0 ? 0 : 1
}

/** What libvirt writes to is in `work`, or in memory; a new /sys shows this network, and no cgroups. */
async function ownPlaces(work: string): Promise<void> {
  const [state, settings] = [join(work, 'libvirt'), join(work, 'etc-libvirt')]
  await mkdir(state)
  await execa('cp', ['-a', '/etc/libvirt', settings])
  await writeFile(join(settings, 'qemu.conf'), QEMU)
  await execa('mount', ['-t', 'sysfs', 'sysfs', '/sys'])
  for (const path of EMPTY) if (existsSync(path)) await execa('mount', ['-t', 'tmpfs', 'private', path])
  await execa('mount', ['--bind', state, '/var/lib/libvirt'])
  await execa('mount', ['--bind', settings, '/etc/libvirt'])
  for (const folder of ['images', 'qemu', 'dnsmasq', 'boot']) await mkdir(join(state, folder))
  await execa('ip', ['link', 'set', 'lo', 'up'])
}

/** Asked of the kernel before anything may speak. */
async function refuseWaysOut(): Promise<void> {
  const { addresses } = hostsNetwork()
  const { failed, stdout } = await execa('ip', ['route', 'get', addresses['vm-1']], { reject: false })
  if (!failed) throw new DrydockError(`from here packets for ${addresses['vm-1']} would leave: ${stdout.split('\n')[0]}`)
}

/** It complains of much that is not here (D-Bus, firewalld, cgroups) and does without; in the file `log`. */
async function startLibvirt(env: NodeJS.ProcessEnv, log: string) {
  const output = openSync(log, 'a')
  const start = (name: string) => spawn(name, { env: { ...process.env, ...env }, stdio: ['ignore', output, output] })
  const daemons = [start('virtlogd'), start('libvirtd')]
  for (const end = Date.now() + LIMITS.libvirt; ; await pause(200)) {
    const answer = await execa('virsh', ['version'], { env, reject: false })
    if (!answer.failed) return daemons
    const ended = daemons.find(({ exitCode }) => exitCode !== null)
    if (ended || Date.now() > end) throw new DrydockError(`libvirt does not answer: ${answer.stderr.trim()}`)
  }
}

interface Report {
  readonly numPassedTests?: number
  readonly numFailedTests?: number
}

/** The exercise by vitest, from outside of the machines: by ssh, as a person would. */
async function exercise(work: string, env: NodeJS.ProcessEnv): Promise<{ passed: number; failed: number }> {
  const report = join(work, 'report.json')
  const args = ['run', '--config', 'test/vm/vitest.config.ts', '--reporter=verbose', '--reporter=json', `--outputFile.json=${report}`]
  const { failed: broke } = await execa(join(PROJECT, 'node_modules/.bin/vitest'), args, {
    cwd: PROJECT,
    env: { ...env, DRYDOCK_TEST_SLOWNESS: SLOWNESS },
    reject: false,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: LIMITS.exercise,
  })
  const { numPassedTests: passed = 0, numFailedTests: failed = 0 } = JSON.parse(await readFile(report, 'utf8').catch(() => '{}')) as Report
  return { passed, failed: broke ? Math.max(1, failed) : failed }
}
