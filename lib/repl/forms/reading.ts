/** How the calls that read a tree of files are typed. */
import * as calls from '../../kernel/calls/reading.js'
import { DESCRIPTOR, NUMBER, PATH, STRING, word } from '../kinds.js'
import { type Form, form, named, one, only } from './form.js'

const from = ['calls/reading', calls] as const

export const READING_FORMS: readonly Form[] = [
  form(from, 'getdents64', 'getdents64', [one('fd', DESCRIPTOR), one('size', NUMBER)]),
  form(from, 'statx', 'statx', [one('pathname', PATH), named('dirfd', DESCRIPTOR)], ({ pathname, dirfd }, options) => [
    pathname,
    only({ dirfd, ...options }),
  ]),
  form(from, 'llistxattr', 'llistxattr', [one('path', PATH), one('size', NUMBER)]),
  form(from, 'lgetxattr', 'lgetxattr', [one('path', PATH), one('name', STRING), one('size', NUMBER)]),
  form(from, 'pread64', 'pread64', [one('fd', DESCRIPTOR), one('count', NUMBER), one('offset', NUMBER)]),
  form(from, 'lseek', 'lseek', [one('fd', DESCRIPTOR), one('offset', NUMBER), one('whence', word('seek'))]),
]
