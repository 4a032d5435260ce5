import { describe, expect, it } from 'vitest'
import type { Capability } from '../../../../lib/kernel/calls/credentials.js'
import { SYSCALLS } from '../../../../lib/kernel/constants.js'
import { compileProfile } from '../../../../lib/primitives/seccomp/compile.js'
import { ALWAYS_ALLOWED, DEFAULT_PROFILE, OPENED_BY_CAPABILITY } from '../../../../lib/primitives/seccomp/default-profile.js'
import { parseProfile } from '../../../../lib/primitives/seccomp/profile.js'
import { verdict } from '../../../../lib/primitives/seccomp/simulate.js'

const names = (text: string) => text.trim().split(/\s+/)

function answers(capabilities: readonly Capability[], kernel = '6.1.0') {
  const { program } = compileProfile(DEFAULT_PROFILE, { capabilities, kernel })
  return (call: string, ...args: (number | bigint)[]) => verdict(program, call, args)
}

describe('the default profile', () => {
  const ask = answers([])

  it('is a valid profile', () => {
    expect(() => parseProfile(DEFAULT_PROFILE)).not.toThrow()
  })

  it('names each call once, and by a name, not by a mistake', () => {
    const all = Object.values(ALWAYS_ALLOWED).flatMap(names)
    expect(all.filter((name, index) => all.indexOf(name) !== index)).toEqual([])
    // What headers of Linux 6.1 do not have; newer headers have more of these, never others.
    const newer = names(`cachestat statmount listmount fchmodat2 getxattrat setxattrat listxattrat removexattrat mseal map_shadow_stack
      uretprobe futex_wait futex_wake futex_requeue lsm_get_self_attr lsm_list_modules lsm_set_self_attr`)
    // Names that only some architectures have.
    const elsewhere = names(`access alarm chmod chown creat dup2 epoll_create epoll_ctl_old epoll_wait epoll_wait_old eventfd fork futimesat
      getdents getpgrp get_thread_area inotify_init ioperm iopl lchown link lstat memfd_secret mkdir mknod open pause pipe poll readlink rename
      rmdir select set_thread_area signalfd stat symlink time unlink utime utimes vfork`)
    const unknown = [...all, ...Object.values(OPENED_BY_CAPABILITY).flatMap(names)].filter((name) => !(name in SYSCALLS))
    expect(unknown.filter((name) => !newer.includes(name) && !elsewhere.includes(name))).toEqual([])
  })

  it('allows what is not named by a capability, and refuses the rest with EPERM', () => {
    const open = Object.values(ALWAYS_ALLOWED)
      .flatMap(names)
      .filter((name) => name in SYSCALLS)
    expect(open.filter((name) => ask(name) !== 'allow')).toEqual([])
    const special = [
      'personality',
      'socket',
      'clone',
      'clone3',
      'ptrace',
      'process_vm_readv',
      'process_vm_writev',
      'arch_prctl',
      'modify_ldt',
    ]
    const closed = Object.keys(SYSCALLS).filter((name) => !open.includes(name) && !special.includes(name))
    expect(closed.filter((name) => !/^errno (EPERM|ENOSYS)$/.test(ask(name)))).toEqual([])
    for (const name of [
      'mount',
      'unshare',
      'setns',
      'bpf',
      'reboot',
      'kexec_load',
      'keyctl',
      'io_uring_setup',
      'userfaultfd',
      'pivot_root',
      'chroot',
    ]) {
      expect(`${name}: ${ask(name)}`).toBe(`${name}: errno EPERM`)
    }
  })

  it.each(Object.entries(OPENED_BY_CAPABILITY))('with %s allows %s', (capability, text) => {
    const open = answers([capability.slice(4).toLowerCase() as Capability])
    for (const name of names(text).filter((one) => one in SYSCALLS)) expect(`${name}: ${open(name)}`).toBe(`${name}: allow`)
  })

  it('lets clone make processes and no namespaces, and sends clone3 away, unless CAP_SYS_ADMIN is there', () => {
    const [thread, sigchld] = [0x3d0f00, 17]
    expect(ask('clone', thread)).toBe('allow')
    expect(ask('clone', sigchld)).toBe('allow')
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      expect(ask('clone', flag | sigchld)).toBe('errno EPERM')
      expect(answers(['sys_admin'])('clone', flag | sigchld)).toBe('allow')
    }
    expect(ask('clone3')).toBe('errno ENOSYS')
    expect(answers(['sys_admin'])('clone3')).toBe('allow')
  })

  it('opens sockets of the usual families, and neither AF_ALG nor AF_VSOCK nor what the kernel has lost', () => {
    const allowed = Array.from({ length: 60 }, (_, family) => family).filter((family) => ask('socket', family) === 'allow')
    expect(allowed.filter((family) => [1, 2, 10, 16, 17].includes(family))).toEqual([1, 2, 10, 16, 17])
    for (const family of [12, 19, 20, 23, 25, 34, 37, 38, 40, 46, 47]) expect(allowed).not.toContain(family)
    expect(ask('socket', 2n ** 32n + 2n)).toBe('errno EPERM')
  })

  it('lets personality ask and choose Linux', () => {
    for (const domain of [0, 8, 0x20000, 0x20008, 0xffff_ffff]) expect(ask('personality', domain)).toBe('allow')
    // ADDR_NO_RANDOMIZE and READ_IMPLIES_EXEC make attacks easier.
    for (const domain of [0x40000, 0x400000, 1]) expect(ask('personality', domain)).toBe('errno EPERM')
  })

  it('lets ptrace in from Linux 4.8 on, or with CAP_SYS_PTRACE', () => {
    expect(ask('ptrace')).toBe('allow')
    expect(answers([], '4.7.10')('ptrace')).toBe('errno EPERM')
    expect(answers(['sys_ptrace'], '4.7.10')('ptrace')).toBe('allow')
  })

  it('is a short program', () => {
    expect(compileProfile(DEFAULT_PROFILE, { capabilities: [], kernel: '6.1.0' }).program.length / 8).toBeLessThan(130)
  })
})
