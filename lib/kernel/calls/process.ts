/** Calls that make, enter, signal and replace processes. */
import { bits, bytes, fd, field, int, mode, nothing, out, path, strings, struct, word } from '../args.js'
import { type Descriptor, type Pathname, type Step, type StepOptions, step } from '../step.js'
import type { Word } from '../words.js'

/** Kinds of namespaces, in the words of the clone flags. */
export type Namespace = 'uts' | 'pid' | 'mnt' | 'ipc' | 'net' | 'user' | 'cgroup' | 'time'

/** Size in bytes of struct clone_args, clone3(2), since Linux 5.7 (with `cgroup`). */
const CLONE_ARGS_SIZE = 88

/** Offset of the member pidfd points to: it is out-buffer 0 of the step. */
const PIDFD_SIZE = 4

/**
 * clone3(2): a new process in new namespaces of the kinds given. Its pid is kept as `child`, its pidfd as `pidfd`.
 * `cgroup`: a descriptor of a cgroup v2 directory; the child is born in it (CLONE_INTO_CGROUP, Linux 5.7).
 */
export function clone3(namespaces: readonly Namespace[], options: StepOptions & { cgroup?: Descriptor } = {}): Step {
  const { cgroup, ...rest } = options
  const words: Word<'clone'>[] = [...namespaces, 'pidfd']
  if (cgroup !== undefined) words.push('into_cgroup')
  const members = [
    field('flags', 0, 8, bits('flags', 'clone', words)),
    field('pidfd', 8, 8, out('pidfd', PIDFD_SIZE)),
    field('exit_signal', 32, 8, word('exit_signal', 'signal', 'chld')),
  ]
  if (cgroup !== undefined) members.push(field('cgroup', 80, 8, fd('cgroup', cgroup)))
  return step('clone3', [struct('cl_args', 'clone_args', CLONE_ARGS_SIZE, members), int('size', CLONE_ARGS_SIZE)], {
    ...rest,
    actor: 'host',
    keeps: [{ slot: 'pidfd', out: 0, offset: 0, width: 4 }],
  })
}

/** clone3(2) with the namespaces as words: `clone('uts', 'pid')`. */
export function clone(...namespaces: Namespace[]): Step {
  return clone3(namespaces)
}

/** unshare(2): the caller moves into new namespaces (for `pid` and `time`: its later children do). */
export function unshare(namespaces: readonly Namespace[], options?: StepOptions): Step {
  return step('unshare', [bits('flags', 'clone', namespaces)], options)
}

/** setns(2): enter the namespace of a descriptor; with a pidfd (Linux 5.8), those of the process in `namespaces`. */
export function setns(descriptor: Descriptor, namespaces: readonly Namespace[] = [], options?: StepOptions): Step {
  return step('setns', [fd('fd', descriptor), bits('nstype', 'clone', namespaces)], options)
}

/** pidfd_open(2): a descriptor for a process, which cannot come to mean another one. */
export function pidfd_open(pid: number | Descriptor, options?: StepOptions): Step {
  return step('pidfd_open', [int('pid', pid), int('flags', 0)], options)
}

/** pidfd_getfd(2): a copy of another process's descriptor. */
export function pidfd_getfd(pidfd: Descriptor, targetfd: Descriptor, options?: StepOptions): Step {
  return step('pidfd_getfd', [fd('pidfd', pidfd), fd('targetfd', targetfd), int('flags', 0)], options)
}

/** kill(2). */
export function kill(pid: number | Descriptor, signal: Word<'signal'>, options?: StepOptions): Step {
  return step('kill', [int('pid', pid), word('sig', 'signal', signal)], options)
}

/** pidfd_send_signal(2). */
export function pidfd_send_signal(pidfd: Descriptor, signal: Word<'signal'>, options?: StepOptions): Step {
  return step('pidfd_send_signal', [fd('pidfd', pidfd), word('sig', 'signal', signal), nothing('info'), int('flags', 0)], options)
}

