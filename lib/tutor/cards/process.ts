/** Cards of the calls that make, enter and replace processes. */
import type { Arg } from '../../kernel/step.js'
import { type Card, prose } from './card.js'
import { argument, member, numberOf, quote, shellWord, wordOf, wordsOf } from './shell.js'

const UNSHARE_OPTION: Readonly<Record<string, string>> = { mnt: 'mount' }

/** `--uts --pid`: how unshare(1) and nsenter(1) call the kinds of namespaces. */
function namespaceOptions(words: readonly string[]): string {
  const kinds = words.filter((word) => word !== 'pidfd' && word !== 'into_cgroup')
  return kinds.map((word) => `--${UNSHARE_OPTION[word] ?? word}`).join(' ')
}

export const PROCESS_CARDS: readonly Card[] = [
  {
    call: 'clone3',
    signature: 'long clone3(struct clone_args *cl_args, size_t size)',
    summary: 'make a new process, in new namespaces of the kinds asked for',
    detail: prose`
      Like fork: from here on there are two processes that run the same program, the parent (host) and the child (container).
      Each namespace flag gives the child a fresh copy of one kind of kernel table, so it is the moment in which a container is
      born. The call returns the child’s pid to the parent and 0 to the child. clone3 came with Linux 5.3 and takes a structure
      instead of five arguments; older programs use clone(2) with the same flags.`,
    man: 'clone(2)',
    errors: {
      EPERM: prose`
        making any namespace but a user namespace needs CAP_SYS_ADMIN: be root, or add “user” to the list; when “user” is in the
        list already, the caller’s own ids have no mapping in its user namespace, or it sits in a chroot, or a security module
        such as AppArmor forbids it`,
      ENOSPC: 'a limit in /proc/sys/user/max_*_namespaces is reached (0 there switches a kind off), or namespaces are nested 32 deep',
      EUSERS: 'user namespaces are nested too deep (kernels before 4.9 said it with this error)',
      EINVAL: 'this kernel was built without one of the namespaces, or the flags contradict each other',
      EAGAIN: 'too many processes: the pids limit of the cgroup, RLIMIT_NPROC, or the end of the pid range',
      ENOMEM: 'no memory for the new process, or the init of this pid namespace has ended, and no process can be born in it any more',
      EBUSY: 'into_cgroup: that cgroup hands controllers to its children (cgroup.subtree_control is not empty), so no process may be in it',
      EACCES: 'into_cgroup: the caller may not write cgroup.procs of that cgroup or of the nearest cgroup that it shares with its own',
      EOPNOTSUPP: 'into_cgroup: the cgroup is in the “domain invalid” state because a relative of it is threaded',
      EBADF: 'into_cgroup: the descriptor is not that of a cgroup v2 directory',
      ENOSYS: 'a kernel before 5.3, or a seccomp filter around this host that hides clone3 (old container engines do)',
    },
    shell(step) {
      const flags = member(step, 'cl_args', 'flags')
      const options = flags?.kind === 'flags' ? namespaceOptions(flags.words) : ''
      return `unshare${options && ` ${options}`} --fork`
    },
  },
  {
    call: 'unshare',
    signature: 'int unshare(int flags)',
    summary: 'move the caller itself into new namespaces',
    detail: prose`
      No new process is made: the caller leaves the namespace that it shared with others and gets a copy of its own. Two kinds
      are different: after “pid” and “time” the caller stays where it is, and only children made later are inside. In a process
      with threads “user” is refused and the other kinds move only the calling thread, which is why Node does not do it itself.`,
    man: 'unshare(2)',
    errors: {
      EPERM: 'every kind but “user” needs CAP_SYS_ADMIN; “user” needs mapped ids and no chroot, and may be forbidden by a security module',
      EINVAL: 'the caller has threads and asked for “user”, or has unshared “pid” before, or this kernel lacks the namespace',
      ENOSPC: 'a limit in /proc/sys/user/max_*_namespaces is reached, or namespaces are nested 32 deep',
      ENOMEM: 'no memory to copy the caller’s tables',
    },
    shell: (step) => `unshare ${namespaceOptions(wordsOf(step, 'flags'))}`,
  },
  {
    call: 'setns',
    signature: 'int setns(int fd, int nstype)',
    summary: 'enter namespaces that exist already',
    detail: prose`
      The descriptor says which: one of the files in /proc/PID/ns, or since Linux 5.8 a pidfd together with the list of kinds to
      take from that process. “docker exec” is this call and then an execve. As with unshare, entering a pid namespace changes
      only where later children are born, and a process with threads may not enter a user or mount namespace.`,
    man: 'setns(2)',
    errors: {
      EPERM: prose`
        entering needs CAP_SYS_ADMIN both in the caller’s user namespace and in the one that owns the target (“mnt” also
        CAP_SYS_CHROOT); inside a user namespace one cannot enter what was made outside it`,
      EINVAL: prose`
        the descriptor is of another kind than nstype says, or a pidfd came without kinds, or the caller has threads, or it
        would enter its own user namespace again or an ancestor’s pid namespace`,
      ESRCH: 'the process behind the pidfd has ended and was waited for',
      EBADF: 'that descriptor is not open here; open the /proc/PID/ns file first',
      EUSERS: 'a process with threads cannot enter a time namespace',
    },
    shell(step) {
      const words = wordsOf(step, 'nstype')
      const descriptor = shellWord(step, 'fd')
      if (descriptor === '$pidfd' && words.length > 0) return `nsenter --target $child ${namespaceOptions(words)}`
      return words.length === 1 ? `nsenter ${namespaceOptions(words)}=/proc/self/fd/${descriptor}` : undefined
    },
  },
  {
    call: 'pidfd_open',
    signature: 'int pidfd_open(pid_t pid, unsigned int flags)',
    summary: 'get a descriptor for a process',
    detail: prose`
      A pid is a number that the kernel gives away again after the process has ended, so a late kill can hit a stranger. A pidfd
      cannot come to mean another process; it becomes readable when the process ends, and setns and pidfd_send_signal take it.
      Linux 5.3.`,
    man: 'pidfd_open(2)',
    errors: {
      ESRCH: 'no process has this pid in the caller’s pid namespace; it may have ended, or the number is another namespace’s',
      EINVAL: 'the pid is not positive, or it is that of a thread and not of a process',
    },
  },
  {
    call: 'pidfd_getfd',
    signature: 'int pidfd_getfd(int pidfd, int targetfd, unsigned int flags)',
    summary: 'copy a descriptor out of another process',
    detail: prose`
      Both processes then share the open file, as after a dup. The host uses it to fetch the master of a terminal that the
      container opened in its own /dev/pts: a terminal belongs to the devpts in which it was made. The caller needs the right to
      trace the other process. Linux 5.6.`,
    man: 'pidfd_getfd(2)',
    errors: {
      EPERM: 'the caller may not trace that process: it has other ids, is not dumpable, or Yama’s ptrace_scope forbids it',
      EBADF: 'the other process has no such descriptor open',
      ESRCH: 'the process has ended',
    },
  },
  {
    call: 'kill',
    signature: 'int kill(pid_t pid, int sig)',
    summary: 'send a signal to a process',
    detail: prose`
      The name is too narrow: most signals only tell something. PID 1 of a pid namespace is special: a signal from inside that
      it has no handler for is dropped, SIGKILL included; from the parent namespace SIGKILL and SIGSTOP always work. When PID 1
      ends, the kernel kills every other process of its namespace.`,
    man: 'kill(2)',
    errors: {
      ESRCH: 'no such process in the caller’s pid namespace',
      EPERM: 'the target has other ids and the caller lacks CAP_KILL in the target’s user namespace',
      EINVAL: 'no such signal',
    },
    shell: (step) => `kill -${wordOf(step, 'sig')?.toUpperCase()} ${numberOf(step, 'pid')}`,
  },
  {
    call: 'pidfd_send_signal',
    signature: 'int pidfd_send_signal(int pidfd, int sig, siginfo_t *info, unsigned int flags)',
    summary: 'send a signal to exactly this process',
    detail: prose`
      Like kill, but by pidfd: it can never hit a process that got the same number later. Engines stop containers with it. Linux
      5.1.`,
    man: 'pidfd_send_signal(2)',
    errors: {
      ESRCH: 'the process has ended and was waited for',
      EPERM: 'the target has other ids and the caller lacks CAP_KILL over it',
      EINVAL: 'no such signal, or the target is in a pid namespace that the caller does not see',
      EBADF: 'not a pidfd',
    },
    shell: (step) => (shellWord(step, 'pidfd') === '$pidfd' ? `kill -${wordOf(step, 'sig')?.toUpperCase()} $child` : undefined),
  },
  {
    call: 'wait4',
    signature: 'pid_t wait4(pid_t pid, int *wstatus, int options, struct rusage *rusage)',
    summary: 'wait for a child to end, and take its status',
    detail: prose`
      A process that has ended stays in the table as a zombie until its parent takes the status with this call. Orphans are
      handed to PID 1 of their pid namespace, so a container’s PID 1 must wait for children that it never made; programs that do
      not are why “docker run --init” exists.`,
    man: 'wait4(2)',
    errors: {
      ECHILD: 'the caller has no such child: only the parent can wait, not any process',
      EINTR: 'a signal came before the child ended',
      EINVAL: 'an unknown option',
    },
    shell: (step) => (numberOf(step, 'pid') === '-1' ? 'wait' : `wait ${numberOf(step, 'pid')}`),
  },
  {
    call: 'execve',
    signature: 'int execve(const char *pathname, char *const argv[], char *const envp[])',
    summary: 'become another program',
    detail: prose`
      The process keeps its pid, its namespaces, its cgroup and its open descriptors (but those marked close-on-exec); its
      memory is replaced by the program in the file. It is the last step of a plan: whatever the container’s program must not
      have has to be gone before. On success it does not return, so it has no return value. The path is looked up in the
      caller’s own root, and nothing searches PATH: that is the shell’s work.`,
    man: 'execve(2)',
    errors: {
      ENOENT:
        'no such file in this root (execve looks for it there and nowhere else: PATH is a shell’s), or it is there but its interpreter (the #! line, or the dynamic loader named in the program) is not',
      EACCES: 'not executable for these ids, or on a file system mounted noexec, or a directory on the way cannot be searched',
      ENOEXEC: 'not a program for this machine: another architecture, or a script without a #! line',
      E2BIG: 'arguments and environment together are too long (a quarter of the stack limit)',
      EPERM: 'the file gives privileges (setuid or capabilities) that it cannot get here, or a security module refuses',
      ENOTDIR: 'something on the way is a file, not a directory',
      ELOOP: 'too many symbolic links, or interpreters of interpreters',
      ETXTBSY: 'somebody has the program open for writing',
      EAGAIN: 'the user of this process has more processes than RLIMIT_NPROC allows (checked here after a change of uid)',
      ENOMEM: 'no memory for the new program: look at the limit of its cgroup',
      EISDIR: 'the interpreter is a directory',
      ELIBBAD: 'the interpreter of the program is not a program itself',
    },
    shell: (step) => execLine(argument(step, 'envp'), argument(step, 'argv'), shellWord(step, 'pathname')),
  },
  {
    call: 'execveat',
    signature: 'int execveat(int dirfd, const char *pathname, char *const argv[], char *const envp[], int flags)',
    summary: 'become the program behind an open descriptor',
    detail: prose`
      Like execve, but with empty_path the program is an open file instead of a name: it works even when the file’s path cannot
      be seen from the new root, which is how an init that lives on the host gets into a container. A script cannot be started
      so when its descriptor closes on exec: its interpreter could not open it. Linux 3.19.`,
    man: 'execveat(2)',
    errors: {
      ENOENT:
        'the descriptor is a script’s and closes on exec, so that its interpreter cannot open it; or the interpreter is not in this root',
      EACCES: 'not executable, or on a file system mounted noexec',
      ENOEXEC: 'not a program for this machine',
      EBADF: 'that descriptor is not open',
      EINVAL: 'unknown flags',
    },
  },
]

/** `exec env -i A=B /bin/sh -c …`: the environment of an execve is exactly what is given. */
function execLine(envp: Arg | undefined, argv: Arg | undefined, pathname: string | undefined): string | undefined {
  if (pathname === undefined || argv?.kind !== 'strings') return undefined
  const variables = envp?.kind === 'strings' ? envp.values.map(quote) : []
  return ['exec', 'env', '-i', ...variables, pathname, ...argv.values.slice(1).map(quote)].join(' ')
}
