/** Calls that change the tree of mounts. Pointers to the manual: mount(2), mount_namespaces(7), pivot_root(2), and the mount API of Linux 5.2. */
import { bits, dirfd, fd, field, int, path, pathOrNull, struct, word } from '../args.js'
import { type Descriptor, type Pathname, type Step, type StepOptions, step } from '../step.js'
import type { Word } from '../words.js'

/** AT_RECURSIVE of linux/fcntl.h: one number on every architecture; open_tree takes it among its own flags. */
const RECURSIVE = 0x8000

/** Size in bytes of struct mount_attr, mount_setattr(2). */
const MOUNT_ATTR_SIZE = 32

/** mount(2). `source` and `type` may be null where the kernel ignores them (remount, propagation, bind). */
export function mount(
  source: Pathname | null,
  target: Pathname,
  type: string | null,
  flags: readonly Word<'mount'>[] = [],
  data: Pathname | null = null,
  options?: StepOptions,
): Step {
  return step(
    'mount',
    [
      pathOrNull('source', source),
      path('target', target),
      pathOrNull('filesystemtype', type),
      bits('mountflags', 'mount', flags),
      pathOrNull('data', data),
    ],
    options,
  )
}

/** umount2(2). */
export function umount2(target: Pathname, flags: readonly Word<'umount'>[] = [], options?: StepOptions): Step {
  return step('umount2', [path('target', target), bits('flags', 'umount', flags)], options)
}

/** pivot_root(2): `new_root` becomes `/`, the old root is put at `put_old`. Both may be '.', then the old root lies on top. */
export function pivot_root(new_root: Pathname, put_old: Pathname, options?: StepOptions): Step {
  return step('pivot_root', [path('new_root', new_root), path('put_old', put_old)], options)
}

/** chroot(2): changes where the caller's `/` is, and nothing else. */
export const chroot = (pathname: Pathname, options?: StepOptions): Step => step('chroot', [path('path', pathname)], options)

/** open_tree(2): a descriptor for a mount; with `clone`, for a detached copy of it. */
export function open_tree(
  pathname: Pathname,
  flags: readonly Word<'open_tree'>[] = ['clone', 'cloexec'],
  options: StepOptions & { recursive?: boolean; dirfd?: Descriptor } = {},
): Step {
  const { recursive = false, dirfd: directory, ...rest } = options
  return step(
    'open_tree',
    [dirfd('dirfd', directory), path('filename', pathname), bits('flags', 'open_tree', flags, recursive ? RECURSIVE : undefined)],
    rest,
  )
}

/** move_mount(2): attach a detached mount (its descriptor) at a path; an empty one means `targetDirfd` itself. A link at its end is not followed. */
export function move_mount(mountFd: Descriptor, target: Pathname, options: StepOptions & { targetDirfd?: Descriptor } = {}): Step {
  const { targetDirfd, ...rest } = options
  const args = [
    fd('from_dirfd', mountFd),
    path('from_pathname', ''),
    dirfd('to_dirfd', targetDirfd),
    path('to_pathname', target),
    bits('flags', 'move_mount', target === '' ? ['f_empty_path', 't_empty_path'] : ['f_empty_path']),
  ]
  return step('move_mount', args, rest)
}

/** fsopen(2): begin to make a file system of this type. */
export const fsopen = (type: string, options?: StepOptions): Step =>
  step('fsopen', [path('fsname', type), bits('flags', 'fsopen', ['cloexec'])], options)

/** fsconfig(2) FSCONFIG_SET_STRING: one option, as long as a page on its own. */
export function fsconfig_set_string(context: Descriptor, key: string, value: Pathname, options?: StepOptions): Step {
  return step(
    'fsconfig',
    [fd('fd', context), word('cmd', 'fsconfig', 'set_string'), path('key', key), path('value', value), int('aux', 0)],
    options,
  )
}

/** fsconfig(2) FSCONFIG_SET_FLAG: an option without a value. */
export function fsconfig_set_flag(context: Descriptor, key: string, options?: StepOptions): Step {
  return step(
    'fsconfig',
    [fd('fd', context), word('cmd', 'fsconfig', 'set_flag'), path('key', key), { name: 'value', kind: 'null' }, int('aux', 0)],
    options,
  )
}

/** fsconfig(2) FSCONFIG_CMD_CREATE: make the superblock from what was configured. */
export function fsconfig_create(context: Descriptor, options?: StepOptions): Step {
  return step(
    'fsconfig',
    [
      fd('fd', context),
      word('cmd', 'fsconfig', 'cmd_create'),
      { name: 'key', kind: 'null' },
      { name: 'value', kind: 'null' },
      int('aux', 0),
    ],
    options,
  )
}

/** fsmount(2): a detached mount of the file system made. */
export function fsmount(context: Descriptor, attributes: readonly Word<'mount_attr'>[] = [], options?: StepOptions): Step {
  return step(
    'fsmount',
    [fd('fsfd', context), bits('flags', 'fsmount', ['cloexec']), bits('attr_flags', 'mount_attr', attributes)],
    options,
  )
}

/** mount_setattr(2), Linux 5.12: set and clear attributes of a mount, of a whole tree with `recursive`. */
export function mount_setattr(
  target: Pathname,
  change: {
    set?: readonly Word<'mount_attr'>[]
    clear?: readonly Word<'mount_attr'>[]
    propagation?: readonly Word<'mount'>[]
    userns?: Descriptor
    recursive?: boolean
    dirfd?: Descriptor
  },
  options?: StepOptions,
): Step {
  const { set = [], clear = [], propagation = [], userns, recursive = false, dirfd: directory } = change
  const members = [
    field('attr_set', 0, 8, bits('attr_set', 'mount_attr', set)),
    field('attr_clr', 8, 8, bits('attr_clr', 'mount_attr', clear)),
    field('propagation', 16, 8, bits('propagation', 'mount', propagation)),
  ]
  if (userns !== undefined) members.push(field('userns_fd', 24, 8, fd('userns_fd', userns)))
  const words: Word<'at'>[] = []
  if (recursive) words.push('recursive')
  if (target === '') words.push('empty_path')
  return step(
    'mount_setattr',
    [
      dirfd('dirfd', directory),
      path('pathname', target),
      bits('flags', 'at', words),
      struct('attr', 'mount_attr', MOUNT_ATTR_SIZE, members),
      int('size', MOUNT_ATTR_SIZE),
    ],
    options,
  )
}
