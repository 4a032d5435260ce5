/** The kernel's files, devices and the root itself, attacked from inside: what could change the machine or read all of it. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { errnoOf, SYSCALLS } from '../../lib/kernel/constants.js'
import { AttackedHost, CANARY, ESCAPE_NEEDS } from '../support/escape.js'
import { type Call, exitWithErrnoOfLast, writeProgram } from '../support/program.js'
import { missing, type Requirement, requires } from '../support/requires.js'

const test = requires(...ESCAPE_NEEDS)

let attacked: AttackedHost
beforeAll(async () => {
  if (missing(ESCAPE_NEEDS).length === 0) attacked = await AttackedHost.open()
})
afterAll(() => attacked?.close())

/** A script as root in a container with Docker's defaults: what it prints, and the host unchanged. */
async function inside(script: string, flags: readonly string[] = []): Promise<string[]> {
  const before = attacked.state()
  const { stdout } = await attacked.sh(flags, script)
  expect(attacked.state()).toEqual(before)
  return stdout.split('\n')
}

/** Shell: how it ends when each of these paths is opened for writing, with nothing written. */
const opening = (paths: readonly string[]) => `for f in ${paths.join(' ')}; do (: >> $f) 2>&1 && echo "$f: opened"; done`

/** A path that this kernel has not cannot be attacked. */
const REFUSED = /: (Read-only file system|Permission denied|Operation not permitted|nonexistent directory|No such file or directory)$/

describe('the kernel’s settings', () => {
  test('run the host’s programs or change the host when written: none can be (core_pattern, modprobe, uevent_helper, sysrq)', async () => {
    // /proc/sys, /proc/sysrq-trigger and the like are read-only binds of themselves, /sys is mounted read-only. CVE-2022-0185's way out needs one of these.
    const paths = [
      ...['core_pattern', 'modprobe', 'hotplug', 'poweroff_cmd', 'panic', 'sysrq', 'ns_last_pid', 'hostname'].map(
        (name) => `/proc/sys/kernel/${name}`,
      ),
      ...[
        '/proc/sys/vm/overcommit_memory',
        '/proc/sys/fs/binfmt_misc/register',
        '/proc/sys/net/ipv4/ip_forward',
        '/proc/sys/fs/suid_dumpable',
      ],
      ...['/proc/sysrq-trigger', '/proc/irq/default_smp_affinity', '/proc/bus/pci/devices', '/proc/fs/nfsd/x', '/proc/mtrr'],
      ...[
        '/sys/kernel/uevent_helper',
        '/sys/power/state',
        '/sys/kernel/mm/transparent_hugepage/enabled',
        '/sys/module/kernel/parameters/panic',
      ],
      ...['/sys/class/block', '/sys/devices/system/cpu/online'].map((path) => `${path}/x`),
    ]
    const said = await inside(opening(paths))
    expect(said).toHaveLength(paths.length)
    for (const line of said) expect(line).toMatch(REFUSED)
  })

  test('are not writable after a remount, and a new mount of them is refused', async () => {
    // The filter and the missing CAP_SYS_ADMIN (either would do). umount of a mask would show what it hides.
    const said = await inside(
      [
        'mount -o remount,rw,bind /proc/sys /proc/sys',
        'mount -o remount,rw /sys',
        'mount -o remount,rw,bind /sys /sys',
        'umount /proc/keys',
        'umount -l /proc/sys',
        'umount /sys/firmware',
        'mkdir /p && mount -t proc proc /p',
        'mount -t sysfs sysfs /p',
        'mount -t debugfs debugfs /p',
        'mount -t securityfs securityfs /p',
        'mount -t tmpfs tmpfs /p',
        'mount -o bind /proc/1 /p',
        'mount --move /proc /p',
        'pivot_root /p /p',
      ]
        .map((command) => `(${command}) 2>&1 || true`)
        .join('; '),
    )
    expect(said).toHaveLength(14)
    for (const line of said) expect(line).toMatch(/permission denied|Operation not permitted|are you root/i)
  })

  test('that show the kernel’s memory, keys or timers are masked', async () => {
    // A mask is /dev/null on a file and an empty read-only tmpfs on a directory.
    const masked = ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/interrupts', '/proc/latency_stats', '/proc/sched_debug']
    const directories = ['/proc/acpi', '/proc/scsi', '/proc/asound', '/sys/firmware', '/sys/devices/virtual/powercap']
    const { paths } = await attacked.probe([], ...[...masked, ...directories].flatMap((path) => ['--path', path]))
    for (const path of masked)
      expect([{ error: 'ENOENT' }, expect.objectContaining({ type: 'char', device: '1:3' })], path).toContainEqual(paths[path])
    for (const path of directories)
      expect([{ error: 'ENOENT' }, expect.objectContaining({ entries: [] })], path).toContainEqual(paths[path])
    expect(paths['/proc/keys']).toMatchObject({ device: '1:3' })
    expect(paths['/sys/firmware']).toMatchObject({ entries: [], write: 'EROFS' })
  })

  test('the log of the kernel cannot be read or cleared', async () => {
    // syslog(2) wants CAP_SYSLOG, /proc/kmsg the same, and /dev/kmsg is no device that the container has.
    const said = await inside('(dmesg) 2>&1; (dmesg -c) 2>&1; (cat /proc/kmsg) 2>&1; (mknod /k c 1 11 && cat /k) 2>&1')
    expect(said).toHaveLength(4)
    for (const line of said) expect(line).toContain('Operation not permitted')
  })
})

