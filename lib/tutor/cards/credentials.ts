/** Cards of the calls that change what a process may do: ids, capabilities, prctl, seccomp. */
import type { Step } from '../../kernel/step.js'
import { type Card, prose } from './card.js'
import { argument, numberOf, wordOf, wordsOf } from './shell.js'

/** `--reuid 1000`; with three different ids there is no option. */
function setprivIds(step: Step, kind: 'uid' | 'gid'): string | undefined {
  const [real, effective] = [numberOf(step, `r${kind}`), numberOf(step, `e${kind}`)]
  if (real === effective) return `setpriv --re${kind} ${real}${kind === 'gid' ? ' --keep-groups' : ''}`
  return undefined
}

/** `cap_chown,cap_kill=ep`: the sets of a capset step as cap_from_text(3) reads them. */
function capabilityText(step: Step): string | undefined {
  const data = argument(step, 'datap')
  if (data?.kind !== 'bytes' || data.shown === undefined) return undefined
  const lettersOf = new Map<string, string>()
  for (const [, set, list] of data.shown.matchAll(/(effective|inheritable|permitted)=([\w|]+)/g)) {
    if (list === '0') continue
    for (const name of (list as string).split('|')) lettersOf.set(name, (lettersOf.get(name) ?? '') + (set as string)[0])
  }
  const namesOf = new Map<string, string[]>()
  for (const [name, letters] of lettersOf) namesOf.set(letters, [...(namesOf.get(letters) ?? []), `cap_${name}`])
  const clauses = [...namesOf].map(([letters, names]) => `${names.join(',')}+${letters}`)
  return ['=', ...clauses].join(' ')
}

function prctlShell(step: Step): string | undefined {
  switch (wordOf(step, 'op')) {
    case 'capbset_drop':
      return `capsh --drop=cap_${wordOf(step, 'cap')} --`
    case 'set_keepcaps':
      return `capsh --keep=${numberOf(step, 'flag')} --`
    case 'set_no_new_privs':
      return 'setpriv --no-new-privs'
    case 'cap_ambient':
      return wordOf(step, 'op2') === 'raise' ? `setpriv --ambient-caps +${wordOf(step, 'cap')}` : 'setpriv --ambient-caps -all'
    case 'set_pdeathsig':
      return `setpriv --pdeathsig ${wordOf(step, 'sig')?.toUpperCase()}`
    case 'set_securebits': {
      const bits = wordsOf(step, 'bits').filter((word) => word === 'noroot' || word === 'no_setuid_fixup')
      return bits.length > 0 && bits.length === wordsOf(step, 'bits').length
        ? `setpriv --securebits ${bits.map((bit) => `+${bit}`).join(',')}`
        : undefined
    }
    default:
      return undefined
  }
}

const UNMAPPED = 'that id has no mapping in this user namespace: uid_map and gid_map were not written yet, or do not contain it'