export const getpid = (options?: StepOptions): Step => step('getpid', [], options)
export const getppid = (options?: StepOptions): Step => step('getppid', [], options)
export const getuid = (options?: StepOptions): Step => step('getuid', [], options)
export const geteuid = (options?: StepOptions): Step => step('geteuid', [], options)

/** setsid(2): a new session without a controlling terminal; the caller leads it. */
export const setsid = (options?: StepOptions): Step => step('setsid', [], options)

/** execve(2): become another program. The environment is exactly what is given. */
export function execve(pathname: Pathname, argv: readonly string[], env: readonly string[] = [], options?: StepOptions): Step {
  return step('execve', [path('pathname', pathname), strings('argv', argv), strings('envp', env)], options)
}

/** execveat(2) of an open file: become the program behind a descriptor, wherever its name has gone. */
export function execveat(descriptor: Descriptor, argv: readonly string[], env: readonly string[] = [], options?: StepOptions): Step {
  return step(
    'execveat',
    [fd('dirfd', descriptor), path('pathname', ''), strings('argv', argv), strings('envp', env), bits('flags', 'at', ['empty_path'])],
    options,
  )
}

/** chdir(2). */
export const chdir = (pathname: Pathname, options?: StepOptions): Step => step('chdir', [path('path', pathname)], options)

/** fchdir(2). */
export const fchdir = (descriptor: Descriptor, options?: StepOptions): Step => step('fchdir', [fd('fd', descriptor)], options)

/** prlimit(2) on the caller: soft and hard limit; Infinity is "no limit". */
export function setrlimit(resource: Word<'rlimit'>, soft: number, hard: number, options?: StepOptions): Step {
  const limit = (value: number) =>
    int('limit', Number.isFinite(value) ? value : 0xffff_ffff_ffff_ffffn, Number.isFinite(value) ? undefined : 'unlimited')
  return step(
    'prlimit64',
    [
      int('pid', 0),
      word('resource', 'rlimit', resource),
      struct('new_limit', 'rlimit', 16, [field('rlim_cur', 0, 8, limit(soft)), field('rlim_max', 8, 8, limit(hard))]),
      nothing('old_limit'),
    ],
    options,
  )
}

/** umask(2). */
export const umask = (mask: number, options?: StepOptions): Step => step('umask', [mode('mask', mask)], options)

/** nanosleep(2): sleep so many milliseconds. */
export function nanosleep(milliseconds: number, options?: StepOptions): Step {
  const seconds = Math.floor(milliseconds / 1000)
  const rest = Math.round((milliseconds - seconds * 1000) * 1e6)
  const duration = struct('duration', 'timespec', 16, [field('tv_sec', 0, 8, seconds), field('tv_nsec', 8, 8, rest)])
  return step('nanosleep', [duration, nothing('rem')], options)
}

/** keyctl(2) KEYCTL_JOIN_SESSION_KEYRING: a session keyring of one's own, so that the host's keys stay out of reach. */
export function join_session_keyring(name: string, options?: StepOptions): Step {
  return step(
    'keyctl',
    [word('operation', 'keyctl', 'join_session_keyring'), bytes('name', `${name}`), int('arg3', 0), int('arg4', 0), int('arg5', 0)],
    options,
  )
}

/** sethostname(2): the name in this uts namespace. */
export function sethostname(name: string, options?: StepOptions): Step {
  return step('sethostname', [bytes('name', name), int('len', Buffer.byteLength(name))], options)
}

/** setdomainname(2). */
export function setdomainname(name: string, options?: StepOptions): Step {
  return step('setdomainname', [bytes('name', name), int('len', Buffer.byteLength(name))], options)
}

/** uname(2): struct utsname of six 65-byte strings is the step's out-buffer. */
export const uname = (options?: StepOptions): Step => step('uname', [out('buf', 6 * 65)], options)

/** waitpid(2) for any child of the caller: the status is out-buffer 0. */
export function wait4(pid: number | Descriptor, options: StepOptions & { flags?: readonly Word<'wait'>[] } = {}): Step {
  const { flags = [], ...rest } = options
  return step('wait4', [int('pid', pid), out('wstatus', 4), bits('options', 'wait', flags), nothing('rusage')], rest)
}
