/** Cards of the calls that read a tree of files: what an archive of a layer is made of. */
import { NO_KIND } from './attributes.js'
import { type Card, prose } from './card.js'
import { PATH_ERRORS, plainPath } from './paths.js'
import { numberOf, pathOfDescriptor, shellWord } from './shell.js'

const NOT_OPEN = 'that descriptor is not open, or not for reading'

export const READING_CARDS: readonly Card[] = [
  {
    call: 'getdents64',
    signature: 'ssize_t getdents64(int fd, void *dirp, size_t count)',
    summary: 'read names from an open directory',
    detail: prose`
      As many entries as fit, in whatever order the file system keeps them, and 0 when there are no more. A name is bytes: anything
      but a slash and a NUL byte, and nothing says that it is text. This is the call behind ls and find.`,
    man: 'getdents(2)',
    errors: {
      EBADF: NOT_OPEN,
      ENOTDIR: 'that descriptor is no directory’s',
      EINVAL: 'the buffer is too small for the next entry',
      ENOENT: 'the directory has been removed',
    },
    shell: (step, earlier = []) => {
      const path = pathOfDescriptor(step, earlier)
      return path === undefined ? undefined : `ls -f ${path}`
    },
  },
  {
    call: 'statx',
    signature: 'int statx(int dirfd, const char *pathname, int flags, unsigned int mask, struct statx *statxbuf)',
    summary: 'tell what is known of a file',
    detail: prose`
      Type, mode, owner, size, times, how many names it has, and the numbers of a device: all that an archive says of it, but its content
      and its attributes. Owners are the caller’s user namespace’s: who has no number there is shown as 65534.`,
    man: 'statx(2)',
    errors: { ...PATH_ERRORS, EINVAL: 'flags or a mask that this kernel does not know', EBADF: NOT_OPEN },
    shell: (step) => `stat ${plainPath(step)}`,
  },
  {
    call: 'llistxattr',
    signature: 'ssize_t llistxattr(const char *path, char *list, size_t size)',
    summary: 'name the named values of a file',
    detail: prose`
      Of the file itself, also when it is a link. What begins with trusted. is shown to who has CAP_SYS_ADMIN in the first user namespace:
      overlayfs keeps its notes there, so without it they do not exist.`,
    man: 'listxattr(2)',
    errors: {
      ...PATH_ERRORS,
      ERANGE: 'the names need a longer buffer',
      EOPNOTSUPP: NO_KIND,
    },
    shell: (step) => `getfattr -h -m - ${shellWord(step, 'path')}`,
  },
  {
    call: 'lgetxattr',
    signature: 'ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size)',
    summary: 'read a named value of a file itself, not of what a link leads to',
    detail: prose`
      security.capability is what gives a program like ping its privilege without a setuid bit; it is the one attribute that Docker takes
      along into a layer.`,
    man: 'getxattr(2)',
    errors: {
      ...PATH_ERRORS,
      ENODATA: 'the file has no value of that name; for trusted.* also: the caller lacks CAP_SYS_ADMIN in the first user namespace',
      EOPNOTSUPP: NO_KIND,
      ERANGE: 'the value is longer than the buffer',
    },
    shell: (step) => `getfattr -h -n ${shellWord(step, 'name')} ${shellWord(step, 'path')}`,
  },
  {
    call: 'pread64',
    signature: 'ssize_t pread64(int fd, void *buf, size_t count, off_t offset)',
    summary: 'read bytes from a place in an open file',
    detail: prose`
      Where the descriptor stands does not change, so several readers of one descriptor do not meet. A hole reads as zeros.`,
    man: 'pread(2)',
    errors: {
      EBADF: NOT_OPEN,
      EISDIR: 'a directory cannot be read as a file',
      ESPIPE: 'a pipe, a fifo or a terminal has no places',
      EINVAL: 'a negative offset, or this file cannot be read',
    },
    shell: (step, earlier = []) => {
      const path = pathOfDescriptor(step, earlier)
      const place = `skip=${numberOf(step, 'offset')} count=${numberOf(step, 'count')}`
      return path === undefined ? undefined : `dd if=${path} iflag=skip_bytes,count_bytes ${place} status=none`
    },
  },
  {
    call: 'lseek',
    signature: 'off_t lseek(int fd, off_t offset, int whence)',
    summary: 'move in an open file, or find where it has content',
    detail: prose`
      A file may be longer than what the disk keeps of it. Seeking the next data and the next hole by turns says which parts are there,
      and a reader need not read gigabytes of zeros.`,
    man: 'lseek(2)',
    errors: {
      EBADF: NOT_OPEN,
      ENXIO: 'behind that offset there is no more data, or it is beyond the file’s end',
      ESPIPE: 'a pipe, a fifo or a terminal has no places',
      EINVAL: 'a place before the begin, or a whence that this kernel does not know',
    },
  },
]