export const CREDENTIAL_CARDS: readonly Card[] = [
  {
    call: 'setresuid',
    signature: 'int setresuid(uid_t ruid, uid_t euid, uid_t suid)',
    summary: 'set real, effective and saved user id at once',
    detail: prose`
      The effective id is judged by, the real one says who started the program, the saved one can be taken back later: setting
      all three leaves no way back. A change from 0 to another id empties the effective and permitted capability sets, unless
      KEEPCAPS was set. In a fresh user namespace this call makes the child root, once the parent has written the map.`,
    man: 'setresuid(2)',
    errors: {
      EPERM: 'an id that the caller does not have already needs CAP_SETUID in its user namespace (dropped too early?)',
      EINVAL: UNMAPPED,
      EAGAIN: 'no memory for the new user’s accounting; rare',
    },
    shell: (step) => setprivIds(step, 'uid'),
  },
  {
    call: 'setresgid',
    signature: 'int setresgid(gid_t rgid, gid_t egid, gid_t sgid)',
    summary: 'set real, effective and saved group id at once',
    detail: prose`
      Must come before the change of the user id, which takes away the capability that this call needs. The supplementary groups
      are separate: setgroups.`,
    man: 'setresgid(2)',
    errors: { EPERM: 'needs CAP_SETGID in the caller’s user namespace; was the user id changed first?', EINVAL: UNMAPPED },
    shell: (step) => setprivIds(step, 'gid'),
  },
  {
    call: 'setgroups',
    signature: 'int setgroups(size_t size, const gid_t *list)',
    summary: 'set the supplementary groups',
    detail: prose`
      A process is a member of more groups than its gid: the whole list is inherited, so a container that only changed its ids
      would keep the host user’s groups (docker, sudo, disk …) and with them access to their files.`,
    man: 'setgroups(2)',
    errors: {
      EPERM: prose`
        needs CAP_SETGID and a gid_map; or /proc/PID/setgroups says “deny”, as it must when an ordinary user maps its own group
        by itself`,
      EINVAL: `more than 65536 groups, or ${UNMAPPED}`,
    },
    shell(step) {
      const list = argument(step, 'list')
      const groups = list?.kind === 'bytes' ? (list.shown ?? '').replace(/[[\] ]/g, '') : ''
      return groups === '' ? 'setpriv --clear-groups' : `setpriv --groups ${groups}`
    },
  },
  {
    call: 'capset',
    signature: 'int capset(cap_user_header_t hdrp, const cap_user_data_t datap)',
    summary: 'set the effective, permitted and inheritable capabilities of the caller',
    detail: prose`
      Root’s power comes in 41 pieces. Permitted is what the process may use, effective what it uses now, inheritable what an
      execve may pass on together with the file’s own set. The permitted set can only shrink. Two more sets are changed by
      prctl: the bounding set (what no execve can ever give back) and the ambient set (what an ordinary program keeps through
      execve when the user is not root).`,
    man: 'capset(2)',
    errors: {
      EPERM: prose`
        a capability was asked for that is not in the permitted set any more, or one was added to the inheritable set that is
        not in the bounding set (or not permitted, without CAP_SETPCAP)`,
      EINVAL: 'unknown version of the header',
    },
    shell(step) {
      const text = capabilityText(step)
      return text === undefined ? undefined : `capsh --caps='${text}' --`
    },
  },
  {
    call: 'capget',
    signature: 'int capget(cap_user_header_t hdrp, cap_user_data_t datap)',
    summary: 'read the three capability sets',
    detail: prose`
      The same numbers stand as CapEff, CapPrm and CapInh in /proc/PID/status, beside the bounding (CapBnd) and ambient (CapAmb)
      sets, which this call does not show.`,
    man: 'capget(2)',
    errors: { ESRCH: 'no such process', EINVAL: 'unknown version of the header' },
    shell: () => 'capsh --print',
  },
  {
    call: 'prctl',
    signature: 'int prctl(int op, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)',
    summary: 'one of many switches of the calling process',
    detail: prose`
      A drawer of operations that fit nowhere else; the first argument says which, and the others mean something different for
      each. For a container the ones that matter give up privileges: the bounding set, keepcaps, ambient capabilities,
      no_new_privs.`,
    man: 'prctl(2)',
    errors: {
      EINVAL: 'an unknown operation, or an argument that it does not take (unused ones must be 0)',
      EPERM: 'the capability that this operation needs is missing',
    },
    operations: {
      capbset_drop: {
        EPERM:
          'needs CAP_SETPCAP in effect, in the caller’s user namespace: capset, and a change from user 0 to another one, take it away, so this comes before them',
        EINVAL: 'this kernel has no capability of that number',
      },
      set_keepcaps: { EPERM: 'locked by SECBIT_KEEP_CAPS_LOCKED', EINVAL: 'only 0 and 1 are allowed' },
      cap_ambient: {
        EPERM: 'the capability is not both permitted and inheritable (capset comes first), or SECBIT_NO_CAP_AMBIENT_RAISE is set',
        EINVAL: 'no such capability or operation',
      },
      set_securebits: { EPERM: 'needs CAP_SETPCAP, or the bit is locked' },
      set_no_new_privs: { EINVAL: 'the second argument must be 1 and the rest 0; there is no way to set it back' },
      set_pdeathsig: { EINVAL: 'no such signal' },
      set_dumpable: { EINVAL: 'only 0 and 1 are allowed; the kernel alone sets 2' },
    },
    shell: prctlShell,
  },
  {
    call: 'seccomp',
    signature: 'int seccomp(unsigned int operation, unsigned int flags, void *args)',
    summary: 'install a filter through which every later system call must pass',
    detail: prose`
      The filter is a small program (classic BPF) that the kernel runs before each call of this process and its descendants. It
      sees the call’s number, the architecture and the six arguments as plain numbers (it cannot follow a pointer), and answers:
      allow, fail with an errno, kill. It cannot be taken away; more filters can be added, and the strictest answer wins. Since
      Linux 3.17; the lines Seccomp and Seccomp_filters in /proc/PID/status show it.`,
    man: 'seccomp(2)',
    errors: {
      EACCES: 'without no_new_privs it takes CAP_SYS_ADMIN: set no_new_privs first, or install the filter before capabilities are dropped',
      EINVAL:
        'the kernel’s check of the program found something wrong (a jump out of it, more than 4096 instructions), or strict mode is on',
      ENOMEM: 'all filters of this process together have too many instructions (32768)',
      EBUSY: 'a filter with a listener is there already',
      ESRCH: 'tsync: another thread could not take the filter',
      EPERM: 'a filter that is installed already forbids this call',
    },
  },
  {
    call: 'bpf',
    signature: 'int bpf(int cmd, union bpf_attr *attr, unsigned int size)',
    summary: 'load a program into the kernel, or attach it somewhere',
    detail: prose`
      Version 2 of cgroups has no file for device rules: instead a small program is attached to the cgroup’s directory, and the
      kernel asks it at each open of a device node and each mknod. It is checked before it is loaded, so that it must end and
      can touch nothing else. Linux 4.15.`,
    man: 'bpf(2)',
    errors: {
      EPERM: prose`
        needs CAP_BPF or CAP_SYS_ADMIN, and CAP_NET_ADMIN to attach, in the first user namespace; or another program there
        allows none beside it`,
      EINVAL: 'the kernel’s check refused the program or the attributes',
      EACCES: 'the kernel’s check refused the program',
      EBADF: 'the descriptor is not a cgroup v2 directory’s, or not a program’s',
      E2BIG: 'too many programs are attached to this cgroup, or our structure is longer than this kernel’s',
      ENOMEM: 'no memory for the program',
      ENOSYS: 'this kernel was built without it, or a filter around this host forbids it',
    },
  },
]
