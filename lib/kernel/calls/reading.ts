/** Calls that read a tree of files as it is: names, what is known of each, attributes, contents. Names are bytes, whatever they mean. */
import { bits, dirfd, fd, int, out, path, word } from '../args.js'
import { type Descriptor, type Pathname, type Step, type StepOptions, step } from '../step.js'
import type { Word } from '../words.js'

type AtOptions = StepOptions & { dirfd?: Descriptor }

/** getdents64(2): as many entries as fit into `size` bytes, which are the step's out-buffer; 0 when there are no more. */
export const getdents64 = (descriptor: Descriptor, size: number, options?: StepOptions): Step =>
  step('getdents64', [fd('fd', descriptor), out('dirp', size), int('count', size)], options)

/** STATX_BASIC_STATS and the size of struct statx in linux/stat.h: one number on every architecture, as is the place of each member. */
const BASIC_STATS = 0x7ff
const STATX_SIZE = 256

const BASIC = int('mask', BASIC_STATS, 'basic_stats')
const STATX = out('statxbuf', STATX_SIZE)
const CWD = dirfd('dirfd')
const NOFOLLOW = bits('flags', 'at', ['symlink_nofollow'])

/** statx(2), Linux 4.11, of a name itself and not of what it leads to: struct statx is the step's out-buffer. */
export function statx(pathname: Pathname, options: AtOptions = {}): Step {
  const { dirfd: directory, ...rest } = options
  return step(
    'statx',
    [directory === undefined ? CWD : dirfd('dirfd', directory), path('pathname', pathname), NOFOLLOW, BASIC, STATX],
    rest,
  )
}

/** llistxattr(2): the names of the attributes, each with a NUL byte behind it, are the step's out-buffer. ERANGE when they need more. */
export const llistxattr = (pathname: Pathname, size: number, options?: StepOptions): Step =>
  step('llistxattr', [path('path', pathname), out('list', size), int('size', size)], options)

/** lgetxattr(2): the attribute's value is the step's out-buffer. ERANGE when it needs more. */
export const lgetxattr = (pathname: Pathname, name: string, size: number, options?: StepOptions): Step =>
  step('lgetxattr', [path('path', pathname), path('name', name), out('value', size), int('size', size)], options)

/** pread64(2): at most `count` bytes from `offset` on, which are the step's out-buffer. */
export const pread64 = (descriptor: Descriptor, count: number, offset: number, options?: StepOptions): Step =>
  step('pread64', [fd('fd', descriptor), out('buf', count), int('count', count), int('offset', offset)], options)

/** lseek(2): `data` and `hole` lead to the next byte that is there, or to the next that is not; ENXIO when none of the kind follows. */
export const lseek = (descriptor: Descriptor, offset: number, whence: Word<'seek'>, options?: StepOptions): Step =>
  step('lseek', [fd('fd', descriptor), int('offset', offset), word('whence', 'seek', whence)], options)
