/** Cards of the classic calls on the tree of mounts: mount, umount2, pivot_root, chroot. */
import type { Step } from '../../kernel/step.js'
import { type Card, prose } from './card.js'
import { shellWord, wordsOf } from './shell.js'

const PROPAGATION = ['private', 'slave', 'shared', 'unbindable'] as const
/** mount(8)'s options for mount(2)'s flags. The rest are verbs (bind, move, remount) or have no option. */
const OPTION: Readonly<Record<string, string>> = {
  rdonly: 'ro',
  nosuid: 'nosuid',
  nodev: 'nodev',
  noexec: 'noexec',
  synchronous: 'sync',
  mandlock: 'mand',
  dirsync: 'dirsync',
  nosymfollow: 'nosymfollow',
  noatime: 'noatime',
  nodiratime: 'nodiratime',
  silent: 'silent',
  relatime: 'relatime',
  strictatime: 'strictatime',
  lazytime: 'lazytime',
}

/** The mount(8) command of a step: `mount -t proc -o nosuid,nodev proc /proc`. */
function mountShell(step: Step): string | undefined {
  const flags = wordsOf(step, 'mountflags')
  const target = shellWord(step, 'target')
  if (target === undefined) return undefined
  const kind = PROPAGATION.find((word) => flags.includes(word))
  if (kind) return `mount --make-${flags.includes('rec') ? 'r' : ''}${kind} ${target}`
  const source = shellWord(step, 'source') ?? 'none'
  if (flags.includes('move')) return `mount --move ${source} ${target}`
  const data = shellWord(step, 'data')
  const options = flags.flatMap((word) => OPTION[word] ?? [])
  if (flags.includes('remount')) {
    const verbs = ['remount', ...(flags.includes('bind') ? ['bind'] : [])]
    return `mount -o ${[...verbs, ...options, ...(data ? [data] : [])].join(',')} ${target}`
  }
  if (flags.includes('bind')) return `mount ${flags.includes('rec') ? '--rbind' : '--bind'} ${source} ${target}`
  if (data) options.push(data)
  const type = shellWord(step, 'filesystemtype')
  return ['mount', ...(type ? ['-t', type] : []), ...(options.length > 0 ? ['-o', options.join(',')] : []), source, target].join(' ')
}

export const MOUNT_CARDS: readonly Card[] = [
  {
    call: 'mount',
    signature: 'int mount(const char *source, const char *target, const char *filesystemtype, unsigned long mountflags, const void *data)',
    summary: 'attach a file system to the tree, show a directory in a second place, or change a mount',
    detail: prose`
      Several calls in one, told apart by flags: a new file system of a type (proc, tmpfs, overlay), a second view of a
      directory (bind), other settings of a mount (remount), or who learns of mounts below it (private, slave, shared). In a
      mount namespace of one’s own it changes only that namespace’s tree, if propagation is private; most distributions make “/”
      shared, so that has to be changed first.`,
    man: 'mount(2)',
    errors: {
      EPERM: prose`
        needs CAP_SYS_ADMIN in the user namespace that owns this mount namespace (“mnt” cloned together with “user”); in a user
        namespace proc (sysfs) also needs a pid (net) namespace of that same user namespace, and another mount of its kind in
        the tree with nothing covering parts of it; and flags of mounts that came from outside are locked`,
      EBUSY: 'the very same file system is mounted there already, or for read-only: somebody has files open for writing',
      EINVAL: prose`
        flags that do not go together, options that the file system does not know (or their values), a remount or move of what
        is no mount point, a move out of a shared mount, or a bind without “rec” that would uncover what a mount hides; the
        kernel log may say more`,
      ENODEV: 'this kernel has no such file system: look at /proc/filesystems, or load its module',
      ENOENT: 'source or target does not exist (mount makes no directories)',
      ENOTDIR: 'a directory is bound over a file or a file over a directory, or a part of a path is a file',
      EACCES: 'a directory on the way may not be searched, or the device is read-only',
      ELOOP: 'target lies in source, or (overlay) the layers contain each other or are nested too deep',
      ENOTBLK: 'this type of file system needs a block device as source',
      ENOSPC: 'this mount namespace has too many mounts (/proc/sys/fs/mount-max)',
      EROFS: 'the source can only be mounted read-only',
      ENAMETOOLONG: 'a path or the options are longer than a page: overlay with many layers needs fsconfig instead',
      ENXIO: 'no device behind the source',
      ESTALE: 'overlay: the upper layer was used with another lower one before',
    },
    shell: mountShell,
  },
  {
    call: 'umount2',
    signature: 'int umount2(const char *target, int flags)',
    summary: 'take a mount off the tree',
    detail: prose`
      With “detach” it goes from the tree at once, with everything mounted below it, and is freed when its last user has gone.
      That is how the old root is left after pivot_root, although the process’s own program still comes from it.`,
    man: 'umount(2)',
    errors: {
      EBUSY: 'somebody has a file open, a current directory or a mount below it; “detach” does not mind',
      EINVAL: 'no mount point, or one that came from an outer user namespace and is locked to what it covers',
      EPERM: 'needs CAP_SYS_ADMIN in the user namespace that owns this mount namespace',
      ENOENT: 'no such path',
      EAGAIN: '“expire” has marked it; a second call takes it off if nobody used it between',
    },
    shell(step) {
      const flags = wordsOf(step, 'flags')
      return [
        'umount',
        ...(flags.includes('detach') ? ['-l'] : []),
        ...(flags.includes('force') ? ['-f'] : []),
        shellWord(step, 'target'),
      ].join(' ')
    },
  },
  {
    call: 'pivot_root',
    signature: 'int pivot_root(const char *new_root, const char *put_old)',
    summary: 'make another mount the root, and put the old root aside',
    detail: prose`
      Unlike chroot it changes the mount namespace itself: after the old root is unmounted, nothing of the host’s tree is left
      to climb out to. With “.” for both, the old root comes to lie on top of the new one and is taken away by umount2 without
      needing a directory for it.`,
    man: 'pivot_root(2)',
    errors: {
      EBUSY: 'new_root or put_old is on the current root mount: bind new_root onto itself to make it a mount of its own',
      EINVAL: prose`
        new_root is no mount point (bind it onto itself), or put_old is not below it, or one of the mounts is shared (make “/”
        private with “rec” first), or the present root is the initramfs or a chroot’s plain directory, or a mount from outside, which is
        locked in a user namespace`,
      EPERM: 'needs CAP_SYS_ADMIN in the user namespace that owns this mount namespace',
      ENOTDIR: 'one of them is not a directory',
      ENOENT: 'one of them does not exist',
    },
    shell: (step) => `pivot_root ${shellWord(step, 'new_root')} ${shellWord(step, 'put_old')}`,
  },
  {
    call: 'chroot',
    signature: 'int chroot(const char *path)',
    summary: 'change where the caller’s “/” is, and nothing else',
    detail: prose`
      The mounts stay as they are, and so do the current directory and open descriptors: whoever has CAP_SYS_CHROOT gets out
      again with a second chroot and a chdir up. It is from 1979 and was not made for keeping anybody in; containers use
      pivot_root.`,
    man: 'chroot(2)',
    errors: {
      EPERM: 'needs CAP_SYS_CHROOT in the caller’s user namespace',
      ENOENT: 'no such directory',
      ENOTDIR: 'it is a file',
      EACCES: 'a directory on the way may not be searched',
    },
    shell: (step) => `chroot ${shellWord(step, 'path')}`,
  },
]
