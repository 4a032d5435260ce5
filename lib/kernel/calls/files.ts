/** Calls on files, directories and descriptors. */
import { bits, bytes, dirfd, fd, field, int, mode, out, path, struct, utf8, word } from '../args.js'
import { constant } from '../constants.js'
import { type Descriptor, type Pathname, type Step, type StepOptions, step } from '../step.js'
import type { Word } from '../words.js'

/** Size in bytes of struct open_how, openat2(2). */
const OPEN_HOW_SIZE = 24

type AtOptions = StepOptions & { dirfd?: Descriptor }

/** openat(2): every open of ours is close-on-exec. */
export function open(pathname: Pathname, flags: readonly Word<'open'>[], options: AtOptions & { mode?: number } = {}): Step {
  const { dirfd: directory, mode: permissions = 0, ...rest } = options
  const words: Word<'open'>[] = flags.includes('cloexec') ? [...flags] : [...flags, 'cloexec']
  return step(
    'openat',
    [dirfd('dirfd', directory), path('pathname', pathname), bits('flags', 'open', words), mode('mode', permissions)],
    rest,
  )
}

/** openat2(2), Linux 5.6: an open whose path resolution is restricted, for paths that somebody else made. */
export function openat2(
  pathname: Pathname,
  how: { flags: readonly Word<'open'>[]; resolve: readonly Word<'resolve'>[]; mode?: number },
  options: AtOptions = {},
): Step {
  const { dirfd: directory, ...rest } = options
  const members = [
    field('flags', 0, 8, bits('flags', 'open', [...how.flags, 'cloexec'])),
    field('mode', 8, 8, mode('mode', how.mode ?? 0)),
    field('resolve', 16, 8, bits('resolve', 'resolve', how.resolve)),
  ]
  return step(
    'openat2',
    [dirfd('dirfd', directory), path('pathname', pathname), struct('how', 'open_how', OPEN_HOW_SIZE, members), int('size', OPEN_HOW_SIZE)],
    rest,
  )
}

/** read(2): at most `count` bytes, which are the step's out-buffer. */
export function read(descriptor: Descriptor, count: number, options?: StepOptions): Step {
  return step('read', [fd('fd', descriptor), out('buf', count), int('count', count)], options)
}

/** write(2). */
export function write(descriptor: Descriptor, data: string | Uint8Array, options?: StepOptions): Step {
  const content = typeof data === 'string' ? utf8(data) : data
  return step('write', [fd('fd', descriptor), bytes('buf', content), int('count', content.length)], options)
}

export const close = (descriptor: Descriptor, options?: StepOptions): Step => step('close', [fd('fd', descriptor)], options)

/** The highest descriptor number that close_range(2) takes. */
const LAST_DESCRIPTOR = 0xffff_ffff

/** close_range(2), Linux 5.9: from `first` to the last one; with `cloexec` (5.11) they are closed by the exec instead. */
export function close_range(first: number, flags: readonly Word<'close_range'>[] = [], options?: StepOptions): Step {
  return step('close_range', [int('first', first), int('last', LAST_DESCRIPTOR, 'last'), bits('flags', 'close_range', flags)], options)
}

/** dup3(2): `newfd` is a second name of what `oldfd` names, and survives the exec. */
export function dup3(oldfd: Descriptor, newfd: number, options?: StepOptions): Step {
  return step('dup3', [fd('oldfd', oldfd), int('newfd', newfd), int('flags', 0)], options)
}

/** fcntl(2) with an integer argument. */
export function fcntl(descriptor: Descriptor, command: Word<'fcntl'>, argument: number, options?: StepOptions): Step {
  return step('fcntl', [fd('fd', descriptor), word('op', 'fcntl', command), int('arg', argument)], options)
}

/** Size in bytes of struct flock, fcntl(2). */
const FLOCK_SIZE = 32

/**
 * fcntl(2) F_OFD_SETLK, Linux 3.15: lock the whole file for writing, or EAGAIN. The lock is the open file's, not the process's: it lasts
 * until the last descriptor of it is closed, and /proc/locks shows it.
 */
export function fcntl_ofd_setlk(descriptor: Descriptor, options?: StepOptions): Step {
  const lock = struct('lock', 'flock', FLOCK_SIZE, [field('l_type', 0, 2, word('l_type', 'flock_type', 'wrlck'))])
  return step('fcntl', [fd('fd', descriptor), word('op', 'fcntl', 'ofd_setlk'), lock], options)
}

