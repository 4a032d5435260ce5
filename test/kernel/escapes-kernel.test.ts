/** Known ways out of containers, tried: what the kernel is asked for by a container's root, and what stands in the way. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect } from 'vitest'
import { SHIM_PATH } from '../../lib/kernel/constants.js'
import { onPrivateHost } from '../support/private-host.js'
import { exitWithErrnoOf, onX86, writeProgram } from '../support/program.js'

const at = onPrivateHost()
const { test } = at
beforeAll(() => {
  if (!at.able) return
  copyFileSync(SHIM_PATH, join(at.root.path, 'bin/probe'))
})

const run = (flags: readonly string[], ...command: string[]) =>
  at.host.drydock('run', '--rm', '--network', 'none', ...flags, '--rootfs', at.root.path, ...command)
/** What a script prints, complaints included. */
const sh = async (flags: readonly string[], script: string) => (await run(flags, 'sh', '-c', `exec 2>&1; ${script}`)).stdout

/** What `shim --probe --try` says of a call: the error, and whether neither the filter nor a missing right stood in front. */
interface Tried {
  readonly [call: string]: { readonly errno: string | null; readonly allowed: boolean }
}

/** Calls with which containers have been left, or hosts been taken; Docker's root may make none of them. */
const FORBIDDEN =
  /^(mount|umount2|pivot_root|fsopen|open_tree|unshare |setns|clone user|keyctl|add_key|request_key|bpf|perf_event_open|userfaultfd|io_uring_setup|fanotify_init|reboot|kexec_load|init_module|delete_module|swapon|settimeofday|clock_settime|open_by_handle_at|syslog|iopl|acct|quotactl)/

describe('calls that Docker’s root may not make', () => {
  test('are refused by the filter or for want of a capability, each of them', async () => {
    const { stdout } = await run([], 'probe', '--probe', '--try')
    const tried = (JSON.parse(stdout) as { try: Tried }).try
    const forbidden = Object.entries(tried).filter(([name]) => FORBIDDEN.test(name))
    expect(forbidden.length).toBeGreaterThan(20)
    expect(forbidden.filter(([, { allowed }]) => allowed)).toEqual([])
  })

  onX86('are not had by the 32-bit gate either', async () => {
    if (!at.able) return
    // mount is 21 there. The filter ends who comes by that gate: 128 + SIGSYS.
    writeProgram(join(at.root.path, 'bin/gate'), exitWithErrnoOf(21, 'int80'))
    const { exitCode } = await run([], 'gate')
    expect(exitCode).toBe(159)
  })
})

describe('files of the kernel’s', () => {
  test('that would run a program on the host cannot be written (cgroup release_agent, CVE-2022-0492; core_pattern; modprobe; uevent_helper)', async () => {
    const paths = [
      '/proc/sys/kernel/core_pattern',
      '/proc/sys/kernel/modprobe',
      '/proc/sys/vm/panic_on_oom',
      '/proc/sysrq-trigger',
      '/proc/bus/none',
      '/sys/kernel/uevent_helper',
      '/sys/fs/cgroup/devices/devices.allow',
      '/sys/fs/cgroup/memory/release_agent',
      '/sys/fs/cgroup/cgroup.subtree_control',
    ]
    for (const path of paths)
      expect(await sh([], `(echo x > ${path}); echo after`), path).toMatch(
        /(Read-only file system|nonexistent directory|Permission denied|Directory nonexistent)[^\n]*\nafter$/,
      )
    const core = readFileSync('/proc/sys/kernel/core_pattern', 'utf8')
    expect(core).not.toBe('x\n')
  })

  test('cannot be mounted afresh, uncovered, or made writable again', async () => {
    for (const attempt of [
      'mount -t cgroup -o memory none /tmp',
      'mount -t proc none /tmp',
      'mount -t sysfs none /tmp',
      'mount -o remount,rw /proc/sys',
      'mount -o remount,rw /sys',
      'umount /proc/keys',
      'umount /proc/sys',
      'mount --bind / /tmp',
    ]) {
      expect(await sh([], attempt), attempt).toMatch(/[Pp]ermission denied|Operation not permitted/)
    }
  })

  test('that tell of the host are empty or closed: its memory, its keys, its log, its timers', async () => {
    expect(
      await sh([], 'for f in kcore keys timer_list; do cat /proc/$f 2>/dev/null | wc -c; done; ls /sys/firmware /proc/acpi | grep -v : '),
    ).toMatch(/^0\n0\n0\n*$/)
    expect(await sh([], 'dmesg')).toMatch(/Operation not permitted/)
  })
})

