/** Cards of the calls about the process's own surroundings: its ids, names, session, directory, limits. */
import { type Card, prose } from './card.js'
import { argument, numberOf, shellValue, shellWord, wordOf } from './shell.js'

export const SESSION_CARDS: readonly Card[] = [
  {
    call: 'getpid',
    signature: 'pid_t getpid(void)',
    summary: 'the caller’s process id, in its own pid namespace',
    detail: prose`
      A process has one pid for each pid namespace around it: 1 inside the container, something like 4711 on the host. This call
      answers with the innermost; the line NSpid in /proc/PID/status shows them all.`,
    man: 'getpid(2)',
    errors: {},
    shell: () => 'echo $$',
  },
  {
    call: 'getppid',
    signature: 'pid_t getppid(void)',
    summary: 'the parent’s process id',
    detail: prose`
      In a fresh pid namespace the answer is 0: the parent lives outside, where no number of this namespace reaches.`,
    man: 'getppid(2)',
    errors: {},
    shell: () => 'echo $PPID',
  },
  {
    call: 'getuid',
    signature: 'uid_t getuid(void)',
    summary: 'the caller’s real user id, as its user namespace counts',
    detail: prose`
      In a new user namespace without a map every id reads as 65534, “nobody” (the overflow id); with the map 0 → 1000 the user
      1000 of the host reads 0 here.`,
    man: 'getuid(2)',
    errors: {},
    shell: () => 'id -ru',
  },
  {
    call: 'geteuid',
    signature: 'uid_t geteuid(void)',
    summary: 'the caller’s effective user id, by which it is judged',
    detail: prose`
      A setuid program has the file owner’s id as its effective one and keeps the caller’s as the real one. Permission checks
      look at the effective id and at the capabilities.`,
    man: 'geteuid(2)',
    errors: {},
    shell: () => 'id -u',
  },
  {
    call: 'setsid',
    signature: 'pid_t setsid(void)',
    summary: 'begin a new session, away from the old terminal',
    detail: prose`
      A session is a group of processes with at most one controlling terminal: the one whose Ctrl-C they get. The container’s
      program needs a session of its own before it can have a terminal of its own, and so that the host’s terminal cannot signal
      it.`,
    man: 'setsid(2)',
    errors: { EPERM: 'the caller leads a process group already, for example after an earlier setsid' },
    shell: () => 'setsid',
  },
  {
    call: 'chdir',
    signature: 'int chdir(const char *path)',
    summary: 'change the current directory',
    detail: prose`
      Paths that do not begin with “/” start there. A process whose current directory lies outside its root can climb out by
      “..”: after chroot or pivot_root a chdir into the new root belongs to the plan.`,
    man: 'chdir(2)',
    errors: {
      ENOENT: 'no such directory in the caller’s root (the host’s paths are gone after pivot_root)',
      ENOTDIR: 'it is a file',
      EACCES: 'a directory on the way may not be searched by this id',
    },
    shell: (step) => `cd ${shellWord(step, 'path')}`,
  },
  {
    call: 'fchdir',
    signature: 'int fchdir(int fd)',
    summary: 'change the current directory to an open one',
    detail: prose`
      Works even when the directory has no path in the caller’s root any more; with a descriptor from before a chroot this is
      the classic way out of it.`,
    man: 'fchdir(2)',
    errors: { EBADF: 'that descriptor is not open', ENOTDIR: 'it is not a directory’s', EACCES: 'the directory may not be searched' },
    shell: (step) => `cd /proc/self/fd/${shellWord(step, 'fd')}`,
  },
  {
    call: 'prlimit64',
    signature: 'int prlimit(pid_t pid, int resource, const struct rlimit *new_limit, struct rlimit *old_limit)',
    summary: 'set a resource limit of the process',
    detail: prose`
      Every process has a soft limit (what counts now) and a hard one (how far it may raise the soft one) for each resource;
      they are inherited by fork and kept by execve. Unlike a cgroup they bind each process alone, or all processes of one uid
      on the whole machine. The kernel knows the call as prlimit64 (2.6.36).`,
    man: 'prlimit(2)',
    errors: {
      EPERM: 'raising a hard limit needs CAP_SYS_RESOURCE in the first user namespace, or nofile is asked to pass /proc/sys/fs/nr_open',
      EINVAL: 'the soft limit is above the hard one',
      ESRCH: 'no such process',
    },
    shell(step) {
      const limits = argument(step, 'new_limit')
      if (limits?.kind !== 'struct') return undefined
      const [soft, hard] = limits.fields.map(({ value }) => shellValue(value))
      return `prlimit --pid $$ --${wordOf(step, 'resource')}=${soft}:${hard}`
    },
  },
  {
    call: 'umask',
    signature: 'mode_t umask(mode_t mask)',
    summary: 'the mode bits that new files do not get',
    detail: prose`
      An open or mkdir asks for a mode, and the mask takes bits away from it. A plan that makes files with exact modes sets it
      to 0 first; a container’s program usually starts with 022. It cannot fail and answers with the old mask.`,
    man: 'umask(2)',
    errors: {},
    shell: (step) => `umask ${numberOf(step, 'mask')?.padStart(3, '0')}`,
  },
  {
    call: 'nanosleep',
    signature: 'int nanosleep(const struct timespec *duration, struct timespec *rem)',
    summary: 'sleep for a given time',
    detail: prose`
      Nothing in the making of a container needs to wait for time; lessons use it to let something be seen.`,
    man: 'nanosleep(2)',
    errors: { EINTR: 'a signal came before the time was over', EINVAL: 'the time is negative or has a billion nanoseconds or more' },
    shell(step) {
      const duration = argument(step, 'duration')
      if (duration?.kind !== 'struct') return undefined
      const [seconds, nanoseconds] = duration.fields.map(({ value }) => (value.kind === 'int' ? Number(value.value) : 0))
      return `sleep ${(seconds ?? 0) + (nanoseconds ?? 0) / 1e9}`
    },
  },
  {
    call: 'keyctl',
    signature: 'long keyctl(int operation, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)',
    summary: 'operate on the kernel’s key store',
    detail: prose`
      The kernel keeps passwords and tickets in keyrings. No kind of namespace is made for them, and a child inherits its
      parent’s session keyring: without a new one the container could use the keys of the host’s session. The call takes the one
      named, or makes it. Docker’s default seccomp profile forbids the call to the program itself.`,
    man: 'keyctl(2)',
    errors: {
      EDQUOT: 'this user’s quota of keys is used up (/proc/key-users, /proc/sys/kernel/keys/maxkeys)',
      ENOSYS: 'this kernel has no key store; nothing needs to be kept apart then',
      EPERM: 'a seccomp filter around this host forbids the call',
      EACCES: 'a keyring of that name exists and may not be joined',
      EINVAL: 'the name is empty or longer than a page',
      ENOMEM: 'no memory for another keyring',
    },
    shell: (step) => (wordOf(step, 'operation') === 'join_session_keyring' ? `keyctl session ${shellWord(step, 'name')}` : undefined),
  },
  {
    call: 'sethostname',
    signature: 'int sethostname(const char *name, size_t len)',
    summary: 'set the host name of this uts namespace',
    detail: prose`
      The name is one string of at most 64 bytes in the uts namespace (“UNIX time-sharing”, after the structure that uname
      fills). Without a namespace of one’s own the whole machine gets it. No name service learns of it: that others can find a
      container by name takes a DNS server or /etc/hosts.`,
    man: 'sethostname(2)',
    errors: {
      EPERM: 'needs CAP_SYS_ADMIN in the user namespace that owns this uts namespace: was “uts” cloned together with “user”?',
      EINVAL: 'longer than 64 bytes',
    },
    shell: (step) => `hostname ${shellWord(step, 'name')}`,
  },
  {
    call: 'setdomainname',
    signature: 'int setdomainname(const char *name, size_t len)',
    summary: 'set the NIS domain name of this uts namespace',
    detail: prose`
      The second string in the uts namespace, once meant for NIS and unrelated to DNS. “docker run --domainname” sets it.`,
    man: 'setdomainname(2)',
    errors: { EPERM: 'needs CAP_SYS_ADMIN in the user namespace that owns this uts namespace', EINVAL: 'longer than 64 bytes' },
    shell: (step) => `domainname ${shellWord(step, 'name')}`,
  },
  {
    call: 'uname',
    signature: 'int uname(struct utsname *buf)',
    summary: 'names of kernel and host',
    detail: prose`
      Answers with six strings: system, host name, kernel release, version, machine, domain name. The two names are the uts
      namespace’s; the release is the host’s in every container, since there is only one kernel.`,
    man: 'uname(2)',
    errors: {},
    shell: () => 'uname -a',
  },
]
