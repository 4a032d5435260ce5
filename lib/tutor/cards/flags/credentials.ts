/** Words of the calls about privileges. */
import { WORDS, type Word } from '../../../kernel/words.js'
import { CAPABILITY_NOTES } from '../../../primitives/capability-notes.js'
import type { WordNotes } from '../card.js'

export const PRCTL: WordNotes<'prctl'> = {
  set_pdeathsig: 'the signal that this process gets when the thread that made it ends (cleared by an execve that gives privileges)',
  get_pdeathsig: 'read that signal',
  set_dumpable: '0: /proc/PID belongs to root and nobody without CAP_SYS_PTRACE may trace the process; 1: to its own user',
  get_dumpable: 'read that switch',
  set_keepcaps: 'keep the permitted capabilities when the user id changes from 0 to another; the next execve clears the switch',
  get_keepcaps: 'read that switch',
  set_name: 'the thread’s name as ps shows it, up to 15 bytes',
  get_name: 'read that name',
  capbset_read: 'ask whether a capability is in the bounding set',
  capbset_drop: 'take a capability out of the bounding set: no execve of this process or its descendants can ever give it again',
  set_securebits: 'switches for how uid 0 and capabilities go together',
  get_securebits: 'read those switches',
  set_no_new_privs:
    'from here on no execve gives privileges, by setuid bits or file capabilities; for all descendants, never undone (Linux 3.5)',
  get_no_new_privs: 'read that switch',
  cap_ambient: 'change the ambient set: capabilities that an ordinary program keeps through execve (Linux 4.3)',
  set_child_subreaper: 'orphans among the descendants become children of this process instead of PID 1’s (Linux 3.4)',
  get_child_subreaper: 'read that switch',
}

export const CAP_AMBIENT: WordNotes<'cap_ambient'> = {
  is_set: 'ask whether a capability is in the ambient set',
  raise: 'add a capability that is permitted and inheritable already',
  lower: 'take one out',
  clear_all: 'empty the ambient set',
}

export const SECUREBITS: WordNotes<'securebits'> = {
  keep_caps: 'like set_keepcaps',
  no_setuid_fixup: 'changes of the user id leave capabilities alone',
  noroot: 'uid 0 and setuid-root programs get no capabilities for it',
  no_cap_ambient_raise: 'nothing can be added to the ambient set any more',
}

/** What it allows, and whether Docker gives it to a container by default. */
export const CAPABILITY = Object.fromEntries(
  WORDS.capability.map((name) => {
    const { allows, container } = CAPABILITY_NOTES[name]
    const docker = container.replace(/^Given/, 'Docker gives it by default').replace(/^Withheld/, 'Docker withholds it by default')
    return [name, `may ${allows}; ${docker.replace(/\.$/, '')}`]
  }),
) as Readonly<Record<Word<'capability'>, string>>

export const CAPABILITY_VERSION: WordNotes<'capability_version'> = {
  v3: 'the form with two 32-bit halves for each set (Linux 2.6.26)',
}

export const SECCOMP: WordNotes<'seccomp'> = {
  set_mode_strict: 'allow nothing but read, write, _exit and sigreturn',
  set_mode_filter: 'install a filter program',
  get_action_avail: 'ask whether this kernel knows an answer of filters',
  get_notif_sizes: 'ask for the sizes of the structures of “user_notif”',
}

export const SECCOMP_FILTER: WordNotes<'seccomp_filter'> = {
  tsync: 'for all threads of the process, not only this one',
  log: 'all answers but “allow” may be written to the log',
  spec_allow: 'do not slow the process down with a protection against speculative reads',
  new_listener: 'the call returns a descriptor on which another process hears of the calls and answers them (Linux 5.0)',
  tsync_esrch: 'if a thread cannot take the filter, answer ESRCH instead of its number',
}

export const SECCOMP_RET: WordNotes<'seccomp_ret'> = {
  kill_process: 'the whole process ends with SIGSYS',
  kill_thread: 'the thread that made the call ends',
  trap: 'the process gets SIGSYS and may handle it',
  errno: 'the call is not made and fails with the error given',
  user_notif: 'another process decides',
  trace: 'a tracer decides; without one the call fails with ENOSYS',
  log: 'the call is made and written to the log',
  allow: 'the call is made',
}

export const BPF: WordNotes<'bpf'> = {
  prog_load: 'check a program and load it; answers with its descriptor',
  prog_attach: 'attach a loaded program to a cgroup',
  prog_detach: 'take it off again',
  prog_type_cgroup_device: 'a program that decides about devices: it is told type, number and kind of access, and answers 1 or 0',
  cgroup_device: 'the hook of a cgroup that is asked before a device is opened or made',
  f_allow_multi: 'several programs may be attached, and all must agree',
  jne: 'jump if not equal',
  exit: 'end with the answer in register 0',
  alu64: 'arithmetic in 64 bits',
  mov: 'copy a value',
  devcg_acc_mknod: 'the access: making a node',
  devcg_acc_read: 'the access: reading',
  devcg_acc_write: 'the access: writing',
  devcg_dev_block: 'the kind: block device',
  devcg_dev_char: 'the kind: character device',
}
