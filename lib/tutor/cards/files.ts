/** Cards of the calls that open, make, name and remove files by path. */
import type { Step } from '../../kernel/step.js'
import { type Card, prose } from './card.js'
import { NEW_NAME, PATH_ERRORS, plainPath } from './paths.js'
import { numberOf, shellWord, wordsOf } from './shell.js'

/** `exec {name}< path`: bash opens the file and keeps the number under the name. */
function openShell(step: Step): string | undefined {
  const flags = wordsOf(step, 'flags')
  const path = plainPath(step)
  if (path === undefined || flags.includes('path') || flags.includes('tmpfile') || flags.includes('excl')) return undefined
  const name = step.keep?.[0]?.slot ?? 'fd'
  if (flags.includes('rdwr')) return `exec {${name}}<> ${path}`
  if (flags.includes('wronly')) return `exec {${name}}${flags.includes('append') ? '>>' : '>'} ${path}`
  return `exec {${name}}< ${path}`
}

export const FILE_CARDS: readonly Card[] = [
  {
    call: 'openat',
    signature: 'int openat(int dirfd, const char *pathname, int flags, mode_t mode)',
    summary: 'open a file and get a descriptor for it',
    detail: prose`
      A descriptor is a small number by which the process names an open file from now on. It stays valid when the path changes
      or vanishes, so the plan opens on the host what the container will need after the host’s tree is gone: cgroup files,
      sockets, the program of its init. Every open of ours is close-on-exec, so that no descriptor leaks into the container’s
      program.`,
    man: 'open(2)',
    errors: {
      ...NEW_NAME,
      EPERM: 'O_NOATIME by another than the owner, a sealed file, or a device that the cgroup’s device rules forbid',
      EISDIR: 'a directory cannot be opened for writing',
      ENXIO: 'a fifo without a reader, or no device behind this node',
      ENODEV: 'no driver for this device node, or the file system does not allow devices',
      EMFILE: 'no descriptor is free (RLIMIT_NOFILE)',
      ENFILE: 'the whole system has too many open files',
      EBUSY: 'somebody has it open exclusively',
      ETXTBSY: 'it is a program that runs just now',
      EINVAL: 'flags that do not go together',
      EIO: 'a terminal that is locked still (ioctl TIOCSPTLCK of its outer end comes first), or whose outer end is closed',
      EOPNOTSUPP: 'this file system cannot make files without a name (tmpfile)',
    },
    shell: openShell,
  },
  {
    call: 'openat2',
    signature: 'long openat2(int dirfd, const char *pathname, const struct open_how *how, size_t size)',
    summary: 'open a file with rules for how its path may be walked',
    detail: prose`
      A path inside a container’s file system was made by strangers: a symbolic link in it can point at the host’s /etc. With
      these rules the kernel itself refuses or confines such walks, with no gap between check and use in which somebody swaps a
      directory for a link. Linux 5.6.`,
    man: 'openat2(2)',
    errors: {
      ...NEW_NAME,
      ELOOP: 'a symbolic link on the way, which the rules forbid, or too many of them',
      EXDEV: 'the path would leave the directory (beneath, in_root) or cross a mount (no_xdev)',
      EAGAIN: 'something was renamed while “..” was walked, so that the kernel cannot be sure; try again',
      EINVAL: 'flags that do not go together: openat2 is strict where openat ignores',
      E2BIG: 'this kernel’s open_how is smaller than ours',
      ENOSYS: 'a kernel before 5.6',
      EMFILE: 'no descriptor is free (RLIMIT_NOFILE)',
    },
  },
  {
    call: 'mkdirat',
    signature: 'int mkdirat(int dirfd, const char *pathname, mode_t mode)',
    summary: 'make a directory',
    detail: prose`
      In a cgroup file system this makes a cgroup: the kernel fills it with its control files at once. Elsewhere it is a place
      to mount on. The mode is masked by the umask.`,
    man: 'mkdir(2)',
    errors: {
      ...NEW_NAME,
      EACCES: 'the parent directory may not be written by this id (for a cgroup: it was not delegated to this user)',
      EAGAIN: 'for a cgroup: deeper or more cgroups than cgroup.max.depth or cgroup.max.descendants allow',
      EMLINK: 'the parent has too many subdirectories',
    },
    shell: (step) => `mkdir -m ${numberOf(step, 'mode')} ${plainPath(step)}`,
  },
  {
    call: 'unlinkat',
    signature: 'int unlinkat(int dirfd, const char *pathname, int flags)',
    summary: 'remove a name (with removedir: an empty directory)',
    detail: prose`
      The file itself goes when its last name and its last descriptor are gone. Removing a directory of a cgroup file system
      ends the cgroup; its files need not be removed, but no process may be left in it.`,
    man: 'unlink(2)',
    errors: {
      ...PATH_ERRORS,
      EBUSY: 'something is mounted there, or it is a cgroup in which processes or child cgroups remain',
      ENOTEMPTY: 'the directory holds files',
      EISDIR: 'it is a directory: removedir is needed',
      EPERM: 'the directory is sticky and the file somebody else’s, or it may not be changed',
      EINVAL: 'the last part of the path is “.”',
    },
    shell: (step) => `${wordsOf(step, 'flags').includes('removedir') ? 'rmdir' : 'rm'} ${plainPath(step)}`,
  },
  {
    call: 'rmdir_tree',
    signature: 'int rmdir(const char *pathname)   /* for each directory below, and then for it */',
    summary: 'remove a directory and the empty directories in it',
    detail: prose`
      Not one system call but a row of rmdir, from the bottom up. It is for cgroups, whose control files cannot be deleted and
      need not be: the kernel takes them along with the directory. Ordinary files are never touched; where one is, the directory
      stays.`,
    man: 'rmdir(2)',
    errors: {
      ...PATH_ERRORS,
      ENOENT: 'it is gone already',
      EBUSY: 'processes live in the cgroup (or have just ended and are not reaped yet), or something is mounted there',
      ENOTEMPTY: 'there are files in it, so it is no cgroup of ours',
    },
    shell: (step) => `find ${shellWord(step, 'pathname')} -depth -type d -exec rmdir {} +`,
  },
  {
    call: 'remove_tree',
    signature: 'int unlinkat(int dirfd, const char *pathname, int flags)   /* for everything below, and then for it */',
    summary: 'remove a directory with everything in it',
    detail: prose`
      Not one system call but as many as it takes, what rm -r does: each directory is opened below the one before it, its files are
      unlinked and then itself. It never goes by long paths, so that nobody can slip a link into the middle of one, and openat2 with
      no_xdev keeps it out of mounts: a volume that is still mounted inside keeps its files.`,
    man: 'unlink(2)',
    errors: {
      ...PATH_ERRORS,
      ENOENT: 'it is gone already',
      EBUSY: 'something is mounted in it, or it is a mount itself; the rest of it is gone',
      ENOTDIR: 'it is a file or a link, which unlinkat removes',
      EINVAL: 'the last part of the path is “.” or “..”',
      EPERM: 'something in it belongs to somebody else, or may not be changed',
    },
    shell: (step) => `rm -r --one-file-system ${shellWord(step, 'pathname')}`,
  },
  {
    call: 'thaw_tree',
    signature: 'ssize_t write(int fd, "THAWED", 6)   /* to freezer.state of each directory, from the top down */',
    summary: 'let a frozen cgroup and all below it go on (v1)',
    detail: prose`
      Not one system call but some: each freezer.state of a version 1 freezer is opened and written to. It belongs to the taking back:
      a process frozen by version 1 does not even die of SIGKILL before it is thawed, so whoever waits for its end must thaw it first.
      In version 2 a frozen process can be killed.`,
    man: 'cgroups(7)',
    errors: { ...PATH_ERRORS, ENOENT: 'it is gone already', EACCES: 'the cgroup was not delegated to this user' },
    shell: (step) => `find ${shellWord(step, 'pathname')} -name freezer.state -exec sh -c 'echo THAWED > "$1"' sh {} ';'`,
  },
  {
    call: 'renameat2',
    signature: 'int renameat2(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, unsigned int flags)',
    summary: 'give a file another name, in one indivisible act',
    detail: prose`
      Whoever looks sees the old file or the new one under the name, never half of either: state files are written under another
      name and then renamed.`,
    man: 'rename(2)',
    errors: {
      ...NEW_NAME,
      EXDEV: 'the two names are on different mounts (also when both show the same file system)',
      EBUSY: 'one of them is a mount point or in use by the kernel',
      ENOTEMPTY: 'the new name is a directory with files in it',
      EISDIR: 'the new name is a directory, the old one is not',
      EINVAL: 'a directory cannot move into itself, or this file system lacks the flag',
    },
    shell: (step) => `mv -T ${shellWord(step, 'oldpath')} ${shellWord(step, 'newpath')}`,
  },
  {
    call: 'linkat',
    signature: 'int linkat(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, int flags)',
    summary: 'give a file one more name',
    detail: prose`
      Both names are equal, and the file goes with the last of them. Image layers contain such pairs.`,
    man: 'link(2)',
    errors: {
      ...NEW_NAME,
      EXDEV: 'the two names are on different mounts',
      EPERM: 'it is a directory, or not the caller’s file (fs.protected_hardlinks)',
      EMLINK: 'the file has too many names',
    },
    shell: (step) => `ln ${shellWord(step, 'oldpath')} ${shellWord(step, 'newpath')}`,
  },
  {
    call: 'symlinkat',
    signature: 'int symlinkat(const char *target, int newdirfd, const char *linkpath)',
    summary: 'make a symbolic link',
    detail: prose`
      A link is a small file that holds a path. It is read when somebody walks over it, from *that* process’s root: the same
      link leads to different files on the host and in the container.`,
    man: 'symlink(2)',
    errors: { ...NEW_NAME, EPERM: 'this file system has no symbolic links' },
    shell: (step) => `ln -s ${shellWord(step, 'target')} ${plainPath(step, 'linkpath', 'newdirfd')}`,
  },
  {
    call: 'readlinkat',
    signature: 'ssize_t readlinkat(int dirfd, const char *pathname, char *buf, size_t bufsiz)',
    summary: 'read what a symbolic link holds',
    detail: prose`
      On /proc/PID/ns/uts it answers “uts:[4026531838]”: kind and inode number of the process’s namespace. Equal numbers, same
      namespace.`,
    man: 'readlink(2)',
    errors: {
      ...PATH_ERRORS,
      EINVAL: 'it is no symbolic link',
      EACCES: 'for /proc/PID/ns: the caller may not trace that process; elsewhere: a directory may not be searched',
    },
    shell: (step) => `readlink ${plainPath(step)}`,
  },
]