describe('devices', () => {
  test('of the host can be named by a node and not opened: the cgroup’s list stands in front', async () => {
    const disks = readFileSync('/proc/partitions', 'utf8')
      .split('\n')
      .flatMap((line) => /^\s*(\d+)\s+(\d+)\s+\d+\s+(\S+)$/.exec(line)?.slice(1, 3).join(' ') ?? [])
    for (const numbers of [...disks.slice(0, 2).map((disk) => `b ${disk}`), 'b 8 0', 'c 1 1', 'c 1 2', 'c 1 11', 'c 10 200']) {
      expect(await sh([], `mknod /tmp/node ${numbers} && head -c 1 /tmp/node; echo after`), numbers).toMatch(
        /Operation not permitted\nafter$/,
      )
    }
  })

  test('of a container’s own are all that there are', async () => {
    expect(await sh([], 'cd /dev; for n in *; do [ ! -L $n ] && [ -c $n -o -b $n ] && echo $n; done')).toBe(
      'full\nnull\nrandom\ntty\nurandom\nzero',
    )
  })
})

describe('processes', () => {
  test('of the host are neither seen nor signalled', async () => {
    expect(await sh([], `kill -0 ${at.host.pid}; kill -0 ${process.pid}; ls -d /proc/[0-9]* | wc -l`)).toMatch(
      /No such process\n.*No such process\n[123]$/,
    )
  })

  test('that multiply are stopped at the limit', async () => {
    const { exitCode, stdout } = await run(
      ['--pids-limit', '12'],
      'sh',
      '-c',
      'exec 2>&1; i=0; while [ $i -lt 30 ]; do sleep 5 & i=$((i+1)); done; echo unreached',
    )
    expect([exitCode, stdout]).not.toEqual([0, 'unreached'])
    expect(stdout).toMatch(/can't fork|Resource temporarily unavailable/)
  })

  test('that take more memory than they may are killed, and 137 says so', async () => {
    expect(await run(['--memory', '16m', '--memory-swap', '16m'], 'sh', '-c', 'exec busybox tail /dev/zero')).toMatchObject({
      exitCode: 137,
    })
  })
})

test('a chroot inside leads nowhere: the way up ends at the container’s own root', async () => {
  const up = Array.from({ length: 30 }, () => '..').join('/')
  const script = `mkdir -p /tmp/cell /tmp/lower; cp /bin/busybox /tmp/cell/; cd /tmp; chroot /tmp/cell /busybox sh -c 'cd ${up}; /busybox ls'; ls /proc/1/root/run/canary`
  expect(await sh([], script)).toMatch(/^busybox\n.*No such file or directory/)
})

test('raw sockets are Docker’s default, and gone with the capability', async () => {
  expect(await sh([], 'ping -c 1 -W 1 127.0.0.1 | head -1')).toMatch(/^PING/)
  expect(await sh(['--cap-drop', 'NET_RAW', '-u', '1000'], 'grep CapEff /proc/self/status')).toMatch(/0000000000000000$/)
})

test('a setuid file gives nothing with no-new-privileges', async () => {
  writeFileSync(join(at.root.path, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nsailor:x:1000:1000::/:/bin/sh\n')
  const script = "cp /bin/probe /tmp/door; chmod 4755 /tmp/door; chmod 755 /tmp; su sailor -c '/tmp/door --probe'"
  const euid = async (...flags: string[]) => (JSON.parse(await sh(flags, script)) as { euid: number }).euid
  expect(await euid()).toBe(0)
  expect(await euid('--security-opt', 'no-new-privileges')).toBe(1000)
})
