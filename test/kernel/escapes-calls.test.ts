/** Calls that have led out of containers, made by root inside with Docker's defaults: refused by the filter, or by a capability that is not there. */
import { constants } from 'node:os'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { errnoOf, SYSCALLS } from '../../lib/kernel/constants.js'
import { AttackedHost, ESCAPE_NEEDS } from '../support/escape.js'
import { type Call, exitWithErrnoOf, exitWithErrnoOfLast, onX86, writeProgram } from '../support/program.js'
import { missing, requires } from '../support/requires.js'

const test = requires(...ESCAPE_NEEDS)
const able = missing(ESCAPE_NEEDS).length === 0

interface Attempt {
  readonly errno: string | null
  readonly allowed: boolean
}

let attacked: AttackedHost
/** What the probe could do with the defaults, and with everything. */
let tried: Record<string, Attempt>
let privileged: Record<string, Attempt>
beforeAll(async () => {
  if (!able) return
  attacked = await AttackedHost.open()
  tried = (await attacked.probe([], '--try')).try
  privileged = (await attacked.probe(['--privileged'], '--try')).try
})
afterAll(() => attacked?.close())

/** How calls end that are made one after the other in a container: the error of the last, `ok` for none. */
async function made(flags: readonly string[], ...calls: Call[]): Promise<string> {
  return outcome(flags, exitWithErrnoOfLast(calls))
}

async function outcome(flags: readonly string[], code: Buffer): Promise<string> {
  writeProgram(`${attacked.image}/bin/calls`, code)
  const before = attacked.state()
  const { exitCode, stderr } = await attacked.run(flags, '/bin/calls')
  expect(attacked.state()).toEqual(before)
  if (exitCode === undefined || exitCode > 124) throw new Error(`the calls were not made: ${exitCode} ${stderr}`)
  return exitCode === 0 ? 'ok' : errnoOf(exitCode).name
}

const number = (name: string): number => {
  const found = SYSCALLS[name]
  if (found === undefined) throw new Error(`no call ${name}`)
  return found
}

describe('the default profile and capabilities', () => {
  for (const [what, calls] of Object.entries({
    // CVE-2022-0185, CVE-2022-0492, CVE-2023-0386: each begins with a mount or a namespace in which one may mount.
    'mounts and roots': ['mount', 'umount2', 'pivot_root', 'fsopen', 'open_tree'],
    'namespaces, one’s own and others’': ['mnt', 'uts', 'ipc', 'pid', 'net', 'user', 'cgroup', 'time'].map((kind) => `unshare ${kind}`),
    'entering and making a user namespace': ['setns uts', 'clone user', 'clone3'],
    // CVE-2016-0728, CVE-2017-6074: keys are not in any namespace.
    keyrings: ['keyctl', 'add_key', 'request_key'],
    // CVE-2020-8835, CVE-2021-3490, CVE-2021-31440, CVE-2013-2094, CVE-2024-1086's heap tools.
    'programs and counters in the kernel': ['bpf', 'perf_event_open', 'userfaultfd', 'io_uring_setup', 'fanotify_init'],
    'the machine': ['reboot', 'kexec_load', 'init_module', 'delete_module', 'swapon', 'swapoff', 'acct', 'syslog', 'vhangup'],
    'the clock, which is everybody’s': ['settimeofday', 'adjtimex', 'clock_settime'],
    names: ['sethostname', 'setdomainname'],
    // "Shocker": a handle made up of an inode number opens any file of a file system of which one file is in view.
    'files by their handle': ['open_by_handle_at'],
    'the kernel’s settings': ['write sysctl', 'write sysrq'],
    'priorities and limits': ['setpriority', 'sched_setscheduler', 'setrlimit raise'],
    'another machine’s or the host’s side of a virtual socket': ['socket vsock'],
    ...(process.arch === 'x64' && { ports: ['iopl', 'ioperm'] }),
  })) {
    test(`refuse ${what}`, async () => {
      for (const call of calls) {
        const found = tried[call]
        // A kernel that lacks the file says ENOENT, which is no permission.
        if (call.startsWith('write ') && found?.errno === 'ENOENT') continue
        expect(found, call).toMatchObject({ allowed: false })
      }
    })
  }

  test('let through what Docker’s do', async () => {
    const ordinary = [
      'chroot',
      'setuid',
      'setgid',
      'setgroups',
      'mknod',
      'socket raw',
      'socket packet',
      'bind port 1',
      'ptrace traceme',
      'kill init',
    ]
    for (const call of ordinary) expect(tried[call], call).toMatchObject({ allowed: true })
  })

  test('are what refuses: with --privileged the same calls pass', async () => {
    for (const call of [
      'mount',
      'pivot_root',
      'unshare user',
      'clone user',
      'setns uts',
      'keyctl',
      'add_key',
      'open_by_handle_at',
      'syslog',
      'sethostname',
    ])
      expect(privileged[call], call).toMatchObject({ allowed: true })
  })

  test('let raw sockets be made with CAP_NET_RAW only', async () => {
    // Docker has it among its defaults; what it reaches is the container's own network namespace.
    const { try: without } = await attacked.probe(['--cap-drop', 'NET_RAW'], '--try')
    expect(without).toMatchObject({ 'socket raw': { allowed: false }, 'socket packet': { allowed: false } })
    const { interfaces } = await attacked.probe([])
    expect(interfaces.map(({ name }: { name: string }) => name)).toEqual(['lo'])
  })
})

