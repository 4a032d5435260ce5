/** How the calls on files and descriptors are typed. */
import * as calls from '../../kernel/calls/files.js'
import { BYTES, DESCRIPTOR, DEVICE, flags, ID, MODE, NAME, NUMBER, PATH, STRING, word } from '../kinds.js'
import { type Form, form, keyword, named, one, only, optional, toggle } from './form.js'

const from = ['calls/files', calls] as const

const FROM_DIRECTORY = named('dirfd', DESCRIPTOR)
const at: Form['arguments'] = ({ pathname, mode, dirfd }, options) => [pathname, mode, only({ dirfd, ...options })]

export const FILE_FORMS: readonly Form[] = [
  form(
    from,
    'open',
    'openat',
    [one('pathname', PATH), one('flags', flags('open')), optional('mode', MODE), FROM_DIRECTORY],
    ({ pathname, flags, mode, dirfd }, options) => [pathname, flags, only({ mode, dirfd, ...options })],
  ),
  form(
    from,
    'openat2',
    'openat2',
    [
      one('pathname', PATH),
      one('flags', flags('open')),
      one('resolve', flags('resolve', undefined)),
      optional('mode', MODE),
      FROM_DIRECTORY,
    ],
    ({ pathname, flags, resolve, mode, dirfd }, options) => [pathname, only({ flags, resolve, mode }), only({ dirfd, ...options })],
  ),
  form(from, 'read', 'read', [one('fd', DESCRIPTOR), optional('count', NUMBER)], ({ fd, count }, options) => [fd, count ?? 4096, options]),
  form(from, 'write', 'write', [one('fd', DESCRIPTOR), one('data', BYTES)]),
  form(from, 'close', 'close', [one('fd', DESCRIPTOR)]),
  form(from, 'close_range', 'close_range', [one('first', NUMBER), optional('flags', flags('close_range'))]),
  form(from, 'dup3', 'dup3', [one('oldfd', DESCRIPTOR), one('newfd', NUMBER)]),
  form(from, 'fcntl_ofd_setlk', 'fcntl', [one('fd', DESCRIPTOR), keyword('operation', word('fcntl'), 'ofd_setlk')]),
  form(
    from,
    'fcntl',
    'fcntl',
    [one('fd', DESCRIPTOR), one('operation', word('fcntl')), optional('argument', NUMBER)],
    (values, options) => [values.fd, values.operation, values.argument ?? 0, options],
  ),
  form(from, 'pipe2', 'pipe2', [one('reader', NAME), one('writer', NAME)]),
  form(from, 'mkdir', 'mkdirat', [one('pathname', PATH), optional('mode', MODE), FROM_DIRECTORY], at),
  form(
    from,
    'rmdir',
    'unlinkat',
    [one('pathname', PATH), keyword('flags', flags('at', ['removedir']), 'removedir'), FROM_DIRECTORY],
    withoutMode,
  ),
  form(from, 'unlink', 'unlinkat', [one('pathname', PATH), FROM_DIRECTORY], withoutMode),
  form(from, 'rmdir_tree', 'rmdir_tree', [one('pathname', PATH)]),
  form(from, 'remove_tree', 'remove_tree', [one('pathname', PATH)]),
  form(from, 'thaw_tree', 'thaw_tree', [one('pathname', PATH)]),
  form(from, 'rename', 'renameat2', [one('oldpath', PATH), one('newpath', PATH)]),
  form(from, 'link', 'linkat', [one('oldpath', PATH), one('newpath', PATH)]),
  form(from, 'symlink', 'symlinkat', [one('target', STRING), one('linkpath', PATH), FROM_DIRECTORY], (values, options) => [
    values.target,
    values.linkpath,
    only({ dirfd: values.dirfd, ...options }),
  ]),
  form(from, 'readlink', 'readlinkat', [one('pathname', PATH)]),
  form(
    from,
    'mknod',
    'mknodat',
    [one('pathname', PATH), one('type', word('file_type')), one('mode', MODE), optional('device', DEVICE), FROM_DIRECTORY],
    ({ pathname, type, mode, device, dirfd }, options) => [pathname, type, mode, device, only({ dirfd, ...options })],
  ),
  form(from, 'chmod', 'fchmodat', [one('pathname', PATH), one('mode', MODE)]),
  form(
    from,
    'chown',
    'fchownat',
    [one('pathname', PATH), one('owner', ID), one('group', ID), toggle('nofollow'), FROM_DIRECTORY],
    ({ pathname, owner, group, nofollow, dirfd }, options) => [pathname, owner, group, only({ nofollow, dirfd, ...options })],
  ),
  form(from, 'statfs', 'statfs', [one('path', PATH)]),
  form(from, 'setxattr', 'setxattr', [one('path', PATH), one('name', STRING), one('value', BYTES)]),
  form(from, 'getxattr', 'getxattr', [one('path', PATH), one('name', STRING), optional('size', NUMBER)]),
  form(from, 'ioctl_tiocsctty', 'ioctl', [one('fd', DESCRIPTOR), keyword('operation', word('ioctl'), 'tiocsctty')]),
  form(from, 'ioctl_tiocnotty', 'ioctl', [one('fd', DESCRIPTOR), keyword('operation', word('ioctl'), 'tiocnotty')]),
  form(from, 'ioctl_tiocswinsz', 'ioctl', [
    one('fd', DESCRIPTOR),
    keyword('operation', word('ioctl'), 'tiocswinsz'),
    one('rows', NUMBER),
    one('columns', NUMBER),
  ]),
  form(
    from,
    'ioctl_tiocsptlck',
    'ioctl',
    [one('fd', DESCRIPTOR), keyword('operation', word('ioctl'), 'tiocsptlck'), toggle('lock')],
    ({ fd, lock }, options) => [fd, lock === true, options],
  ),
  form(from, 'ioctl_tiocgptpeer', 'ioctl', [one('fd', DESCRIPTOR), keyword('operation', word('ioctl'), 'tiocgptpeer')]),
]

function withoutMode({ pathname, dirfd }: Parameters<Form['arguments']>[0], options: Parameters<Form['arguments']>[1]): unknown[] {
  return [pathname, only({ dirfd, ...options })]
}