describe('cgroups', () => {
  requires(...ESCAPE_NEEDS, 'cgroup1:memory' as Requirement)(
    'release_agent: no program of the host is run by an empty cgroup (CVE-2022-0492)',
    async () => {
      // The trees are mounted read-only, begin at the container's own cgroup (release_agent is only in the root), and a new mount of one is refused,
      // also from a user namespace, which the filter refuses to make.
      const trees = '/sys/fs/cgroup'
      const files = ['memory/notify_on_release', 'memory/cgroup.procs', 'memory/memory.limit_in_bytes', 'devices/devices.allow']
      const written = await inside(`${opening(files.map((file) => `${trees}/${file}`))}; (mkdir ${trees}/memory/x) 2>&1`)
      expect(written).toHaveLength(files.length + 1)
      for (const line of written) expect(line).toContain('Read-only file system')
      expect(await inside(`ls ${trees}/*/release_agent 2>&1`)).toEqual([expect.stringContaining('No such file')])
      const mounts = ['cgroup -o rdma', 'cgroup -o memory', 'cgroup2'].map((type) => `mount -t ${type} none /tmp`)
      const refused = await inside([...mounts, `unshare -Urm sh -c '${mounts[0]}'`].map((command) => `(${command}) 2>&1`).join('; '))
      expect(refused).toHaveLength(4)
      for (const line of refused) expect(line).toMatch(/permission denied|Operation not permitted|are you root/i)
    },
  )
})

