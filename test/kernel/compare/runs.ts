/** The same program in the same root file system, once by runc as Docker asks it to, once by `drydock run`. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SHIM_PATH } from '../../../lib/kernel/constants.js'
import { availableCapabilities, capabilityName } from '../../../lib/primitives/capabilities.js'
import { busyboxRoot } from '../../support/full.js'
import { DRYDOCK, type PrivateHost } from '../../support/private-host.js'
import { TerminalSession } from '../../support/terminal.js'
import { dockerSpec } from './docker-spec.js'
import { type ProbeOutput, parseProbe } from './sight.js'

/** What is asked of both. */
export interface Run {
  readonly flags: readonly string[]
  readonly terminal?: boolean
  readonly readOnly?: boolean
  readonly privileged?: boolean
  readonly noNewPrivileges?: boolean
  readonly user?: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
}

/** By the names that the table of differences has for them. */
export const RUNS: Readonly<Record<string, Run>> = {
  plain: { flags: [] },
  terminal: { flags: ['-t', '-i'], terminal: true },
  user: { flags: ['--user', 'www'], user: { uid: 33, gid: 33, groups: [44] } },
  strict: { flags: ['--read-only', '--security-opt', 'no-new-privileges'], readOnly: true, noNewPrivileges: true },
  privileged: { flags: ['--privileged'], privileged: true },
}

const PROBE = ['/probe', '--probe', '--try']
const HOSTNAME = 'compared'

/** A root file system with the probe in it. */
export function probeRoot(): { path: string; remove(): void } {
  const root = busyboxRoot()
  copyFileSync(SHIM_PATH, join(root.path, 'probe'))
  mkdirSync(join(root.path, 'var'))
  writeFileSync(join(root.path, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/var/www:/bin/sh\n')
  writeFileSync(join(root.path, 'etc/group'), 'root:x:0:\nwww:x:33:\nextra:x:44:www\n')
  return root
}

/**
 * A machine of cgroup v1 may have an empty v2 tree mounted beside it (systemd’s “unified”). runc leaves that out and drydock
 * shows it, so what is listed would hang on the machine: it goes, in this mount namespace only, before either looks.
 */
export async function oneHierarchy(host: PrivateHost): Promise<void> {
  const there = '/sys/fs/cgroup/unified'
  await done(host, ['sh', '-c', `! grep -q " ${there} " /proc/self/mountinfo || umount ${there}`])
}

export async function onHost(host: PrivateHost): Promise<ProbeOutput> {
  return parseProbe((await host.run([SHIM_PATH, '--probe', '--try'])).stdout)
}

export async function byDrydock(host: PrivateHost, root: string, { flags, terminal = false }: Run): Promise<ProbeOutput> {
  const settings = ['--rm', '--network', 'none', '--hostname', HOSTNAME, '--env', 'ASKED=for', '--workdir', '/tmp', ...flags]
  return probe(host, [process.execPath, DRYDOCK, 'run', ...settings, '--rootfs', root, ...PROBE], terminal)
}

let counter = 0

export async function byRunc(host: PrivateHost, root: string, run: Run): Promise<ProbeOutput> {
  const { terminal = false, readOnly = false, privileged = false, noNewPrivileges = false } = run
  const id = `drydock-compare-${process.pid}-${counter++}`
  const place = `/run/${id}`
  const at = (name: string) => host.path(`${place}/${name}`)
  for (const name of ['upper', 'work', 'merged', 'files', 'bundle']) mkdirSync(at(name), { recursive: true })
  // Docker has the layers mounted before the runtime comes, on a shared mount as a machine's are, and writes the three files.
  const layers = `lowerdir=${root},upperdir=${place}/upper,workdir=${place}/work`
  await done(host, ['mount', '-t', 'overlay', '-o', layers, 'overlay', `${place}/merged`])
  await done(host, ['mount', '--make-shared', `${place}/merged`])
  writeFileSync(at('files/hostname'), `${HOSTNAME}\n`)
  writeFileSync(at('files/hosts'), HOSTS)
  writeFileSync(at('files/resolv.conf'), readFileSync(host.path('/etc/resolv.conf')), { mode: 0o644 })
  const spec = dockerSpec({
    argv: PROBE,
    root: `${place}/merged`,
    files: `${place}/files`,
    hostname: HOSTNAME,
    env: [
      `PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      `HOSTNAME=${HOSTNAME}`,
      ...(terminal ? ['TERM=xterm'] : []),
      'ASKED=for',
    ],
    cwd: '/tmp',
    user: run.user ?? { uid: 0, gid: 0, groups: [] },
    terminal,
    readOnly,
    privileged,
    noNewPrivileges,
    allCapabilities: availableCapabilities().map(capabilityName),
    devices: privileged ? nodesBelow('/dev') : [],
    cgroupsPath: `/${id}`,
  })
  writeFileSync(at('bundle/config.json'), JSON.stringify(spec))
  try {
    return await probe(host, ['runc', '--root', `${place}/state`, 'run', '--bundle', `${place}/bundle`, id], terminal)
  } finally {
    await host.run(['umount', `${place}/merged`])
  }
}

/** What Docker writes for a container without a network. */
const HOSTS = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::\tip6-localnet',
  'ff00::\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters\n',
].join('\n')

async function probe(host: PrivateHost, argv: readonly string[], terminal: boolean): Promise<ProbeOutput> {
  if (!terminal) {
    const { stdout, stderr, exitCode } = await host.run(argv)
    if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${exitCode}: ${stderr}`)
    return parseProbe(stdout)
  }
  const session = new TerminalSession('sh', ['-c', STAY, 'sh', ...host.enter(argv)], { cols: 80, rows: 24 })
  const text = await session.see(ENDED)
  session.type('\r')
  if ((await session.ended()) !== 0) throw new Error(`${argv.join(' ')}: ${session.text}`)
  return parseProbe(text)
}

/**
 * When a session's leader ends, the kernel hangs its terminal up, and what is not read by then, beyond the 4 KiB that a terminal's reader has
 * waiting, is lost (tty_ldisc_hangup). So the leader stays until somebody has read all, its own last words too, and presses a key.
 */
const ENDED = 'the program has ended'
const STAY = `"$@"; status=$?; echo '${ENDED}'; read -r key; exit "$status"`

async function done(host: PrivateHost, argv: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await host.run(argv)
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`)
}

/** As containerd's HostDevices: all but terminals, shared memory and the console. */
function nodesBelow(directory: string): object[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory())
      return ['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev'].includes(entry.name) ? [] : nodesBelow(path)
    if ((!entry.isCharacterDevice() && !entry.isBlockDevice()) || entry.name === 'console') return []
    const { rdev, mode, uid, gid } = statSync(path)
    const [major, minor] = [(rdev >>> 8) & 0xfff, (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)]
    return [{ path, type: entry.isBlockDevice() ? 'b' : 'c', major, minor, fileMode: mode & 0o7777, uid, gid }]
  })
}
