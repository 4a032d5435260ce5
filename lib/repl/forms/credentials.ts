/** How the calls about privileges are typed. */
import * as bpf from '../../kernel/calls/bpf.js'
import * as calls from '../../kernel/calls/credentials.js'
import { DESCRIPTOR, flags, ID, NUMBERS, PROGRAM, SWITCH_ON, word } from '../kinds.js'
import { type Form, form, keyword, named, one, only, optional } from './form.js'

const from = ['calls/credentials', calls] as const
const fromBpf = ['calls/bpf', bpf] as const

const prctl = (operation: string) => keyword('operation', word('prctl', 'prctl operation'), operation)
const CAPABILITY = word('capability')
const CAPABILITIES = flags('capability')

export const CREDENTIAL_FORMS: readonly Form[] = [
  form(from, 'setresuid', 'setresuid', [one('real', ID), optional('effective', ID), optional('saved', ID)]),
  form(from, 'setresgid', 'setresgid', [one('real', ID), optional('effective', ID), optional('saved', ID)]),
  form(from, 'setgroups', 'setgroups', [optional('groups', NUMBERS)], ({ groups }, options) => [groups ?? [], options]),
  form(
    from,
    'capset',
    'capset',
    [named('effective', CAPABILITIES), named('permitted', CAPABILITIES), named('inheritable', CAPABILITIES)],
    ({ effective = [], permitted = [], inheritable = [] }, options) => [{ effective, permitted, inheritable }, options],
  ),
  form(from, 'capget', 'capget', []),
  form(from, 'capbset_drop', 'prctl', [prctl('capbset_drop'), one('capability', CAPABILITY)]),
  form(from, 'set_keepcaps', 'prctl', [prctl('set_keepcaps'), one('on', SWITCH_ON)]),
  form(from, 'set_no_new_privs', 'prctl', [prctl('set_no_new_privs')]),
  form(from, 'cap_ambient_raise', 'prctl', [
    prctl('cap_ambient'),
    keyword('what', word('cap_ambient'), 'raise'),
    one('capability', CAPABILITY),
  ]),
  form(from, 'cap_ambient_clear_all', 'prctl', [prctl('cap_ambient'), keyword('what', word('cap_ambient'), 'clear_all')]),
  form(from, 'set_pdeathsig', 'prctl', [prctl('set_pdeathsig'), one('signal', word('signal'))]),
  form(from, 'set_dumpable', 'prctl', [prctl('set_dumpable'), one('on', SWITCH_ON)]),
  form(from, 'set_child_subreaper', 'prctl', [prctl('set_child_subreaper'), one('on', SWITCH_ON)]),
  form(from, 'set_securebits', 'prctl', [prctl('set_securebits'), one('bits', flags('securebits', undefined))]),
  form(from, 'seccomp_set_mode_filter', 'seccomp', [
    keyword('operation', word('seccomp'), 'set_mode_filter'),
    one('program', PROGRAM),
    optional('flags', flags('seccomp_filter')),
  ]),
  form(from, 'ns_get_owner_uid', 'ioctl', [one('fd', DESCRIPTOR), keyword('operation', word('ioctl'), 'ns_get_owner_uid')]),
  form(fromBpf, 'bpf_prog_load_cgroup_device', 'bpf', [keyword('command', word('bpf'), 'prog_load'), one('program', PROGRAM)]),
  form(
    fromBpf,
    'bpf_prog_attach_cgroup_device',
    'bpf',
    [keyword('command', word('bpf'), 'prog_attach'), one('cgroup', DESCRIPTOR), one('program', DESCRIPTOR)],
    ({ cgroup, program }, options) => [cgroup, program, only({ ...options })],
  ),
]
