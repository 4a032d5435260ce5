/** Cards of the mount API of Linux 5.2 and later: descriptors for mounts. */
import type { Step } from '../../kernel/step.js'
import { type Card, prose } from './card.js'
import { member, shellWord, wordsOf } from './shell.js'

const NEEDS_ADMIN = 'needs CAP_SYS_ADMIN in the user namespace that owns this mount namespace'

/** `mount --make-rprivate /`, `mount -o remount,bind,ro /x`; what mount(8) cannot say is undefined. */
function setattrShell(step: Step): string | undefined {
  const words = (name: string) => {
    const value = member(step, 'attr', name)
    return value?.kind === 'flags' ? value.words : []
  }
  const target = shellWord(step, 'pathname')
  const recursive = wordsOf(step, 'flags').includes('recursive')
  const [set, clear, [propagation]] = [words('attr_set'), words('attr_clr'), words('propagation')]
  if (propagation) return `mount --make-${recursive ? 'r' : ''}${propagation} ${target}`
  if (target === "''" || target === undefined || set.includes('idmap') || recursive) return undefined
  const options = [...set.map((word) => (word === 'rdonly' ? 'ro' : word)), ...clear.map((word) => CLEARED[word] ?? `no${word}`)]
  return `mount -o ${['remount', 'bind', ...options].join(',')} ${target}`
}

/** mount(8)'s opposites. */
const CLEARED: Readonly<Record<string, string>> = {
  rdonly: 'rw',
  nosuid: 'suid',
  nodev: 'dev',
  noexec: 'exec',
  noatime: 'atime',
  nodiratime: 'diratime',
  nosymfollow: 'symfollow',
  strictatime: 'nostrictatime',
}

export const MOUNT_API_CARDS: readonly Card[] = [
  {
    call: 'open_tree',
    signature: 'int open_tree(int dirfd, const char *filename, unsigned int flags)',
    summary: 'get a descriptor for a mount, or for a detached copy of it',
    detail: prose`
      With “clone” the descriptor is a copy of the mount (recursively, of all below it) that hangs nowhere in the tree yet: it
      can be changed in peace, be sent to a process in another mount namespace, and be attached there by move_mount. Linux 5.2.`,
    man: 'open_tree(2)',
    errors: {
      EPERM: `“clone” ${NEEDS_ADMIN}`,
      ENOENT: 'no such path',
      EINVAL: 'unknown flags, the mount is unbindable, or the copy would uncover what a locked mount hides (copy recursively)',
      ENOTDIR: 'a part of the path is a file',
      EACCES: 'a directory on the way may not be searched',
      ENOSPC: 'this mount namespace has too many mounts (/proc/sys/fs/mount-max)',
      ENOSYS: 'a kernel before 5.2',
    },
  },
  {
    call: 'move_mount',
    signature: 'int move_mount(int from_dirfd, const char *from_pathname, int to_dirfd, const char *to_pathname, unsigned int flags)',
    summary: 'attach a detached mount, or move one',
    detail: prose`
      The last act of the new mount API: what fsmount or open_tree made is put at a path. Until now nobody could see it, so it
      appears with all its settings at once. Linux 5.2.`,
    man: 'move_mount(2)',
    errors: {
      EPERM: NEEDS_ADMIN,
      ENOENT: 'no such path',
      ENOTDIR: 'a directory cannot be attached to a file, nor a file to a directory',
      EINVAL: 'the mount belongs to another mount namespace, or hangs below a shared mount, or the target is not in this namespace’s tree',
      ELOOP: 'the target lies inside the mount that is moved',
      EBUSY: 'the very same mount is there already',
      ENOSYS: 'a kernel before 5.2',
    },
  },
  {
    call: 'fsopen',
    signature: 'int fsopen(const char *fsname, unsigned int flags)',
    summary: 'begin to make a file system of a type',
    detail: prose`
      The descriptor is a form to be filled in by fsconfig, option by option. Options of any number and length fit, where the
      data of mount(2) ends after a page, and when something is wrong the descriptor can be read for an explanation in words.
      Linux 5.2.`,
    man: 'fsopen(2)',
    errors: { EPERM: NEEDS_ADMIN, ENODEV: 'this kernel has no such file system: look at /proc/filesystems', ENOSYS: 'a kernel before 5.2' },
  },
  {
    call: 'fsconfig',
    signature: 'int fsconfig(int fd, unsigned int cmd, const char *key, const void *value, int aux)',
    summary: 'set one option of a file system to be made, or make it',
    detail: prose`
      Each call sets one option by key; cmd_create then makes the file system from what was set. With overlay, each lower layer
      can be a call of its own (“lowerdir+”, Linux 6.7).`,
    man: 'fsconfig(2)',
    errors: {
      EINVAL: 'this file system has no such option, or does not take this value; read the descriptor for the reason in words',
      EPERM: 'this user may not set that option or make this file system',
      EBUSY: 'the file system was made already, or with these options it is in use',
      ENOENT: 'a path in the value does not exist',
      ENOTDIR: 'a path in the value is no directory',
      EBADF: 'the descriptor is not from fsopen',
      EOPNOTSUPP: 'the file system does not take this kind of value',
      ENODEV: 'there is no such device',
      ENOSYS: 'a kernel before 5.2',
      ELOOP: 'overlay: layers contain each other or are nested too deep',
    },
    operations: {
      cmd_create: {
        EINVAL: 'the options do not make a file system together; read the descriptor for the reason in words',
        EPERM: 'proc and sysfs in a user namespace need another mount of their kind in the tree that nothing covers',
      },
    },
  },
  {
    call: 'fsmount',
    signature: 'int fsmount(int fsfd, unsigned int flags, unsigned int attr_flags)',
    summary: 'make a mount of the file system that was configured, detached',
    detail: prose`
      A file system and a mount of it are two things: the same one can hang at many places with different settings (read-only
      here, writable there). The mount made here hangs nowhere until move_mount. Linux 5.2.`,
    man: 'fsmount(2)',
    errors: {
      EPERM: NEEDS_ADMIN,
      EINVAL: 'the file system was not made yet: fsconfig cmd_create comes first',
      EBUSY: 'the descriptor made a mount already',
      EBADF: 'the descriptor is not from fsopen',
      ENOSYS: 'a kernel before 5.2',
    },
  },
  {
    call: 'mount_setattr',
    signature: 'int mount_setattr(int dirfd, const char *pathname, unsigned int flags, struct mount_attr *attr, size_t size)',
    summary: 'set and clear settings of a mount, or of everything below it at once',
    detail: prose`
      mount(2) with “remount,bind” reaches one mount and overwrites all of its settings; this call changes only those named, and
      with “recursive” a whole tree or nothing of it. It is also the only way to an id-mapped mount, which shows the owners of
      files shifted. Linux 5.12.`,
    man: 'mount_setattr(2)',
    errors: {
      EINVAL:
        'the path is no mount point, a setting is unknown or set twice, or (idmap) the file system does not support it or was seen already',
      EPERM: `${NEEDS_ADMIN}; or a setting came from an outer user namespace and is locked`,
      EBUSY: 'rdonly or idmap: somebody has files open for writing',
      ENOENT: 'no such path',
      ENOSYS: 'a kernel before 5.12: mount with “remount,bind” can do it one mount at a time',
      EBADF: 'the descriptor of the directory or of the user namespace is not open',
      E2BIG: 'this kernel’s mount_attr is smaller than ours',
    },
    shell: setattrShell,
  },
]
