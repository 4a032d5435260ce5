/** Cards of the calls that make special files, and of those that read and set what files have besides their bytes. */
import type { Step } from '../../kernel/step.js'
import { type Card, prose } from './card.js'
import { NEW_NAME, PATH_ERRORS, plainPath } from './paths.js'
import { argument, numberOf, shellWord, wordsOf } from './shell.js'

/** `path c 1 3`: mknod(1)'s words for what the step makes. */
function mknodShell(step: Step): string | undefined {
  const shown = (name: string) => {
    const arg = argument(step, name)
    return arg?.kind === 'int' ? (arg.shown ?? '') : ''
  }
  const mode = /^(\w+)\|0(\d+)$/.exec(shown('mode'))
  const device = /^makedev\((\d+), (\d+)\)$/.exec(shown('dev'))
  const letter = { ifchr: 'c', ifblk: 'b', ififo: 'p' }[mode?.[1] ?? '']
  if (!mode || !device || !letter) return undefined
  return `mknod -m ${mode[2]} ${shellWord(step, 'pathname')} ${letter}${letter === 'p' ? '' : ` ${device[1]} ${device[2]}`}`
}

/** xattr(7): the namespaces of attributes. */
export const NO_KIND =
  'this file system keeps no attributes of that kind; the word before the first dot says the kind (user, trusted, security, system), and others there are none'

export const ATTRIBUTE_CARDS: readonly Card[] = [
  {
    call: 'mknodat',
    signature: 'int mknodat(int dirfd, const char *pathname, mode_t mode, dev_t dev)',
    summary: 'make a device node, a fifo or an empty file',
    detail: prose`
      A device node is a name for a driver: character device 1:3 is /dev/null wherever it stands. In a user namespace devices
      are refused, since anybody could make a node for the disk; a container without root gets the host’s nodes by bind mounts.
      A character device 0:0 is overlayfs’s mark for “deleted” (and may be made by anybody since 5.8).`,
    man: 'mknod(2)',
    errors: {
      ...NEW_NAME,
      EPERM: prose`
        devices take CAP_MKNOD in the first user namespace (in a user namespace bind the host’s node instead), or the cgroup’s
        device rules forbid it`,
      EINVAL: 'a type of file that cannot be made so (directories: mkdir)',
    },
    shell: mknodShell,
  },
  {
    call: 'fchmodat',
    signature: 'int fchmodat(int dirfd, const char *pathname, mode_t mode)',
    summary: 'set the mode of a file',
    detail: prose`
      Exactly the mode given, the umask does not count here: /tmp needs 1777, which a mkdir alone would not give it.`,
    man: 'chmod(2)',
    errors: { ...PATH_ERRORS, EPERM: 'only the owner may, or CAP_FOWNER; in a user namespace only for files whose ids are mapped' },
    shell: (step) => `chmod ${numberOf(step, 'mode')} ${plainPath(step)}`,
  },
  {
    call: 'fchownat',
    signature: 'int fchownat(int dirfd, const char *pathname, uid_t owner, gid_t group, int flags)',
    summary: 'give a file to another user and group',
    detail: prose`
      The numbers are those of the caller’s user namespace and are translated by its map: 0 inside may be 100000 on the disk. A
      change clears setuid and setgid bits of the file.`,
    man: 'chown(2)',
    errors: {
      ...PATH_ERRORS,
      EPERM: 'needs CAP_CHOWN over the file: in a user namespace its present owner must be mapped too',
      EINVAL: 'that id has no mapping in this user namespace',
    },
    shell: (step) => {
      const nofollow = wordsOf(step, 'flags').includes('symlink_nofollow') ? '-h ' : ''
      return `chown ${nofollow}${numberOf(step, 'owner')}:${numberOf(step, 'group')} ${plainPath(step)}`
    },
  },
  {
    call: 'statfs',
    signature: 'int statfs(const char *path, struct statfs *buf)',
    summary: 'tell what kind of file system a path is on',
    detail: prose`
      The first number of the answer is the file system’s magic: 0x63677270 for cgroup2, 0x27e0eb for cgroup v1, 0x9fa0 for
      proc. This is the sure way to learn which version of cgroups a host has.`,
    man: 'statfs(2)',
    errors: PATH_ERRORS,
    shell: (step) => `stat -f ${shellWord(step, 'path')}`,
  },
  {
    call: 'setxattr',
    signature: 'int setxattr(const char *path, const char *name, const void *value, size_t size, int flags)',
    summary: 'attach a named value to a file',
    detail: prose`
      File capabilities (security.capability), overlayfs’s marks (trusted.overlay.…, or user.overlay.… without root) and what
      images bring along are such values.`,
    man: 'setxattr(2)',
    errors: {
      ...PATH_ERRORS,
      EPERM: prose`
        trusted.* takes CAP_SYS_ADMIN in the first user namespace, security.capability CAP_SETFCAP; user.* works on files and
        directories only`,
      EOPNOTSUPP: NO_KIND,
      ENOSPC: 'no room for the value',
      E2BIG: 'the value is longer than 64 KiB',
      ERANGE: 'the name is longer than 255 bytes or empty',
    },
    shell(step) {
      const value = argument(step, 'value')
      const hexadecimal = value?.kind === 'bytes' ? `0x${Buffer.from(value.bytes).toString('hex')}` : ''
      return `setfattr -n ${shellWord(step, 'name')} -v ${shellWord(step, 'value') ?? hexadecimal} ${shellWord(step, 'path')}`
    },
  },
  {
    call: 'getxattr',
    signature: 'ssize_t getxattr(const char *path, const char *name, void *value, size_t size)',
    summary: 'read a named value of a file',
    detail: prose`
      What setxattr has attached, by its name. overlayfs keeps its own notes in such values of the upper layer: “y” in
      trusted.overlay.opaque (user.overlay.opaque without root) says that nothing below this directory is to be seen.`,
    man: 'getxattr(2)',
    errors: {
      ...PATH_ERRORS,
      ENODATA: 'the file has no value of that name; for trusted.* also: the caller lacks CAP_SYS_ADMIN in the first user namespace',
      EOPNOTSUPP: NO_KIND,
      EPERM: 'user.* is for files and directories only',
      ERANGE: 'the value is longer than the buffer, or the name longer than 255 bytes',
    },
    shell: (step) => `getfattr -n ${shellWord(step, 'name')} ${shellWord(step, 'path')}`,
  },
]
