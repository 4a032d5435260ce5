/** Words of the calls that make processes and namespaces, signal them, and wait. */
import type { WordNotes } from '../card.js'

export const CLONE: WordNotes<'clone'> = {
  uts: 'its own host name and domain name, at first copies of the parent’s',
  pid: 'a numbering of processes that begins anew: the first process is 1, and none outside can be seen or named',
  mnt: 'its own tree of mounts, at first a copy; whether later mounts are still shared is decided by their propagation',
  ipc: 'its own System V shared memory, semaphores and message queues, and its own POSIX message queues, all empty',
  net: 'its own network: one loopback device that is down, no addresses, no routes, no sockets of others',
  user: 'its own table of user and group ids: root inside by a map, and all capabilities, but only over what belongs to this namespace',
  cgroup: 'its own view of the cgroup tree: the cgroup in which it is made appears as “/”',
  time: 'its own offsets of the monotonic and boot-time clocks, for children to come (Linux 5.6); the time of day is everybody’s',
  into_cgroup: 'the child is born in the cgroup of the descriptor given, and need not be moved (cgroup v2, Linux 5.7)',
  pidfd: 'the parent gets a descriptor for the child, which can never come to mean another process (Linux 5.2)',
}

export const WAIT: WordNotes<'wait'> = {
  nohang: 'do not wait: answer 0 when no child has ended yet',
  untraced: 'answer also when a child was stopped',
  continued: 'answer also when a stopped child goes on',
  all: 'every kind of child, also those that report their end with another signal than SIGCHLD or none',
}

export const SIGNAL: WordNotes<'signal'> = {
  hup: 'the terminal is gone; many servers take it as “read your settings again”',
  int: 'Ctrl-C at the terminal',
  quit: 'Ctrl-\\ at the terminal: end, and leave a core file',
  ill: 'the processor met an instruction that it does not have',
  trap: 'a breakpoint of a debugger',
  abrt: 'the program gave itself up (abort)',
  bus: 'memory that cannot be reached, such as a mapped file that became shorter',
  fpe: 'arithmetic that has no result, such as a division by zero',
  kill: 'end at once; it cannot be caught or ignored, and only a namespace’s own PID 1 is safe from it (from inside)',
  usr1: 'means what the program says',
  segv: 'memory that is not the program’s',
  usr2: 'means what the program says',
  pipe: 'written to a pipe that nobody reads any more; Node’s children inherit it ignored, which the shim puts right',
  alrm: 'the time of an alarm is over',
  term: 'please end: what “docker stop” sends first; a PID 1 without a handler never gets it from inside',
  stkflt: 'unused',
  chld: 'a child has ended or stopped; also what a cloned process reports its end with',
  cont: 'go on after a stop',
  stop: 'stop; it cannot be caught or ignored',
  tstp: 'Ctrl-Z at the terminal',
  ttin: 'read from the terminal while in the background',
  ttou: 'written to the terminal while in the background',
  urg: 'urgent data on a socket',
  xcpu: 'the soft limit of processor time (rlimit cpu) is reached',
  xfsz: 'a file would pass the limit of its size (rlimit fsize)',
  vtalrm: 'a timer of the process’s own time is over',
  prof: 'a profiling timer is over',
  winch: 'the terminal has another size',
  io: 'a descriptor is ready',
  pwr: 'the power fails',
  sys: 'a system call that a seccomp filter answers with “trap”',
}

export const RLIMIT: WordNotes<'rlimit'> = {
  cpu: 'seconds of processor time; then SIGXCPU, and at the hard limit SIGKILL',
  fsize: 'bytes of a file that the process writes',
  data: 'bytes of data memory (heap and private writable mappings)',
  stack: 'bytes of the stack',
  core: 'bytes of a core file; 0 makes none',
  rss: 'has no effect since Linux 2.4.30: use a memory cgroup',
  nproc: 'processes and threads of this uid, on the whole machine and not for each container: the pids cgroup counts those',
  nofile: 'one more than the highest descriptor number: how many files can be open',
  memlock: 'bytes that may be locked into memory',
  as: 'bytes of address space',
  locks: 'has no effect since Linux 2.4.25',
  sigpending: 'signals waiting for processes of this uid',
  msgqueue: 'bytes in POSIX message queues of this uid',
  nice: 'how far the nice value may be lowered: 20 minus this number',
  rtprio: 'the highest real-time priority',
  rttime: 'microseconds of real-time scheduling without a blocking call',
}

export const KEYCTL: WordNotes<'keyctl'> = {
  join_session_keyring: 'use the session keyring of this name from here on, and make it if there is none',
}
