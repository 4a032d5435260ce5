/** How the calls about processes are typed. */
import * as calls from '../../kernel/calls/process.js'
import { WORDS } from '../../kernel/words.js'
import { DESCRIPTOR, flags, LIMIT, MODE, NUMBER, PATH, PID, STRING, word } from '../kinds.js'
import { ARGUMENT, ASSIGNMENT } from '../program-words.js'
import { type Form, form, keyword, leading, named, one, only, optional, rest } from './form.js'

const from = ['calls/process', calls] as const

/** The kinds of namespaces are the first words of the group; the rest are set by the constructor. */
const KINDS = flags(
  'clone',
  WORDS.clone.filter((kind) => kind !== 'pidfd' && kind !== 'into_cgroup'),
)

export const PROCESS_FORMS: readonly Form[] = [
  form(from, 'clone3', 'clone3', [optional('namespaces', KINDS), named('cgroup', DESCRIPTOR)], ({ namespaces, cgroup }, options) => [
    namespaces ?? [],
    only({ cgroup, ...options }),
  ]),
  form(from, 'unshare', 'unshare', [one('namespaces', KINDS)]),
  form(from, 'setns', 'setns', [one('fd', DESCRIPTOR), optional('namespaces', KINDS)]),
  form(from, 'pidfd_open', 'pidfd_open', [one('pid', PID)]),
  form(from, 'pidfd_getfd', 'pidfd_getfd', [one('pidfd', DESCRIPTOR), one('targetfd', DESCRIPTOR)]),
  form(from, 'kill', 'kill', [one('pid', PID), one('signal', word('signal'))]),
  form(from, 'pidfd_send_signal', 'pidfd_send_signal', [one('pidfd', DESCRIPTOR), one('signal', word('signal'))]),
  form(from, 'wait4', 'wait4', [one('pid', PID), optional('flags', flags('wait'))], ({ pid, flags }, options) => [
    pid,
    only({ flags, ...options }),
  ]),
  form(from, 'getpid', 'getpid', []),
  form(from, 'getppid', 'getppid', []),
  form(from, 'getuid', 'getuid', []),
  form(from, 'geteuid', 'geteuid', []),
  form(from, 'setsid', 'setsid', []),
  form(
    from,
    'execve',
    'execve',
    [leading('env', ASSIGNMENT), named('argv0', STRING), one('pathname', ARGUMENT), rest('arguments', ARGUMENT)],
    (values, options) => [
      values.pathname,
      [values.argv0 ?? values.pathname, ...values.arguments],
      values.env.length > 0 || options ? values.env : undefined,
      options,
    ],
  ),
  form(
    from,
    'execveat',
    'execveat',
    [leading('env', ASSIGNMENT), one('fd', DESCRIPTOR), rest('argv', ARGUMENT)],
    ({ env, fd, argv }, options) => [fd, argv, env.length > 0 || options ? env : undefined, options],
  ),
  form(from, 'chdir', 'chdir', [one('path', PATH)]),
  form(from, 'fchdir', 'fchdir', [one('fd', DESCRIPTOR)]),
  form(from, 'setrlimit', 'prlimit64', [one('resource', word('rlimit', 'resource')), one('soft', LIMIT), one('hard', LIMIT)]),
  form(from, 'umask', 'umask', [one('mask', MODE)]),
  form(from, 'nanosleep', 'nanosleep', [one('milliseconds', NUMBER)]),
  form(from, 'join_session_keyring', 'keyctl', [keyword('operation', word('keyctl'), 'join_session_keyring'), one('name', STRING)]),
  form(from, 'sethostname', 'sethostname', [one('name', STRING)]),
  form(from, 'setdomainname', 'setdomainname', [one('name', STRING)]),
  form(from, 'uname', 'uname', []),
]