describe('devices', () => {
  /** A block device that this machine has, by its numbers: the disk that an attacker would want. */
  const disk = () => {
    const line = readFileSync('/proc/partitions', 'utf8')
      .split('\n')
      .find((text) => /^\s+\d+\s+\d+\s+\d+/.test(text))
    const [, major = '7', minor = '0'] = line?.trim().match(/^(\d+)\s+(\d+)/) ?? []
    return `b ${major} ${minor}`
  }

  test('a node can be made, as CAP_MKNOD is there, and not opened: the host’s disk, memory, ports, terminals, loops', async () => {
    // The devices cgroup (a BPF program with v2) denies every number that is not one of a container's few.
    const nodes = [disk(), 'b 7 0', 'c 1 1', 'c 1 2', 'c 1 4', 'c 1 11', 'c 4 1', 'c 10 237', 'c 10 238', 'c 10 232', 'c 10 183']
    const said = await inside(nodes.map((node, index) => `mknod /n${index} ${node} 2>/dev/null; (: < /n${index}) 2>&1 || true`).join('; '))
    // The rules for mknod(2) allow all numbers in Docker's list: a name alone is harmless.
    expect(said).toHaveLength(nodes.length)
    for (const line of said) expect(line).toMatch(/Operation not permitted$/)
  })

  test('the few that a container has are what they are called', async () => {
    const { dev } = await attacked.probe([])
    const numbers = dev.filter(({ type }: { type: string }) => type === 'char' || type === 'block')
    expect(numbers.map(({ name, device }: { name: string; device: string }) => `${name} ${device}`)).toEqual([
      ...['full 1:7', 'null 1:3', 'pts/ptmx 5:2', 'random 1:8', 'tty 5:0', 'urandom 1:9', 'zero 1:5'],
    ])
  })

  test('it is the rules that refuse: with the capability still, with --privileged no more', async () => {
    // /dev/kmsg, opened to read and closed. CAP_SYSLOG is what the kernel itself asks for where dmesg_restrict is set.
    const open = '(mknod /k c 1 11; : < /k) 2>&1 && echo opened'
    expect(await inside(open, ['--cap-add', 'SYSLOG'])).toEqual([expect.stringContaining('Operation not permitted')])
    expect(await inside(open, ['--privileged'])).toEqual(['opened'])
  })

  test('nodes on a volume are no use either, whoever made them', async () => {
    const made = await attacked.host.run(['sh', '-ec', `mkdir /run/nodes; mknod /run/nodes/disk ${disk()}`])
    expect(made.exitCode).toBe(0)
    expect(await inside('(: < /nodes/disk) 2>&1', ['-v', '/run/nodes:/nodes'])).toEqual([
      expect.stringContaining('Operation not permitted'),
    ])
  })
})

describe('the root', () => {
  test('chroot(2) with a working directory left outside of it, the oldest way out: ends at the container’s own root', async () => {
    // CAP_SYS_CHROOT is there, so the classic works as far as the root of the mount namespace; pivot_root has made that the container's.
    const { chdir = 0, chroot = 0 } = SYSCALLS
    const up = Array.from({ length: 32 }, () => [chdir, '..'] as const)
    const attack = (last: Call) => exitWithErrnoOfLast([[chdir, '/'], [chroot, '/tmp'], ...up, [chroot, '.'], last])
    const image = await attacked.prepare('true')
    const place = (name: string) => attacked.host.path(`${image}/bin/${name}`)
    writeProgram(place('escape'), attack([chdir, CANARY]))
    writeProgram(place('control'), attack([chdir, '/bin']))
    expect((await attacked.runImage(image, [], '/bin/control')).exitCode).toBe(0)
    expect(errnoOf((await attacked.runImage(image, [], '/bin/escape')).exitCode as number).name).toBe('ENOENT')
  })

  test('nothing of the host is mounted anywhere inside but what was asked for', async () => {
    // After pivot_root the old root is detached with all below it. A file of the host's shows through three binds only, each a single file.
    const { mountinfo } = await attacked.probe([])
    const shown = (mountinfo as string[]).filter(
      (line) => !/ - (overlay|proc|sysfs|tmpfs|devpts|mqueue|cgroup2?) /.test(line) || /\/(var|run)\//.test(line.split(' ')[3] as string),
    )
    expect(
      shown.map((line) => line.split(' ')[4]).filter((target) => !/^\/etc\/(hosts|hostname|resolv\.conf)$/.test(target as string)),
    ).toEqual([])
  })

  test('a setuid program gives nothing with no-new-privileges', async () => {
    // no_new_privs: execve(2) ignores set-user-id. Without it root's program is root's inside, as in Docker.
    const image = await attacked.prepare('chmod 4755 bin/probe')
    const seen = async (...flags: string[]) =>
      JSON.parse((await attacked.runImage(image, ['-u', '65534', ...flags], '/bin/probe', '--probe')).stdout)
    const none = { uid: 65534, euid: 65534, suid: 65534, capabilities: { effective: '0'.repeat(16), permitted: '0'.repeat(16) } }
    expect(await seen('--security-opt', 'no-new-privileges')).toMatchObject(none)
    expect(await seen('--security-opt', 'no-new-privileges', '--cap-add', 'ALL')).toMatchObject(none)
    expect(await seen()).toMatchObject({ uid: 65534, euid: 0 })
  })
})
