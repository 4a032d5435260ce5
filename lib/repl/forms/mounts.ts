/** How the calls on mounts are typed. */
import * as calls from '../../kernel/calls/mounts.js'
import { DESCRIPTOR, flags, PATH, STRING, word } from '../kinds.js'
import { type Form, form, keyword, named, one, only, optional, optionalOrNull, orNull, toggle } from './form.js'

const from = ['calls/mounts', calls] as const

const fsconfig = (command: string) => keyword('command', word('fsconfig'), command)

export const MOUNT_FORMS: readonly Form[] = [
  form(from, 'mount', 'mount', [
    orNull('source', PATH),
    one('target', PATH),
    orNull('type', STRING),
    optional('flags', flags('mount')),
    optionalOrNull('data', PATH),
  ]),
  form(from, 'umount2', 'umount2', [one('target', PATH), optional('flags', flags('umount'))]),
  form(from, 'pivot_root', 'pivot_root', [one('new_root', PATH), one('put_old', PATH)]),
  form(from, 'chroot', 'chroot', [one('path', PATH)]),
  form(
    from,
    'open_tree',
    'open_tree',
    [one('path', PATH), optional('flags', flags('open_tree')), toggle('recursive'), named('dirfd', DESCRIPTOR)],
    ({ path, flags, recursive, dirfd }, options) => [path, flags, only({ recursive, dirfd, ...options })],
  ),
  form(
    from,
    'move_mount',
    'move_mount',
    [one('mount_fd', DESCRIPTOR), one('target', PATH), named('dirfd', DESCRIPTOR)],
    ({ mount_fd, target, dirfd }, options) => [mount_fd, target, only({ targetDirfd: dirfd, ...options })],
  ),
  form(from, 'fsopen', 'fsopen', [one('type', STRING)]),
  form(from, 'fsconfig_set_string', 'fsconfig', [one('fd', DESCRIPTOR), fsconfig('set_string'), one('key', STRING), one('value', PATH)]),
  form(from, 'fsconfig_set_flag', 'fsconfig', [one('fd', DESCRIPTOR), fsconfig('set_flag'), one('key', STRING)]),
  form(from, 'fsconfig_create', 'fsconfig', [one('fd', DESCRIPTOR), fsconfig('cmd_create')]),
  form(from, 'fsmount', 'fsmount', [one('fd', DESCRIPTOR), optional('attributes', flags('mount_attr'))]),
  form(
    from,
    'mount_setattr',
    'mount_setattr',
    [
      one('target', PATH),
      named('set', flags('mount_attr')),
      named('clear', flags('mount_attr')),
      named('propagation', flags('mount', ['private', 'slave', 'shared', 'unbindable'])),
      named('userns', DESCRIPTOR),
      toggle('recursive'),
      named('dirfd', DESCRIPTOR),
    ],
    ({ target, set, clear, propagation, userns, recursive, dirfd }, options) => [
      target,
      only({ set, clear, propagation, userns, recursive, dirfd }) ?? {},
      options,
    ],
  ),
]
