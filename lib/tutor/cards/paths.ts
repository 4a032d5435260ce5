/** What the cards of calls that take a path have in common. */
import type { Step } from '../../kernel/step.js'
import type { ErrorNotes } from './card.js'
import { argument, shellWord } from './shell.js'

/** What every walk along a path can answer. */
export const PATH_ERRORS: ErrorNotes = {
  ENOENT: 'a part of the path does not exist in the caller’s root (before pivot_root that is the host’s, after it the container’s)',
  EACCES: 'a directory on the way may not be searched or written by this id, or the file’s mode forbids it',
  ENOTDIR: 'a part of the path that should be a directory is a file',
  ELOOP: 'too many symbolic links on the way, or a link where none is allowed',
  EROFS: 'the mount is read-only',
  ENAMETOOLONG: 'a name is longer than 255 bytes, or the whole path longer than 4095',
}

/** And every making of a name. */
export const NEW_NAME: ErrorNotes = {
  ...PATH_ERRORS,
  EEXIST: 'something of that name is there already (left by an earlier try?)',
  ENOSPC: 'the file system is full, or has no room for more files',
  EDQUOT: 'the user’s quota is used up',
  EPERM: 'the file system does not do this, or the directory is immutable',
}

/** The path, when it is looked up from the current directory and not from a descriptor. */
export function plainPath(step: Step, name = 'pathname', directory = 'dirfd'): string | undefined {
  const from = argument(step, directory)
  const path = shellWord(step, name)
  if (from?.kind === 'word') return path
  return path?.startsWith('/') ? path : `/proc/self/fd/${shellWord(step, directory)}/${path}`
}