describe('arguments that the filter looks at', () => {
  const socket = number('socket')
  const clone = number('clone')
  const personality = number('personality')
  const anything = ['--security-opt', 'seccomp=unconfined']

  test('sockets: none to the hypervisor (AF_VSOCK), none to the kernel’s ciphers (AF_ALG, CVE-2013-7421), as in Docker’s profile', async () => {
    for (const family of [38, 40]) {
      expect(await made([], [socket, family, 5, 0]), String(family)).toBe('EPERM')
      expect(await made(anything, [socket, family, 5, 0]), String(family)).not.toBe('EPERM')
    }
  })

  test('clone: no namespace whichever bit is set, or however it is hidden among others', async () => {
    for (const flag of [0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x04000000, 0x08000000, 0x02000000])
      expect(await made([], [clone, (flag | 17) >>> 0, 0, 0, 0, 0]), flag.toString(16)).toBe('EPERM')
    expect(await made([], [number('unshare'), 0x10020000])).toBe('EPERM')
  })

  test('personality: none but those of ordinary programs', async () => {
    // READ_IMPLIES_EXEC and ADDR_NO_RANDOMIZE take hardening off set-user-id programs.
    expect(await made([], [personality, 0])).toBe('ok')
    for (const flag of [0x0400000, 0x0040000, 0x0020000 | 0x0400000])
      expect(await made([], [personality, flag]), flag.toString(16)).toBe('EPERM')
  })

  test('terminals: nothing typed in is pushed into another’s (TIOCSTI, CVE-2016-7545)', async () => {
    // Its input is a pipe or /dev/null, and it has no terminal to open: not the one in front of which drydock was started.
    expect(['ENOTTY', 'EIO']).toContain(await made([], [number('ioctl'), 0, 0x5412, 'x']))
    expect(await made([], [number('openat'), -100, '/dev/tty', 2])).toBe('ENXIO')
  })
})

describe('other gates into the same kernel', () => {
  // Numbers differ by gate: a filter that looks at the number alone lets another's through (CVE-2009-0835).
  const machine = able ? onX86 : (name: string, _body: () => Promise<void>) => test(name, () => undefined)

  machine('the 32-bit gate: ends the program with SIGSYS, whatever the number', async () => {
    // No container of ours has 32-bit programs: the filter's first question is seccomp_data's arch.
    const I386 = { getpid: 20, mount: 21, umount2: 52, reboot: 88, add_key: 286, keyctl: 288, unshare: 310, setns: 346 }
    const exit = async (call: number, flags: readonly string[]) => {
      writeProgram(`${attacked.image}/bin/calls`, exitWithErrnoOf(call, 'int80'))
      return (await attacked.run(flags, '/bin/calls')).exitCode
    }
    for (const [name, call] of Object.entries(I386)) expect(await exit(call, []), name).toBe(128 + constants.signals.SIGSYS)
    // Without the filter it is the gate that it is, or not there at all.
    expect([0, 128 + constants.signals.SIGSEGV]).toContain(await exit(I386.getpid, ['--security-opt', 'seccomp=unconfined']))
  })

  machine('x32: the 64-bit calls with a bit set', async () => {
    const X32 = 0x40000000 // answered as by a kernel that has none of it
    for (const name of ['mount', 'umount2', 'pivot_root', 'keyctl', 'add_key', 'bpf', 'setns', 'kexec_load', 'reboot'])
      expect(await outcome([], exitWithErrnoOf(X32 | number(name), 'syscall')), name).toBe('ENOSYS')
  })
})

describe('the real thing', () => {
  test('shocker: the host’s root by its inode number, from a file of the host that is in view', async () => {
    // CAP_DAC_READ_SEARCH is not among the defaults, and the filter asks for it too. /etc/hosts is a bind mount from the host's file system.
    const { openat = 0, open_by_handle_at = 0 } = SYSCALLS
    // struct file_handle: 8 bytes, and nothing but zeros behind them. Which file that would be is asked after the permission.
    const calls: Call[] = [
      [openat, -100, '/etc/hosts', 0],
      [open_by_handle_at, 3, '\u0008', 0],
    ]
    expect(await made([], ...calls)).toBe('EPERM')
    expect(await made(['--cap-add', 'DAC_READ_SEARCH'], ...calls)).not.toBe('EPERM')
  })

  test('modules, kernels and swap, by file: refused before the file is read', async () => {
    const { finit_module = 0, kexec_file_load = 0, swapon = 0, move_mount = 0, mount_setattr = 0, process_vm_readv = 0 } = SYSCALLS
    for (const call of [
      [finit_module, 0, '', 0],
      [kexec_file_load, 0, 0, 0, '', 0],
      [swapon, '/dev/zero', 0],
      [move_mount, -100, '/', -100, '/tmp', 0],
      [mount_setattr, -100, '/proc', 0, 0, 32],
    ] as Call[])
      expect(await made([], call), String(call[0])).toBe('EPERM')
    // Memory of pid 1, which it is itself here: let through since Linux 4.8, as ptrace is, and no other process is in view.
    expect(await made([], [process_vm_readv, 1, 0, 0, 0, 0, 0])).toBe('ok')
  })

  test('the filter cannot be taken off, and all of its threads and children have it', async () => {
    const { stdout } = await attacked.sh([], 'grep Seccomp: /proc/self/status /proc/1/status; sh -c "grep Seccomp: /proc/self/status"')
    expect(stdout.match(/Seccomp:\s+2/g)).toHaveLength(3)
  })
})