/** pipe2(2), close-on-exec: keeps both ends under the two names. */
export function pipe2(reader: string, writer: string, options: StepOptions = {}): Step {
  return step('pipe2', [out('pipefd', 8), bits('flags', 'open', ['cloexec'])], {
    ...options,
    keeps: [
      { slot: reader, out: 0, offset: 0, width: 4 },
      { slot: writer, out: 0, offset: 4, width: 4 },
    ],
  })
}

export function mkdir(pathname: Pathname, permissions = 0o755, options: AtOptions = {}): Step {
  const { dirfd: directory, ...rest } = options
  return step('mkdirat', [dirfd('dirfd', directory), path('pathname', pathname), mode('mode', permissions)], rest)
}

export function rmdir(pathname: Pathname, options: AtOptions = {}): Step {
  const { dirfd: directory, ...rest } = options
  return step('unlinkat', [dirfd('dirfd', directory), path('pathname', pathname), bits('flags', 'at', ['removedir'])], rest)
}

/**
 * Remove a directory and the directories in it, bottom up, by rmdir(2) alone: files, other file systems and what links lead to are
 * left, and then the directory stays. Not a system call but a function of the shim, for cgroups: their files cannot be deleted.
 */
export function rmdir_tree(pathname: Pathname, options?: StepOptions): Step {
  return step('rmdir_tree', [path('pathname', pathname)], { allow: ['ENOENT'], ...options })
}

/**
 * Remove a directory with everything in it, as `rm -r` would: what links lead to and what is mounted in it is left. Not a system call
 * but a function of the shim. As an undo step it is what removes a container's own directories, whoever may have died meanwhile.
 */
export function remove_tree(pathname: Pathname, options?: StepOptions): Step {
  return step('remove_tree', [path('pathname', pathname)], { allow: ['ENOENT'], ...options })
}

/**
 * Thaw a cgroup of the v1 freezer and all below it. Not a system call but a function of the shim, and as an undo step the one that is
 * made at once when the child is killed: a frozen process of version 1 does not die of SIGKILL.
 */
export function thaw_tree(pathname: Pathname, options?: StepOptions): Step {
  return step('thaw_tree', [path('pathname', pathname)], { allow: ['ENOENT'], ...options })
}

export function unlink(pathname: Pathname, options: AtOptions = {}): Step {
  const { dirfd: directory, ...rest } = options
  return step('unlinkat', [dirfd('dirfd', directory), path('pathname', pathname), int('flags', 0)], rest)
}

export function rename(from: Pathname, to: Pathname, options?: StepOptions): Step {
  return step('renameat2', [dirfd('olddirfd'), path('oldpath', from), dirfd('newdirfd'), path('newpath', to), int('flags', 0)], options)
}

export function link(from: Pathname, to: Pathname, options?: StepOptions): Step {
  return step('linkat', [dirfd('olddirfd'), path('oldpath', from), dirfd('newdirfd'), path('newpath', to), int('flags', 0)], options)
}

export function symlink(target: string, pathname: Pathname, options: AtOptions = {}): Step {
  const { dirfd: directory, ...rest } = options
  return step('symlinkat', [path('target', target), dirfd('newdirfd', directory), path('linkpath', pathname)], rest)
}

/** readlinkat(2): the target is the step's out-buffer, as many bytes as it returned, `size` (4096) at most. */
export function readlink(pathname: Pathname, options: StepOptions & { size?: number } = {}): Step {
  const { size = 4096, ...rest } = options
  return step('readlinkat', [dirfd('dirfd'), path('pathname', pathname), out('buf', size), int('bufsiz', size)], rest)
}

/** mknodat(2): a device node, a fifo, or an empty file. */
export function mknod(
  pathname: Pathname,
  type: Word<'file_type'>,
  permissions: number,
  device: readonly [major: number, minor: number] = [0, 0],
  options: AtOptions = {},
): Step {
  const { dirfd: directory, ...rest } = options
  const [major, minor] = device
  return step(
    'mknodat',
    [
      dirfd('dirfd', directory),
      path('pathname', pathname),
      int('mode', constant('file_type', type) | permissions, `${type}|0${permissions.toString(8)}`),
      int('dev', makedev(major, minor), `makedev(${major}, ${minor})`),
    ],
    rest,
  )
}

