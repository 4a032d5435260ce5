/**
 * The default profile: what a container may ask of the kernel. The allowances are those of Docker's default profile; checked call by call
 * against default.json of moby/profiles (the version that closes AF_ALG besides AF_VSOCK and opens mseal and the xattr *at calls). Whatever is not named here
 * is answered EPERM, and calls newer than all that are named ENOSYS.
 *
 * Left out of the lists is what only 32-bit architectures have (chown32, mmap2, socketcall and the like): a filter of ours refuses
 * those architectures altogether.
 */
import type { Condition, Profile, ProfileRule } from './profile.js'

/** Calls that are open to every container, by what they are for. */
export const ALWAYS_ALLOWED = {
  'open files': `
    open openat openat2 creat close close_range dup dup2 dup3 fcntl ioctl flock lseek
    read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2
    truncate ftruncate fallocate fadvise64 readahead copy_file_range sendfile splice tee vmsplice pipe pipe2
    sync syncfs fsync fdatasync sync_file_range cachestat`,
  'names and directories': `
    access faccessat faccessat2 stat lstat fstat newfstatat statx statfs fstatfs statmount listmount
    getcwd chdir fchdir mkdir mkdirat rmdir getdents getdents64 mknod mknodat
    link linkat symlink symlinkat readlink readlinkat unlink unlinkat rename renameat renameat2
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat umask utime utimes utimensat futimesat name_to_handle_at`,
  'extended attributes': `
    getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat
    listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat`,
  // io_uring is not here: it makes calls on its own, past every filter.
  'waiting for events': `
    select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2
    eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime timerfd_gettime
    inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark
    io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents ioprio_get ioprio_set`,
  memory: `
    brk mmap munmap mremap mprotect madvise mincore msync mlock mlock2 mlockall munlock munlockall remap_file_pages
    memfd_create memfd_secret membarrier mseal map_shadow_stack pkey_alloc pkey_free pkey_mprotect process_mrelease`,
  // clone and clone3 follow below: with namespaces they are the way to more privileges.
  processes: `
    fork vfork execve execveat exit exit_group wait4 waitid getpid getppid gettid getpgid getpgrp setpgid getsid setsid
    prctl set_tid_address set_robust_list get_robust_list get_thread_area set_thread_area rseq restart_syscall uretprobe
    pidfd_open pidfd_send_signal futex futex_wait futex_wake futex_requeue futex_waitv`,
  // A filter or a Landlock rule set can only take rights away, so everybody may add one.
  'rules for oneself': 'seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self',
  signals: `
    kill tkill tgkill pause alarm sigaltstack rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
    rt_sigtimedwait rt_tgsigqueueinfo`,
  'users and capabilities': `
    getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid
    setgroups capget capset`,
  'limits and scheduling': `
    getrlimit setrlimit prlimit64 getrusage times getpriority setpriority sysinfo uname getcpu
    sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam
    sched_getscheduler sched_setscheduler sched_get_priority_min sched_get_priority_max sched_rr_get_interval`,
  // Setting the clock takes CAP_SYS_TIME, which the kernel asks for itself in the *adjtime* calls.
  time: `
    time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep adjtimex clock_adjtime getitimer setitimer
    timer_create timer_settime timer_gettime timer_getoverrun timer_delete`,
  // socket itself follows below.
  sockets: `
    socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt
    sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg`,
  'System V and POSIX message passing': `
    msgget msgsnd msgrcv msgctl semget semop semtimedop semctl shmget shmat shmdt shmctl
    mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr`,
  randomness: 'getrandom',
} as const

/** What a capability opens besides: the kernel checks the capability too, so without it the call would be of no use. */
export const OPENED_BY_CAPABILITY = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN: `
    bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr
    mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount2
    unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'init_module finit_module delete_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace',
  CAP_SYS_RAWIO: 'ioperm iopl',
  CAP_SYS_TIME: 'clock_settime settimeofday',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
} as const

/**
 * Address families that socket(2) may name, as in linux/socket.h. Closed are those that the kernel has lost (DECnet 12, Econet 19,
 * ATM SVC 20, IrDA 23, WANPIPE 25, ISDN 34, CAIF 37), AF_ALG 38, the way to the kernel's ciphers, of which holes were made and no
 * container has need, and AF_VSOCK 40, which leads past every network namespace to the machine's host or guests.
 */
const SOCKET_FAMILIES_BELOW = 12
const SOCKET_FAMILIES = [13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45]

/** Execution domains of personality(2): Linux, 32-bit Linux, each with and without UNAME26, and 0xffffffff, which only asks. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffff_ffff]

/** The flags of clone(2) that make a namespace: mount, cgroup, uts, ipc, user, pid, network. In its first argument on x86-64 and arm64. */
const NAMESPACE_FLAGS = 0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000

const ENOSYS = 38

const namesOf = (text: string): string[] => text.trim().split(/\s+/)

const allow = (text: string, includes?: Condition): ProfileRule => ({
  names: namesOf(text),
  action: 'SCMP_ACT_ALLOW',
  ...(includes && { includes }),
})

const allowValue = (name: string, value: number, op: 'SCMP_CMP_EQ' | 'SCMP_CMP_LT' = 'SCMP_CMP_EQ'): ProfileRule => ({
  names: [name],
  action: 'SCMP_ACT_ALLOW',
  args: [{ index: 0, value, op }],
})

export const DEFAULT_PROFILE: Profile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  syscalls: [
    ...Object.values(ALWAYS_ALLOWED).map((text) => allow(text)),
    // Before Linux 4.8 a tracer could change a call after the filter had let it pass.
    allow('process_vm_readv process_vm_writev ptrace', { minKernel: '4.8' }),
    allow('arch_prctl modify_ldt', { arches: ['amd64'] }),
    allowValue('socket', SOCKET_FAMILIES_BELOW, 'SCMP_CMP_LT'),
    ...SOCKET_FAMILIES.map((family) => allowValue('socket', family)),
    ...PERSONALITIES.map((domain) => allowValue('personality', domain)),
    {
      names: ['clone'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      comment: 'threads and processes, no namespaces',
      excludes: { caps: ['CAP_SYS_ADMIN'] },
    },
    {
      names: ['clone3'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: ENOSYS,
      comment: 'its flags stand in memory, where no filter can look; on ENOSYS the C libraries use clone',
      excludes: { caps: ['CAP_SYS_ADMIN'] },
    },
    ...Object.entries(OPENED_BY_CAPABILITY).map(([capability, text]) => allow(text, { caps: [capability] })),
  ],
}
