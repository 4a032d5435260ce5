/** Cards of the calls on open files: read, write, dup, pipes, and the operations of fcntl and ioctl. */
import type { Step } from '../../kernel/step.js'
import { type Card, prose } from './card.js'
import { argument, member, numberOf, pathOfDescriptor, quote, shellValue, shellWord, wordOf } from './shell.js'

const NOT_OPEN = 'that descriptor is not open, or not for this'

/** `>&$fd`, or `> /path` when an earlier step opened it. */
function redirection(step: Step, earlier: readonly Step[], direction: '<' | '>'): string {
  const path = pathOfDescriptor(step, earlier)
  return path === undefined ? `${direction}&${shellWord(step, 'fd')}` : `${direction} ${path}`
}

export const DESCRIPTOR_CARDS: readonly Card[] = [
  {
    call: 'read',
    signature: 'ssize_t read(int fd, void *buf, size_t count)',
    summary: 'read bytes from an open file',
    detail: prose`
      Answers with the number of bytes read, 0 at the end. Files in /proc, /sys and cgroups are made by the kernel at the moment
      of the read: what one reads is the kernel’s state now.`,
    man: 'read(2)',
    errors: {
      EBADF: NOT_OPEN,
      EISDIR: 'a directory cannot be read as a file',
      EAGAIN: 'nothing there yet on a non-blocking descriptor',
      EINTR: 'a signal came first',
      EIO: 'the terminal’s other end is closed, or a process in the background read from its terminal',
      EINVAL: 'this file cannot be read',
    },
    shell: (step, earlier = []) => `cat ${redirection(step, earlier, '<')}`,
  },
  {
    call: 'write',
    signature: 'ssize_t write(int fd, const void *buf, size_t count)',
    summary: 'write bytes to an open file',
    detail: prose`
      For an ordinary file these are its bytes. For a file in /proc, /sys or a cgroup it is a command: the kernel reads the text
      at once, does what it says, and the error of the write is the answer. Limits, id maps and sysctls are set so; each such
      command must be one single write.`,
    man: 'write(2)',
    errors: {
      EPERM: prose`
        for uid_map or gid_map: written once already, or several ranges or foreign ids by a process without CAP_SETUID
        (CAP_SETGID) in the parent user namespace, or gid_map before setgroups was set to “deny”, or (since 5.12) the parent’s 0
        without CAP_SETFCAP`,
      EINVAL: 'the text is not what this file takes: look at its format; for an id map, ranges overlap or the text is empty or too long',
      EBUSY: prose`
        for cgroup.subtree_control: processes live in this very cgroup, and v2 allows members or delegated controllers, not
        both; for cgroup.procs: the cgroup hands controllers down; for a limit: more is in use already and cannot be taken back`,
      ENOENT: 'for cgroup.subtree_control: the parent does not offer this controller (its own cgroup.controllers lacks it)',
      EACCES: 'the file is owned by somebody else, or the limit may not be changed from inside',
      ESRCH: 'for cgroup.procs and tasks: no such process in this pid namespace; for /proc/PID: it has ended',
      ENOSPC: 'no space left; for cpuset: the cgroup has no cpus or memory nodes yet, so nothing may be put into it',
      EDQUOT: 'the quota of the user or the device is used up',
      EOPNOTSUPP: 'for cgroup files: the cgroup is in the “domain invalid” state, or only a threaded controller is allowed here',
      ERANGE: 'the number is too large for this file',
      ENODEV: 'for cgroup files: the cgroup was removed meanwhile, or there is no such device',
      EBADF: 'that descriptor is not open for writing',
      EFBIG: 'beyond the limit RLIMIT_FSIZE',
      EPIPE: 'nobody reads the other end any more',
      EROFS: 'the file system is read-only (in a container, masked paths and /proc/sys are)',
      EIO: 'the kernel could not do what was asked; for a terminal, its other end is closed',
    },
    shell(step, earlier = []) {
      const buffer = argument(step, 'buf')
      const text = buffer && shellValue(buffer)
      if (text === undefined || buffer?.kind !== 'bytes') return undefined
      const line = Buffer.from(buffer.bytes).toString()
      const command = /^[^\n-][^\n]*\n?$/.test(line) ? `echo ${quote(line.replace(/\n$/, ''))}` : `printf %s ${text}`
      return `${command} ${redirection(step, earlier, '>')}`
    },
  },
  {
    call: 'close',
    signature: 'int close(int fd)',
    summary: 'give a descriptor back',
    detail: prose`
      The last descriptor that is closed frees what was behind it: a pipe’s reader then sees the end, a deleted file goes, a
      namespace without processes ends. What a container must not hold has to be closed before its program starts.`,
    man: 'close(2)',
    errors: { EBADF: 'it is not open', EIO: 'what was written earlier could not be stored' },
    shell: (step) => {
      const fd = argument(step, 'fd')
      if (fd?.kind === 'ref') return `exec {${fd.ref}}>&-`
      return `exec ${numberOf(step, 'fd')}>&-`
    },
  },
  {
    call: 'close_range',
    signature: 'int close_range(unsigned int first, unsigned int last, int flags)',
    summary: 'close all descriptors of a range at once',
    detail: prose`
      One call instead of a loop over /proc/self/fd. A descriptor that slips into a container is a hole in its wall: an open
      directory of the host leads out of any root (CVE-2024-21626 in runc was just that). Linux 5.9; with the flag cloexec
      (5.11) they are closed by the execve instead.`,
    man: 'close_range(2)',
    errors: {
      EINVAL: 'first is greater than last, or this kernel does not know the flag (cloexec: Linux 5.11)',
      ENOSYS: 'a kernel before 5.9',
      EMFILE: 'too many descriptors to copy',
      ENOMEM: 'no memory for a table of one’s own',
    },
  },
  {
    call: 'dup3',
    signature: 'int dup3(int oldfd, int newfd, int flags)',
    summary: 'make a descriptor a second name of another',
    detail: prose`
      Standard input, output and error are nothing but the descriptors 0, 1 and 2. Putting a pipe or a terminal there, by this
      call, is how a program gets its stdio; the copy is not close-on-exec, so it survives.`,
    man: 'dup(2)',
    errors: {
      EBADF: 'oldfd is not open, or newfd is beyond the limit',
      EINVAL: 'oldfd and newfd are the same',
      EBUSY: 'a race with an open; try again',
      EMFILE: 'newfd is beyond RLIMIT_NOFILE',
    },
    shell(step) {
      const target = numberOf(step, 'newfd')
      return `exec ${target}${target === '0' ? '<' : '>'}&${shellWord(step, 'oldfd')}`
    },
  },
  {
    call: 'fcntl',
    signature: 'int fcntl(int fd, int op, ... /* arg */ )',
    summary: 'one of many operations on a descriptor',
    detail: prose`
      The operation says which: a copy above a given number, the close-on-exec mark, the status flags, the size of a pipe, a lock
      on the file.`,
    man: 'fcntl(2)',
    errors: {
      EBADF: 'that descriptor is not open',
      EINVAL: 'an operation or argument that this kind of file does not take',
      EMFILE: 'no descriptor is free above the number asked for',
      EPERM: 'a pipe larger than /proc/sys/fs/pipe-max-size takes CAP_SYS_RESOURCE',
      EBUSY: 'the pipe holds more than the new size',
      EAGAIN: 'somebody else has a lock on the file',
    },
  },
  {
    call: 'pipe2',
    signature: 'int pipe2(int pipefd[2], int flags)',
    summary: 'make a pipe: two descriptors, what is written to one is read from the other',
    detail: prose`
      Pipes carry the output of containers without a terminal to whoever keeps the log, and let two processes wait for each
      other: a read blocks until the other side writes or closes.`,
    man: 'pipe(2)',
    errors: {
      EMFILE: 'no descriptor is free (RLIMIT_NOFILE)',
      ENFILE: 'the system has too many open files, or the user too many pipe pages',
    },
  },
  {
    call: 'ioctl',
    signature: 'int ioctl(int fd, unsigned long op, ...)',
    summary: 'a device’s own operations',
    detail: prose`
      What does not fit into read and write: each driver has its own numbers. Here it speaks to terminals (who controls them,
      how large they are) and to descriptors of namespaces (who owns them, what is their parent).`,
    man: 'ioctl(2)',
    errors: {
      ENOTTY: 'that descriptor’s driver has no such operation (for terminal operations: it is not a terminal)',
      EBADF: 'that descriptor is not open',
      EINVAL: 'an argument that the driver does not take',
      EPERM: 'not allowed to this process',
    },
    operations: {
      tiocsctty: {
        EPERM: 'the caller leads no session (setsid comes first), has a terminal already, or this one controls another session',
      },
      tiocnotty: { ENOTTY: 'it is not the controlling terminal of the caller’s session' },
      tiocswinsz: { ENOTTY: 'the descriptor is not a terminal’s' },
      tiocsptlck: { ENOTTY: 'the descriptor is no master of a terminal' },
      tiocgptpeer: {
        ENOTTY: 'the descriptor is no master of a terminal',
        EIO: 'the slave is locked: tiocsptlck comes first',
        ENODEV: 'the devpts from which the master came is not mounted beside it any more',
      },
      ns_get_userns: { EPERM: 'the owner is outside the caller’s own user namespace' },
      ns_get_parent: { EPERM: 'the parent is outside the caller’s own namespace', EINVAL: 'this kind of namespace has no parents' },
      ns_get_owner_uid: { EINVAL: 'the descriptor is not that of a user namespace' },
    },
    shell(step) {
      switch (wordOf(step, 'op')) {
        case 'tiocsctty':
          return 'setsid --ctty'
        case 'tiocswinsz': {
          const [rows, columns] = ['ws_row', 'ws_col'].map((name) => member(step, 'winsize', name))
          return rows && columns ? `stty rows ${shellValue(rows)} cols ${shellValue(columns)} <&${shellWord(step, 'fd')}` : undefined
        }
        default:
          return undefined
      }
    },
  },
]