/** makedev(3) as the kernel's new_encode_dev takes it. */
export function makedev(major: number, minor: number): number {
  return (minor & 0xff) + major * 0x100 + Math.floor(minor / 0x100) * 0x100000
}

export function chmod(pathname: Pathname, permissions: number, options?: StepOptions): Step {
  return step('fchmodat', [dirfd('dirfd'), path('pathname', pathname), mode('mode', permissions)], options)
}

/** An id, or -1: leave it as it is. */
const id = (name: string, value: number) => int(name, value, value === -1 ? 'unchanged' : undefined)

/** fchownat(2). An empty path means `dirfd` itself, which may be anything that is open: a pipe, a terminal. */
export function chown(pathname: Pathname, owner: number, group: number, options: AtOptions & { nofollow?: boolean } = {}): Step {
  const { nofollow = false, dirfd: directory, ...rest } = options
  const words: Word<'at'>[] = []
  if (nofollow) words.push('symlink_nofollow')
  if (pathname === '') words.push('empty_path')
  return step(
    'fchownat',
    [dirfd('dirfd', directory), path('pathname', pathname), id('owner', owner), id('group', group), bits('flags', 'at', words)],
    rest,
  )
}

/** statfs(2): the file system's magic number is the first member (8 bytes on 64-bit machines) of the step's out-buffer. */
export function statfs(pathname: Pathname, options?: StepOptions): Step {
  return step('statfs', [path('path', pathname), out('buf', 120)], options)
}

/** setxattr(2). */
export function setxattr(pathname: Pathname, name: string, value: string | Uint8Array, options?: StepOptions): Step {
  const content = typeof value === 'string' ? utf8(value) : value
  return step(
    'setxattr',
    [path('path', pathname), path('name', name), bytes('value', content), int('size', content.length), int('flags', 0)],
    options,
  )
}

/** getxattr(2): at most `size` bytes of the attribute's value, which are the step's out-buffer. */
export function getxattr(pathname: Pathname, name: string, size = 256, options?: StepOptions): Step {
  return step('getxattr', [path('path', pathname), path('name', name), out('value', size), int('size', size)], options)
}

/** ioctl(2) TIOCSCTTY: this terminal becomes the session's controlling terminal. */
export function ioctl_tiocsctty(descriptor: Descriptor, options?: StepOptions): Step {
  return step('ioctl', [fd('fd', descriptor), word('op', 'ioctl', 'tiocsctty'), int('arg', 0)], options)
}

/** ioctl(2) TIOCNOTTY: give the controlling terminal up; for a session's leader, for the whole session. Its group in front gets SIGHUP. */
export function ioctl_tiocnotty(descriptor: Descriptor, options?: StepOptions): Step {
  return step('ioctl', [fd('fd', descriptor), word('op', 'ioctl', 'tiocnotty'), int('arg', 0)], options)
}

/** ioctl(2) TIOCSWINSZ: the terminal's size, in characters. */
export function ioctl_tiocswinsz(descriptor: Descriptor, rows: number, columns: number, options?: StepOptions): Step {
  const size = struct('winsize', 'winsize', 8, [field('ws_row', 0, 2, rows), field('ws_col', 2, 2, columns)])
  return step('ioctl', [fd('fd', descriptor), word('op', 'ioctl', 'tiocswinsz'), size], options)
}

/** ioctl(2) TIOCSPTLCK: lock or unlock the slave of a terminal's master; a fresh one is locked. */
export function ioctl_tiocsptlck(master: Descriptor, lock: boolean, options?: StepOptions): Step {
  const flag = struct('lock', 'int', 4, [field('lock', 0, 4, lock ? 1 : 0)])
  return step('ioctl', [fd('fd', master), word('op', 'ioctl', 'tiocsptlck'), flag], options)
}

/** ioctl(2) TIOCGPTPEER, Linux 4.13: open the slave of a terminal's master, wherever its devpts is mounted. Close-on-exec. */
export function ioctl_tiocgptpeer(master: Descriptor, options?: StepOptions): Step {
  return step(
    'ioctl',
    [fd('fd', master), word('op', 'ioctl', 'tiocgptpeer'), bits('flags', 'open', ['rdwr', 'noctty', 'cloexec'])],
    options,
  )
}
